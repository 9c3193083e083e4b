"""Rendering of digits that look handwritten, each of which is a pure function of (seed, index).

A digit is drawn from the distances to the outline of a typeface's glyph: the page is bent, the distance of each pixel
is looked up, and whatever is nearer than the pen is wide gets ink. Pixels are computed elementwise by +, -, *, / and
comparisons on float32 alone, and random numbers come from a counter and not from a stream. The bits are therefore the
same for one image as for all of them, on any machine and with any number of threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from gan_lightning.randomness import hashed_seed

SIZE = 28
CHUNK = 128  # images rendered at a time, so that their floats stay in the processor's cache

Ranges: TypeAlias = Mapping[str, tuple[float, float]]

PARAMETERS: Ranges = {
    "rotation": (-0.22, 0.22),  # sine of the angle
    "slant": (-0.12, 0.42),  # pixels to the right per pixel upwards
    "width": (0.75, 1.25),  # relative to the typeface
    "height": (0.8, 1.02),  # relative to 20 of the 28 pixels
    "shift_x": (-1.5, 1.5),  # pixels
    "shift_y": (-1.5, 1.5),
    "arch_x": (-2.0, 2.0),  # bends, in pixels at the border of the digit
    "arch_y": (-1.8, 1.8),
    "fan_x": (-2.6, 2.6),
    "fan_y": (-2.2, 2.2),
    "swing": (-3.2, 3.2),
    "pen": (-0.3, 0.9),  # pixels by which the pen is wider than the typeface's stroke, on each side
    "softness": (0.8, 1.7),  # pixels from full ink to none
    "ink": (0.85, 1.0),  # brightness of full ink
    "grain": (0.0, 0.2),  # how much of the ink single pixels may lose
}
"""The range of each number that is drawn uniformly; their order decides which digit belongs to an index."""
AS_USUAL: Ranges = MappingProxyType({})
"""Ranges that replace none of these."""

REACH = 17.0  # pixels from the centre to the border of a distance field
FINENESS = 3  # samples of the field per pixel
GLYPH_HEIGHT = 20.0  # pixels, as in MNIST

Words = NDArray[np.uint64]
Floats = NDArray[np.floating[Any]]  # float32 throughout, because a Python number in a formula does not widen an array


def mix(counters: Words) -> Words:
    """Well-mixed bits of any counters, by SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable ... generators")."""
    z = counters + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def image_keys(seed: int, indices: NDArray[np.int64]) -> Words:
    """A key of 64 bits for each image, from which all of its random numbers follow."""
    start = np.array([hashed_seed(seed, "digits")], dtype=np.uint64)
    return mix(mix(start) + indices.astype(np.uint64))


