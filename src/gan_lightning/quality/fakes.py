"""The images by which a generator is judged, from latents and labels that depend on the seed and the number alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from gan_lightning.images import finite, to_bytes
from gan_lightning.networks.eval_mode import evaluating
from gan_lightning.randomness import UpdateDraw
from gan_lightning.types import Bytes, Draw, Images, Labels, Latents

SAMPLING = "the training prior, labels as frequent as in the data, batch norm with its running statistics"


@dataclass(frozen=True)
class Fakes:
    """The latents and labels of ``count`` images, and the images that a generator makes of them.

    Latents and labels follow from the seed and are drawn for all images at once, so that neither the batch size nor the
    number of devices changes them. Labels are those of real images drawn at random, so that classes are as frequent as
    in the data.

    Args:
        prior: Function that draws the latents.
        latent_dim: Length of a latent.
        labels: Labels of all real images, or None if the generator takes no labels.
        count: Number of images.
        seed: Seed of the latents and labels.
        batch_size: Number of images that are made at a time; it changes a pixel by one grey level at most.
        class_names: Names of the classes that the labels stand for; empty if they are not known.
    """

    prior: Callable[[Draw, int, int], Latents]
    latent_dim: int
    labels: Labels | None
    count: int
    seed: int = 0
    batch_size: int = 256
    class_names: Sequence[str] = ()

    def asked(self) -> Labels | None:
        """The label of each image, or None if the generator takes no labels."""
        if self.labels is None:
            return None
        return self.labels[self._draw().integers("labels", len(self.labels), (self.count,))]

    def batches(self, generator: nn.Module, device: torch.device, indices: Sequence[int]) -> Iterator[Bytes]:
        """The images with these indices, as the bytes of a picture file, on ``device``."""
        return map(to_bytes, self.drawn(generator, device, indices))

    def drawn(self, generator: nn.Module, device: torch.device, indices: Sequence[int]) -> Iterator[Images]:
        """The images in [-1, 1] that the generator makes of the latents with these indices, on ``device``.

        The generator is used in evaluation mode and given back as it was: no buffer changes, and nothing is drawn from
        the default random streams.

        Raises:
            Diverged: If a pixel is not finite.
        """
        z, y = self.prior(self._draw(), self.count, self.latent_dim), self.asked()
        with evaluating(generator), torch.no_grad():
            for start in range(0, len(indices), self.batch_size):
                rows = torch.as_tensor(indices[start : start + self.batch_size])
                labels = None if y is None else y[rows].to(device)
                yield finite(generator(z[rows].to(device), labels))

    def _draw(self) -> UpdateDraw:
        return UpdateDraw((self.seed, "quality"), rank=0, world_size=1, device=torch.device("cpu"))
