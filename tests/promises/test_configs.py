"""Every yaml composes, builds, trains a step and leaves a checkpoint that loads; choices mean what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from door import call, train
from hydra import compose, initialize_config_dir
from idx_files import write_idx
from omegaconf import DictConfig, ListConfig, OmegaConf
from PIL import Image

from gan_lightning.config.check import check_config
from gan_lightning.config.compose import config_folder, resolve
from gan_lightning.config.trust import check_trusted

CONF = Path(config_folder())
DOWNLOADED = {"data=mnist", "data=cifar10", "data=cifar10_colours", "data=horses_deer", "data=mnist_digits"}
PICTURES = {
    "data=array": "data.file={0}/images.npy",
    "data=folder": "data.root={0}/a",
    "data=pairs": "data.a={0}/a data.b={0}/b",
    "data=domains": "data.a={0}/a data.b={0}/b",
    "data=torchvision": "data.name=FashionMNIST data.data_dir={0}",
}
"""Choices of data that need pictures, with the options that say where they are."""
COMPANIONS = {  # choices that mean nothing without another
    "callbacks=toy": "data=toy",
    "callbacks=quality": "callbacks.quality.metrics=[fid] evaluator.n_fake=8",
    **dict.fromkeys(("penalty=[gradient_penalty]", "penalty=[r1]", "penalty=[r2]"), "discriminator_norm=layer"),
    "schedule=[augment_ramp]": "augment=[diffaugment]",
    "schedule=[noise_decay]": "augment=[instance_noise]",
    "schedule=[top_k]": "loss=top_k",
    "schedule=[r3gan]": "loss=r3gan",
    "data=edges": "model=pix2pix",
    "data=colours": "model=pix2pix",
    "data=styles": "model=cyclegan",
    "data=pairs": "model=pix2pix data.resolution=32",
    "data=domains": "model=cyclegan data.resolution=32",
    "data=folder": "data.resolution=32 model=dcgan",
    "data=cifar10_colours": "model=pix2pix",
    "data=horses_deer": "model=cyclegan",
    "data=mnist_digits": "model=cyclegan",
    "model=pix2pix": "data=edges",
    "model=cyclegan": "data=styles",
    "model=cut": "data=styles",
}


def choices(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


SHARED = ("game", "stream")
"""Folders of yamls that others take through their defaults and that nobody chooses on a command line."""


def groups() -> list[str]:
    apart = ("hydra", "experiment", "hparams_search", *SHARED)  # experiments and searches have tests of their own
    return sorted(folder.name for folder in CONF.iterdir() if folder.is_dir() and folder.name not in apart)


def composed(*overrides: str, extra: Path | None = None) -> DictConfig:
    search = [f"hydra.searchpath=[file://{extra}]"] if extra else []
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", [*overrides, *search])


@cache
def recipe_of(loss: str) -> dict[str, Any]:
    """The recipe of a loss if nothing else is chosen."""
    return recipe(composed(f"loss={loss}"))


def recipe(config: DictConfig) -> dict[str, Any]:
    """The parts of a configuration that a file of the loss group decides."""
    return {
        key: OmegaConf.to_container(config[key]) if OmegaConf.is_config(config[key]) else config[key]
        for key in ("loss", "penalty", "constraint", "n_critic", "discriminator_norm")
    }


def several_at_once() -> set[str]:
    """Names of the groups from which a list of choices can be taken."""
    defaults = [entry for entry in OmegaConf.load(CONF / "train.yaml").defaults if isinstance(entry, DictConfig)]
    return {str(group) for entry in defaults for group, chosen in entry.items() if isinstance(chosen, ListConfig)}


def single_choices() -> Iterator[str]:
    for group in groups():
        for choice in choices(group):
            yield f"{group}=[{choice}]" if group in several_at_once() else f"{group}={choice}"


@pytest.mark.parametrize("choice", [*single_choices()])
def test_every_yaml_trains(choice: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    words = f"{choice} {COMPANIONS.get(choice, '')}"
    if choice in DOWNLOADED:
        words += f" data.data_dir={request.getfixturevalue('data_dir')}"
    if choice in PICTURES:
        words += f" {PICTURES[choice].format(pictures(tmp_path / 'pictures'))}"
    if "data=toy" not in words:
        words += " callbacks.samples.count=2"
    if "toy" not in words:
        narrow = {"mlp": "model.generator.widths=[8]", "cyclegan": "model.a2b.width=4"}
        words += f" {next((narrow[name] for name in narrow if f'model={name}' in words), 'model.generator.width=4')}"
    if not choice.startswith("logger"):
        words += " logger=[]"
    answer = call(f"{words} data.batch_size=4 kimg=0.004 trainer.accelerator=cpu threads=1", tmp_path / "run")
    assert answer.status == 0, answer.err
    stored = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert stored["gan_lightning"]["counters"]["iteration"] == 1
    assert all(torch.isfinite(value).all() for value in stored["state_dict"].values() if value.is_floating_point())
    assert "${" not in (tmp_path / "run" / "resolved.yaml").read_text()


def pictures(folder: Path) -> Path:
    """A folder with the same sixteen small pictures in a/ and in b/, and with sixteen images of other programs."""
    for domain in ("a", "b"):
        (folder / domain).mkdir(parents=True)
        for number in range(16):
            Image.effect_noise((32, 32), 40 + number).convert("RGB").save(folder / domain / f"{number}.png")
    np.save(folder / "images.npy", np.zeros((16, 32, 32), dtype=np.uint8))
    for part in ("train", "t10k"):
        write_idx(folder / f"FashionMNIST/raw/{part}-images-idx3-ubyte", np.zeros((16, 28, 28), dtype=np.uint8))
        write_idx(folder / f"FashionMNIST/raw/{part}-labels-idx1-ubyte", np.arange(16, dtype=np.uint8) % 10)
    return folder


PAIRS = [
    *product(choices("loss"), ["dcgan"], ["adam"]),
    *product(["wgan_gp"], choices("model"), ["adam"]),
    *product(["wgan_gp"], ["mlp"], choices("optimizer")),
]


def test_every_recipe_fits_every_model_and_every_optimizer() -> None:
    for loss, model, optimizer in PAIRS:
        data = COMPANIONS.get(f"model={model}", "data=digits")
        config = composed(f"loss={loss}", f"model={model}", f"optimizer={optimizer}", data)
        OmegaConf.set_struct(config, False)
        check_config(config)
        config.run = {"folder": "somewhere", "attempt": 0, "resume_at": None}  # as a run fills it in, after the check
        plain = resolve(config)
        check_trusted(plain)
        assert plain["model"]["n_critic"] == plain["data"]["n_critic"] == config.n_critic
        assert plain["model"]["loss"] == plain["loss"]


def test_every_recipe_states_all_that_it_decides() -> None:
    """Every recipe states everything, because Hydra merges and would leave what another recipe says in its place."""
    for loss in choices("loss"):
        written = OmegaConf.load(CONF / "loss" / f"{loss}.yaml")
        overridden = {str(key) for entry in written.defaults for key in entry}
        assert overridden == {"override /penalty", "override /constraint"}, loss
        assert {"loss", "n_critic", "discriminator_norm"} <= written.keys(), loss


def test_two_losses_are_two_recipes() -> None:
    busiest = "r3gan", "wasserstein"  # with penalties, with a constraint and n_critic
    for loss, other in [*product(busiest, choices("loss")), *product(choices("loss"), busiest)]:
        assert recipe(composed(f"loss={loss}", f"loss={other}")) == recipe_of(other)


EXPERIMENT = """# @package _global_
defaults:
  - override /loss: wgan_gp
  - override /model: mlp
