"""Whether an extractor ranks images whose order is known: held-out, blurred, of an untrained generator, noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gan_lightning.errors import UserError
from gan_lightning.images import to_bytes
from gan_lightning.metrics.extractors.base import Extractor
from gan_lightning.metrics.frechet import frechet_distance
from gan_lightning.metrics.moments import Moments
from gan_lightning.networks import DeepDCGANGenerator
from gan_lightning.types import Bytes

REAL, BLURRED = "held-out pictures", "held-out pictures, means of 3 x 3 pixels"
UNTRAINED, NOISE = "an untrained generator", "uniform noise"
CHUNK = 500


def ranking(
    extractor: Extractor, train: UInt8[Tensor, "N C H W"], held_out: UInt8[Tensor, "M C H W"], seed: int = 0
) -> dict[str, float]:
    """The FID of four sets of images against the training images, in the order in which they should come.

    Args:
        extractor: The extractor to try.
        train: The training images, uint8 [N C H W].
        held_out: Images of the same kind that were not trained on; the other sets have as many images.
        seed: Seed of the noise, of the generator's weights and of its latents.
    """
    real = _moments(extractor, train)
    return {name: float(frechet_distance(real, _moments(extractor, each))) for name, each in _sets(held_out, seed)}


def require_ranking(distances: Mapping[str, float]) -> None:
    """Refuse an extractor by which blurred pictures, noise or the images of an untrained generator come too near.

    Raises:
        UserError: If the order is not that of the quality.
    """
    real, blurred = distances[REAL], distances[BLURRED]
    worst = min(distances[UNTRAINED], distances[NOISE])
    if not real < blurred < worst:
        raise UserError(
            f"This extractor may not judge: by its FID held-out pictures are at {real:.3g}, blurred ones at "
            f"{blurred:.3g} and the nearer of noise and an untrained generator at {worst:.3g}, which is the wrong "
            "order. Give it more pictures or another --seed, or take evaluator=cifar10."
        )


def _sets(held_out: Bytes, seed: int) -> Iterator[tuple[str, Bytes]]:
    yield REAL, held_out
    soft = avg_pool2d(held_out.float(), 3, 1, 1, count_include_pad=False)
    yield BLURRED, soft.round().to(torch.uint8)
    random = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(seed)
        generator = DeepDCGANGenerator(channels=held_out.shape[1], resolution=held_out.shape[-1], width=16).eval()
        latents = torch.randn(len(held_out), generator.latent_dim, generator=random)
        yield UNTRAINED, torch.cat([to_bytes(generator(z)) for z in torch.split(latents, CHUNK)])
    yield NOISE, torch.randint(256, held_out.shape, generator=random, dtype=torch.uint8)


def _moments(extractor: Extractor, images: Bytes) -> Moments:
    return Moments.of(extractor(images).features)
