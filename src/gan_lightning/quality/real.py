"""Real images and what an extractor says of them, computed once for each content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from gan_lightning.data.cache import cached
from gan_lightning.metrics import Sample
from gan_lightning.metrics.extractors import Extractor
from gan_lightning.progress import counted_images
from gan_lightning.types import Bytes, Labels

CHUNK = 16_384  # images hashed at a time: a copy of a memory-mapped set must not fill the memory


@dataclass(frozen=True)
class RealImages:
    """Images of a data set as the networks see them, uint8 [N C H W], and where they are from."""

    data: str
    split: str
    images: Bytes
    labels: Labels | None = None

    @cached_property
    def hash(self) -> str:
        """Of their bytes and shape: another resolution, choice of classes or file is another hash."""
        digest = hashlib.blake2b(repr(tuple(self.images.shape)).encode(), digest_size=8)
        for chunk in torch.split(self.images, CHUNK):
            digest.update(chunk.contiguous().numpy().data)
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.images)

    def sample(self, extractor: Extractor, device: torch.device, batch_size: int, report: bool) -> Sample:
        """Features and probabilities of all images, kept on disk under the hashes of the images and of the extractor.

        Processes that compute the same at once each put a whole file in its place.
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
    """What an extractor says of images that come in batches; on the CPU."""
    said = [extractor(batch) for batch in batches]
    features = torch.cat([part.features.cpu() for part in said])
    probabilities = [part.probabilities.cpu() for part in said if part.probabilities is not None]
    return Sample(features, torch.cat(probabilities) if probabilities else None)