optimizer:
  lr: 0.125
"""


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search path with an experiment of its own, so that the tests depend on none in conf/."""
    folder = tmp_path_factory.mktemp("conf")
    (folder / "experiment").mkdir()
    (folder / "experiment" / "made_up.yaml").write_text(EXPERIMENT)
    return folder


@pytest.mark.parametrize("experiment", [*choices("experiment"), "made_up"])
def test_a_loss_on_top_of_an_experiment_is_that_loss(experiment: str, made_up: Path) -> None:
    for loss in choices("loss"):
        config = composed(
            f"experiment={experiment}", f"loss={loss}", extra=made_up if experiment == "made_up" else None
        )
        assert recipe(config) == recipe_of(loss)


def test_an_experiment_says_what_it_changes(made_up: Path) -> None:
    config = composed("experiment=made_up", extra=made_up)
    assert recipe(config) == recipe_of("wgan_gp")
    assert config.optimizer.discriminator.lr == 0.125
    assert config.model.generator._target_.endswith("MLPGenerator")
    assert composed("experiment=made_up", "optimizer.lr=0.5", extra=made_up).optimizer.generator.lr == 0.5


@pytest.mark.parametrize(
    ("overrides", "penalties"),
    [
        (["loss=wgan_gp"], ["gradient_penalty"]),
        (["loss=wgan_gp", "penalty=[]"], []),
        (["loss=wgan_gp", "penalty=[r1]"], ["r1"]),
        (["loss=wgan_gp", "penalty=[r1,gradient_penalty]"], ["gradient_penalty", "r1"]),
        (["penalty=r1"], ["r1"]),
        (["loss=r3gan"], ["r1", "r2"]),
        (["loss=r3gan", "loss=hinge"], []),
    ],
)
def test_penalties_replace_and_never_merge(overrides: Sequence[str], penalties: list[str]) -> None:
    config = composed(*overrides)
    assert sorted(config.penalty) == penalties
    assert sorted(config.model.penalties) == penalties


