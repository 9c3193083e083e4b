"""All tricks at once give the same game on two processes as on one, and a checkpoint that either can resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import games
import pytest
from lightning.pytorch import Callback
from two_ranks import RANKS, both_ranks, store_in

from gan_lightning.augment import Adaptive, DiffAugment, InstanceNoise
from gan_lightning.games.gan import GAN
from gan_lightning.games.image_pool import ImagePool
from gan_lightning.games.priors import TruncatedNormal
from gan_lightning.games.schedules import Linear
from gan_lightning.losses import R1, NonSaturating, TopK
from gan_lightning.parallel.strategy import GANStrategy

pytestmark = pytest.mark.forks

STEPS, HALF = 8, 3


class SaveAtTheEnd(Callback):
    """Callback that saves while the processes are still together, because the image pool must be gathered."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        trainer.save_checkpoint(self.path)


def tricky() -> GAN:
    return games.game(
        loss=TopK(NonSaturating(label_noise=0.1), fraction=0.5),
        penalties={"r1": R1(interval=2)},
        # a step up in each pair of iterations: no mean of signs is below the target
        augment={"ada": Adaptive(DiffAugment(), target=-1.5, kimg=0.5, interval=2), "noise": InstanceNoise(0.1)},
        image_pool=ImagePool(updates=3),
        prior=TruncatedNormal(1.5),
        schedules={"augment.noise.std": Linear(0.2, 0.0, kimg=0.2), "loss.fraction": Linear(1.0, 0.25, kimg=0.2)},
        n_critic=2,
        optimizer=games.SGD,  # Adam would turn the rounding of a tiny gradient into a step of the size of lr
    )


def trained(steps: int, checkpoint: Path | None = None, **options: Any) -> GAN:
    games.fit(module := tricky(), steps, batch_size=16, checkpoint=checkpoint, **options)
    return module


@pytest.fixture(scope="module")
def of_two(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], Path]:
    """State of both ranks at the end, and the checkpoint that rank 0 wrote halfway."""
    folder = tmp_path_factory.mktemp("two")
    halfway = folder / "halfway.ckpt"

    def train(rank: int) -> dict[str, Any]:
        strategy = GANStrategy(store=store_in(folder))
        return games.weights(trained(HALF, devices=RANKS, strategy=strategy, callbacks=[SaveAtTheEnd(halfway)]))

    return both_ranks(train, folder), halfway


def test_both_ranks_have_what_one_process_has(of_two: tuple[list[dict[str, Any]], Path]) -> None:
    ranks, _ = of_two
    assert games.largest_difference(ranks[0], ranks[1]) == 0.0
    alone = trained(HALF)
    assert games.largest_difference(ranks[0], games.weights(alone)) < 1e-6
    assert float(alone.augment["ada"].probability) == pytest.approx(2 * 2 * 16 / 500)  # one step, an iteration over


def test_one_process_goes_on_from_two(of_two: tuple[list[dict[str, Any]], Path]) -> None:
    """The image pool has fakes of both processes, and the collected signs are those of the global batch."""
    _, halfway = of_two
    resumed, whole = trained(STEPS, checkpoint=halfway), trained(STEPS)
    assert games.largest_difference(games.weights(resumed), games.weights(whole)) < 1e-6
    assert whole.d_updates == resumed.d_updates == 2 * STEPS
