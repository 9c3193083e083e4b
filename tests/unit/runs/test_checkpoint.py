"""A checkpoint is on disk whole or not at all, and holds plain types."""

from __future__ import annotations

import errno
import os
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_lightning.errors import UserError
from gan_lightning.runs.checkpoint import AtomicCheckpointIO, keep_copy, load_checkpoint, require_plain

GOOD = {"gan_lightning": {"version": 2}, "state_dict": {"w": torch.ones(3)}}


def save(path: Path, checkpoint: dict[str, Any] = GOOD) -> None:
    AtomicCheckpointIO().save_checkpoint(checkpoint, path)


def test_there_and_back(tmp_path: Path) -> None:
    save(tmp_path / "new" / "last.ckpt")
    loaded = load_checkpoint(tmp_path / "new" / "last.ckpt")
    assert torch.equal(loaded["state_dict"]["w"], torch.ones(3))
    assert os.listdir(tmp_path / "new") == ["last.ckpt"]


def full_disk(*args: Any, **kwargs: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def full_disk_as_torch_says_it(*args: Any, **kwargs: Any) -> None:
    try:
        full_disk()
    except OSError:
        raise RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0")  # noqa: B904


@pytest.mark.parametrize(
    ("where", "failure"),
    [
        ("torch.save", full_disk),
        ("torch.save", full_disk_as_torch_says_it),
        ("os.fsync", full_disk),
        ("pathlib.Path.replace", full_disk),
    ],
)
def test_a_full_disk_leaves_the_old_one(
    where: str, failure: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = tmp_path / "last.ckpt"
    save(last)
    before = last.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(where, failure)
        with pytest.raises(UserError, match=r"last.ckpt: No space left on device. Earlier ones are intact"):
            save(last, {**GOOD, "state_dict": {"w": torch.zeros(3)}})
    assert last.read_bytes() == before
    assert os.listdir(tmp_path) == ["last.ckpt"]


def test_a_torn_write_is_never_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(checkpoint: Any, file: Any) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    save(tmp_path / "last.ckpt")
    monkeypatch.setattr(torch, "save", torn)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path / "last.ckpt")
    assert torch.equal(load_checkpoint(tmp_path / "last.ckpt")["state_dict"]["w"], torch.ones(3))


@pytest.mark.parametrize("value", [Path("x"), object(), lambda: None, torch.nn.Linear(1, 1), {"a": [Path("x")]}])
def test_only_plain_types_are_saved(value: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"checkpoint\['mine'\].* is a .*: save plain types only"):
        save(tmp_path / "last.ckpt", {**GOOD, "mine": value})
    assert not os.listdir(tmp_path)


def test_nothing_of_omegaconf_is_plain() -> None:
    from omegaconf import OmegaConf

    for value in (OmegaConf.create({"a": 1}), OmegaConf.create([1])):
        with pytest.raises(TypeError, match="omegaconf"):
            require_plain(value)


def test_what_is_plain_loads() -> None:
    require_plain({"a": OrderedDict(b=1), "c": (1, 2.0, None, True, "x", b"y", {3}), 4: torch.float32})


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no checkpoint at"):
        load_checkpoint(tmp_path / "none.ckpt")
    (tmp_path / "last.ckpt").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(UserError, match="is damaged or no checkpoint") as no_hint:
        load_checkpoint(tmp_path / "last.ckpt")
    assert "The one before" not in str(no_hint.value)
    save(tmp_path / "last.previous.ckpt")
    with pytest.raises(UserError, match=r"The one before it is .*last.previous.ckpt"):
        load_checkpoint(tmp_path / "last.ckpt")
    torch.save({"w": 1}, tmp_path / "foreign.ckpt")
    with pytest.raises(UserError, match="is no checkpoint of gan-lightning"):
        load_checkpoint(tmp_path / "foreign.ckpt")
    torch.save({"gan_lightning": {"version": 3}}, tmp_path / "later.ckpt")
    with pytest.raises(UserError, match="has format 3, but this release reads up to 2"):
        load_checkpoint(tmp_path / "later.ckpt")


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("PWNED",)


def test_a_pickle_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"gan_lightning": Bomb()}, tmp_path / "bomb.ckpt")
    for weights_only in (True, False, None):
        with pytest.raises(UserError, match="is damaged or no checkpoint"):
            AtomicCheckpointIO().load_checkpoint(tmp_path / "bomb.ckpt", weights_only=weights_only)
    assert not (tmp_path / "PWNED").exists()


@pytest.mark.parametrize("links", [True, False])
def test_a_copy_keeps_its_bytes(links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, copy = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"one")
    copy.write_bytes(b"older")
    if not links:
        monkeypatch.setattr(os, "link", full_disk)
    keep_copy(source, copy)
    AtomicCheckpointIO().remove_checkpoint(source)
    AtomicCheckpointIO().remove_checkpoint(source)
    assert copy.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["b"]
