"""Translations between rendered digits, which need no download: from outlines, into colours, and between hands."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from gan_lightning.data.sets.digits import TEST, TRAIN, Digits, digits
from gan_lightning.data.sets.rendering import Ranges, digit_labels
from gan_lightning.data.translation.datamodule import PairedDataModule, UnpairedDataModule
from gan_lightning.data.translation.two_sides import Side, TwoSides
from gan_lightning.errors import UserError
from gan_lightning.types import Bytes, Labels

PALETTE = (
    *((230, 60, 60), (240, 150, 40), (235, 220, 60), (140, 220, 60), (50, 190, 120)),
    *((60, 210, 220), (70, 130, 240), (130, 90, 230), (210, 80, 220), (240, 120, 170)),
)
"""Colours of the digits 0 to 9, as red, green and blue."""

HANDS: Mapping[str, Ranges] = MappingProxyType(
    {
        "thin": {"pen": (-0.5, -0.2)},
        "bold": {"pen": (1.1, 1.5)},
        "upright": {"slant": (-0.05, 0.05), "rotation": (-0.05, 0.05)},
        "slanted": {"slant": (0.5, 0.6), "rotation": (-0.05, 0.05)},
    }
)
"""Ranges with which a hand draws digits, in place of the usual ones, by the name of the hand."""

INKED = 127
"""Brightness above which a pixel counts as ink when an outline is drawn."""


class Edges(PairedDataModule):
    """Pairs of an outline (domain a) and its digit (domain b), 28 x 28 grey: 60,000 to train and 10,000 to test.

    The outline lies around the ink.

    Args:
        render_seed: Seed of the digits themselves, apart from the ``seed`` of the order in a run.
        options: The options of :class:`TranslationDataModule`.
    """

    def __init__(self, *, render_seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.digits = Digits(render_seed=render_seed, batch_size=self.batch_size)

    def load(self, split: str, size: tuple[int, int] | None) -> TwoSides:
        """The outlines of "train" or "test", and the digits that they outline."""
        found = self.digits.load(split)
        return TwoSides(Side(outlines(found.images), found.labels), Side(found.images, found.labels), found.class_names)


class Colours(PairedDataModule):
    """Pairs of a grey (domain a) and a coloured digit (domain b), 28 x 28: 60,000 to train and 10,000 to test.

    The colour follows from the class of the digit.

    Args:
        render_seed: Seed of the digits themselves, apart from the ``seed`` of the order in a run.
        options: The options of :class:`TranslationDataModule`.
    """

    def __init__(self, *, render_seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.digits = Digits(render_seed=render_seed, batch_size=self.batch_size)

    def load(self, split: str, size: tuple[int, int] | None) -> TwoSides:
        """The digits of "train" or "test", grey and in the colour of their class."""
        found = self.digits.load(split)
        assert found.labels is not None, "digits have labels"
        inked = coloured(found.images, found.labels)
        return TwoSides(Side(found.images, found.labels), Side(inked, found.labels), found.class_names)


class Styles(UnpairedDataModule):
    """Digits in one hand (domain a) and in another (domain b), 28 x 28 grey and without partners.

    Of each hand there are 30,000 digits to train, none of which occurs in the other. The 10,000 to test are the same
    digits in both hands, so that a translation can be compared with the truth.

    Args:
        hand_a: Name of the hand of domain a: thin, bold, upright or slanted.
        hand_b: Name of the hand of domain b.
        render_seed: Seed of the digits themselves, apart from the ``seed`` of the order in a run.
        options: The options of :class:`TranslationDataModule`.
    """

    PARTNERS_HELD_OUT = True

    def __init__(self, *, hand_a: str = "thin", hand_b: str = "bold", render_seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        for option, hand in (("hand_a", hand_a), ("hand_b", hand_b)):
            if hand not in HANDS:
                raise UserError(f"data.{option}={hand} is no hand: choose one of {', '.join(HANDS)}")
        if hand_a == hand_b:
            raise UserError(f"data.hand_a and data.hand_b are both {hand_a}: choose two that differ")
        self.hands = HANDS[hand_a], HANDS[hand_b]
        self.render_seed = render_seed

    def load(self, split: str, size: tuple[int, int] | None) -> TwoSides:
        """The first half of "train" in one hand and the second half in the other, or all of "test" in both hands."""
        of_both = (TRAIN, TRAIN + TEST)
        ranges = ((0, TRAIN // 2), (TRAIN // 2, TRAIN)) if split == "train" else (of_both, of_both)
        a, b = (self._written(hand, *indices) for hand, indices in zip(self.hands, ranges, strict=True))
        return TwoSides(a, b, tuple("0123456789"))

    def _written(self, hand: Ranges, start: int, stop: int) -> Side:
        """The digits with the indices ``start`` to ``stop - 1`` in one hand."""
        labels = digit_labels(self.render_seed, np.arange(start, stop))
        return Side(torch.from_numpy(digits(self.render_seed, start, stop, hand)), torch.from_numpy(labels))


def outlines(images: Bytes) -> Bytes:
    """Outlines of images: a pixel without ink is white if the one above, below, left or right of it has ink.

    All other pixels are black.
    """
    ink = images > INKED
    around = torch.zeros_like(ink)
    around[..., 1:, :] |= ink[..., :-1, :]
    around[..., :-1, :] |= ink[..., 1:, :]
    around[..., 1:] |= ink[..., :-1]
    around[..., :-1] |= ink[..., 1:]
    return (around & ~ink).to(torch.uint8) * 255


def coloured(images: UInt8[Tensor, "B 1 H W"], labels: Labels) -> UInt8[Tensor, "B 3 H W"]:
    """The grey images in the colours of their classes: `round(grey · colour / 255)`."""
    colours = torch.tensor(PALETTE, dtype=torch.int32)[labels][:, :, None, None]
    parts = (
        ((grey.to(torch.int32) * colour + 127) // 255).to(torch.uint8)  # in parts: a set as int32 is large
        for grey, colour in zip(torch.split(images, 4096), torch.split(colours, 4096), strict=True)
    )
    return torch.cat(list(parts))
