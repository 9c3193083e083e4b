"""Scalars of many updates, collected without touching the device and read all at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from gan_lightning.errors import Diverged

Average = Callable[[Tensor], Tensor]
Summary = Callable[[Tensor], Mapping[str, Tensor]]
"""A function of the tensors of n updates, stacked to [n ...], that gives n values [n] for each name."""
MOST_WAITING = 16
"""Updates whose tensors wait at most for their summary."""
MOST_ELEMENTS = 4096
"""Elements of a tensor that may wait; larger ones are summarised at once, so that they are not kept."""


class Scalars:
    """Collects 0-dimensional tensors by name; :meth:`drain` gives the mean of each since the last drain.

    ``add`` only keeps a reference, so it launches no kernel and forces no synchronisation. So does ``add_later``, for
    what has to be computed first: the tensors of many updates are stacked and summarised together.
    """

    def __init__(self) -> None:
        self._values: dict[str, list[Tensor]] = {}
        self._since: int | None = 0  # the iteration of the last drain, or None if a checkpoint does not say
        self._waiting: dict[str, tuple[Summary, list[Sequence[Tensor]]]] = {}

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Collect one value for each name."""
        for name, value in values.items():
            self._values.setdefault(name, []).append(value.detach())

    def add_later(self, group: str, tensors: Sequence[Tensor], summary: Summary) -> None:
        """Collect what scalars are computed from; the tensors must not be changed in place afterwards.

        Args:
            group: A name for what is summarised together.
            tensors: Tensors of the same shape, without a graph.
            summary: Computes the scalars from the tensors of n updates [n len(tensors) ...], each update by itself.
        """
        kept = self._waiting.get(group)
        if kept is None:
            kept = self._waiting[group] = (summary, [])
        waiting = kept[1]
        if waiting and (len(waiting[0]) != len(tensors) or waiting[0][0].shape != tensors[0].shape):
            self._summarise(group)
            waiting = self._waiting.setdefault(group, (summary, []))[1]
        waiting.append(tensors)
        if len(waiting) >= MOST_WAITING or tensors[0].numel() > MOST_ELEMENTS:
            self._summarise(group)

    def _summarise(self, *groups: str) -> None:
        """Compute the scalars of some groups, whose updates keep their order."""
        for group in groups:
            summary, waiting = self._waiting.pop(group)
            stacked = torch.stack([tensor for tensors in waiting for tensor in tensors])
            stacked = stacked.view(len(waiting), -1, *stacked.shape[1:])
            for name, values in summary(stacked).items():
                self._values.setdefault(name, []).extend(values.unbind())

    def drain(self, iteration: int, average: Average, keep: bool = False) -> dict[str, float]:
        """The mean of every scalar since the last drain, over all processes; waits for the device once.

        Args:
            iteration: The current iteration, which the message of an error names.
            average: Function that takes the mean of a tensor over all processes.
            keep: Whether the scalars stay collected, because their interval is not over and a resumed run may
                complete it.

        Raises:
            Diverged: If one of the scalars is not finite.
        """
        values = self._read(iteration, average)
        if not keep:
            self._values.clear()
            self._since = iteration
            self._waiting.clear()
        return values

    def require_finite(self, iteration: int) -> None:
        """Check the scalars that were collected since the last drain, before weights are saved.

        Args:
            iteration: The current iteration, which the message of an error names.

        Raises:
            Diverged: If one of the scalars is not finite.
        """
        if len(self):
            self._read(iteration, lambda own: own)

    def _read(self, iteration: int, average: Average) -> dict[str, float]:
        self._summarise(*self._waiting)
        names = sorted(self._values)
        means = average(torch.stack([torch.stack(self._values[name]).float().mean() for name in names]))
        values = dict(zip(names, means.tolist(), strict=True))
        if bad := [name for name, value in values.items() if not math.isfinite(value)]:
            raise Diverged(
                f"Training diverged by iteration {iteration}: {', '.join(bad)} not finite. The last checkpoint is from "
                "before. Try a lower learning rate (optimizer.lr), optimizer.clip.norm=1 or another loss.",
                iteration,
                {name: self._first_bad(name, iteration) for name in bad},
            )
        return values

    def _first_bad(self, name: str, iteration: int) -> int:
        """The first iteration in which a scalar of this process was not finite; the current one if it is another's.

        All scalars are taken to be collected equally often in every iteration since the last drain.
        """
        finite = torch.stack(self._values[name]).isfinite().tolist()
        if self._since is None or all(finite):
            return iteration
        return self._since + 1 + finite.index(False) * (iteration - self._since) // len(finite)

    def __len__(self) -> int:
        return len(self._values) + len(self._waiting)

    def state_dict(self, average: Average) -> dict[str, Tensor]:
        """What was collected and not yet drained, so that a resumed run writes the same curves.

        The mean over the processes: a checkpoint is rank 0's, and every process takes it up again.
        """
        self._summarise(*self._waiting)
        return {name: average(torch.stack(values)).cpu() for name, values in sorted(self._values.items())}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take up :meth:`state_dict` again."""
        self._values = {name: list(values.unbind()) for name, values in state.items()}
        self._since = None
        self._waiting = {}

    def to(self, device: torch.device) -> None:
        """Move what was taken up to where the next values will be."""
        self._values = {name: [value.to(device) for value in values] for name, values in self._values.items()}
