"""Checks of a whole configuration: that something reads each of its keys, and that each of its options can work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_lightning.config.moved import option_of_today, renamed
from gan_lightning.config.near_matches import did_you_mean_option
from gan_lightning.config.signatures import WORDS, admits, annotated, choices_in_words
from gan_lightning.config.unknown_keys import COLLECTIONS, MAY_BE_OFF, is_reference, references, unknown_keys
from gan_lightning.errors import UserError
from gan_lightning.terminal import called

TOP_LEVEL: dict[str, type | tuple[type, ...]] = {
    "seed": int,
    "kimg": (int, float),
    "default_kimg": (int, float),
    "n_critic": int,
    "discriminator_norm": str,
    "channels_last": bool,
    "threads": int,
    "changed_data": str,
    "init_from": str,
    "tags": ListConfig,
    "run": DictConfig,
    **dict.fromkeys(
        ("data", "model", "prior", "augment", "schedule", "loss", "penalty", "constraint", "optimizer"), DictConfig
    ),
    **dict.fromkeys(("conditioning", "trainer", "logger", "callbacks", "evaluator"), DictConfig),
}
"""The keys of train.yaml, each with the type of its value."""

CHOICES = {"changed_data": ("say", "refuse")}
"""The values of those options in train.yaml that have only a few."""

BUILT = ("data", "model", "loss")
"""Groups that are one object."""

AT_LEAST_ONE = ("latent_dim", "style_dim")
"""Options of networks that count dimensions, of which there is no use with none."""

NEVER_NULL = ("seed", "n_critic", "data", "model", "loss", "optimizer", "trainer")
FILLED_IN = ("run.", "data.", "${kimg}")
"""Texts by which a reference is known to lead to an option that may still be null when a configuration is checked."""

REFUSED = {
    "trainer.accumulate_grad_batches": "the optimizers are stepped by hand here; raise data.batch_size instead",
    "trainer.gradient_clip_val": "it can't clip for two players; use optimizer.clip.norm or optimizer.clip.value",
    "trainer.gradient_clip_algorithm": "use optimizer.clip.norm or optimizer.clip.value, which also say how",
    "trainer.use_distributed_sampler": "the data order is laid out for all processes by the loader already",
    "trainer.callbacks": "use the callbacks group, for example +callbacks.mine._target_=...",
    "trainer.logger": "use the logger group, for example logger=[tensorboard,csv]",
    "trainer.plugins": "precision comes from trainer.precision, checkpoints are written by this project's own code",
    "trainer.reload_dataloaders_every_n_epochs": "the loader has no state to renew",
    "trainer.val_check_interval": "there is no validation loop; samples are drawn every callbacks.samples.every_kimg",
    "trainer.barebones": "turn off what is not wanted: logger=[] trainer.enable_progress_bar=false",
    **dict.fromkeys(("run.folder", "trainer.default_root_dir"), "hydra.run.dir says where the run goes"),
    **dict.fromkeys(("run.attempt", "run.resume_at"), "it is counted; resume=RUN_FOLDER goes on with a run"),
    "trainer.num_sanity_val_steps": "there is no validation loop",
    "trainer.enable_model_summary": "the networks and their parameters are printed at the start",
    "trainer.overfit_batches": "the stream of images has no end; use data.classes or a small data set",
    "trainer.enable_checkpointing": "callbacks.checkpoint=null writes none",
}
"""Options that can't be used, each with the reason or with what to use instead; most are of Lightning's Trainer."""

FIXED = (
    *("seed", "n_critic", "discriminator_norm", "data", "model", "prior", "loss", "penalty", "constraint"),
    *("conditioning", "init_from", "run"),
)
"""Options that make a run the run that it is: changing one of them needs a new run."""

NO_TARGETS = "this loss compares no logit with a target; those with logarithms do, such as loss=non_saturating"
NO_LABELS = "the networks of this model take no labels; use conditioning=none, or another model, such as model=dcgan"
OF_OTHERS = {
    **dict.fromkeys(("loss.label_smoothing", "loss.label_noise", "loss.label_flip"), NO_TARGETS),
    **dict.fromkeys(("conditioning.generator", "conditioning.discriminator"), NO_LABELS),
}
"""Options that only some choices of a group have, each with the reason why the others don't have it."""


