"""CycleGAN: two generators translate between domains without partners, and there and back again should be the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import nn

from gan_lightning.data.translation.loader import TranslationBatch
from gan_lightning.errors import UserError
from gan_lightning.games.player import frozen
from gan_lightning.games.translation.base import ImagesA, ImagesB, TranslationGame, columns_for, in_rows
from gan_lightning.randomness import UpdateDraw
from gan_lightning.types import AdversarialLoss, Direction, Product, Scalar, Sheet


class CycleGAN(TranslationGame):
    """G: a -> b against D_B and F: b -> a against D_A (Zhu et al. 2017, https://arxiv.org/abs/1703.10593, eq. 1 to 3).

    The fakes of the last D update are those of the generators' step, as in the authors' code. Each discriminator has an
    image pool of its own.

    Args:
        a2b: `G`, which maps images [B C_a H W] to images [B C_b H W] in [-1, 1].
        b2a: `F`, which maps them back.
        discriminator_a: `D_A`, which maps (images of domain a, None) to logits.
        discriminator_b: `D_B`, the same for domain b.
        loss: The two objectives over logits.
        cycle_weight: `λ`, the weight of `|F(G(a)) - a|` and `|G(F(b)) - b|`.
        identity_weight: The weight of `|G(b) - b|` and `|F(a) - a|`; the authors take half of `λ` (sec. 5.2).
        options: Options of :class:`~gan_lightning.games.translation.base.TranslationGame` and its bases.

    Raises:
        UserError: If ``identity_weight`` is not 0 and the domains have unequal channels.
    """

    a2b: nn.Module
    b2a: nn.Module
    discriminator_a: nn.Module
    discriminator_b: nn.Module

    def __init__(
        self,
        a2b: nn.Module,
        b2a: nn.Module,
        discriminator_a: nn.Module,
        discriminator_b: nn.Module,
        loss: AdversarialLoss,
        *,
        cycle_weight: float = 10.0,
        identity_weight: float = 5.0,
        **options: Any,
    ) -> None:
        networks = {
            "generator": {"a2b": a2b, "b2a": b2a},
            "discriminator": {"discriminator_a": discriminator_a, "discriminator_b": discriminator_b},
        }
        super().__init__(networks, loss, **options)
        if identity_weight and (channels := getattr(a2b, "in_channels", None)) != getattr(a2b, "out_channels", None):
            raise UserError(
                f"model.identity_weight={identity_weight} gives G images of domain b, but it takes {channels} channels "
                "and those have another number: set model.identity_weight=0, or bring both to one number with "
                "data.channels_a and data.channels_b."
            )
        self.cycle_weight = cycle_weight
        self.identity_weight = identity_weight
        self.pool_of_a, self.pool_of_b = self.image_pool, deepcopy(self.image_pool)

    def iterate(self, batch: TranslationBatch) -> None:
        """``n_critic`` updates of both discriminators, then one of both generators on the last images."""
        for update, (a, b) in enumerate(self.shares(batch)):
            draw = self.draw(f"D{update}")
            with torch.set_grad_enabled(update == self.n_critic - 1):
                fake_a, fake_b = self.b2a(b), self.a2b(a)
            self.update_discriminators(a, b, fake_a.detach(), fake_b.detach(), draw)
        self.update_generators(a, b, fake_a, fake_b, self.draw("G"))

    def update_discriminators(self, a: ImagesA, b: ImagesB, fake_a: ImagesA, fake_b: ImagesB, draw: UpdateDraw) -> None:
        """Descend D_A on a and F(b), and D_B on b and G(a), with half of the fakes from the image pools."""
        draw_a, draw_b = draw.named("a"), draw.named("b")
        shown_a = self.pool_of_a(fake_a, draw_a.named("image_pool"))
        shown_b = self.pool_of_b(fake_b, draw_b.named("image_pool"))
        seen_a = self.examine(self.discriminator_a, a, shown_a, None, draw_a)
        seen_b = self.examine(self.discriminator_b, b, shown_b, None, draw_b)
        loss_a = self.loss.discriminator(seen_a.real_verdict.logits, seen_a.fake_verdict.logits, draw_a)
        loss_b = self.loss.discriminator(seen_b.real_verdict.logits, seen_b.fake_verdict.logits, draw_b)
        terms = {
            "loss/discriminator_a": self.discriminator_weight * loss_a,
            "loss/discriminator_b": self.discriminator_weight * loss_b,
        }
        terms |= _of_side("a", self.extra_discriminator_terms(seen_a))
        terms |= _of_side("b", self.extra_discriminator_terms(seen_b))
        self.descend("discriminator", terms)
        self.constrain()
        self.observe(seen_a, "a")
        self.observe(seen_b, "b")

    def update_generators(self, a: ImagesA, b: ImagesB, fake_a: ImagesA, fake_b: ImagesB, draw: UpdateDraw) -> None:
        """Descend G and F against frozen discriminators, with the cycles and the identities."""
        draw_a, draw_b = draw.named("a"), draw.named("b")
        with frozen(self.players["discriminator"].parameters):
            seen_a = self.face(self.discriminator_a, fake_a, None, draw_a)
            seen_b = self.face(self.discriminator_b, fake_b, None, draw_b)
            real_a = partial(self.score, self.discriminator_a, a, y=None, draw=draw_a.named("real"))
            real_b = partial(self.score, self.discriminator_b, b, y=None, draw=draw_b.named("real"))
            terms = {
                "loss/b2a": self.loss.generator(seen_a.verdict.logits, real_a),
                "loss/a2b": self.loss.generator(seen_b.verdict.logits, real_b),
                "loss/cycle_a": self.cycle_weight * (self.b2a(fake_b) - a).abs().mean(),
                "loss/cycle_b": self.cycle_weight * (self.a2b(fake_a) - b).abs().mean(),
            }
            if self.identity_weight:
                terms["loss/identity_a"] = self.identity_weight * (self.b2a(a) - a).abs().mean()
                terms["loss/identity_b"] = self.identity_weight * (self.a2b(b) - b).abs().mean()
            terms |= _of_side("a", self.extra_generator_terms(seen_a))
            terms |= _of_side("b", self.extra_generator_terms(seen_b))
            self.descend("generator", terms)

    @torch.no_grad()
    def pictures(self, data: Any, count: int) -> Sheet:
        """Rows of held-out a, G(a), F(G(a)), then b, F(b), G(F(b)), by the averaged generators."""
        a, b = self.held_out(data, columns_for(count, 6))
        a2b, b2a = self.average.model["a2b"], self.average.model["b2a"]  # type: ignore[index]  # a ModuleDict
        fake_a, fake_b = b2a(b), a2b(a)
        return in_rows([a, fake_b, b2a(fake_b), b, fake_a, a2b(fake_a)])

    @classmethod
    def directions(cls) -> Sequence[Direction]:
        """There and back, each beginning with either domain."""
        return (Direction("a2b", "a", "b", "b2a", keeps=True), Direction("b2a", "b", "a", "a2b", keeps=True))

    @classmethod
    def products(cls, model: Mapping[str, Any]) -> Mapping[str, Product]:
        """Both generators."""
        return {each: Product(model[each], f"{each}.", f"average.model.{each}.", prior=None) for each in ("a2b", "b2a")}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the second image pool."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["gan_lightning"]["pool_of_b"] = self.pool_of_b.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the second image pool again."""
        super().on_load_checkpoint(checkpoint)
        self.pool_of_b.load_state_dict(checkpoint["gan_lightning"]["pool_of_b"])


def _of_side(side: str, terms: Mapping[str, Scalar]) -> dict[str, Scalar]:
    return {f"{name}_{side}": term for name, term in terms.items()}
