"""Small games between two domains of images, and data for them that are random bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import games
import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor, nn

from gan_lightning.data.translation.datamodule import PairedDataModule, TranslationDataModule, UnpairedDataModule
from gan_lightning.data.translation.two_sides import Side, TwoSides
from gan_lightning.games.ema import MovingAverage
from gan_lightning.games.translation.base import TranslationGame
from gan_lightning.games.translation.cut import CUT
from gan_lightning.games.translation.cyclegan import CycleGAN
from gan_lightning.games.translation.pix2pix import Pix2Pix
from gan_lightning.images import to_unit
from gan_lightning.losses import LeastSquares, NonSaturating
from gan_lightning.networks import PatchDiscriminator, ResidualTranslator, UNet
from gan_lightning.randomness import UpdateDraw, hashed_seed

SEED, PIXELS, NUM = 3, 16, 24
CPU = torch.device("cpu")


def random_bytes(channels: int, seed: int, count: int = NUM) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (count, channels, PIXELS, PIXELS), generator=generator, dtype=torch.uint8)


class RandomPairs(PairedDataModule):
    """Pairs of random images, grey -> colour."""

    def load(self, split: str, size: Any) -> TwoSides:
        return TwoSides(Side(random_bytes(1, 1)), Side(random_bytes(3, 2)))


class RandomDomains(UnpairedDataModule):
    """Random colour images of two domains, of unequal numbers."""

    def load(self, split: str, size: Any) -> TwoSides:
        return TwoSides(Side(random_bytes(3, 1)), Side(random_bytes(3, 2, NUM - 4)))


def seeded(seed: int, make: Callable[[], nn.Module]) -> Any:
    """A network with the same initial weights each time, and larger ones than its own, so that gradients matter."""
    torch.manual_seed(seed)
    network = make()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2 if parameter.dim() > 1 else 1)
    return network


def unet(dropout: float = 0.5, norm: str = "instance") -> Any:
    make = partial(UNet, in_channels=1, out_channels=3, resolution=PIXELS, width=4, norm=norm, dropout=dropout)
    return seeded(1, make)


def translator(seed: int = 1, blocks: int = 1, norm: str = "instance") -> Any:
    channels = {"in_channels": 3, "out_channels": 3}
    make = partial(ResidualTranslator, **channels, resolution=PIXELS, width=4, blocks=blocks, norm=norm)
    return seeded(seed, make)


def judge(channels: int | Sequence[int] = 3, seed: int = 5, norm: str = "instance") -> Any:
    make = partial(PatchDiscriminator, in_channels=channels, resolution=PIXELS, layers=1, width=4, norm=norm)
    return seeded(seed, make)


def _options(optimizer: Any, options: dict[str, Any]) -> dict[str, Any]:
    defaults = {"ema": partial(MovingAverage, half_life_kimg=0.05), "seed": SEED}
    return {"optimizer_generator": optimizer, "optimizer_discriminator": optimizer} | defaults | options


def pix2pix(optimizer: Any = games.ADAM, dropout: float = 0.5, norm: str = "instance", **options: Any) -> Pix2Pix:
    loss = options.pop("loss", NonSaturating())
    return Pix2Pix(unet(dropout, norm), judge([1, 3], norm=norm), loss, **_options(optimizer, options))


def cyclegan(optimizer: Any = games.ADAM, **options: Any) -> CycleGAN:
    loss = options.pop("loss", LeastSquares(factor=1.0))
    networks = translator(1), translator(2), judge(seed=5), judge(seed=6)
    return CycleGAN(*networks, loss, **_options(optimizer, options))


def cut(optimizer: Any = games.ADAM, norm: str = "instance", **options: Any) -> CUT:
    loss = options.pop("loss", LeastSquares(factor=1.0))
    generator, discriminator = translator(1, 2, norm), judge(seed=5, norm=norm)
    torch.manual_seed(7)  # of the projection
    small = {"layers": (0, 2, 3, 4), "places": 9, "projection_width": 32}
    return CUT(generator, discriminator, loss, **_options(optimizer, small | options))


GAMES: dict[str, Callable[..., TranslationGame]] = {"pix2pix": pix2pix, "cyclegan": cyclegan, "cut": cut}


TINY_RUN = (
    *("data.batch_size=4", "trainer.accelerator=cpu", "threads=1", "logger=[]", "callbacks.samples.every_kimg=null"),
    *("callbacks.samples.count=4", "model.ema.half_life_kimg=0.05", "model.image_pool.images=6"),
)
RANDOM_PAIRS = ("data=edges", "data._target_=translation.RandomPairs", "~data.render_seed")
RANDOM_DOMAINS = (
    *("data=styles", "data._target_=translation.RandomDomains"),
    *("~data.render_seed", "~data.hand_a", "~data.hand_b"),
)
TINY_RUNS: dict[str, tuple[str, ...]] = {
    "pix2pix": (
        *("model=pix2pix", *RANDOM_PAIRS, *TINY_RUN),
        *("model.generator.width=4", "model.discriminator.layers=1", "model.l1_weight=1"),
    ),
    "cyclegan": (
        *("model=cyclegan", *RANDOM_DOMAINS, *TINY_RUN),
        *("model.a2b.width=4", "model.a2b.blocks=1", "model.discriminator_a.layers=1"),
        *("model.cycle_weight=1", "model.identity_weight=1"),
    ),
    "cut": (
        *("model=cut", *RANDOM_DOMAINS, *TINY_RUN, "model.generator.width=4", "model.generator.blocks=2"),
        *("model.discriminator.layers=1", "model.layers=[0,2,3,4]", "model.places=9", "model.projection_width=32"),
    ),
}
"""Words for a run of each game that has what is hard to resume: an image pool, dropout or batch norm, an average.

