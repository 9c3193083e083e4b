"""Numbers of generators of points, whose modes are known, so that they can be counted exactly."""

from __future__ import annotations

import hashlib

import torch

from gan_lightning.callbacks.scatter import RADIUS
from gan_lightning.data.sets.toy import Mixture
from gan_lightning.metrics import mode_coverage
from gan_lightning.quality import Fakes, Number
from gan_lightning.quality.evaluator import PACKAGES
from gan_lightning.quality.fakes import SAMPLING
from gan_lightning.runs.loading import Trained
from gan_lightning.runs.protocol import Protocol
from gan_lightning.runs.provenance import versions

N_FAKE = 2500
"""Number of points that are drawn by default, which is that of Lin et al. 2018 (PacGAN)."""
BATCH_SIZE = 2500


def mode_numbers(
    trained: Trained, data: Mixture, n_fake: int | None, seed: int | None, device: torch.device
) -> list[Number]:
    """The numbers ``modes`` and ``high_quality_share`` of a generator (:func:`gan_lightning.metrics.mode_coverage`).

    Args:
        trained: The generator of points.
        data: The mixture, whose modes are known.
        n_fake: Number of points to draw; None takes ``N_FAKE``.
        seed: Seed of latents and labels; None takes 0.
        device: The device to draw on.
    """
    labels = data.train_set.labels if trained.num_classes else None
    fakes = Fakes(trained.draws(), trained.latent_dim, labels, n_fake or N_FAKE, seed or 0, BATCH_SIZE)
    drawn = fakes.drawn(trained.generator.to(device), device, range(fakes.count))
    points = torch.cat([batch.flatten(1).float().cpu() for batch in drawn])
    coverage = mode_coverage(points, data.centers, data.std, RADIUS)
    protocol = Protocol(
        extractor="none: the points themselves",
        extractor_hash="",
        data=type(data).__name__,
        split="train",
        data_hash=hashlib.blake2b(data.centers.numpy().tobytes(), digest_size=8).hexdigest(),
        n_real=data.num_points,
        n_fake=fakes.count,
        resize="none",
        quantisation="none",
        generator=trained.weights,
        sampling=SAMPLING,
        metric=f"ModeCoverage(modes={len(data.centers)}, std={data.std:g}, radius={RADIUS:g})",
        seed=fakes.seed,
        versions=versions(PACKAGES),
    )
    return [
        Number("modes", float(coverage.covered), protocol),
        Number("high_quality_share", float(coverage.high_quality_share), protocol),
    ]
