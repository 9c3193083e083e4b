"""Generators from images to images as files for others: the same pictures at any size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import door
import numpy as np
import pytest
import torch
from PIL import Image
from verbs import done, refused

import gan_lightning
from gan_lightning.export.command import main
from gan_lightning.generate.command import main as generate

OPTIONS = "data.batch_size=4 trainer.accelerator=cpu logger=[] threads=1 callbacks.samples.count=4 trainer.max_steps=2"
RUNS = {
    "U-Net": ("generator", 4, f"model=pix2pix data=colours model.generator.width=4 {OPTIONS}"),
    "U-Net to one pixel": (
        *("generator", 32),
        f"model=pix2pix data=colours data.resolution=32 model.generator.width=4 {OPTIONS}",
    ),
    "residual": ("b2a", 4, f"model=cyclegan data=styles model.a2b.width=4 model.a2b.blocks=1 {OPTIONS}"),
}
"""For each network the name of the generator, what the sides of its images are multiples of, and a run."""


@pytest.fixture(scope="module", params=sorted(RUNS))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int, Path, Path]:
    """The name of a generator, what the sides of its images are multiples of, its run and its export."""
    run = tmp_path_factory.mktemp("run") / "run"
    name, multiple, line = RUNS[request.param]
    answer = door.call(line, run)
    assert answer.status == 0, answer.err
    out = done(main, f"{run} direction={name} formats=[torch,onnx]")
    assert out.count("largest difference") == 3
    return name, multiple, run, run / "export"


def test_its_programs_make_the_same_pictures_at_any_size(exported: tuple[str, int, Path, Path]) -> None:
    import onnxruntime

    name, multiple, run, folder = exported
    network = gan_lightning.load(run, name=name)
    graph = torch.export.load(folder / "generator.pt2").module()
    session = onnxruntime.InferenceSession(folder / "generator.onnx", providers=["CPUExecutionProvider"])
    for batch, *sides in ((1, 8, 36), (2, 64, 12), (1, 100, 200), (2, 8, 8)):
        height, width = (-(-side // multiple) * multiple for side in sides)
        shape = (batch, 1, height, width)
        images = torch.rand(shape) * 2 - 1
        expected = network(images)
        assert expected.shape[2:] == shape[2:]
        assert torch.allclose(graph(images), expected, atol=1e-4)
        (onnx,) = session.run(["translated"], {"images": images.numpy()})
        assert np.abs(onnx - expected.numpy()).max() < 1e-4
        assert torch.equal(gan_lightning.load(folder)(images), expected)


def test_its_program_maps_a_file_to_a_file_as_generate_does(
    exported: tuple[str, int, Path, Path], tmp_path: Path
) -> None:
    """In an interpreter that finds nothing of this project."""
    name, _, run, folder = exported
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.random.default_rng(0).integers(0, 256, (21, 13, 4), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    words = [sys.executable, "-P", str(folder / "translate.py"), str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    subprocess.run(words, check=True, cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"})
    for source, where in ((run, "run"), (folder, "export")):
        done(generate, f"{source} direction={name} from={tmp_path / 'a.png'} to={tmp_path / where} grid=false")
        ours, theirs = (np.asarray(Image.open(path)) for path in (tmp_path / where / "a.png", tmp_path / "b.png"))
        assert ours.shape[:2] == (13, 21)
        assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 1


def test_its_folder_says_what_it_is(exported: tuple[str, int, Path, Path]) -> None:
    name, multiple, run, folder = exported
    config = json.loads((folder / "config.json").read_text())
    assert (config["name"], config["in_channels"], config["multiple_of"], config["prior"]) == (name, 1, multiple, None)
    card = (folder / "README.md").read_text()
    assert "pipeline_tag: image-to-image" in card
    assert "python translate.py photo.jpg translated.png" in card
    assert (folder / "samples.png").read_bytes() == (run / "samples" / "iteration-0000002.png").read_bytes()
    assert f"holds one network, {name}, and 'other' was asked for" in refused(
        generate, f"{folder} direction=other from={folder / 'samples.png'}"
    )
