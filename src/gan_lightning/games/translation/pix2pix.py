"""Pix2Pix: a generator turns an image into another, and a discriminator tells real pairs from those with an output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from gan_lightning.data.translation.datamodule import PairedDataModule
from gan_lightning.games.player import frozen
from gan_lightning.games.translation.base import ImagesA, ImagesB, columns_for, in_rows
from gan_lightning.games.translation.one_way import OneWayGame
from gan_lightning.randomness import UpdateDraw
from gan_lightning.types import AdversarialLoss, Direction, Images, Product, Sheet


class Pix2Pix(OneWayGame):
    """Pairs (a, b): G maps a to b, and D judges a pair (Isola et al. 2017, https://arxiv.org/abs/1611.07004, eq. 3, 4).

    D sees the two images of a pair as one, their channels one after the other; so do penalties, augmentation and the
    image pool.

    Args:
        generator: Maps images [B C_a H W] to images [B C_b H W] in [-1, 1].
        discriminator: Maps (pairs [B C_a+C_b H W], None) to logits.
        loss: The two objectives over logits.
        l1_weight: `λ`, the weight of the mean absolute difference between output and target.
        options: Options of :class:`~gan_lightning.games.translation.base.TranslationGame` and its bases.
    """

    DATA = PairedDataModule
    EXAMPLES = "data=edges or data=pairs data.a=FOLDER data.b=FOLDER"

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        loss: AdversarialLoss,
        *,
        l1_weight: float = 100.0,
        **options: Any,
    ) -> None:
        networks = {"generator": {"generator": generator}, "discriminator": {"discriminator": discriminator}}
        super().__init__(networks, loss, **options)
        self.l1_weight = l1_weight

    def shown(self, a: ImagesA, b: ImagesB) -> Images:
        """The pair as one image, with the channels of b after those of a."""
        return torch.cat([a, b], 1)

    def update_generator(self, a: ImagesA, b: ImagesB, fake: ImagesB, draw: UpdateDraw) -> None:
        """Descend G against a frozen D: its objective over pairs (a, G(a)), and `λ |b - G(a)|`."""
        with frozen(self.players["discriminator"].parameters):
            seen = self.face(self.discriminator, self.shown(a, fake), None, draw)
            real_logits = partial(self.score, self.discriminator, self.shown(a, b), y=None, draw=draw.named("real"))
            terms = {
                "loss/generator": self.loss.generator(seen.verdict.logits, real_logits),
                "loss/l1": self.l1_weight * (b - fake).abs().mean(),
            }
            self.descend("generator", terms | self.extra_generator_terms(seen))

    @torch.no_grad()
    def pictures(self, data: Any, count: int) -> Sheet:
        """Rows of held-out inputs, the averaged generator's outputs and the targets."""
        a, b = self.held_out(data, columns_for(count, 3))
        return in_rows([a, self.average(a), b])

    @classmethod
    def directions(cls) -> Sequence[Direction]:
        """From a to b, with the true b to compare with."""
        return (Direction("generator"),)

    @classmethod
    def products(cls, model: Mapping[str, Any]) -> Mapping[str, Product]:
        """The generator."""
        return {"generator": Product(model["generator"], "generator.", "average.model.", prior=None)}
