"""``gan_lightning.load``: the generator of a run, as the run would use it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from door import train
from PIL import Image

import gan_lightning
from gan_lightning.errors import UserError
from gan_lightning.images import grid, to_bytes
from gan_lightning.randomness import UpdateDraw

OWN = """
from torch import nn

class Own(nn.Module):
    def __init__(self, channels, resolution, latent_dim, width, norm, num_classes, conditioning):
        super().__init__()
        self.latent_dim = latent_dim
        self.body = nn.Sequential(nn.Linear(latent_dim, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28)))

    def forward(self, z, y=None):
        return self.body(z)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loading") / "run"
    train("trainer.max_steps=3", folder)
    return folder


def test_its_images_are_those_of_the_run(run: Path) -> None:
    generator = gan_lightning.load(run)
    draw = UpdateDraw((0, "samples"), rank=0, world_size=1, device=torch.device("cpu"))
    z = draw.normal("z", (4, generator.latent_dim))
    drawn = Image.open(run / "samples" / "iteration-0000003.png")
    ours = grid(to_bytes(generator(z)), 8)[0]
    assert np.array_equal(np.asarray(drawn), ours.numpy())


def test_folder_and_file_are_the_same(run: Path) -> None:
    one, other = gan_lightning.load(str(run)), gan_lightning.load(run / "checkpoints" / "last.ckpt")
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert not one.training
    assert not any(parameter.requires_grad for parameter in one.parameters())


def test_raw_and_averaged_weights(run: Path) -> None:
    stored = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    for averaged, prefix in ((True, "average.model."), (False, "generator.")):
        weights = gan_lightning.load(run, averaged=averaged).state_dict()
        assert weights
        assert all(torch.equal(value, stored[prefix + name]) for name, value in weights.items())
    raw, averaged = (gan_lightning.load(run, averaged=choice).parameters() for choice in (False, True))
    assert not any(torch.equal(a, b) for a, b in zip(raw, averaged, strict=True))


def test_a_network_of_ones_own_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_net.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    line = "model.generator._target_=own_net.Own model.generator.latent_dim=3 trainer.max_steps=1"
    train(line, tmp_path / "run")
    with pytest.raises(UserError, match=r"allow=\[own_net\]"):
        gan_lightning.load(tmp_path / "run")
    assert gan_lightning.load(tmp_path / "run", allow=["own_net"])(torch.zeros(2, 3)).shape == (2, 1, 28, 28)


def test_what_cannot_be_loaded(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no run with a checkpoint"):
        gan_lightning.load(tmp_path)
    (tmp_path / "torn.ckpt").write_bytes((run / "checkpoints" / "last.ckpt").read_bytes()[:5000])
    with pytest.raises(UserError, match="damaged"):
        gan_lightning.load(tmp_path / "torn.ckpt")
    torch.save({"gan_lightning": {"version": 2}, "state_dict": {}}, tmp_path / "other.ckpt")
    with pytest.raises(UserError, match=r"other\.ckpt"):
        gan_lightning.load(tmp_path / "other.ckpt")


def test_a_strangers_checkpoint_runs_nothing(run: Path, tmp_path: Path) -> None:
    stored = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    stored["config"]["model"]["generator"] = {"_target_": "torch.os.mkdir", "path": str(tmp_path / "PWNED")}
    torch.save(stored, tmp_path / "evil.ckpt")
    with pytest.raises(UserError, match="stored configuration"):
        gan_lightning.load(tmp_path / "evil.ckpt")
    assert not (tmp_path / "PWNED").exists()


def test_it_needs_no_hydra_and_no_lightning_trainer(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    code = (
        "import sys, torch, gan_lightning\n"
        f"images = gan_lightning.load({str(tmp_path / 'run')!r})(torch.zeros(1, 16))\n"
        "assert images.shape == (1, 1, 28, 28)\n"
        "print([name for name in ('hydra', 'omegaconf') if name in sys.modules])\n"
    )
    source = str(Path(gan_lightning.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
