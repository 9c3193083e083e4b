"""``init_from=`` starts a new run from the weights of another run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from torch import nn

from gan_lightning.errors import UserError
from gan_lightning.runs.loading import checkpoint_at, read_checkpoint


def start_from(module: nn.Module, source: Path, report: bool = True) -> None:
    """Copy every weight that fits in name and shape, and print which fitted, which did not, and which are left.

    Args:
        module: The new game.
        source: The run folder or checkpoint that the weights come from.
        report: Whether to print the counts.

    Raises:
        UserError: If there is no checkpoint, or none of its weights fits.
    """
    stored = read_checkpoint(checkpoint_at(source))
    theirs, ours = stored.tensors, module.state_dict()
    fits = {name: value for name, value in theirs.items() if name in ours and value.shape == ours[name].shape}
    if not any(value.ndim > 1 for value in fits.values()):  # because counters and biases fit any network
        raise UserError(f"init_from={source}: none of its weights fits these networks in name and shape.")
    module.load_state_dict(fits, strict=False)
    if report:
        misshapen = sorted(name for name in theirs if name in ours and name not in fits)
        unknown = sorted(name for name in theirs if name not in ours)
        fresh = sorted(name for name in ours if name not in fits)
        print(f"init_from {stored.file}: {len(fits)} of {len(ours)} tensors taken over ({_by_part(list(fits))})")
        for names, what in ((misshapen, "of another shape"), (unknown, "unknown here"), (fresh, "left as initialised")):
            if names:
                print(f"  {len(names)} {what}: {', '.join(names[:4])}{', ...' if len(names) > 4 else ''}")


def _by_part(names: list[str]) -> str:
    return ", ".join(f"{part} {count}" for part, count in Counter(name.split(".")[0] for name in names).items())
