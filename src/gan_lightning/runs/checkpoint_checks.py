"""Whether what a file holds is what it should be, all the way down, and fits what was built from it.

A checkpoint that opens may still be of another model, cut, or changed by hand. Each function here says in one line what
differs, because the errors that PyTorch and Lightning would raise later name no file and no way out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from gan_lightning.errors import UserError

COUNTERS = ("iteration", "d_updates", "g_updates", "images_seen")
LOOP = ("epoch_progress", "epoch_loop.batch_progress", "epoch_loop.manual_optimization.optim_step_progress")
"""Parts of Lightning's record of how far it has trained; it takes those that are missing for a new run's."""
NAMED = 3
"""Names of tensors in a message."""
MISTAKES = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)
"""What is raised if a value read from a file is not of the kind that was expected."""


@contextmanager
def believed(file: object) -> Iterator[None]:
    """A context in which errors that come from the content of ``file`` are raised as one line that names the file.

    Raises:
        UserError: If a value in the file is missing, or is not of the kind that the code in the context expects.
    """
    try:
        yield
    except MISTAKES as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{file} does not hold what it should: {type(error).__name__}: {reason}") from error


def require_fit(file: object, ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> None:
    """Refuse weights that do not fit networks in name and shape.

    Args:
        file: The file that the weights were read from, for messages.
        ours: The tensors of the networks, by name.
        theirs: The tensors that were read from the file, by name.

    Raises:
        UserError: If tensors are missing, unknown or of another shape; the message says how many and names some.
    """
    missing, unknown = [name for name in ours if name not in theirs], [name for name in theirs if name not in ours]
    misshapen = [
        f"{name} {_shape(theirs[name])} and not {_shape(ours[name])}"
        for name in ours
        if name in theirs and theirs[name].shape != ours[name].shape
    ]
    kinds = ((missing, "missing"), (unknown, "unknown"), (misshapen, "of another shape"))
    if found := [_counted(names, what) for names, what in kinds if names]:
        raise UserError(f"{file} is of another model: {', '.join(found)}.")


def require_whole(file: object, checkpoint: Mapping[str, Any]) -> None:
    """Refuse a checkpoint that lacks a part which every game's checkpoint has, or has something else in its place.

    Args:
        file: The file that the checkpoint was read from, for messages.
        checkpoint: The content of the whole file.

    Raises:
        UserError: If there is such a part; the message names it.
    """
    record = _part(file, checkpoint, "gan_lightning", Mapping)
    counters = _part(file, record, "counters", Mapping)
    for name in COUNTERS:
        count = _part(file, counters, name, int)
        if count < 0 or isinstance(count, bool):
            raise UserError(f"{file} is damaged: its {name!r} is {count}.")
    tensors = _part(file, checkpoint, "state_dict", Mapping)
    if strange := [str(name) for name, value in tensors.items() if not isinstance(value, Tensor)]:
        raise UserError(f"{file} is damaged: {_counted(strange, 'no tensor')}.")
    if "config" in checkpoint:
        config = _part(file, checkpoint, "config", Mapping)
        for group in ("model", "data"):
            _part(file, _part(file, config, group, Mapping, "config."), "_target_", str, f"config.{group}.")


def require_resumable(file: object, checkpoint: Mapping[str, Any], optimizers: int) -> None:
    """Refuse a checkpoint from which training can't go on, though its weights can be used.

    Args:
        file: The file that the checkpoint was read from, for messages.
        checkpoint: The content of the whole file.
        optimizers: Number of optimizers that the game has.

    Raises:
        UserError: If a part that training needs is missing or is not what it should be; the message names it.
    """
    states = _part(file, checkpoint, "optimizer_states", Sequence)
    if len(states) != optimizers:
        raise UserError(
            f"{file} can't be gone on with: it has the state of {len(states)} optimizers, "
            f"and the game has {optimizers}."
        )
    for state in states:
        if not isinstance(state, Mapping) or not {"state", "param_groups"} <= state.keys():
            raise UserError(f"{file} can't be gone on with: its 'optimizer_states' hold no state of an optimizer.")
    loop = _part(file, _part(file, checkpoint, "loops", Mapping), "fit_loop", Mapping, "loops.")
    for name in LOOP:
        _part(file, loop, name, Mapping, "loops.fit_loop.")
    _part(file, checkpoint, "callbacks", Mapping)
    _part(file, checkpoint, "global_step", int)
    _part(file, _part(file, checkpoint, "gan_lightning", Mapping), "scalars", Mapping)


def require_state(name: str, optimizer: Optimizer, stored: Mapping[str, Any], updates: int) -> None:
    """Refuse the stored state of an optimizer that does not fit its parameters.

    Args:
        name: Name of the player whose parameters the optimizer updates.
        optimizer: The optimizer of the game that goes on.
        stored: The state of that optimizer in the checkpoint, as its ``state_dict`` returned it.
        updates: Number of steps that it had taken, by the counters of the checkpoint.

    Raises:
        UserError: If the state is damaged or belongs to other parameters; the message says what differs.
    """
    whose = f"The checkpoint's state of optimizer.{name}"
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    places = [place for group in stored["param_groups"] for place in group["params"]]
    if len(places) != len(parameters):
        raise UserError(f"{whose} is of another model: of {len(places)} parameters, and it has {len(parameters)}.")
    states = [stored["state"].get(place) or {} for place in places]
    lacking = sum(not state for state in states)
    if updates and 0 < lacking < len(parameters):
        raise UserError(f"{whose} lacks {lacking} of {len(parameters)} parameters.")
    if len({frozenset(state) for state in states if state}) > 1:
        raise UserError(f"{whose} is damaged: its parameters have different parts.")
    for parameter, state in zip(parameters, states, strict=True):
        for key, value in state.items():
            if isinstance(value, Tensor) and value.ndim and not _broadcasts(value, parameter):
                raise UserError(
                    f"{whose} is of another model: a {key!r} is {_shape(value)} and its parameter {_shape(parameter)}."
                )


def _broadcasts(value: Tensor, parameter: Tensor) -> bool:
    """Whether a state has its parameter's shape, or is factored, so that it has size 1 where the parameter has more."""
    return value.ndim != parameter.ndim or all(v in (1, p) for v, p in zip(value.shape, parameter.shape, strict=True))


def _part(file: object, whole: Mapping[str, Any], name: str, kind: type, inside: str = "") -> Any:
    if name not in whole:
        raise UserError(f"{file} is damaged, or no checkpoint of this project: it has no {inside + name!r}.")
    if not isinstance(whole[name], kind) or isinstance(whole[name], str) is not (kind is str):
        raise UserError(
            f"{file} is damaged, or no checkpoint of this project: its {inside + name!r} is {str(whole[name])[:40]!r}."
        )
    return whole[name]


def _counted(names: Sequence[str], what: str) -> str:
    more = ", ..." if len(names) > NAMED else ""
    noun, verb = ("tensor", "is") if len(names) == 1 else ("tensors", "are")
    return f"{len(names)} {noun} {verb} {what} ({', '.join(names[:NAMED])}{more})"


def _shape(tensor: Tensor) -> str:
    return str(list(tensor.shape))