@pytest.mark.parametrize(
    ("overrides", "rates"),
    [
        ([], (2e-3, 2e-3)),
        (["data=cifar10"], (2e-4, 2e-4)),
        (["optimizer.lr=0.5"], (0.5, 0.5)),
        (["optimizer.generator.lr=0.5"], (0.5, 2e-3)),
        (["optimizer.lr=0.5", "optimizer.generator.lr=0.25"], (0.25, 0.5)),
        (["optimizer=ttur"], (1e-4, 4e-4)),
        (["optimizer=ttur", "optimizer.discriminator.lr=0.5"], (1e-4, 0.5)),
        (["optimizer=rmsprop", "optimizer.lr=0.5"], (0.5, 0.5)),
    ],
)
def test_learning_rates(overrides: Sequence[str], rates: tuple[float, float]) -> None:
    config = composed(*overrides)
    assert (config.model.optimizer_generator.lr, config.model.optimizer_discriminator.lr) == rates


def test_one_seed_for_all() -> None:
    config = composed("seed=7")
    assert (config.model.seed, config.data.seed) == (7, 7)
    assert (composed("data.seed=3").model.seed, composed("data.seed=3").data.seed) == (0, 3)


def test_one_width_for_both() -> None:
    assert composed("model.generator.width=8").model.discriminator.width == 8
    assert composed("model.discriminator.width=8").model.generator.width == 32


def test_nothing_nested_in_a_partial_builds_an_object() -> None:
    """Such an object would be built once and shared by everything that the factory makes."""

    def walk(node: Any, partial: bool) -> Iterator[str]:
        if isinstance(node, dict):
            if partial and "_target_" in node:
                yield node["_target_"]
            for value in node.values():
                yield from walk(value, partial or bool(node.get("_partial_")))
        elif isinstance(node, list):
            for value in node:
                yield from walk(value, partial)

    for optimizer in choices("optimizer"):
        config = composed(f"optimizer={optimizer}")
        config.run = {"folder": "somewhere", "attempt": 0, "resume_at": None}
        assert list(walk(resolve(config), False)) == []


def test_the_loggers_write_what_they_say(tmp_path: Path) -> None:
    train("logger=[tensorboard,csv] trainer.max_steps=1", tmp_path)
    assert list(tmp_path.glob("events.out.tfevents.*"))
    assert list(tmp_path.glob("csv/**/metrics.csv"))
