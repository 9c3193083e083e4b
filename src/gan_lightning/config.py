"""Checks of a composed configuration: no key that nobody reads, no option that can't work here."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from hydra.errors import InstantiationException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_lightning.errors import UserError
from gan_lightning.trust import find

TOP_LEVEL: dict[str, type | tuple[type, ...]] = {
    "seed": int,
    "kimg": (int, float),
    "default_kimg": (int, float),
    "n_critic": int,
    "discriminator_norm": str,
    "threads": int,
    "init_from": str,
    "run": DictConfig,
    **dict.fromkeys(
        ("data", "model", "prior", "augment", "schedule", "loss", "penalty", "constraint", "optimizer"), DictConfig
    ),
    **dict.fromkeys(("conditioning", "trainer", "logger", "callbacks", "metrics"), DictConfig),
}
"""The keys of train.yaml and what they hold."""

NEVER_NULL = ("seed", "n_critic", "data", "model", "loss", "optimizer", "trainer")
COLLECTIONS = ("augment", "penalty", "constraint", "logger", "callbacks")
"""Groups that hold objects by name."""

MAY_BE_OFF = ("logger", "callbacks")
"""Those in which null turns one off."""

NEUTRAL = {"conditioning.generator": "none", "conditioning.discriminator": "none"}
"""Values that ask for nothing, which a model of the user's own need not read."""

FILLED_IN = ("run.", "data.", "${kimg}")
"""Where references may still find null when the configuration is checked."""

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
"""Options of Lightning's Trainer that can't work here, and what to use."""

LOCATIONS = ("data.data_dir", "data.root")
"""Places on this machine: stored in full, so that a run resumes from any folder, and free to move in between."""

NO_TARGETS = "this loss compares no logit with a target; those with logarithms do, such as loss=non_saturating"
OF_OTHERS = dict.fromkeys(("loss.label_smoothing", "loss.label_noise", "loss.label_flip"), NO_TARGETS)
"""Options that only some choices of a group have, and why the others don't."""

REFERENCE = re.compile(r"\$\{(\.*)([\w.\-]*)\}")
RESERVED = {"_target_", "_partial_", "_convert_", "_recursive_", "_args_"}
WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    NoneType: "null",
    DictConfig: "a group",
}
LISTS = (list, tuple, Sequence)


def check(config: DictConfig) -> None:
    """Refuse a configuration with unknown keys, wrong types or impossible options.

    Raises:
        UserError: Names the key, near matches and what to use instead.
    """
    for key, kind in TOP_LEVEL.items():
        value = config.get(key)
        if value is None and key in NEVER_NULL:
            raise UserError(f"{key} is null; it must be {_in_words(kind)}.")
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise UserError(f"{key}={value!r} is not {_in_words(kind)}.")
    for name in map(str, config):
        if name not in TOP_LEVEL:
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
    for path, near in unread_keys(config):
        raise UserError(no_such_option(path, near))
    for mistake in mistyped_values(config):
        raise UserError(mistake)


def locate(config: DictConfig) -> None:
    """Write the places of files in full."""
    for name in LOCATIONS:
        if isinstance(place := OmegaConf.select(config, name), str):
            OmegaConf.update(config, name, str(Path(place).expanduser().resolve()))


def no_such_option(path: str, known: Iterable[str]) -> str:
    """One line on an option that does not exist, with near matches among the full names that do."""
    if path in REFUSED:
        return f"{path} can't be used: {REFUSED[path]}."
    if path in OF_OTHERS:
        return f"There is no option {path!r} here: {OF_OTHERS[path]}."
    by_last_part: dict[str, list[str]] = {}
    for name in known:
        by_last_part.setdefault(name.rsplit(".", 1)[-1], []).append(name)
    alike = get_close_matches(path.rsplit(".", 1)[-1], by_last_part, 3, 0.8)
    names = [name for last in alike for name in by_last_part[last] if name != path]
    unique = sorted(names, key=lambda name: -SequenceMatcher(None, path, name).ratio())[:2]
    hint = f" Did you mean {' or '.join(unique)}?" if unique else ""
    return f"There is no option {path!r}.{hint} (python train.py --help; --cfg job prints them all)"


def unread_keys(config: DictConfig) -> Iterator[tuple[str, list[str]]]:
    """Keys that no constructor takes and no interpolation refers to, each with the names that are known beside it."""
    references = set(_references(config, ""))
    yield from ((name, near) for name, near in _unread(config, "", references) if not name.startswith("run."))


def _unread(node: Any, path: str, references: set[str], handed_over: bool = False) -> Iterator[tuple[str, list[str]]]:
    """``handed_over``: to a constructor, whose affair the keys of plain mappings are."""
    if isinstance(node, ListConfig):
        for index in range(len(node)):
            if not _is_reference(node, index):
                yield from _unread(node[index], f"{path}[{index}]", references, handed_over)
    if not isinstance(node, DictConfig) or node._is_none():
        return
    target = node.get("_target_")
    accepted = parameters(str(target), path) if target is not None else None
    for key in map(str, node):
        if key in RESERVED:
            continue
        name = f"{path}.{key}" if path else key
        container = not _is_reference(node, key) and isinstance(node[key], (DictConfig, ListConfig))
        if target is not None:
            unread = accepted is not None and key not in accepted
            beside = [f"{path}.{known}" for known in accepted or ()]
        else:
            off = path in MAY_BE_OFF and node[key] is None
            neutral = name in NEUTRAL and node[key] == NEUTRAL[name]
            used = container or off or neutral or any(_covers(reference, name) for reference in references)
            unread = bool(path) and not used
            beside = [f"{path}.{known}" for known in map(str, node) if known != key]
        if unread:
            yield name, beside
        elif container and (target is None or _builds_something(node[key])):
            yield from _unread(node[key], name, references, handed_over or target is not None)