def digit_labels(seed: int, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """The digit that each image shows, 0 to 9 with equal probability."""
    return (mix(image_keys(seed, indices)) % np.uint64(10)).astype(np.int64)


def draw_parameters(keys: Words, ranges: Ranges) -> dict[str, Floats]:
    """The value [N, 1] of each of :data:`PARAMETERS` for each image, uniform in its range there or in ``ranges``."""
    values = {}
    for i, (name, (low, high)) in enumerate({**PARAMETERS, **ranges}.items()):
        uniform = (mix(keys + np.uint64(i + 1)) >> np.uint64(40)).astype(np.float32) * 2**-24
        values[name] = (low + (high - low) * uniform)[:, None]
    return values


@lru_cache(maxsize=1)
def distance_fields() -> Floats:
    """The signed distances [10, S, S] in pixels to the outline of each digit, which are negative inside.

    S is 2 · REACH · FINENESS.
    """
    oversampling = 2  # the glyph is drawn finer than the field, so that the outline has no steps
    scale = FINENESS * oversampling
    font = ImageFont.load_default(size=round(GLYPH_HEIGHT * scale / 0.7))  # this typeface's digits are 0.7 em tall
    side = round(2 * REACH * scale)
    points = (np.arange(side // oversampling) + 0.5) * oversampling
    fields = []
    for digit in "0123456789":
        page = Image.new("L", (side, side))
        ImageDraw.Draw(page).text((side / 2, side / 2), digit, font=font, fill=255, anchor="mm")
        inked = np.asarray(page) > 127
        top, bottom = np.flatnonzero(inked.any(1))[[0, -1]]
        left, right = np.flatnonzero(inked.any(0))[[0, -1]]
        inked = np.roll(inked, ((side - top - bottom - 1) // 2, (side - left - right - 1) // 2), (0, 1))
        edge = inked & ~_eroded(inked)
        rows, columns = (axis.astype(np.float32) + 0.5 for axis in np.nonzero(edge))
        squares = [((points[:, None] - columns) ** 2 + (y - rows) ** 2).min(1) for y in points]
        field = np.sqrt(np.stack(squares)) / scale
        inside = inked[oversampling // 2 :: oversampling, oversampling // 2 :: oversampling]
        fields.append(np.where(inside, -field, field))
    return np.stack(fields).astype(np.float32)


def _eroded(inked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The inked pixels without those that touch the background above, below, left or right."""
    kept = inked.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            kept &= np.roll(inked, step, axis)
    return kept


def render(seed: int, indices: NDArray[np.int64], ranges: Ranges = AS_USUAL) -> NDArray[np.uint8]:
    """The images [N, 1, 28, 28] with these indices, white on black; ``ranges`` replaces some of :data:`PARAMETERS`."""
    keys = image_keys(seed, indices)
    p = draw_parameters(keys, ranges)
    fields = distance_fields()

    # the place of each pixel on the glyph: shift the page, then bend it, then invert rotate · slant · scale
    along = np.arange(SIZE, dtype=np.float32) + 0.5 - SIZE / 2
    x, y = np.tile(along, SIZE)[None] - p["shift_x"], np.repeat(along, SIZE)[None] - p["shift_y"]
    u, v = x * 0.1, y * 0.1  # -1 to 1 over the digit
    x, y = (
        x + p["arch_x"] * (v * v) + p["fan_x"] * (u * v) + p["swing"] * (v * (v * v - 1)),
        y + p["arch_y"] * (u * u) + p["fan_y"] * (u * v),
    )
    sine = p["rotation"]
    cosine = np.sqrt(1 - sine * sine)
    x, y = cosine * x + sine * y, cosine * y - sine * x
    x, y = (x + p["slant"] * y) / p["width"], y / p["height"]

    distance = _bilinear(fields, digit_labels(seed, indices), x, y)
    cover = np.clip((p["pen"] - distance) / p["softness"] + 0.5, 0, 1)
    ink = p["ink"] * cover * (1 - p["grain"] * _grain(keys))
    images: NDArray[np.uint8] = (ink * 255 + 0.5).astype(np.uint8)
    return images.reshape(-1, 1, SIZE, SIZE)


def _bilinear(fields: Floats, labels: NDArray[np.int64], x: Floats, y: Floats) -> Floats:
    """The distances [N, P] of each image's digit at the positions ``x``, ``y`` [N, P], in pixels from its centre."""
    side = fields.shape[-1]
    column, row = (np.clip((axis + REACH) * FINENESS - 0.5, 0, side - 1.001) for axis in (x, y))
    j, i = column.astype(np.int32), row.astype(np.int32)
    dx, dy = column - j.astype(np.float32), row - i.astype(np.float32)
    corner = (labels[:, None].astype(np.int32) * side + i) * side + j
    flat = fields.reshape(-1)
    above = flat[corner] * (1 - dx) + flat[corner + 1] * dx
    below = flat[corner + side] * (1 - dx) + flat[corner + side + 1] * dx
    between: Floats = above * (1 - dy) + below * dy
    return between


def _grain(keys: Words) -> Floats:
    """Uniform numbers [N, 784] in [0, 1], eight from each 64 random bits."""
    counters = np.arange(1000, 1000 + SIZE * SIZE // 8, dtype=np.uint64)
    octets = mix(keys[:, None] + counters).astype("<u8").view(np.uint8)  # little-endian on every machine
    return octets.astype(np.float32) / 255


def render_range(seed: int, start: int, stop: int, threads: int = 2, ranges: Ranges = AS_USUAL) -> NDArray[np.uint8]:
    """The images ``start`` to ``stop`` - 1 [N, 1, 28, 28]; see :func:`render`."""
    distance_fields()  # computed once, before the threads ask for them
    with ThreadPoolExecutor(threads) as pool:
        chunks: Iterable[NDArray[np.uint8]] = pool.map(
            lambda first: render(seed, np.arange(first, min(first + CHUNK, stop)), ranges), range(start, stop, CHUNK)
        )
        return np.concatenate(list(chunks))
