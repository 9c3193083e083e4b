"""What discriminators are asked in every game: a loss, gradient penalties, terms, augmentation and an image pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import nn

from gan_lightning.augment import Compose
from gan_lightning.errors import UserError
from gan_lightning.games.base import Game
from gan_lightning.games.discriminator_statistics import log_statistics
from gan_lightning.games.image_pool import ImagePool
from gan_lightning.games.scheduling import Place, places_of_module, places_of_part
from gan_lightning.types import (
    AdversarialLoss,
    DiscriminatorTerm,
    DiscriminatorUpdate,
    Draw,
    GeneratorTerm,
    GeneratorUpdate,
    Images,
    Labels,
    Latents,
    Logits,
    Penalty,
    Scalar,
    Verdict,
)


class AdversarialGame(Game):
    """Base of games in which discriminators tell real images from generated ones.

    It knows no loss, network, data set or metric by name: all are handed in. A discriminator maps (images, labels or
    None) to logits, or to a :class:`~gan_lightning.types.Verdict`.

    Args:
        networks: The networks of each player by name, as in :class:`~gan_lightning.games.base.Game`.
        loss: The two objectives over logits.
        penalties: Terms on D, by name, which may take its gradient.
        discriminator_terms: Terms on D that need no gradient of D, by name.
        generator_terms: Terms on G, by other names.
        constraints: Called with each discriminator after every step of its player, by name (weight clipping).
        augment: Applied to every image that a discriminator sees, by name and in this order.
        image_pool: Mixes past fakes into those that D sees in its own updates.
        game: Options of :class:`~gan_lightning.games.base.Game`.

    Raises:
        UserError: If a term on D and one on G have the same name.
    """

    OF_GROUPS = Game.OF_GROUPS | {
        *("loss", "penalties", "discriminator_terms", "generator_terms", "constraints", "augment", "image_pool")
    }

    def __init__(
        self,
        networks: Mapping[str, Mapping[str, nn.Module]],
        loss: AdversarialLoss,
        *,
        penalties: Mapping[str, Penalty] | None = None,
        discriminator_terms: Mapping[str, DiscriminatorTerm] | None = None,
        generator_terms: Mapping[str, GeneratorTerm] | None = None,
        constraints: Mapping[str, Callable[[nn.Module], None]] | None = None,
        augment: Mapping[str, nn.Module] | None = None,
        image_pool: ImagePool | None = None,
        **game: Any,
    ) -> None:
        super().__init__(networks, **game)
        self.augment = Compose(dict(augment or {}))
        self.image_pool = image_pool or ImagePool()
        self.loss = loss
        self.penalties = dict(penalties or {})
        self.discriminator_terms = dict(discriminator_terms or {})
        self.generator_terms = dict(generator_terms or {})
        if both := self.discriminator_terms.keys() & self.generator_terms.keys():
            raise UserError(f"D and G both have a term called {', '.join(sorted(both))}: give each a name of its own.")
        self.constraints = dict(constraints or {})

    # ------------------------------------------------------------ a discriminator's update

    def examine(
        self, discriminator: nn.Module, real: Images, fake: Images, y: Labels | None, draw: Draw
    ) -> DiscriminatorUpdate:
        """Show real images and fakes to a discriminator: the forward passes of its update.

        What a penalty that is due differentiates by requires a gradient before D sees it.
        """
        sides = {side for penalty in self._due().values() for side in penalty.differentiates}
        seen_real, seen_fake = (
            x.detach().requires_grad_(side in sides) for x, side in ((real, "real"), (fake, "fake"))
        )
        return DiscriminatorUpdate(
            real=seen_real,
            fake=seen_fake,
            labels=y,
            real_verdict=self.judge(discriminator, seen_real, y, draw.named("real")),
            fake_verdict=self.judge(discriminator, seen_fake, y, draw.named("fake")),
            critic=partial(self.score, discriminator, y=y, draw=draw.named("penalty")),
            draw=draw,
        )

    def extra_discriminator_terms(self, seen: DiscriminatorUpdate) -> dict[str, Scalar]:
        """The penalties that are due and the terms on D, by the names of their curves."""
        penalties = {f"penalty/{name}": penalty(seen) for name, penalty in self._due().items()}
        return penalties | {f"term/{name}": term(seen) for name, term in self.discriminator_terms.items()}

    def constrain(self) -> None:
        """Apply the constraints to the weights of all discriminators: after each step of their player."""
        for network in self.networks_of("discriminator").values():
            for constraint in self.constraints.values():
                constraint(network)

    def observe(self, seen: DiscriminatorUpdate, name: str | None = None) -> None:
        """Show a discriminator's verdicts to augmentations that adapt themselves, and log statistics of them.

        Args:
            seen: The data of one update of a discriminator, with its verdicts.
            name: Which discriminator it is, if there are several: the curves are then called ``logits/real_NAME``.
        """
        self.augment.observe(self.loss, seen.real_verdict.logits, seen.fake_verdict.logits)
        border = getattr(self.loss, "border", None)
        suffix = "" if name is None else f"_{name}"
        log_statistics(self.scalars, seen.real_verdict, seen.fake_verdict, seen.labels, border, suffix)

    # ---------------------------------------------------------------- a generator's update

    def face(
        self, discriminator: nn.Module, fake: Images, y: Labels | None, draw: Draw, latents: Latents | None = None
    ) -> GeneratorUpdate:
        """Show fakes to a discriminator whose parameters are frozen: the forward pass of the generator's update."""
        return GeneratorUpdate(
            fake=fake,
            labels=y,
            verdict=self.judge(discriminator, fake, y, draw.named("fake")),
            critic=partial(self.score, discriminator, y=y, draw=draw.named("term")),
            draw=draw,
            latents=latents,
        )

    def extra_generator_terms(self, seen: GeneratorUpdate) -> dict[str, Scalar]:
        """The terms on G, by the names of their curves."""
        return {f"term/{name}": term(seen) for name, term in self.generator_terms.items()}

    # ----------------------------------------------------------------------- judging

    def judge(self, discriminator: nn.Module, images: Images, y: Labels | None, draw: Draw) -> Verdict:
        """D's verdict on augmented images."""
        answer = discriminator(self.augment(images, draw), y)
        return answer if isinstance(answer, Verdict) else Verdict(answer)

    def score(self, discriminator: nn.Module, images: Images, y: Labels | None, draw: Draw) -> Logits:
        """D's logits alone: what a penalty calls ``critic``."""
        return self.judge(discriminator, images, y, draw).logits

    def _due(self) -> dict[str, Penalty]:
        return {name: penalty for name, penalty in self.penalties.items() if penalty.due(self.d_updates)}

    # ------------------------------------------------------------------ hooks of the base

    def end_iteration(self, images: int) -> Mapping[str, Scalar]:
        """Let augmentations adapt, and log what they do."""
        return self.augment.adapt(self.iteration, images)

    def places(self) -> dict[str, Place]:
        """Also the floats of the loss, penalties, constraints, terms and augmentations."""
        holder = self._modules if "loss" in self._modules else vars(self)  # a loss may be a module of the user's own
        places = super().places() | places_of_part("loss", holder, "loss")
        groups: tuple[tuple[str, dict[str, Any]], ...] = (
            ("penalty", self.penalties),
            ("constraint", self.constraints),
            ("term", self.discriminator_terms),
            ("term", self.generator_terms),
        )
        for group, parts in groups:
            for name in parts:
                places |= places_of_part(f"{group}.{name}", parts, name)
        return places | places_of_module("augment", self.augment)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the image pool."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["gan_lightning"]["image_pool"] = self.image_pool.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the image pool again."""
        super().on_load_checkpoint(checkpoint)
        self.image_pool.load_state_dict(checkpoint["gan_lightning"]["image_pool"])
