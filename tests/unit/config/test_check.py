"""The walk that finds keys which nobody reads and values which nobody can use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from gan_lightning.config.check import REFUSED, check_config, mistyped_values, no_such_option
from gan_lightning.config.compose import config_folder
from gan_lightning.config.signatures import admits, annotated, parameters
from gan_lightning.config.unknown_keys import unknown_keys
from gan_lightning.errors import UserError


def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        config = compose("train", list(overrides))
    OmegaConf.set_struct(config, False)
    return config


def unread(text: str) -> list[str]:
    return [name for name, _ in unknown_keys(OmegaConf.create(text))]


def test_our_own_configuration_passes() -> None:
    check_config(composed())


@pytest.mark.parametrize("option", REFUSED)
def test_refused_options_are_refused_with_advice(option: str) -> None:
    config = composed()
    OmegaConf.update(config, option, 1, force_add=True)
    with pytest.raises(UserError) as refusal:
        check_config(config)
    assert str(refusal.value) == f"{option} can't be used: {REFUSED[option]}."


@pytest.mark.parametrize("option", [option for option in REFUSED if option.startswith("trainer.")])
def test_refused_options_are_lightnings(option: str) -> None:
    assert option.removeprefix("trainer.") in (parameters("lightning.pytorch.Trainer", "trainer") or ())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a: {_target_: torch.nn.Linear, in_features: 1, out_features: 1}", []),
        ("a: {_target_: torch.nn.Linear, in_featurs: 1}", ["a.in_featurs"]),
        ("a: {_target_: torch.nn.Linear, in_features: '${size}'}\nsize: 1", []),
        ("a: {_target_: torch.nn.Linear, in_features: '${..size}'}\nsize: 1", []),
        ("a: {b: {_target_: torch.nn.Linear, in_features: '${..size}'}, size: 1}", []),
        ("a: {b: {_target_: torch.nn.Linear, in_features: '${..size}'}, size: 1, sise: 2}", ["a.sise"]),
        ("a: [{_target_: torch.nn.Linear, in_featurs: 1}]", ["a[0].in_featurs"]),
        ("a: {_target_: torch.nn.Linear, device: {_target_: torch.nn.ReLU, inplac: 1}}", ["a.device.inplac"]),
        ("a: {_target_: torch.nn.Linear, device: {any: thing}}", []),  # a mapping handed to a constructor is its own
        ("a: {_target_: builtins.dict, any: thing}", []),
        ("callbacks: {samples: null}", []),
    ],
)
def test_keys_that_nobody_reads(text: str, names: list[str]) -> None:
    assert unread(text) == names


def test_missing_classes() -> None:
    with pytest.raises(UserError, match="there is no such class"):
        unread("a: {_target_: torch.nn.Liner}")
    with pytest.raises(UserError, match="there is no such class"):
        unread("a: {_target_: torch}")


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [
        (int, [1, -1], ["a", 1.5, True, None]),
        (float, [1, 1.5], ["a", True, None]),
        (bool, [True], ["a", 1, None]),
        (str, ["a"], [1, None]),
        (int | None, [1, None], ["a"]),
        (float | torch.Tensor, [1.0], ["a", None]),
        (Sequence[int | str] | None, [None], [7, "a"]),
        (tuple[float, float], [], [0.5]),
        (Literal["a", "b"], ["a"], ["c", 1]),
        (Literal["a"] | int | None, ["a", 3, None], ["c"]),
        (torch.Tensor, ["a", 1, None], []),  # not ours to judge
        (torch.Tensor | None, ["a", 1, None], []),
        (Any, ["a", None], []),
    ],
)
def test_what_an_annotation_admits(annotation: Any, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if not admits(annotation, value)] == []
    assert [value for value in bad if admits(annotation, value)] == []


def test_annotations_of_a_class_that_passes_options_on() -> None:
    kinds = annotated("gan_lightning.data.sets.digits.Digits")
    assert kinds["render_seed"] is int
    assert kinds["batch_size"] is int


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("a: {_target_: torch.optim.SGD, lr: x}", "a.lr=x: a number is needed."),
        ("a: {_target_: torch.optim.SGD, lr: '${..lr}'}\nlr: x", "a.lr=x (from ${..lr}): a number is needed."),
        ("a: {_target_: torch.optim.SGD, lr: '${..lr}'}\nlr: null", "a.lr=null (from ${..lr}): a number is needed."),
        ("a: [{_target_: torch.optim.SGD, lr: x}]", "a[0].lr=x: a number is needed."),
    ],
)
def test_mistyped_values(text: str, mistake: str) -> None:
    assert list(mistyped_values(OmegaConf.create(text))) == [mistake]


def test_references_that_are_filled_in_later_are_not_judged() -> None:
    text = "a: {_target_: torch.optim.SGD, lr: '${data.resolution}'}\ndata: {resolution: null}"
    assert list(mistyped_values(OmegaConf.create(text))) == []


def test_near_matches() -> None:
    known = ["seed", "model.seed", "optimizer.lr", "optimizer.generator.lr", "optimizer.discriminator.fused"]
    assert "Did you mean seed or model.seed?" in no_such_option("sed", known)
    assert "Did you mean optimizer.lr or optimizer.generator.lr?" in no_such_option("lr", known)
    assert "Did you mean optimizer.generator.lr or" in no_such_option("optimizer.generator.lrr", known)
    assert "Did you mean" not in no_such_option("qqq", known)
