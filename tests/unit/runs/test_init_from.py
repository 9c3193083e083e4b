"""A new run that starts from another run's weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from door import TINY, call, refused, train
from torch import nn

from gan_lightning.errors import UserError
from gan_lightning.runs.init_from import start_from
from gan_lightning.runs.loading import checkpoint_at


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "run"
    train("trainer.max_steps=2", folder)
    return folder


def stored(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def test_it_starts_from_those_weights_and_counts_from_zero(source: Path, tmp_path: Path) -> None:
    answer = train(f"init_from={source} optimizer.lr=0 trainer.max_steps=1 seed=5", tmp_path)
    theirs, ours = stored(source), stored(tmp_path)
    for player in ("generator", "discriminator"):
        weights = [name for name in ours if name.startswith(player) and name.endswith("weight")]
        assert weights
        assert all(torch.equal(ours[name], theirs[name]) for name in weights)
    assert f"{len(theirs)} of {len(theirs)} tensors taken over" in answer.out
    assert json.loads((tmp_path / "summary.json").read_text())["iteration"] == 1


def test_what_fits_is_said(source: Path, tmp_path: Path) -> None:
    answer = train(f"init_from={source} data.channels=3 optimizer.lr=0 trainer.max_steps=1", tmp_path)
    theirs, ours = stored(source), stored(tmp_path)
    misshapen = [name for name in theirs if ours[name].shape != theirs[name].shape]
    assert 0 < len(misshapen) < 10
    kept = [name for name in ours if name.startswith("generator.") and name not in misshapen and "weight" in name]
    assert kept
    assert all(torch.equal(ours[name], theirs[name]) for name in kept)
    assert f"{len(theirs) - len(misshapen)} of {len(ours)} tensors taken over" in answer.out
    assert f"{len(misshapen)} of another shape" in answer.out


def test_nothing_fits(source: Path, tmp_path: Path) -> None:
    line = f"{TINY.replace('model.generator.width=4', 'model=mlp')} init_from={source} trainer.max_steps=1"
    assert "none of its weights fits" in refused(line, tmp_path)
    with pytest.raises(UserError, match="none of its weights fits"):
        start_from(nn.Linear(1, 1), source)


def test_a_resumed_run_does_not_start_over(source: Path, tmp_path: Path) -> None:
    train(f"init_from={source} trainer.max_steps=1", tmp_path)
    answer = call(f"resume={tmp_path} trainer.max_steps=2")
    assert answer.status == 0
    assert "taken over" not in answer.out


def test_which_checkpoint(source: Path, tmp_path: Path) -> None:
    last = source / "checkpoints" / "last.ckpt"
    assert checkpoint_at(source) == last
    assert checkpoint_at(last) == last
    with pytest.raises(UserError, match=r"last\.ckpt is missing"):
        checkpoint_at(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", "cut"])
def test_a_damaged_file_is_refused_in_one_line(content: bytes | str, source: Path, tmp_path: Path) -> None:
    whole = (source / "checkpoints" / "last.ckpt").read_bytes()
    file = tmp_path / "torn.ckpt"
    file.write_bytes(whole[: len(whole) // 2] if isinstance(content, str) else content)
    said = refused(f"{TINY} init_from={file} trainer.max_steps=1", tmp_path / "run")
    assert said.startswith(f"{file} is damaged or no checkpoint (")
    assert not (tmp_path / "run").exists()