def parameters(target: str, path: str) -> list[str] | None:
    """Names that a ``_target_`` takes; None where it takes any.

    Raises:
        UserError: There is no such class or function.
    """
    try:
        found = find(target)
    except Exception as error:  # whatever importing the user's module raises
        raise UserError(f"{path}._target_={target}: importing it fails with {type(error).__name__}: {error}") from error
    if not callable(found):
        raise UserError(f"{path}._target_={target}: there is no such class or function on the import path.")
    try:
        accepted = inspect.signature(found).parameters.values()
    except ValueError:  # written in C
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in accepted):
        return None
    return [parameter.name for parameter in accepted]


def mistyped_values(node: Any, path: str = "") -> Iterator[str]:
    """Plain values that the annotation of their parameter does not admit, one sentence each.

    What refers to another key is looked up there, unless it is yet to be filled in.
    """
    if OmegaConf.is_list(node):
        for index in range(len(node)):
            if not _is_reference(node, index):
                yield from mistyped_values(node[index], f"{path}[{index}]")
    if not OmegaConf.is_dict(node) or node._is_none():
        return
    kinds = annotated(str(node["_target_"])) if "_target_" in node else {}
    for key in node:
        name = f"{path}.{key}" if path else str(key)
        referred = _is_reference(node, key)
        value = None if referred else node[key]
        if referred and key in kinds:
            try:
                value = node[key]
            except OmegaConfBaseException:  # resolving says it better
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


def annotated(target: str) -> dict[str, Any]:
    """What the parameters of a ``_target_`` are annotated with; with ``**options``, its bases' too."""
    found = find(target)
    kinds: dict[str, Any] = {}
    for owner in found.__mro__[:-1] if isinstance(found, type) else (found,):
        try:
            signature = inspect.signature(owner, eval_str=True)
        except (NameError, TypeError, ValueError):  # imported for type checking only, or written in C
            break
        kinds = {p.name: p.annotation for p in signature.parameters.values() if p.annotation is not p.empty} | kinds
        if not any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
            break
    return kinds


def admits(annotation: Any, value: Any) -> bool:
    """Whether a plain value may stand where ``annotation`` is written; judges plain types, lists and literals."""
    members, literals = _members(annotation)
    if Any in members or not (literals or any(member in WORDS for member in members if member is not NoneType)):
        return True
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value in literals or type(value) in members or (whole and float in members)


def _members(annotation: Any) -> tuple[set[Any], list[Any]]:
    """The types that a union admits, every kind of list as ``list``, and its literal values."""
    if get_origin(annotation) is Literal:
        return set(), list(get_args(annotation))
    if get_origin(annotation) in (Union, UnionType):
        parts = [_members(part) for part in get_args(annotation)]
        return set().union(*(types for types, _ in parts)), [value for _, values in parts for value in values]
    return {list if (get_origin(annotation) or annotation) in LISTS else annotation}, []


def choices_in_words(annotation: Any) -> list[str]:
    """The kinds of values, and the values themselves, that an annotation admits."""
    members, literals = _members(annotation)
    return [*(words for kind, words in WORDS.items() if kind in members), *map(str, literals)]


def instantiation_error(error: InstantiationException) -> UserError:
    """The reason why an object of the configuration could not be built, without Hydra's frame around it."""
    reason: BaseException = error
    while isinstance(reason, InstantiationException) and reason.__cause__ is not None:
        reason = reason.__cause__
    if isinstance(reason, UserError):
        return reason
    where = re.search(r"full_key: (\S+)", str(error))
    place = f"{where.group(1)}: " if where else ""
    return UserError(f"{place}{type(reason).__name__}: {' '.join(str(reason).split())}")


def _references(node: Any, path: str) -> Iterator[str]:
    """Full names that interpolations refer to; ``${..lr}`` counts its dots from the node that holds it."""
    keys: Iterable[Any] = node if isinstance(node, DictConfig) else range(len(node))
    for key in keys:
        name = f"{path}.{key}" if path else str(key)
        raw = node._get_node(key)._value()
        if isinstance(raw, str):
            for dots, reference in REFERENCE.findall(raw):
                base = name.split(".")[: -len(dots)] if dots else []
                yield ".".join([*base, reference]) if reference else ".".join(base)
        elif isinstance(raw, (dict, list)):
            yield from _references(node._get_node(key), name)


def _is_reference(node: Any, key: Any) -> bool:
    return OmegaConf.is_interpolation(node, key) or OmegaConf.is_missing(node, key)


def _covers(reference: str, name: str) -> bool:
    return name == reference or name.startswith(f"{reference}.")


def _builds_something(node: Any) -> bool:
    """Whether some node below builds an object; a plain mapping handed to a constructor is the constructor's affair."""
    return "_target_" in str(OmegaConf.to_container(node, resolve=False))


def _in_words(kind: type | tuple[type, ...]) -> str:
    return WORDS[kind[-1] if isinstance(kind, tuple) else kind]
