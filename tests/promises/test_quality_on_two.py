"""Two processes measure the same quality as one process, and training goes on as if nobody had measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import games
import numpy as np
import pytest
import torch
import translation
from halves import Halves, norms
from lightning.pytorch import Callback, Trainer
from torch import Tensor, nn
from two_ranks import RANKS, both_ranks, in_a_group, store_in

from gan_lightning.callbacks import Quality
from gan_lightning.games.priors import Normal
from gan_lightning.metrics import CycleError, FrechetDistance, IdentityError, KernelDistance
from gan_lightning.metrics.extractors import ClassifierExtractor
from gan_lightning.networks import DCGANGenerator
from gan_lightning.parallel.strategy import GANStrategy
from gan_lightning.quality import Evaluator, Fakes
from gan_lightning.quality.translations import translations

pytestmark = pytest.mark.forks
CPU = torch.device("cpu")


def generator() -> DCGANGenerator:
    """A generator whose batch norm has statistics that differ from those of a batch."""
    torch.manual_seed(4)
    network = DCGANGenerator(channels=1, resolution=28, latent_dim=8, width=4, norm="batch")
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network


@pytest.mark.parametrize("count", [1, 37, 51])
def test_the_same_images_with_the_same_features(count: int, tmp_path: Path) -> None:
    """Images and features are equal bit by bit, even if one process has fewer images than the other or none."""

    def features(rank: int) -> list[Tensor]:
        evaluator = Evaluator(ClassifierExtractor(weights="digits"), {"fid": FrechetDistance()})
        sample = evaluator.fake(Fakes(Normal(), 8, None, count, batch_size=12), generator(), CPU, report=False)
        return [sample.features, sample.class_probabilities]

    alone = features(0)
    assert len(alone[0]) == count
    for on_rank in in_a_group(features, tmp_path):
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(on_rank, alone, strict=True))


@pytest.mark.parametrize("count", [1, 9, 19])
def test_the_same_translations_with_the_same_numbers(count: int, tmp_path: Path) -> None:
    """Means of pixels and features are equal bit by bit; the two domains have unequal numbers of images."""

    def measured(rank: int) -> list[Any]:
        metrics = {"cycle": CycleError(), "identity": IdentityError()}
        evaluator = Evaluator(ClassifierExtractor(weights="digits"), {}, translated=metrics, batch_size=4)
        data, game = translation.RandomDomains(batch_size=4), translation.cyclegan()
        subjects = translations("CycleGAN", game.directions(), data, evaluator, count)
        seen = [each.seen(evaluator, game.generators("averaged"), CPU, report=False) for each in subjects]
        return [(each.sample.features, each.values) for each in seen]

    alone = measured(0)
    assert [len(features) for features, _ in alone] == [count, count]
    for on_rank in in_a_group(measured, tmp_path):
        for (features, values), (same_features, same_values) in zip(alone, on_rank, strict=True):
            assert torch.equal(features, same_features)
            assert values == same_values
            assert all(0 < value < 1 for value in values.values())


class Streams(Callback):
    """The default random streams of torch and NumPy before each iteration but the first of an epoch.

    Python's stream is left out, because beartype, which checks types while the tests run, draws from it.
    """

    def __init__(self) -> None:
        self.noted: list[list[Any]] = []

    def on_train_batch_start(self, trainer: Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if batch_idx:
            state = [torch.get_rng_state().tolist(), np.random.get_state()[1].tolist()]
            self.noted.append(state)


def measure(folder: Path) -> Quality:
    metrics = {"fid": FrechetDistance(), "kid": KernelDistance(subsets=3, subset_size=10)}
    evaluator = Evaluator(Halves(), metrics, n_fake=33, batch_size=8)
    return Quality(str(folder), evaluator, every_kimg=0.008, max_share=1.0)


def test_training_does_not_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring changes no weight, buffer, average, optimizer, mode or random stream, with batch norm and dropout."""
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path / "cache"))

    def train(folder: Path, measured: bool) -> Callable[[int], Any]:
        def on_rank(rank: int) -> Any:
            np.random.seed(5)
            streams, module = Streams(), norms()
            quality = [measure(folder)] if measured else []
            strategy = GANStrategy(store=store_in(folder))
            trainer = games.fit(module, 6, devices=RANKS, strategy=strategy, callbacks=[*quality, streams])
            optimizers = [each.state_dict()["state"] for each in trainer.optimizers]
            modes = [part.training for part in module.modules()]
            return games.weights(module), optimizers, modes, streams.noted, [each.latest for each in quality]

        return on_rank

    plain = both_ranks(train(tmp_path / "plain", False), tmp_path / "plain")
    measured = both_ranks(train(tmp_path / "measured", True), tmp_path / "measured")
    for (weights, optimizers, modes, streams, _), (*same, _) in zip(plain, measured, strict=True):
        assert games.largest_difference(weights, same[0]) == 0
        torch.testing.assert_close(optimizers, same[1], rtol=0, atol=0)
        assert (modes, streams) == (same[2], same[3])
        assert len(streams) == 4
    numbers = [latest for *_, latest in measured]
    assert numbers[0] == numbers[1]
    assert set(numbers[0][0]) == {f"{g}/{name}" for g in ("averaged", "raw") for name in ("fid", "kid", "kid_std")}
