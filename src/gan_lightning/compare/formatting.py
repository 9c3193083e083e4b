"""Formats numbers, amounts and lists of names as a person would write them."""

from __future__ import annotations

from collections.abc import Sequence

from gan_lightning.compare.curves import Axis
from gan_lightning.runs.protocol import Protocol


def amount(value: float, axis: Axis) -> str:
    """An amount of images or of seconds with its unit: ``16.1 kimg``, ``43 s``."""
    return kimg(value) if axis == "images" else readable_time(value)


def kimg(images: float) -> str:
    """A number of images in thousands: ``16.1 kimg``."""
    return f"{images / 1000:,.4g} kimg" if images < 1e7 else f"{images / 1000:,.0f} kimg"


def readable_time(seconds: float) -> str:
    """A duration in the unit that reads best: seconds, minutes, hours or days."""
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 86400:.3g} d"


def readable_memory(size: int | None) -> str:
    """A number of bytes in gigabytes (10^9), or an empty string for None."""
    return "" if size is None else f"{size / 1e9:.2g} GB"


def number(value: float | None) -> str:
    """A number with four significant digits, or an empty string for None."""
    return "" if value is None else f"{value:.4g}"


def with_spread(mean: float, deviation: float | None) -> str:
    """A mean with its standard deviation: ``12.35 ± 0.42``.

    The deviation is shown with two significant digits and the mean with as many decimals; without a deviation, the
    mean stands alone.
    """
    if deviation is None or deviation == 0:
        return number(mean) + ("" if deviation is None else " ± 0")
    exact = max(0, 1 - int(f"{deviation:.1e}".partition("e")[2]))
    return f"{mean:.{exact}f} ± {deviation:.{exact}f}"


def listed(names: Sequence[str], most: int = 4) -> str:
    """The names in one line; if there are more than ``most``, the first of them and the number of the others."""
    shown = list(names) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} others"]
    return "; ".join(shown)


def described(protocol: Protocol) -> str:
    """The protocol in one line: how many images were compared, with which data, by which extractor."""
    return (
        f"{protocol.n_fake:,} images against {protocol.n_real:,} of {protocol.data} ({protocol.split}), "
        f"extractor {protocol.extractor} ({protocol.extractor_hash})"
    )
