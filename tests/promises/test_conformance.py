"""Our numbers equal those of other code on the same inputs; `make conformance` runs these and the metrics' tests.

If the other code is a package, it runs here. If it is a repository, its numbers and how they were made are written
down, and nothing of it is needed to run the tests.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import scipy.stats
import torch
from PIL import Image
from torch import Tensor, nn
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import resize as torchvision_resize

from gan_lightning.data.image_set import resize
from gan_lightning.data.sets.digits import Digits
from gan_lightning.metrics import Moments, frechet_distance, nearest
from gan_lightning.metrics.kernel import squared_mmd
from gan_lightning.metrics.memorisation import copying_test
from gan_lightning.metrics.precision_recall import precision_recall
from gan_lightning.networks.resnet import ResNetDiscriminator, ResNetGenerator

COPIES = "fifty digits, each twenty times"
BLURRED = "digits with noise"


@pytest.fixture(scope="module")
def digits() -> Tensor:
    """3,000 digits, as bytes [3000 1 28 28]."""
    return Digits(batch_size=1).load("train").images[:3000]


@pytest.fixture(scope="module")
def real(digits: Tensor) -> Tensor:
    """Pixels [1000 196] of 1,000 digits, averaged over 2 x 2 to quarters of integers, so that many distances tie."""
    return pixels(digits[:1000])


def pixels(images: Tensor) -> Tensor:
    return nn.functional.avg_pool2d(images.float(), 2).flatten(1)


@pytest.fixture(scope="module", params=[COPIES, BLURRED])
def fake(request: pytest.FixtureRequest, digits: Tensor, real: Tensor) -> Tensor:
    """Features of a generator that repeats training images, or of one that makes its own."""
    if request.param == COPIES:
        return real[:50].repeat(20, 1)
    noise = torch.randn(1000, 196, generator=torch.Generator().manual_seed(0))
    return pixels(digits[1000:2000]) + 30 * noise


def test_frechet_distance(real: Tensor, fake: Tensor) -> None:
    theirs = fid_statistics_to_metric(*(fid_features_to_statistics(x.double()) for x in (real, fake)), verbose=False)
    ours = float(frechet_distance(Moments.of(real), Moments.of(fake)))
    assert ours == pytest.approx(theirs["frechet_inception_distance"], rel=1e-6)


def test_kernel_distance(real: Tensor, fake: Tensor) -> None:
    """The distance of one subset that has all samples equals torch-fidelity's."""
    x, y = (features.double() / 255 for features in (real, fake))
    theirs = kid_features_to_metric(x, y, kid_subsets=1, kid_subset_size=1000, verbose=False)
    assert float(squared_mmd(x, y)) == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-6)


DENSITY_AND_COVERAGE = {
    (COPIES, 3): (1.0466666666666666, 0.152),
    (COPIES, 5): (1.064, 0.244),
    (BLURRED, 3): (0.07266666666666666, 0.163),
    (BLURRED, 5): (0.091, 0.304),
}
"""Numbers of ``compute_prdc`` of the package prdc 0.2, by the authors of the two metrics, on these features."""


@pytest.mark.parametrize("k", [3, 5])
def test_precision_recall_density_and_coverage(real: Tensor, fake: Tensor, k: int) -> None:
    ours = precision_recall(real, fake, k, k)
    kind = COPIES if len(fake.unique(dim=0)) < len(fake) else BLURRED
    assert (float(ours.density), float(ours.coverage)) == pytest.approx(DENSITY_AND_COVERAGE[kind, k])
    if kind == COPIES:  # in this case rounding decides torch-fidelity's distances
        assert (float(ours.precision), float(ours.recall)) == (1.0, 0.05)
        return
    theirs = prc_features_to_metric(
        fake.double(), real.double(), prc_neighborhood=k, prc_batch_size=10_000, save_cpu_ram=False, verbose=False
    )
    assert (float(ours.precision), float(ours.recall)) == pytest.approx((theirs["precision"], theirs["recall"]))


def test_copying(digits: Tensor, real: Tensor, fake: Tensor) -> None:
    """The test equals scipy's on few images, because for many images scipy's probability is 0."""
    of_fakes, of_held_out = (nearest(x, real).distances for x in (fake[::49], pixels(digits[2000:2030])))
    ours = copying_test(of_fakes, of_held_out)
    theirs = scipy.stats.mannwhitneyu(
        of_fakes, of_held_out, alternative="less", method="asymptotic", use_continuity=False
    )
    assert float(ours.closer) == pytest.approx(1 - theirs.statistic / (len(of_fakes) * len(of_held_out)))
    assert scipy.stats.norm.logcdf(float(ours.z)) == pytest.approx(np.log(theirs.pvalue), rel=1e-6)


@pytest.mark.parametrize("side", [20, 64])
def test_resizing(digits: Tensor, side: int) -> None:
    """Images are resized as torchvision resizes bytes, and as Pillow does without rounding between rows and columns."""
    images = digits[:300]
    ours = resize(images, side)
    assert torch.equal(ours, torchvision_resize(images, [side, side], InterpolationMode.BICUBIC, antialias=True))
    floats = [Image.fromarray(image[0].numpy().astype(np.float32)) for image in images]
    resized = np.stack([np.array(image.resize((side, side), Image.Resampling.BICUBIC)) for image in floats])
    theirs = torch.from_numpy(resized)[:, None].round().clamp(0, 255)
    off = (ours.float() - theirs).abs()
    assert int((off > 0).sum()) <= 3  # halves, which may be rounded up or down
    assert float(off.max()) <= 1


def with_sines(parameters: Iterable[Tensor]) -> None:
    """Fill the parameters with values of a sine, one after the other."""
    with torch.no_grad():
        for i, parameter in enumerate(parameters):
            numbers = torch.arange(parameter.numel(), dtype=torch.float64)
            parameter.copy_(0.5 * torch.sin(0.7 * numbers + i).view(parameter.shape))


def test_residual_networks_of_mimicry_as_the_papers_have_them() -> None:
    """github.com/kwotsin/mimicry at a7fda06: SNGANGenerator32(nz=5, ngf=4) and SNGANDiscriminator32(ndf=4) in float64.

    Their parameters were filled like ours, block by block: convolutions and norms in the order of the data, then the
    shortcut. Spectral normalisation was taken off, F.interpolate was made to repeat pixels and ReLUs not to work in
    place. As they are, the same inputs give 0.20584 instead of the first pixel and 43.643, 65.780 instead of the
    logits.
    """
    generator = ResNetGenerator(channels=3, resolution=32, width=4, latent_dim=5).double()
    discriminator = ResNetDiscriminator(channels=3, resolution=32, width=4, spectral_norm=False).double()
    with_sines(generator.parameters())
    with_sines(discriminator.parameters())
    z = torch.cos(torch.arange(10, dtype=torch.float64)).view(2, 5)
    x = torch.sin(0.01 * torch.arange(2 * 3 * 32 * 32, dtype=torch.float64)).view(2, 3, 32, 32)
    with torch.no_grad():
        images, logits = generator(z), discriminator(x)
    expected = [-0.3830491064743444, -0.6596049485179597, -0.13834397735610307, -0.6154552520376754]
    assert images[:, 1, 5, 7:9].flatten().tolist() == pytest.approx(expected, rel=1e-9)
    assert float(images.mean()) == pytest.approx(-0.22608182459314372, rel=1e-9)
    assert logits.tolist() == pytest.approx([332.72391967525164, 543.8212208613071], rel=1e-9)
