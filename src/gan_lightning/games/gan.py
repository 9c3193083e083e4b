"""The GAN: a generator makes images out of latents, and a discriminator tells them from real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gan_lightning.games.adversarial import AdversarialGame
from gan_lightning.games.player import frozen
from gan_lightning.games.priors import Normal
from gan_lightning.games.rules import ERRORS, WARNINGS
from gan_lightning.randomness import UpdateDraw
from gan_lightning.types import AdversarialLoss, Draw, Images, Labels, Latents, Product, Sampling, Sheet

COLUMNS = 8
"""Pictures in a row of a sheet without classes."""
CLASSES = 10
"""Classes that a sheet shows at most, from the first to the last."""
NORMAL = {"_target_": "gan_lightning.games.priors.Normal"}
"""The prior of a game whose configuration names none."""


class Generated(NamedTuple):
    """Fakes and the latents that they were made from."""

    images: Images
    latents: Latents


class GAN(AdversarialGame):
    """A generator against a discriminator (Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661, algorithm 1).

    Args:
        generator: Maps (z [B Z], labels [B] or None) to images [B C H W] in [-1, 1]; it has ``latent_dim``.
        discriminator: Maps (images, labels or None) to logits [B] or to a :class:`~gan_lightning.types.Verdict`.
        loss: The two objectives over logits.
        prior: Draws the latents.
        reuse_fakes: G's step takes the fakes of the last D update instead of fresh ones: one forward pass less, at the
            price of a G gradient on latents that D has just been trained on.
        options: Options of :class:`~gan_lightning.games.adversarial.AdversarialGame` and
            :class:`~gan_lightning.games.base.Game`.
    """

    OF_GROUPS = AdversarialGame.OF_GROUPS | {"prior"}
    SPLITS_BATCHES = True
    errors = ERRORS
    warnings = WARNINGS
    generator: nn.Module
    discriminator: nn.Module

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        loss: AdversarialLoss,
        *,
        prior: Callable[[Draw, int, int], Latents] | None = None,
        reuse_fakes: bool = False,
        **options: Any,
    ) -> None:
        networks = {"generator": {"generator": generator}, "discriminator": {"discriminator": discriminator}}
        super().__init__(networks, loss, **options)
        self.prior = prior or Normal()
        self.reuse_fakes = reuse_fakes
        self.latent_dim = int(generator.latent_dim)  # type: ignore[arg-type]  # a network's attribute, not a Tensor
        self.conditional = bool(getattr(generator, "num_classes", 0) or getattr(discriminator, "num_classes", 0))

    # -------------------------------------------------------------------- how it is played

    def iterate(self, batch: tuple[Tensor, Tensor]) -> None:
        """``n_critic`` updates of D on one share of the real images each, then one of G."""
        for update, (real, y) in enumerate(self.shares(batch)):
            keep_graph = self.reuse_fakes and update == self.n_critic - 1
            made = self.update_discriminator(real, y, self.draw(f"D{update}"), keep_graph)
        self.update_generator(real, y, self.draw("G"), made if self.reuse_fakes else None)

    def update_discriminator(self, real: Images, y: Labels | None, draw: UpdateDraw, keep_graph: bool) -> Generated:
        """Descend D's loss on real images and fakes, and return the fakes that G made for it."""
        for part in self.parts(real, y, draw):
            real, y, draw = part.images, part.labels, part.draw
            with torch.set_grad_enabled(keep_graph):
                made = self.generate(y, len(real), draw)
            fake = self.image_pool(made.images.detach(), draw.named("history"))  # the name is part of the numbers
            seen = self.examine(self.discriminator, real, fake, y, draw)
            loss = self.loss.discriminator(seen.real_verdict.logits, seen.fake_verdict.logits, draw)
            self.descend("discriminator", {"loss/discriminator": loss} | self.extra_discriminator_terms(seen), part)
            self.observe(seen)
        self.constrain()
        return made

    def update_generator(self, real: Images, y: Labels | None, draw: UpdateDraw, made: Generated | None) -> None:
        """Descend G's loss against a frozen D, on fresh fakes unless some are given."""
        with frozen(self.players["discriminator"].parameters):
            for part in self.parts(real, y, draw):
                real, y, draw = part.images, part.labels, part.draw
                fake, z = made or self.generate(y, len(real), draw)
                seen = self.face(self.discriminator, fake, y, draw, z)
                real_logits = partial(self.score, self.discriminator, real, y=y, draw=draw.named("real"))
                loss = self.loss.generator(seen.verdict.logits, real_logits)
                self.descend("generator", {"loss/generator": loss} | self.extra_generator_terms(seen), part)

    def shares(self, batch: tuple[Tensor, Tensor]) -> Iterator[tuple[Images, Labels | None]]:
        """The ``n_critic`` parts of a batch, each with the real images of one D update."""
        images, labels = batch
        for real, y in zip(images.chunk(self.n_critic), labels.chunk(self.n_critic), strict=True):
            yield real, y if self.conditional else None

    def generate(self, y: Labels | None, batch: int, draw: Draw) -> Generated:
        """Fakes from fresh latents."""
        z = self.prior(draw, batch, self.latent_dim)
        return Generated(self.generator(z, y), z)

    # ------------------------------------------------------------- what is seen of it outside

    @torch.no_grad()
    def sample(self, z: Latents, y: Labels | None = None) -> Images:
        """Images of the averaged generator. It never changes training: the copy stays in evaluation mode."""
        images: Tensor = self.average(z.to(self.device), None if y is None else y.to(self.device))
        return images

    def sampling(self) -> Sampling:
        """The prior, the length of its latents and the classes that can be asked for."""
        return Sampling(self.prior, self.latent_dim, int(getattr(self.generator, "num_classes", 0)))

    def pictures(self, data: Any, count: int) -> Sheet:
        """Samples on latents that stay the same for the whole run, in rows of classes if there are any."""
        z, y, columns = self.inputs_of_a_sheet(count)
        return Sheet(self.sample(z, y), columns)

    def inputs_of_a_sheet(self, count: int) -> tuple[Latents, Labels | None, int]:
        """Latents and labels of a sheet, and its columns.

        If the generator takes labels, a row is a class and a column one latent; of more than ten classes, ten from the
        first to the last are shown.
        """
        if not (num_classes := self.sampling().num_classes):
            return self.fixed_latents(count), None, COLUMNS
        classes = spread(num_classes, CLASSES)
        columns = -(-count // len(classes))
        return self.fixed_latents(columns).repeat(len(classes), 1), classes.repeat_interleave(columns), columns

    @torch.no_grad()
    def samples(self, count: int) -> Images:
        """Samples on fixed latents, their classes in turn if the generator takes labels."""
        num_classes = self.sampling().num_classes
        y = torch.arange(count) % num_classes if num_classes else None
        return self.sample(self.fixed_latents(count), y)

    def fixed_latents(self, count: int) -> Latents:
        """Latents [count Z] that depend on the run's seed alone."""
        draw = UpdateDraw((self.seed, "samples"), rank=0, world_size=1, device=torch.device("cpu"))
        return self.prior(draw, count, self.latent_dim)

    def input_shapes(self, image: tuple[int, int, int]) -> Mapping[str, tuple[int, ...]]:
        """Latents for G, images for D."""
        return {"generator": (self.latent_dim,), "discriminator": image}

    @classmethod
    def products(cls, model: Mapping[str, Any]) -> Mapping[str, Product]:
        """The generator, with the prior that its latents are drawn from."""
        prior = model.get("prior") or NORMAL
        return {"generator": Product(model["generator"], "generator.", "average.model.", prior)}


def spread(num_classes: int, most: int) -> Labels:
    """All classes, or ``most`` of them in equal steps from the first to the last."""
    rows = min(num_classes, most)
    return torch.linspace(0, num_classes - 1, rows).round().long()
