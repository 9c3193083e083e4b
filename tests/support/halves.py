"""An extractor whose features can be computed by hand, and a game that a careless measurement would disturb."""

from __future__ import annotations

from functools import partial

import torch
from games import ADAM, Discriminator, Generator, game
from torch import Tensor, nn

from gan_lightning import GAN
from gan_lightning.metrics import Sample

BATCH_NORM = partial(nn.BatchNorm1d, affine=True)


class Halves:
    """Extractor with the means of an image's four quarters as features and its brightness as probabilities."""

    name = "halves"
    hash = "0001"
    resize = "none"
    num_features = 4
    classifies = True

    def __init__(self) -> None:
        self.calls = 0

    def to(self, device: torch.device) -> Halves:
        return self

    def __call__(self, images: Tensor) -> Sample:
        self.calls += 1
        x = images.float() / 255
        features = torch.nn.functional.adaptive_avg_pool2d(x, 2).flatten(1)
        bright = features.mean(1, keepdim=True)
        return Sample(features, torch.cat([bright, 1 - bright], 1))


def norms() -> GAN:
    """A game with batch norm in both players and dropout in D, which a careless measurement would disturb."""
    return game(Generator(BATCH_NORM), Discriminator(dropout=0.5, norm=BATCH_NORM), optimizer=ADAM)
