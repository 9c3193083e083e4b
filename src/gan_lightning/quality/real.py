"""Real images and their features, which are computed once for each content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from gan_lightning.data import ImageDataModule
from gan_lightning.data.cache import cached
from gan_lightning.data.translation.datamodule import TranslationDataModule
from gan_lightning.metrics import Sample
from gan_lightning.metrics.extractors import Extractor
from gan_lightning.parallel.gathering import gathered_samples
from gan_lightning.progress import counted_images
from gan_lightning.types import Bytes, Labels

CHUNK = 16_384  # images hashed at a time, because a copy of a whole memory-mapped set could fill the memory


@dataclass(frozen=True)
class RealImages:
    """Images of a data set as the networks see them, uint8 [N C H W], and the names of the data set and its split."""

    data: str
    split: str
    images: Bytes
    labels: Labels | None = None

    @cached_property
    def hash(self) -> str:
        """Hash of the bytes and the shape, which differs for another resolution, choice of classes or file."""
        digest = hashlib.blake2b(repr(tuple(self.images.shape)).encode(), digest_size=8)
        for chunk in torch.split(self.images, CHUNK):
            digest.update(chunk.contiguous().numpy().data)
        return digest.hexdigest()

    @property
    def side(self) -> int:
        """Number of pixels of the shorter side."""
        return min(self.images.shape[2:])

    def __len__(self) -> int:
        return len(self.images)

    def sample(self, extractor: Extractor, device: torch.device, batch_size: int, report: bool) -> Sample:
        """Features and probabilities of all images, kept on disk under the hashes of the images and of the extractor.

        If several processes compute the same at once, each writes a whole file and then puts it in place.
        """

        def make() -> NDArray[np.float32]:
            batches = (batch.to(device) for batch in torch.split(self.images, batch_size))
            made = extract(extractor, counted_images(batches, len(self), f"real {self.split}", report))
            parts = [part for part in (made.features, made.probabilities) if part is not None]
            return torch.cat(parts, dim=1).cpu().numpy()

        kept = torch.from_numpy(cached(f"features-{self.hash}-{extractor.hash}.npy", make))
        features, probabilities = kept.tensor_split([extractor.num_features], dim=1)
        return Sample(features.contiguous(), probabilities.contiguous() if probabilities.shape[1] else None)


def extract(extractor: Extractor, batches: Iterable[Bytes]) -> Sample:
    """Features and probabilities of images that come in batches, on the CPU."""
    said = [extractor(batch) for batch in batches]
    features = torch.cat([part.features.cpu() for part in said])
    probabilities = [part.probabilities.cpu() for part in said if part.probabilities is not None]
    return Sample(features, torch.cat(probabilities) if probabilities else None)


def gathered(parts: Sequence[Sample], own: int, total: int, device: torch.device) -> Sample:
    """The sample of all processes, on the CPU, from the parts of each; every process gets all of it.

    Args:
        parts: The parts that this process has extracted, of which the first ``own`` images count.
        own: Number of images of this process.
        total: Number of images of all processes.
        device: The device through which the processes communicate.
    """
    features = torch.cat([part.features for part in parts])[:own].to(device)
    features = gathered_samples(features, total).cpu()
    probabilities = [part.probabilities for part in parts if part.probabilities is not None]
    if not probabilities:
        return Sample(features)
    return Sample(features, gathered_samples(torch.cat(probabilities)[:own].to(device), total).cpu())


def real_images(data: ImageDataModule | TranslationDataModule, split: str) -> RealImages:
    """The images of a split, as the networks see them; of two domains those of the second."""
    found = data.split(split)
    return RealImages(type(data).__name__, split, found.images, found.labels)
