"""The metrics put images in the order in which everybody would: a few here, 10,000 by benchmarks/ranking.py."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from door import call
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gan_lightning.data import ImageDataModule
from gan_lightning.data.sets import digits
from gan_lightning.data.sets.digits import Digits
from gan_lightning.data.sets.torchvision_sets import MNIST
from gan_lightning.images import to_bytes
from gan_lightning.metrics import FrechetDistance, InceptionScore, KernelDistance, Metric, PrecisionRecall, Sample
from gan_lightning.metrics.extractors import ClassifierExtractor
from gan_lightning.networks import DCGANGenerator
from gan_lightning.quality import Fakes
from gan_lightning.runs.loading import stored_at

COUNT, REAL = 500, 2000
KEYS = FrechetDistance(), KernelDistance(subsets=20, subset_size=250)
OTHERS = InceptionScore(splits=5), PrecisionRecall()
CPU = torch.device("cpu")


def worst_first(data: ImageDataModule) -> dict[str, Tensor]:
    """Noise, what a generator draws before it has learnt anything, blurred real images, real images."""
    test = data.split("test").images[:COUNT]
    torch.manual_seed(0)
    untrained = DCGANGenerator(channels=1, resolution=28, width=16, latent_dim=100).eval()
    with torch.no_grad():
        drawn = to_bytes(untrained(torch.randn(COUNT, 100)))
    blurred = avg_pool2d(test.float(), 3, 1, 1).round().to(torch.uint8)
    noise = torch.randint(256, test.shape, dtype=torch.uint8)
    return {"noise": noise, "untrained": drawn, "blurred": blurred, "test": test}


def measured(
    images: Mapping[str, Tensor], data: ImageDataModule, name: str, *metrics: Metric
) -> dict[str, list[float]]:
    """Each number, in the order of ``images``."""
    extractor = ClassifierExtractor(weights=name)
    real = extractor(data.train_set.images[:REAL])
    samples = [extractor(each) for each in images.values()]
    return {
        key: [metric(Sample(real.features, real.probabilities), sample)[key] for sample in samples]
        for metric in metrics
        for key in metric.better
    }


def require_order(numbers: Mapping[str, list[float]]) -> None:
    for name, values in numbers.items():
        falling = name in ("fid", "kid")
        assert all(a > b if falling else a < b for a, b in pairwise(values)), f"{name}: {values}"


@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_noise_untrained_blurred_test(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "digits":
        monkeypatch.setattr(digits, "TRAIN", REAL)
        monkeypatch.setattr(digits, "TEST", COUNT)
        data: ImageDataModule = Digits(batch_size=1)
    else:
        data = MNIST(batch_size=1, data_dir=str(request.getfixturevalue("data_dir")), download=False)
    images = worst_first(data)
    require_order(measured(images, data, name, *KEYS))
    best = {each: images[each] for each in ("noise", "test")}
    require_order(measured(best, data, name, *KEYS, *OTHERS))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_generator_gets_better_as_it_learns(tmp_path: Path, data_dir: Path) -> None:
    """An early and a late G between an untrained one and the test split; by every metric the late one is the worse."""
    answer = call(
        f"data=mnist model=dcgan data.batch_size=64 data.data_dir={data_dir} kimg=40 logger=[] threads=1 "
        "trainer.accelerator=cpu callbacks.samples.every_kimg=null callbacks.checkpoint.keep_every_kimg=20",
        tmp_path / "run",
    )
    assert answer.status == 0, answer.err
    data = MNIST(batch_size=1, data_dir=str(data_dir), download=False)
    images = worst_first(data)
    copies = sorted((tmp_path / "run" / "checkpoints").glob("kimg-*.ckpt"))
    for copy, name in ((copies[0], "early"), (copies[-1], "late")):
        trained = stored_at(copy).trained()
        fakes = Fakes(trained.prior, trained.latent_dim, None, COUNT)
        images[name] = torch.cat(list(fakes.batches(trained.generator, CPU, range(COUNT))))
    ladder = {name: images[name] for name in ("noise", "untrained", "early", "late", "test")}
    require_order(measured(ladder, data, "mnist", *KEYS))
    require_order(measured({name: images[name] for name in ("late", "test")}, data, "mnist", *KEYS, *OTHERS))
