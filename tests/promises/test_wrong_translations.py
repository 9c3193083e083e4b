"""What does not go together in a game between two domains, and what is wrong with pairs, is said in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from door import refused
from PIL import Image

ANY = "trainer.max_steps=1 trainer.accelerator=cpu threads=1 logger=[]"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("data=edges", ["two domains", "model=pix2pix for pairs", "data=digits"]),
        ("data=pairs", ["two domains", "model=pix2pix for pairs"]),
        ("data=styles model=mlp", ["model=cyclegan or model=cut"]),
        ("model=pix2pix data=digits", ["don't have two domains", "data=edges", "data=pairs", "model=dcgan"]),
        ("model=cyclegan data=toy", ["don't have two domains", "data=styles"]),
        ("model=pix2pix data=styles", ["Pix2Pix can't be played on Styles", "data=edges or data=pairs"]),
        ("model=pix2pix data=pairs", ["data.a=... and data.b=...", "data.root=..."]),
        ("model=cyclegan data=domains", ["data.a=... and data.b=..."]),
        ("model=cyclegan data=colours model.a2b.width=4", ["model.identity_weight=0", "data.channels_a"]),
        ("model=cut data=colours model.generator.width=4", ["takes 1 channels and makes 3", "data.channels_a"]),
        ("model=pix2pix data=edges data.resolution=27", ["27 x 27 pixels don't fit", "take 24 or 28"]),
        ("model=pix2pix data=edges data.resolution=16", ["at least 24", "take 24"]),
        ("model=pix2pix data=edges model.generator.depth=3", ["multiple of 8", "take 24 or 32"]),
        ("model=cut data=styles data.resolution=[28,30]", ["28 x 30 pixels don't fit", "in place of 30 take 28 or 32"]),
        ("model=pix2pix data=edges callbacks=toy", ["draws points", "callbacks=default"]),
        ("model=pix2pix data=edges conditioning=projection", ["take no labels", "conditioning=none"]),
        ("model=pix2pix data=edges model.generator.width=4 loss=wgan_gp", ["batch norm", "instance in a PatchGAN"]),
        ("model=cut data=styles model.generator.blocks=2", ["fewer layers", "more blocks"]),
    ],
)
def test_what_does_not_go_together(line: str, says: list[str], tmp_path: Path) -> None:
    answer = refused(f"{line} {ANY}", tmp_path / "run")
    for part in says:
        assert part in answer
    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.fixture
def twelve_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a/ and b/, each with 0.png to 11.png."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    random = np.random.default_rng(0)
    for side in "ab":
        (tmp_path / "pairs" / side).mkdir(parents=True)
        for i in range(12):
            pixels = random.integers(0, 256, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pairs" / side / f"{i}.png")
    return tmp_path / "pairs"


def test_faults_of_pairs(twelve_pairs: Path, tmp_path: Path) -> None:
    line = f"model=pix2pix data=pairs data.root={twelve_pairs} data.resolution=32 {ANY}"
    third = twelve_pairs / "b" / "3.png"
    good = third.read_bytes()
    third.unlink()
    assert "1 picture(s) of a/" in (answer := refused(line, tmp_path / "run"))
    assert "no partner" in answer
    assert "3.png" in answer
    third.write_bytes(good[:200])
    assert "3 (image file is truncated)" in refused(line, tmp_path / "run")
    Image.new("RGB", (40, 30)).save(third)
    assert "3 (a is 40 x 40 pixels and b 40 x 30)" in (answer := refused(line, tmp_path / "run"))
    assert "data.skip_damaged=true" in answer
