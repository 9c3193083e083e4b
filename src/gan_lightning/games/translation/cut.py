"""CUT: one generator translates without partners, held to its input by contrasting patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from gan_lightning.errors import UserError
from gan_lightning.games.player import frozen
from gan_lightning.games.translation.base import ImagesA, ImagesB, columns_for, in_rows
from gan_lightning.games.translation.one_way import OneWayGame
from gan_lightning.games.translation.patch_nce import Encoder, Projection, patch_nce, random_places
from gan_lightning.networks.eval_mode import evaluating
from gan_lightning.randomness import UpdateDraw
from gan_lightning.types import AdversarialLoss, Direction, Draw, Images, Product, Scalar, Sheet

PROBE = 32
"""Pixels a side of the image with which a generator's features are counted."""


class CUT(OneWayGame):
    """G: a -> b against D, and PatchNCE (Park et al. 2020, https://arxiv.org/abs/2007.15651, eq. 1 to 5).

    PatchNCE is the mean over the layers, as in the authors' code, and not their sum.

    Args:
        generator: Maps images [B C H W] to images [B C H W] in [-1, 1], and gives ``features`` of its encoder, as
            :class:`~gan_lightning.networks.ResidualTranslator` does.
        discriminator: Maps (images, None) to logits.
        loss: The two objectives over logits.
        nce_weight: `λ_X`, the weight of PatchNCE between a and G(a).
        identity_weight: `λ_Y`, the weight of PatchNCE between b and G(b).
        layers: Numbers of the layers whose maps are compared; 0 is the image itself.
        places: Number of places at which each map is compared.
        temperature: `τ`, by which similarities are divided before the softmax.
        projection_width: Length of the vectors that are compared.
        options: Options of :class:`~gan_lightning.games.translation.base.TranslationGame` and its bases.

    Raises:
        UserError: If G has no features, or no layers with these numbers, or the domains have unequal channels.
    """

    projection: Projection

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        loss: AdversarialLoss,
        *,
        nce_weight: float = 1.0,
        identity_weight: float = 1.0,
        layers: Sequence[int] = (0, 2, 3, 4, 8),
        places: int = 256,
        temperature: float = 0.07,
        projection_width: int = 256,
        **options: Any,
    ) -> None:
        projection = Projection(_channels(generator, layers), projection_width)
        networks = {
            "generator": {"generator": generator, "projection": projection},
            "discriminator": {"discriminator": discriminator},
        }
        super().__init__(networks, loss, **options)
        self.nce_weight = nce_weight
        self.identity_weight = identity_weight
        self.layers = tuple(layers)
        self.places_per_map = places
        self.temperature = temperature

    def shown(self, a: ImagesA, b: ImagesB) -> Images:
        """The image of domain b alone."""
        return b

    def update_generator(self, a: ImagesA, b: ImagesB, fake: ImagesB, draw: UpdateDraw) -> None:
        """Descend G and the projection against a frozen D: eq. 5."""
        with frozen(self.players["discriminator"].parameters):
            seen = self.face(self.discriminator, fake, None, draw)
            real_logits = partial(self.score, self.discriminator, b, y=None, draw=draw.named("real"))
            terms = {
                "loss/generator": self.loss.generator(seen.verdict.logits, real_logits),
                "loss/nce": self.nce_weight * self.contrast(a, fake, draw.named("nce")),
            }
            if self.identity_weight:
                identity = self.contrast(b, self.generator(b), draw.named("identity"))
                terms["loss/nce_identity"] = self.identity_weight * identity
            self.descend("generator", terms | self.extra_generator_terms(seen))

    def contrast(self, source: Images, made: Images, draw: Draw) -> Scalar:
        """PatchNCE between what G made and what it made it of, the mean over the layers; eq. 4."""
        assert isinstance(self.generator, Encoder)
        keys, queries = (self.generator.features(images, self.layers) for images in (source, made))
        places = [random_places(each, self.places_per_map, draw, f"layer {i}") for i, each in enumerate(keys)]
        keys, queries = self.projection(keys, places), self.projection(queries, places)
        losses = [patch_nce(q, k.detach(), self.temperature) for q, k in zip(queries, keys, strict=True)]
        return torch.stack(losses).mean()

    @torch.no_grad()
    def pictures(self, data: Any, count: int) -> Sheet:
        """Rows of held-out a and G(a), then b and G(b), which should stay as it is, by the averaged generator."""
        a, b = self.held_out(data, columns_for(count, 4))
        generator = self.average.model["generator"]  # type: ignore[index]  # a ModuleDict
        return in_rows([a, generator(a), b, generator(b)])

    @classmethod
    def directions(cls) -> Sequence[Direction]:
        """From a to b, where G is given b as well and is to keep it."""
        return (Direction("generator", keeps=True),)

    @classmethod
    def products(cls, model: Mapping[str, Any]) -> Mapping[str, Product]:
        """The generator."""
        return {"generator": Product(model["generator"], "generator.", "average.model.generator.", prior=None)}


@torch.no_grad()
def _channels(generator: nn.Module, layers: Sequence[int]) -> list[int]:
    """Channels of the maps after these layers, found by looking at those of a small image."""
    if not isinstance(generator, Encoder):
        raise UserError(
            f"CUT compares maps of G's encoder, and {type(generator).__name__} has no method features(x, places). Use "
            "gan_lightning.networks.ResidualTranslator."
        )
    takes, makes = getattr(generator, "in_channels", None), getattr(generator, "out_channels", None)
    if takes != makes:
        raise UserError(
            f"CUT gives G its own outputs, but it takes {takes} channels and makes {makes}: bring both domains to one "
            "number with data.channels_a and data.channels_b."
        )
    if not layers or list(layers) != sorted(set(layers)) or layers[0] < 0:
        raise UserError(f"model.layers={list(layers)} must be numbers of layers in rising order, such as [0,2,3,4,8].")
    first = next(generator.parameters())
    with evaluating(generator):
        try:
            maps = generator.features(first.new_zeros(1, int(takes or 3), PROBE, PROBE), layers)
        except IndexError as error:
            raise UserError(
                f"model.layers={list(layers)}: {type(generator).__name__} has fewer layers before its decoder. Give "
                "lower numbers, or more blocks."
            ) from error
    return [each.shape[1] for each in maps]
