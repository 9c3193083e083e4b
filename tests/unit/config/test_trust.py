"""What a stored configuration may build."""

from __future__ import annotations

import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.utils import instantiate

from gan_lightning.config.instantiate import build, find
from gan_lightning.config.trust import build_trusted, check_references, check_trusted, trusted_class
from gan_lightning.errors import UserError
from gan_lightning.losses import Hinge


@pytest.mark.parametrize(
    "target",
    [
        "gan_lightning.games.GAN",
        "gan_lightning.networks.DCGANGenerator",
        "gan_lightning.data.sets.digits.Digits",
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
        "gan_lightning.train.build.make",
        "gan_lightning.cli.os.system",
        "gan_lightning.runs.provenance.subprocess.Popen",
        "gan_lightning.cli.main",
        "gan_lightning.games.GAN.load_from_checkpoint",
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


def resolved_again(node: dict[str, Any]) -> Any:
    """What Hydra makes of plain containers: an OmegaConf, whose texts are resolved once more."""
    return instantiate(node, _convert_="all")


def test_what_is_built_is_what_was_checked() -> None:
    """A text stays a text. Hydra, handed the same containers, calls what the text asks for."""
    text = "${oc.create:{_target_: collections.Counter, spam: 3}}"
    node = {"_target_": "builtins.dict", "value": text, "values": [text]}
    assert resolved_again(node) == {"value": Counter(spam=3), "values": [Counter(spam=3)]}
    assert build(node) == {"value": text, "values": [text]}
    with pytest.raises(UserError, match=r"value of a stored configuration holds '\$\{'"):
        check_trusted({"_target_": "gan_lightning.losses.Hinge", "value": text})


@pytest.mark.parametrize("node", ["${a}", ["${a}"], {"${a}": 1}, {"a": ({"b": ["x${"]},)}], ids=str)
def test_a_text_that_can_be_resolved_again_is_not_built(node: Any) -> None:
    for check in (check_trusted, build_trusted):
        with pytest.raises(UserError, match="could be resolved once more"):
            check(node)


@pytest.mark.parametrize(
    "text",
    [
        "${oc.env:HOME}",
        "a${oc.decode:1}",
        "${a.${b}}",
        "${a.${oc.env:X}}",
        "${now:%S}",
        r"\${oc.create:{a: 1}}",
        "${",
        "${a b}",
    ],
)
def test_a_stored_configuration_calls_no_resolver(text: str) -> None:
    for node in ({"a": text}, {"a": [{"b": text}]}, {text: 1}):
        with pytest.raises(UserError, match="Only references"):
            check_references(node)


def test_a_stored_configuration_may_refer_to_itself() -> None:
    check_references({"a": "${data.channels}", "b": ["${..width}", "x ${.a-b} ${}", 3, None], "c": "$5 {x}"})
