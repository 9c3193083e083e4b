"""Scalars of many updates, collected without touching the device and read all at once."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


class Scalars:
    """Collects 0-dimensional tensors by name; :meth:`drain` gives the mean of each since the last drain.

    ``add`` only keeps a reference, so it launches no kernel and forces no synchronisation.
    """

    def __init__(self) -> None:
        self._values: dict[str, list[Tensor]] = {}

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Collect one value a name."""
        for name, value in values.items():
            self._values.setdefault(name, []).append(value.detach())

    def means(self) -> tuple[list[str], Tensor]:
        """The names in order and the mean of each since the last drain, [N] in float32 on the values' device."""
        names = sorted(self._values)
        return names, torch.stack([torch.stack(self._values[name]).float().mean() for name in names])

    def clear(self) -> None:
        """Forget everything collected."""
        self._values.clear()

    def __len__(self) -> int:
        return len(self._values)

    def state_dict(self) -> dict[str, Tensor]:
        """What was collected and not yet drained, so that a resumed run writes the same curves."""
        return {name: torch.stack(values).cpu() for name, values in self._values.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take up :meth:`state_dict` again; the values stay on the CPU until the next drain."""
        self._values = {name: list(values.unbind()) for name, values in state.items()}