def check_config(config: DictConfig) -> None:
    """Refuse a configuration with unknown keys, values of a wrong type, or options that can't work.

    Raises:
        UserError: If there is one of these; the message names the key, and near matches or what to use instead.
    """
    for key, kind in TOP_LEVEL.items():
        value = config.get(key)
        if value is None and key in NEVER_NULL:
            raise UserError(f"{key} is null; it must be {_in_words(kind)}.")
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool)):
            raise UserError(f"{key}={value!r} is not {_in_words(kind)}.")
    for key, values in CHOICES.items():
        if config.get(key) is not None and config[key] not in values:
            raise UserError(f"{key}={config[key]}: choose {' or '.join(values)}.")
    for key in BUILT:
        if "_target_" not in config[key]:
            raise UserError(
                f"{key} has no _target_, so there is nothing to build: its yaml is empty or lacks that line."
            )
    referred_to = {reference.split(".")[0] for reference in references(config)}
    for name in map(str, config):
        if name not in TOP_LEVEL and name not in referred_to:  # a user's own game may bring options of its own
            raise UserError(no_such_option(name, TOP_LEVEL))
    for option, advice in REFUSED.items():
        if OmegaConf.select(config, option) is not None:
            raise UserError(f"{option} can't be used: {advice}.")
    for group in COLLECTIONS:
        for name, node in (config.get(group) or {}).items():
            if node is None and group not in MAY_BE_OFF:
                raise UserError(f"{group}.{name} is null: choose without it instead, such as {group}=[].")
            if node is not None and "_target_" not in node:
                raise UserError(f"{group}.{name} has no _target_: choose it first, such as {group}=[{name}].")
    for path, near in unknown_keys(config):
        raise UserError(no_such_option(path, near))
    for mistake in mistyped_values(config):
        raise UserError(mistake)


def no_such_option(path: str, known: Iterable[str]) -> str:
    """One line on an option that does not exist, with near matches among the ``known`` full names."""
    if (today := option_of_today(path)) != path:
        return renamed(path, today)
    if path in REFUSED:
        return f"{path} can't be used: {REFUSED[path]}."
    if path in OF_OTHERS:
        return f"There is no option {path!r} here: {OF_OTHERS[path]}."
    hint = did_you_mean_option(path, known)
    return f"There is no option {path!r}.{hint} ({called('train.py')} --help; --cfg job prints them all)"


def mistyped_values(node: Any, path: str = "") -> Iterator[str]:
    """One sentence for each plain value that the annotation of its parameter does not admit.

    If a value refers to another key, the value of that key is judged, unless it is yet to be filled in.
    """
    if OmegaConf.is_list(node):
        for index in range(len(node)):
            if not is_reference(node, index):
                yield from mistyped_values(node[index], f"{path}[{index}]")
    if not OmegaConf.is_dict(node) or node._is_none():
        return
    kinds = annotated(str(node["_target_"])) if "_target_" in node else {}
    for key in node:
        name = f"{path}.{key}" if path else str(key)
        referred = is_reference(node, key)
        value = None if referred else node[key]
        if referred and key in kinds:
            try:
                value = node[key]
            except OmegaConfBaseException:  # a later error, when the configuration is resolved, says it better
                continue
        if OmegaConf.is_config(value):
            if not referred:
                yield from mistyped_values(value, name)
        elif key in kinds and not admits(kinds[key], value):
            origin = str(node._get_node(key)._value()) if referred else ""
            if value is not None or not any(part in origin for part in FILLED_IN):
                shown = "null" if value is None else value
                came_from = f" (from {origin})" if origin else ""
                yield f"{name}={shown}{came_from}: {' or '.join(choices_in_words(kinds[key]))} is needed."
        elif key in AT_LEAST_ONE and isinstance(value, int) and value < 1:
            yield f"{name}={value}: give at least 1."


def _in_words(kind: type | tuple[type, ...]) -> str:
    return WORDS[kind[-1] if isinstance(kind, tuple) else kind]
