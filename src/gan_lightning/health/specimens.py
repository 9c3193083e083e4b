"""The fakes and the real images that the doctor looks at, for every kind of game."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from gan_lightning.data import ImageDataModule
from gan_lightning.errors import NoSuchSplit, UserError
from gan_lightning.games.base import Game
from gan_lightning.health.samples import Features, Specimens, distinct, pixels
from gan_lightning.images import to_bytes, to_unit
from gan_lightning.metrics.extractors.shipped import ClassifierExtractor
from gan_lightning.metrics.extractors.weights_file import SHIPPED, SUFFIX
from gan_lightning.metrics.neighbours import nearest
from gan_lightning.networks.eval_mode import evaluating
from gan_lightning.randomness import hashed_seed
from gan_lightning.types import Images

AT_ONCE = 2**18
"""Number of pixels that a translator is given at once."""
CHUNK = 4096
CLOSE = 0.01
"""Share of the held-out images that lie closer to a training image than what counts as a copy."""


def can_be_looked_at(game: Game) -> bool:
    """Whether the game makes images that can be compared with real ones."""
    return bool(game.directions()) or game.sampling() is not None


def variety_of_data(game: Game, data: Any, count: int) -> tuple[int, int]:
    """Number of different images among some of the training images, and how many these are; of two domains the fewer.

    Args:
        game: The game.
        data: The data module of the run.
        count: Largest number of images that are looked at.
    """
    sides = data.split("train") if game.directions() else None
    sets = [data.train_set.images] if sides is None else [sides.a.images, sides.b.images]
    looked = [_on(game, images[_rows(game, len(images), count)]) for images in sets]
    return min((distinct(images), len(images)) for images in looked)


@torch.no_grad()
def specimens(game: Game, data: Any, count: int) -> list[Specimens]:
    """Fakes of the averaged generator and real images of the training set; one pair for each direction of translations.

    The same inputs and the same real images every time, drawn without touching the random numbers of training.

    Args:
        game: The game.
        data: The data module of the run.
        count: Number of images on either side; fewer if there are not as many.
    """
    if not (directions := game.directions()):
        train = data.train_set
        rows = _rows(game, len(train.images), count)
        real = _on(game, train.images[rows])
        return [Specimens(game.samples(count), real, None if train.labels is None else train.labels[rows])]
    sides = data.split("train")
    generators = game.generators("averaged")
    found = []
    for each in directions:
        source, target = (getattr(sides, name) for name in (each.source, each.target))
        network = generators[each.generator]
        given = source.images[_rows(game, len(source), count)]
        rows = _rows(game, len(target), count)
        together = max(1, AT_ONCE // (given.shape[-1] * given.shape[-2]))
        devices = [game.device] if game.device.type == "cuda" else []
        with evaluating(network), torch.random.fork_rng(devices):
            fake = torch.cat([network(_on(game, part)) for part in torch.split(given, together)])
        real = _on(game, target.images[rows])
        found.append(Specimens(fake, real, None if target.labels is None else target.labels[rows]))
    return found


def features_of(classifier: str | None, channels: int, device: torch.device) -> Features:
    """What distances between images are taken of: features of a classifier that comes with the package, or pixels.

    Args:
        classifier: Name of such a classifier; None, and any other text, means pixels.
        channels: Number of channels of the images.
        device: The device of the images.
    """
    if channels not in (1, 3) or classifier not in {path.stem for path in SHIPPED.glob(f"*{SUFFIX}")}:
        return pixels
    extractor = ClassifierExtractor(weights=classifier).to(device)
    return lambda images: extractor(to_bytes(images)).features


class Copies:
    """Measures the share of fakes that are copies of training images, as averaged pixels see it.

    A copy is closer to its nearest training image than all but one in a hundred held-out images are to theirs.

    Args:
        data: The data module of the run.
        most: Largest number of held-out images.

    Raises:
        UserError: If the data are not images, or none are held out.
    """

    def __init__(self, data: Any, most: int = 1000) -> None:
        if not isinstance(data, ImageDataModule):
            raise UserError("callbacks.health.memorisation looks at samples of images; these data are others.")
        try:
            held_out = data.split("test").images[:most]
        except NoSuchSplit as error:
            raise UserError(f"callbacks.health.memorisation needs held-out images, and {error}.") from error
        self.train = _pooled(data.train_set.images)
        self.border = float(nearest(_pooled(held_out), self.train).distances.quantile(CLOSE))

    def __call__(self, fake: Images) -> float:
        """The share of copies among these fakes; 0.01 is expected if none is one."""
        distances = nearest(pixels(to_unit(to_bytes(fake))).cpu(), self.train).distances
        return float((distances < self.border).double().mean())


def _pooled(images: Tensor) -> Tensor:
    return torch.cat([pixels(to_unit(part)) for part in torch.split(images, CHUNK)])


def _on(game: Game, images: Tensor) -> Images:
    there = images.to(game.device)
    return to_unit(there) if there.dtype == torch.uint8 else there


def _rows(game: Game, total: int, count: int) -> Int[Tensor, " n"]:
    random = torch.Generator().manual_seed(hashed_seed(game.seed, "health", total))
    return torch.randperm(total, generator=random)[:count]
