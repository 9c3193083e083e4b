"""What every game between networks has, and nothing of how it is played.

A game is played in iterations: ``n_critic`` updates of the discriminator player, then one of the generator player. A
player owns one optimizer and one or several networks. A subclass says what happens in one iteration
(:meth:`Game.iterate`); counters, random numbers, gradients over several processes (DDP, multi-GPU), gradient clipping,
learning rate schedules, the moving average (EMA), curves and exact resume come with this base.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial, reduce
from operator import add
from typing import Any, ClassVar, NamedTuple

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer

from gan_lightning.errors import UserError
from gan_lightning.games.clipping import GradientClip, gradient_norms
from gan_lightning.games.descent import Descent, ThroughLightning, descent
from gan_lightning.games.ema import MovingAverage
from gan_lightning.games.player import OptimizerFactory, Player
from gan_lightning.games.scalars import Scalars
from gan_lightning.games.scheduling import Place, Schedules, places_of_part, places_of_player
from gan_lightning.games.stepping import spare_questions
from gan_lightning.networks.costs import Cost, cost
from gan_lightning.randomness import UpdateDraw, hashed_seed, seed_default_generators
from gan_lightning.runs.checkpoint import VERSION
from gan_lightning.runs.checkpoint_checks import require_fit, require_state
from gan_lightning.types import PLAYERS, Direction, Images, Labels, Product, Sampling, Scalar, Sheet

Rule = Callable[[Any], Iterator[str]]
"""A function of a built game that yields a message for each thing that does not go together."""


class Part(NamedTuple):
    """The part of a batch that goes through the networks at once."""

    images: Images
    labels: Labels | None
    draw: UpdateDraw
    number: int = 0
    total: int = 1


class Process(NamedTuple):
    """The process that plays, among those that train together; to ask Lightning takes dozens of calls."""

    rank: int
    world_size: int
    device: torch.device


class Game(LightningModule, ABC):
    """Base of all games: trains the networks of two players by manual optimization.

    One ``training_step`` is one iteration, and only the generator player's step is counted by Lightning, so that
    ``trainer.global_step == iteration`` whatever ``n_critic`` is. Everything random in an iteration is a function of
    (seed, iteration, update, purpose), so its counters are all that a resumed run needs.

    Args:
        networks: Networks by name for each of the two players, such as
            ``{"generator": {"generator": G}, "discriminator": {"discriminator": D}}``. They become attributes of these
            names.
        optimizer_generator: Makes the optimizer of the generator player from its parameters.
        optimizer_discriminator: Makes the optimizer of the discriminator player.
        schedules: Functions of the images seen, by the names of the numbers that they set, such as ``generator.lr`` or
            ``penalty.r1.gamma`` (:meth:`places`).
        n_critic: Updates of the discriminator player in one iteration.
        clip: Clips and measures the gradients of either player before its step.
        ema: Makes the moving average of the generator player's network, or of the mapping of them if there are
            several. Samples are drawn from it; without ``ema`` it is a plain copy.
        seed: Seed of everything random in training.
        channels_last: Whether weights of convolutions lie in memory with the channels last, and so all maps do. The
            numbers differ by rounding; convolutions are usually faster, on CPUs and, in mixed precision, on GPUs.

    Raises:
        UserError: If ``n_critic`` is less than 1.
    """

    OF_GROUPS: ClassVar[frozenset[str]] = frozenset(
        {"optimizer_generator", "optimizer_discriminator", "schedules", "n_critic", "clip", "seed"}
    )
    """Options of the game whose values come from other groups of the configuration than ``model``."""
    SPLITS_BATCHES: ClassVar[bool] = False
    """Whether the game is played with parts of a batch where ``data.micro_batch`` asks for it."""
    errors: ClassVar[Sequence[Rule]] = ()
    """Rules that this game must not break."""
    warnings: ClassVar[Sequence[Rule]] = ()
    """Rules whose breach is legal but rarely meant."""

    def __init__(
        self,
        networks: Mapping[str, Mapping[str, nn.Module]],
        *,
        optimizer_generator: OptimizerFactory,
        optimizer_discriminator: OptimizerFactory,
        schedules: Mapping[str, Any] | None = None,
        n_critic: int = 1,
        clip: GradientClip | None = None,
        ema: Callable[[nn.Module], MovingAverage] | None = None,
        seed: int = 0,
        channels_last: bool = False,
    ) -> None:
        super().__init__()
        if n_critic < 1:
            raise UserError(f"n_critic={n_critic}: at least one discriminator update an iteration is needed.")
        self.automatic_optimization = False
        self._names = {player: tuple(networks[player]) for player in PLAYERS}
        for player in PLAYERS:
            for name, network in networks[player].items():
                self.add_module(name, network)
        if channels_last:  # before the moving average is copied; the first convolution turns the images by itself
            self.to(memory_format=torch.channels_last)
        own = networks["generator"]
        averaged = nn.ModuleDict(own) if len(own) > 1 else next(iter(own.values()))
        self.average = ema(averaged) if ema is not None else MovingAverage(averaged, half_life_kimg=0.0, ramp=None)
        self._averaged = [averaged]  # in a list, or it would be registered a second time
        self.schedules = Schedules(schedules or {})
        self.n_critic = n_critic
        self.clip = clip or GradientClip()
        self.seed = seed
        self.scalars = Scalars()
        self.logged: Mapping[str, float] = {}
        """The means over the last logging interval, by the names of their curves."""
        self.process = Process(0, 1, torch.device("cpu"))
        self.iteration = 0
        self.updates = dict.fromkeys(PLAYERS, 0)
        self.images_seen = 0
        self.halfway = False
        """Whether an iteration is under way, or was when an error ended it."""
        self._optimizer_factories = {"generator": optimizer_generator, "discriminator": optimizer_discriminator}
        self.players: dict[str, Player] = {}
        self._descent: Descent = ThroughLightning(self)
        self.player = "discriminator"  # the player whose update is under way; each has a gradient scaler of its own
        self.parts_of_update = 1
        """Number of parts of an update's batch that go through the networks one after the other."""
        self._skips = False  # whether a gradient scaler leaves out steps
        self._statistics: list[Tensor] = []
        self._stored_states: list[Any] = []

    # ------------------------------------------------------------ what a game says

    @abstractmethod
    def iterate(self, batch: Any) -> None:
        """Play one iteration: ``n_critic`` updates of the discriminator player, then one of the generator player.

        Every update ends in a call of :meth:`descend`.

        Args:
            batch: As the data give it; for images it is (images [n_critic·B C H W] in [-1, 1], labels [n_critic·B]).
        """

    @abstractmethod
    def pictures(self, data: Any, count: int) -> Sheet:
        """Pictures by which an eye follows training, made from the same inputs every time.

        Args:
            data: The data module of the run.
            count: About how many pictures are wanted.
        """

    @classmethod
    @abstractmethod
    def products(cls, model: Mapping[str, Any]) -> Mapping[str, Product]:
        """The networks that leave a run, by name; the first is the one that is meant if nobody says which.

        Args:
            model: The resolved node ``model`` of the run's configuration.
        """

    def require(self, data: Any) -> None:
        """Refuse data on which this game can't be played; called once, before the first step.

        Args:
            data: The data module of the run.

        Raises:
            UserError: If these are such data.
        """

    def sampling(self) -> Sampling | None:
        """How samples are drawn from the generator, or None if it does not make samples out of latents."""
        return None

    @classmethod
    def directions(cls) -> Sequence[Direction]:
        """The ways in which the game translates images, none if it does not: what is measured on held-out images."""
        return ()

    def samples(self, count: int) -> Images:
        """Samples of the averaged generator, the same inputs every time.

        Raises:
            UserError: If this game does not make samples out of latents.
        """
        raise UserError(f"{type(self).__name__} makes no samples out of latents.")

    def input_shapes(self, image: tuple[int, int, int]) -> Mapping[str, tuple[int, ...]]:
        """Shapes of one input of each network, for data of the shape ``image`` = (C, H, W), to count its operations."""
        return {}

    def end_iteration(self, images: int) -> Mapping[str, Scalar]:
        """Called at the end of every iteration, in which ``images`` real images were shown; gives scalars to log."""
        return {}

    # ---------------------------------------------------------------- the networks

    @property
    def networks(self) -> dict[str, nn.Module]:
        """All networks that train, by name."""
        return self.networks_of("generator") | self.networks_of("discriminator")

    def networks_of(self, player: str) -> dict[str, nn.Module]:
        """The networks of one player, by name."""
        return {name: self.get_submodule(name) for name in self._names[player]}

    def candidates(self) -> dict[str, nn.Module]:
        """The weights that can be sampled and judged: the moving average, and the raw ones."""
        return {"averaged": self.average.model, "raw": self._averaged[0]}

    def generators(self, weights: str) -> dict[str, nn.Module]:
        """The networks of the generator player by name, with one of the kinds of weights of :meth:`candidates`."""
        candidate = self.candidates()[weights]
        names = self._names["generator"]
        return {name: candidate.get_submodule(name) if len(names) > 1 else candidate for name in names}

    def costs(self, image: tuple[int, int, int]) -> dict[str, Cost]:
        """Parameters and multiply-adds of every network, for data of the shape ``image`` = (C, H, W)."""
        shapes = self.input_shapes(image)
        return {name: cost(network, shapes.get(name)) for name, network in self.networks.items()}

    # -------------------------------------------------------------- the iteration

    @property
    def d_updates(self) -> int:
        """Updates of the discriminator player so far."""
        return self.updates["discriminator"]

    @property
    def g_updates(self) -> int:
        """Updates of the generator player so far."""
        return self.updates["generator"]

    def counters(self) -> dict[str, int]:
        """All that a resumed run needs to draw the same data and random numbers."""
        return {
            "iteration": self.iteration,
            "d_updates": self.d_updates,
            "g_updates": self.g_updates,
            "images_seen": self.images_seen,
        }

    def training_step(self, batch: Any, batch_idx: int = 0) -> None:
        """Play one iteration and count it."""
        own = vars(self)  # because a module's setattr is slow
        own["halfway"] = True
        self.schedules.apply(self.images_seen)
        self.iterate(batch)
        images = self.process.world_size * _samples_in(batch)
        self.average.update(images, images_before=self.images_seen)
        own["images_seen"] += images
        self.scalars.add(self.end_iteration(images))
        own["iteration"] += 1
        own["halfway"] = False

    def parts(self, images: Images, labels: Labels | None, draw: UpdateDraw) -> Iterator[Part]:
        """The parts of one update's batch that go through the networks one after the other (``data.micro_batch``)."""
        count = self.parts_of_update
        if count == 1:
            yield Part(images, labels, draw)
            return
        own = [None] * count if labels is None else labels.chunk(count)
        for number, (some, y) in enumerate(zip(images.chunk(count), own, strict=True)):
            yield Part(some, y, draw.part(number, count), number, count)

    def descend(self, player: str, terms: Mapping[str, Scalar], part: Part | None = None) -> None:
        """Descend the sum of the terms: the one place where gradients are made, reduced, clipped and applied.

        The strategy averages the gradients over the processes, :meth:`on_before_optimizer_step` clips them.

        Args:
            player: "generator" or "discriminator".
            terms: What the player minimises, by the names that the curves get.
            part: The part of the batch over which the terms are means; the player steps after the last one. None if it
                is the whole batch.
        """
        stepping = self.players[player]
        vars(self)["player"] = player
        loss = reduce(add, terms.values())
        self.scalars.add(terms)
        if part is None or part.number == 0:
            for parameter in stepping.parameters:
                parameter.grad = None
        if part is not None and part.total > 1:
            loss = loss / part.total
            if part.number < part.total - 1:
                self._descent.accumulate(loss)
                return
        self._descent(stepping, loss)
        self.updates[player] += 1

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clip and measure the gradients: after the reduction and the unscaling, before the update."""
        player = next(player for player in self.players.values() if player.optimizer is optimizer)
        name = f"gradient_norm/{player.name}"
        if not self.clip.changes and not self._skips:
            self.scalars.add_later(name, gradient_norms(player.parameters), partial(_total_norms, name))
            return
        norm = self.clip(player.parameters)
        if self._skips:
            norm = norm.nan_to_num(nan=0.0, posinf=0.0)  # an overflow is no divergence: the scaler skips this step
        self.scalars.add({name: norm})

    def draw(self, update: str) -> UpdateDraw:
        """The random numbers of one update; also seeds the default generators, rank by rank, for dropout."""
        key = (self.seed, self.iteration, update)
        rank, world_size, device = self.process
        seed_default_generators(hashed_seed(*key, "default", rank), device)
        return UpdateDraw(key, rank, world_size, device)

    def mean_over_processes(self, tensor: Tensor) -> Tensor:
        """The mean of what every process has, on this process's device."""
        mean: Tensor = self.trainer.strategy.reduce(tensor.to(self.device), reduce_op="mean")
        return mean

    # ------------------------------------------------------------- Lightning hooks

    def configure_optimizers(self) -> list[Optimizer]:
        """The optimizers of both players; Lightning counts the steps of the first, which is the generator player's."""
        self.players = {
            name: Player.of(name, self.networks_of(name).values(), self._optimizer_factories[name], counted=counted)
            for name, counted in zip(PLAYERS, (True, False), strict=True)
        }
        self.schedules.bind(self.places())
        return [player.optimizer for player in self.players.values()]

    def places(self) -> dict[str, Place]:
        """Every number of the game that can be scheduled, by name, and what sets it."""
        places: dict[str, Place] = {}
        for player in self.players.values():
            places |= places_of_player(player.name, player.optimizer)
        return places | places_of_part("ema", self._modules, "average")

    def on_fit_start(self) -> None:
        """Remember what is read in every iteration, now that everything is on its device.

        Raises:
            UserError: If a checkpoint's states of the optimizers, which are restored next, do not fit them.
        """
        for (name, player), state in zip(self.players.items(), self._stored_states, strict=False):
            require_state(name, player.optimizer, state, self.updates[name])
        self._stored_states = []
        self.process = Process(self.global_rank, self.trainer.world_size, self.device)
        micro_batch = getattr(getattr(self.trainer, "datamodule", None), "micro_batch", None)
        if micro_batch is not None:
            self.parts_of_update = self.trainer.datamodule.batch_size // self.trainer.world_size // micro_batch  # type: ignore[attr-defined]
        self._skips = getattr(self.trainer.precision_plugin, "scaler", None) is not None
        self.average.follow(self._averaged[0])
        buffers = (buffer for name, buffer in self.named_buffers() if not name.startswith("average."))
        self._statistics = [buffer for buffer in buffers if buffer.is_floating_point()]

    def on_train_start(self) -> None:
        """Give the configuration the last word over the options that a checkpoint brought; find the way to step."""
        self._descent = descent(self)
        self.scalars.to(self.device)
        for player in self.players.values():
            player.restore_options()
            spare_questions(player.optimizer)

    def statistics_after(self, optimizer: Optimizer) -> Sequence[Tensor]:
        """Running statistics that the strategy averages over processes together with this optimizer's gradients.

        Batch-norm buffers, and what an augmentation adapts to, differ between processes because their data do. They
        are averaged once an iteration, with the generator player's step, before the moving average copies them.
        """
        return self._statistics if optimizer is self.players["generator"].optimizer else ()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the counters and the scalars not yet written to Lightning's checkpoint."""
        checkpoint["gan_lightning"] = {
            "version": VERSION,
            "counters": self.counters(),
            "scalars": self.scalars.state_dict(self.mean_over_processes),
        }
        if self.halfway:
            checkpoint["gan_lightning"]["halfway"] = True

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the counters again; with them come the data order, the latents and the dropout masks.

        Raises:
            UserError: If the checkpoint is one of other networks.
        """
        require_fit("The checkpoint", self.state_dict(), checkpoint["state_dict"])
        ours = checkpoint["gan_lightning"]
        counters: dict[str, int] = ours["counters"]
        self.iteration, self.images_seen = counters["iteration"], counters["images_seen"]
        self.updates = {"generator": counters["g_updates"], "discriminator": counters["d_updates"]}
        self.scalars.load_state_dict(ours["scalars"])
        self._stored_states = list(checkpoint.get("optimizer_states", ()))


def _total_norms(name: str, norms: Tensor) -> dict[str, Tensor]:
    """The norms of all gradients of n updates [n], from those of each gradient [n parameters]."""
    return {name: torch.linalg.vector_norm(norms.float(), dim=1)}


def _samples_in(batch: Any) -> int:
    """The number of samples of this process in a batch, whose first tensor is one of samples."""
    while not isinstance(batch, Tensor):
        batch = batch[0]
    return len(batch)