The image pool is full from the second D update on. No weight is large, because the curves of two runs are compared to
1e-6, and those of two processes are sums in float32.
"""


def data_for(module: TranslationGame, batch_size: int) -> TranslationDataModule:
    """Pairs for Pix2Pix and domains for the others."""
    kind = RandomPairs if isinstance(module, Pix2Pix) else RandomDomains
    return kind(batch_size=batch_size, n_critic=module.n_critic)


def fit(
    module: TranslationGame,
    max_steps: int,
    *,
    batch_size: int = 4,
    callbacks: Iterable[Callback] = (),
    checkpoint: Path | None = None,
    **options: Any,
) -> Trainer:
    """Train without Hydra."""
    return games.fit_on(data_for(module, batch_size), module, max_steps, callbacks, checkpoint, **options)


def batches(module: TranslationGame, iterations: int, batch_size: int) -> list[tuple[Tensor, Tensor]]:
    """The images of both domains that the first iterations of a run see."""
    data, shown = data_for(module, batch_size), module.n_critic * batch_size
    streams = data.streams(data.train_set)
    spans = [(i * shown, (i + 1) * shown) for i in range(iterations)]
    a, b = ([to_unit(each.images[each.order.between(*span)]) for span in spans] for each in streams)
    return list(zip(a, b, strict=True))


def draw(iteration: int, update: str) -> UpdateDraw:
    """The random numbers of an update, and those of dropout seeded as the game seeds them."""
    key = (SEED, iteration, update)
    torch.manual_seed(hashed_seed(*key, "default", 0))
    return UpdateDraw(key, 0, 1, CPU)


def step(optimizer: torch.optim.Optimizer, loss: Tensor, idle: Iterable[nn.Module] = ()) -> None:
    """One step of plain PyTorch; the networks that do not train get no gradient from it."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    for network in idle:
        network.zero_grad()


def states(**networks: nn.Module) -> dict[str, Tensor]:
    """The weights of several networks by the names that they have in a game."""
    return {f"{name}.{key}": value for name, each in networks.items() for key, value in each.state_dict().items()}


def same_as(module: nn.Module, expected: dict[str, Tensor]) -> float:
    """The largest difference of a weight from those expected."""
    found = module.state_dict()
    return max(float((found[name].double() - value.double()).abs().max()) for name, value in expected.items())
