"""The game: n_critic discriminator updates, then one generator update."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial, reduce
from operator import add
from typing import Any

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Optimizer

from gan_lightning.augment import Compose
from gan_lightning.errors import UserError
from gan_lightning.games.clipping import GradientClip
from gan_lightning.games.discriminator_statistics import opinion
from gan_lightning.games.ema import MovingAverage
from gan_lightning.games.image_pool import FakeHistory
from gan_lightning.games.player import OptimizerFactory, Player, frozen
from gan_lightning.games.priors import Normal
from gan_lightning.games.scalars import Scalars
from gan_lightning.games.scheduling import Schedules, places_of
from gan_lightning.randomness import UpdateDraw, hashed_seed, seed_default_generators
from gan_lightning.runs.checkpoint import VERSION
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

COUNTERS = ("iteration", "d_updates", "g_updates", "images_seen")


class LitGAN(LightningModule):
    """Trains a generator against a discriminator by manual optimization.

    It knows no loss, network, data set or metric by name: all are handed in. One ``training_step`` is one iteration,
    ``n_critic`` D updates of B images each and one G update, and only G's step is counted by Lightning, so that
    ``trainer.global_step == iteration`` whatever ``n_critic`` is. Everything random in an iteration is a function of
    (seed, iteration, update, purpose), so that its counters are all that a resumed run needs.

    Args:
        generator: Maps (z [B Z], labels [B] | None) to images [B C H W] in [-1, 1]; has ``latent_dim``.
        discriminator: Maps (images, labels | None) to logits [B] or to a :class:`~gan_lightning.types.Verdict`.
        loss: The two objectives over logits.
        optimizer_generator: Makes G's optimizer from its parameters.
        optimizer_discriminator: Makes D's.
        penalties: Terms on D, by name.
        discriminator_terms: Terms on D that need no gradient of D, by name.
        generator_terms: Terms on G, by other names.
        constraints: Called with D after each of its steps, by name (weight clipping).
        schedules: What numbers are set to as functions of the images seen, by their names
            (:func:`gan_lightning.games.scheduling.places_of`), such as ``generator.lr`` or ``penalty.r1.gamma``.
        n_critic: D updates in one iteration.
        clip: Clips and measures the gradients of either player before its step.
        ema: Makes the moving average of G, which is what samples are drawn from; without it a plain copy.
        augment: Applied to every image that D sees, by name and in this order.
        history: Mixes past fakes into those that D sees in its own updates.
        prior: Draws the latents.
        reuse_fakes: G's step takes the fakes of the last D update instead of fresh ones: one forward pass less, at the
            price of a G gradient on latents that D has just been trained on.
        seed: Of everything random in training.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        loss: AdversarialLoss,
        optimizer_generator: OptimizerFactory,
        optimizer_discriminator: OptimizerFactory,
        *,
        penalties: Mapping[str, Penalty] | None = None,
        discriminator_terms: Mapping[str, DiscriminatorTerm] | None = None,
        generator_terms: Mapping[str, GeneratorTerm] | None = None,
        constraints: Mapping[str, Callable[[nn.Module], None]] | None = None,
        schedules: Mapping[str, Any] | None = None,
        n_critic: int = 1,
        clip: GradientClip | None = None,
        ema: Callable[[nn.Module], MovingAverage] | None = None,
        augment: Mapping[str, nn.Module] | None = None,
        history: FakeHistory | None = None,
        prior: Callable[[Draw, int, int], Latents] | None = None,
        reuse_fakes: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if n_critic < 1:
            raise UserError(f"n_critic={n_critic}: at least one discriminator update an iteration is needed.")
        self.automatic_optimization = False
        self.generator = generator
        self.discriminator = discriminator
        self.average = ema(generator) if ema is not None else MovingAverage(generator, half_life_kimg=0.0, ramp=None)
        self.augment = Compose(dict(augment or {}))
        self.history = history or FakeHistory()
        self.loss = loss
        self.penalties = dict(penalties or {})
        self.discriminator_terms = dict(discriminator_terms or {})
        self.generator_terms = dict(generator_terms or {})
        if both := self.discriminator_terms.keys() & self.generator_terms.keys():
            raise UserError(f"D and G both have a term called {', '.join(sorted(both))}: give each a name of its own.")
        self.constraints = dict(constraints or {})
        self.schedules = Schedules(schedules or {})
        self.n_critic = n_critic
        self.clip = clip or GradientClip()
        self.prior = prior or Normal()
        self.reuse_fakes = reuse_fakes
        self.seed = seed
        self.latent_dim = int(generator.latent_dim)  # type: ignore[arg-type]  # a network's attribute, not a Tensor
        self.conditional = bool(getattr(generator, "num_classes", 0) or getattr(discriminator, "num_classes", 0))
        self.scalars = Scalars()
        self.iteration = 0
        self.d_updates = 0
        self.g_updates = 0
        self.images_seen = 0
        self._optimizer_factories = {"generator": optimizer_generator, "discriminator": optimizer_discriminator}
        self.players: dict[str, Player] = {}
        self.player = "discriminator"  # whose update is under way; each has a gradient scaler of its own

    # ---------------------------------------------------------------- the step

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int = 0) -> None:
        """One iteration. ``batch``: images [n_critic·B C H W] in [-1, 1] and labels [n_critic·B]."""
        opt_g, opt_d = self._both_optimizers()
        self.schedules.apply(self.images_seen)
        last = self.n_critic - 1
        for update, (real, y) in enumerate(self.shares(batch)):
            fake = self.update_discriminator(opt_d, real, y, update, keep_graph=self.reuse_fakes and update == last)
        self.update_generator(opt_g, real, y, fake if self.reuse_fakes else None)
        images = self.n_critic * self.global_batch(real)
        self.average.update(images, self.images_seen)
        self.scalars.add(self.augment.adapt(self.iteration, images))
        self.iteration += 1

    def shares(self, batch: tuple[Tensor, Tensor]) -> Iterator[tuple[Images, Labels | None]]:
        """The n_critic parts of a batch, each the real images of one D update."""
        images, labels = batch
        for real, y in zip(images.chunk(self.n_critic), labels.chunk(self.n_critic), strict=True):
            yield real, y if self.conditional else None

    def update_discriminator(
        self, optimizer: LightningOptimizer, real: Images, y: Labels | None, update: int, keep_graph: bool
    ) -> Images:
        """One D update on one share of real images; gives the fakes that G made for it."""
        draw = self.draw(f"D{update}")
        with torch.set_grad_enabled(keep_graph):
            generated = self.generate(y, real.shape[0], draw)
        fake = self.history(generated.detach(), draw.named("history"))
        due = {name: penalty for name, penalty in self.penalties.items() if penalty.due(self.d_updates)}
        sides = {side for penalty in due.values() for side in penalty.differentiates}
        seen_real, seen_fake = (
            x.detach().requires_grad_(side in sides) for x, side in ((real, "real"), (fake, "fake"))
        )
        real_verdict = self.judge(seen_real, y, draw.named("real"))
        fake_verdict = self.judge(seen_fake, y, draw.named("fake"))
        terms = {"loss/discriminator": self.loss.discriminator(real_verdict.logits, fake_verdict.logits, draw)}
        seen = DiscriminatorUpdate(
            real=seen_real,
            fake=seen_fake,
            labels=y,
            real_verdict=real_verdict,
            fake_verdict=fake_verdict,
            critic=partial(self.score, y=y, draw=draw.named("penalty")),
            draw=draw,
        )
        terms |= {f"penalty/{name}": penalty(seen) for name, penalty in due.items()}
        terms |= {f"term/{name}": term(seen) for name, term in self.discriminator_terms.items()}
        # not optimizer.step(): through the strategy all hooks and the reduction run, but Lightning counts no step
        self.descend(optimizer, terms, partial(self.trainer.strategy.optimizer_step, optimizer.optimizer, _no_closure))
        for constraint in self.constraints.values():
            constraint(self.discriminator)
        self.augment.observe(real_verdict.logits)
        self.d_updates += 1
        self.images_seen += self.global_batch(real)
        self.scalars.add(terms | opinion(real_verdict, fake_verdict, y, getattr(self.loss, "border", None)))
        return generated

    def update_generator(
        self, optimizer: LightningOptimizer, real: Images, y: Labels | None, fake: Images | None
    ) -> None:
        """One G update against a frozen D, on fresh fakes unless some are given."""
        draw = self.draw("G")
        with frozen(self.players["discriminator"].parameters):
            if fake is None:
                fake = self.generate(y, real.shape[0], draw)
            verdict = self.judge(fake, y, draw.named("fake"))
            real_logits = partial(self.score, real, y=y, draw=draw.named("real"))
            terms = {"loss/generator": self.loss.generator(verdict.logits, real_logits)}
            seen = GeneratorUpdate(
                fake=fake,
                labels=y,
                verdict=verdict,
                critic=partial(self.score, y=y, draw=draw.named("term")),
                draw=draw,
            )
            terms |= {f"term/{name}": term(seen) for name, term in self.generator_terms.items()}
            self.descend(optimizer, terms, optimizer.step)
        self.g_updates += 1
        self.scalars.add(terms)

    def descend(self, optimizer: LightningOptimizer, terms: Mapping[str, Scalar], step: Callable[[], Any]) -> None:
        """The one place where gradients are made, reduced (by the strategy), clipped and applied."""
        player = self._player_of(optimizer.optimizer)
        self.player = player.name
        for parameter in player.parameters:
            parameter.grad = None
        self.manual_backward(reduce(add, terms.values()))
        step()

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clip and measure: after the reduction and the unscaling, before the update."""
        player = self._player_of(optimizer)
        norm = self.clip(player.parameters)
        if getattr(self.trainer.precision_plugin, "scaler", None) is not None:
            norm = norm.nan_to_num(nan=0.0, posinf=0.0)  # an overflow is no divergence: the scaler skips this step
        self.scalars.add({f"gradient_norm/{player.name}": norm})

    # ------------------------------------------------------------- the players

    def generate(self, y: Labels | None, batch: int, draw: Draw) -> Images:
        """Fakes from fresh latents."""
        images: Tensor = self.generator(self.prior(draw, batch, self.latent_dim), y)
        return images

    def judge(self, images: Images, y: Labels | None, draw: Draw) -> Verdict:
        """D's verdict on augmented images."""
        answer = self.discriminator(self.augment(images, draw), y)
        return answer if isinstance(answer, Verdict) else Verdict(answer)

    def score(self, images: Images, y: Labels | None, draw: Draw) -> Logits:
        """D's logits alone: what a penalty calls ``critic``."""
        return self.judge(images, y, draw).logits

    @torch.no_grad()
    def sample(self, z: Latents, y: Labels | None = None) -> Images:
        """Images of the averaged generator. Never touches what training reads: the copy stays in eval mode."""
        images: Tensor = self.average(z.to(self.device), None if y is None else y.to(self.device))
        return images

    # -------------------------------------------------------------- randomness

    def draw(self, update: str) -> UpdateDraw:
        """The random numbers of one update; also seeds the default generators, rank by rank, for dropout."""
        key = (self.seed, self.iteration, update)
        seed_default_generators(hashed_seed(*key, "default", self.global_rank), self.device)
        return UpdateDraw(key, self.global_rank, self.trainer.world_size, self.device)

    def mean_over_processes(self, tensor: Tensor) -> Tensor:
        """The mean of what every process has, on this process's device."""
        mean: Tensor = self.trainer.strategy.reduce(tensor.to(self.device), reduce_op="mean")
        return mean

    def global_batch(self, real: Images) -> int:
        """Images in one D update over all processes."""
        return real.shape[0] * self.trainer.world_size

    # ---------------------------------------------------------- Lightning hooks

    def configure_optimizers(self) -> list[Optimizer]:
        """G's optimizer and D's, in this order."""
        self.players = {
            name: Player.of(name, getattr(self, name), factory) for name, factory in self._optimizer_factories.items()
        }
        optimizers = {name: player.optimizer for name, player in self.players.items()}
        self.schedules.bind(places_of(self, optimizers))
        return list(optimizers.values())

    def on_fit_start(self) -> None:
        """Everything is on its device now."""
        self.average.follow(self.generator)

    def on_train_start(self) -> None:
        """The configuration has the last word over the options that a checkpoint brought."""
        self.scalars.to(self.device)
        for player in self.players.values():
            player.restore_options()

    def statistics_after(self, optimizer: Optimizer) -> Sequence[Tensor]:
        """Running statistics that the strategy averages over processes together with this optimizer's gradients.

        Batch-norm buffers, and what an augmentation adapts to, differ between processes because their data do. They
        are averaged once an iteration, with G's step, before the moving average copies them.
        """
        if optimizer is not self.players["generator"].optimizer:
            return ()
        buffers = (*self.generator.buffers(), *self.discriminator.buffers(), *self.augment.buffers())
        return [buffer for buffer in buffers if buffer.is_floating_point()]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the counters, the scalars not yet written and the history of fakes to Lightning's checkpoint."""
        checkpoint["gan_lightning"] = {
            "version": VERSION,
            "counters": {name: getattr(self, name) for name in COUNTERS},
            "scalars": self.scalars.state_dict(self.mean_over_processes),
            "history": self.history.state_dict(),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the counters again; with them come the data order, the latents and the dropout masks."""
        ours = checkpoint["gan_lightning"]
        for name in COUNTERS:
            setattr(self, name, int(ours["counters"][name]))
        self.scalars.load_state_dict(ours["scalars"])
        self.history.load_state_dict(ours["history"])

    def _player_of(self, optimizer: Optimizer) -> Player:
        return next(player for player in self.players.values() if player.optimizer is optimizer)

    def _both_optimizers(self) -> tuple[LightningOptimizer, LightningOptimizer]:
        both = self.optimizers()
        assert isinstance(both, list)
        opt_g, opt_d = both
        return opt_g, opt_d


def _no_closure() -> None:
    """The gradients are there already: a closure that ran the backward pass would come after the reduction."""
