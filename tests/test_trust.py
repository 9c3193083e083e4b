"""What a stored configuration may build."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_lightning.errors import UserError
from gan_lightning.losses import Hinge
from gan_lightning.trust import build_trusted, check_trusted, find, trusted_class


@pytest.mark.parametrize(
    "target",
    [
        "gan_lightning.LitGAN",
        "gan_lightning.networks.DCGANGenerator",
        "gan_lightning.data.digits.Digits",
        "torch.optim.Adam",
        "torch.nn.BatchNorm2d",
        "lightning.pytorch.Trainer",
        "lightning.pytorch.loggers.CSVLogger",
        "lightning.pytorch.callbacks.Timer",
    ],
)
def test_what_our_own_configurations_name_is_trusted(target: str) -> None:
    assert trusted_class(target) is find(target)


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "subprocess.Popen",
        "builtins.eval",
        "torch.os.system",
        "torch.load",
        "torch.hub.load",
        "torch.jit.load",
        "torch.utils.cpp_extension.load_inline",
        "torch.nn.modules.module.os.system",
        "torch.optim.optimizer.functools.partial",
        "gan_lightning.build.make",
        "gan_lightning.cli.os.system",
        "gan_lightning.provenance.subprocess.Popen",
        "gan_lightning.cli.main",
        "gan_lightning.LitGAN.load_from_checkpoint",
        "lightning.pytorch.callbacks.lambda_function.Callback.__init__",
        "lightning.pytorch.cli.LightningCLI",
        "torch",
        "torch.nn",
        "",
        "gan_lightning",
        "gan_lightning.nothing",
        "....",
        "gan_lightning..networks",
    ],
)
def test_everything_else_is_refused(target: str) -> None:
    with pytest.raises(UserError, match="stored configuration"):
        trusted_class(target)


def test_a_refused_module_is_not_even_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "somebodys.py").write_text("class Net: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match=r"allow=\[somebodys\]"):
        trusted_class("somebodys.Net")
    assert "somebodys" not in sys.modules
    assert trusted_class("somebodys.Net", ["somebodys"]).__name__ == "Net"
    del sys.modules["somebodys"]


def test_vouching_for_a_module_vouches_for_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vouched.py").write_text("import subprocess\nfrom os import system\n")
    (tmp_path / "vouched_not.py").write_text("class Net: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    for target in ("vouched.subprocess.Popen", "vouched.system", "vouched_not.Net"):
        with pytest.raises(UserError, match="stored configuration"):
            trusted_class(target, ["vouched"])


EVIL = {"_target_": "torch.os.system", "command": "true"}


@pytest.mark.parametrize(
    "config",
    [
        EVIL,
        {"a": EVIL},
        [EVIL],
        {"a": [[{"b": EVIL}]]},
        {"_target_": "gan_lightning.losses.Hinge", "a": EVIL},
        {"_target_": "lightning.pytorch.callbacks.LambdaCallback", "setup": {**EVIL, "_partial_": True}},
        {"_target_": None},
        {"_target_": ["os.system"]},
        {"_target_": "${somewhere}"},
    ],
    ids=str,
)
def test_the_check_looks_everywhere(config: Any) -> None:
    with pytest.raises(UserError, match="stored configuration"):
        check_trusted(config)
    with pytest.raises(UserError, match="stored configuration"):
        build_trusted(config)


def test_building() -> None:
    assert build_trusted({"_target_": "gan_lightning.losses.Hinge"}) == Hinge()
    assert build_trusted({"a": [1, {"b": None}], "c": "text"}) == {"a": [1, {"b": None}], "c": "text"}
    made = build_trusted({"_target_": "torch.optim.SGD", "_partial_": True, "_convert_": "all", "lr": 0.5})
    assert isinstance(made, partial)
    assert made.func is torch.optim.SGD
    assert made.keywords == {"lr": 0.5}


def test_find() -> None:
    assert find("torch.nn.Linear") is torch.nn.Linear
    assert find("torch.nothing") is None
    assert find("no_such_package.Thing") is None
    assert find("plain") is None
