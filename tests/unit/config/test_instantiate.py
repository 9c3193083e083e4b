"""Plain containers become the objects that Hydra would make of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hydra.utils import instantiate

from gan_lightning.config.instantiate import build, find
from gan_lightning.errors import UserError


@pytest.mark.parametrize(
    "node",
    [
        {"_target_": "torch.nn.Linear", "in_features": 2, "out_features": 3},
        {"_target_": "torch.nn.Linear", "_args_": [2, 3]},
        {"_target_": "builtins.dict", "a": {"_target_": "builtins.list", "_args_": [[1, 2]]}, "b": [{"c": 4}]},
        {"_target_": "builtins.dict", "_recursive_": False, "a": {"_target_": "builtins.list"}},
        {"a": {"_target_": "builtins.complex", "_args_": [1], "imag": 2}, "_keep": 3},
        {"_target_": "builtins.dict", "_convert_": "all"},
    ],
    ids=str,
)
def test_building_as_hydra_does(node: dict[str, Any]) -> None:
    assert repr(build(node)) == repr(instantiate(node, _convert_="all"))


def test_partial_objects_as_hydra_makes_them() -> None:
    ours, theirs = (make({"_target_": "builtins.int", "_partial_": True, "base": 2}) for make in (build, instantiate))
    assert ours("101") == theirs("101") == 5


def test_what_cannot_be_built_is_named() -> None:
    with pytest.raises(UserError, match=r"^a\.b\[0\]: TypeError: .*out_features") as caught:
        build({"a": {"b": [{"_target_": "torch.nn.Linear", "in_features": 1}]}})
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"limit is -1.0"):
        build({"_target_": "gan_lightning.losses.WeightClip", "limit": -1.0})
    with pytest.raises(UserError, match=r"^x\._target_=torch.nothing: there is no such class"):
        build({"_target_": "torch.nothing"}, "x")
    with pytest.raises(UserError, match=r"^gan_lightning.LitGAN is called gan_lightning.games.GAN now: write x\._targ"):
        build({"_target_": "gan_lightning.LitGAN"}, "x")


def test_find() -> None:
    assert find("torch.nn.Linear") is torch.nn.Linear
    assert find("torch.nothing") is None
    assert find("no_such_package.Thing") is None
    assert find("plain") is None
