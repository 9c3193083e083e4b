"""Numbers as one would say them."""

from __future__ import annotations

from collections.abc import Sequence

from gan_lightning.compare.curves import Axis
from gan_lightning.runs.protocol import Protocol


def amount(value: float, axis: Axis) -> str:
    """Of images or seconds: ``16.1 kimg``, ``43 s``."""
    return kimg(value) if axis == "images" else duration(value)


def kimg(images: float) -> str:
    """Thousands of images."""
    return f"{images / 1000:,.4g} kimg" if images < 1e7 else f"{images / 1000:,.0f} kimg"


def duration(seconds: float) -> str:
    """In the unit that reads best."""
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 86400:.3g} d"


def number(value: float | None) -> str:
    """Four digits."""
    return "" if value is None else f"{value:.4g}"


def with_spread(mean: float, deviation: float | None) -> str:
    """``12.35 ± 0.42``, the mean as exact as its standard deviation: two digits of that."""
    if deviation is None or deviation == 0:
        return number(mean) + ("" if deviation is None else " ± 0")
    exact = max(0, 1 - int(f"{deviation:.1e}".partition("e")[2]))
    return f"{mean:.{exact}f} ± {deviation:.{exact}f}"


def listed(names: Sequence[str], most: int = 4) -> str:
    """The first of them, and how many there are besides."""
    shown = list(names) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} others"]
    return "; ".join(shown)


def described(protocol: Protocol) -> str:
    """How a number was measured, in a line."""
    return (
        f"{protocol.n_fake:,} images against {protocol.n_real:,} of {protocol.data} ({protocol.split}), "
        f"extractor {protocol.extractor} ({protocol.extractor_hash})"
    )
