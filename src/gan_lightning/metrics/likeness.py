"""How alike two images are, as one number for each pair of images: absolute error, PSNR and SSIM.

Images are bytes, as they stand in a PNG file, so that the data range is 255. All of this is computed in float64.
"""

from __future__ import annotations

import math

from jaxtyping import Float64
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from gan_lightning.types import Bytes

DATA_RANGE = 255.0
"""Difference between the largest and the smallest value of a byte."""
WINDOW = 11
"""Pixels along each side of SSIM's window, which is what torchmetrics makes of σ = 1.5."""
LEAST_SIDE = WINDOW // 2 + 1
"""Smallest side in pixels of an image that can be mirrored at its borders by half a window."""


def absolute_errors(x: Bytes, y: Bytes) -> Float64[Tensor, " B"]:
    """Mean of `|x - y| / 255` over the pixels and channels of each image, from 0 to 1."""
    a, b = as_float64(x), as_float64(y)
    return (a - b).abs().flatten(1).mean(1) / DATA_RANGE


def peak_signal_to_noise(x: Bytes, y: Bytes) -> Float64[Tensor, " B"]:
    """PSNR of each image in decibels, `10 log10(255² / MSE)`.

    Two equal images, whose PSNR would be infinite, get the value of images of their size that differ by one grey level
    in one value: no other two images have as much.
    """
    a, b = as_float64(x), as_float64(y)
    ratios: Tensor = peak_signal_noise_ratio(a, b, data_range=DATA_RANGE, reduction="none", dim=(1, 2, 3))
    largest = 10 * math.log10(DATA_RANGE**2 * a[0].numel())
    return ratios.clamp(max=largest)


def structural_similarity(x: Bytes, y: Bytes) -> Float64[Tensor, " B"]:
    """SSIM of each image: Wang et al. 2004, IEEE Transactions on Image Processing 13(4), eq. 13.

    `(2 μx μy + C1)(2 σxy + C2) / ((μx² + μy² + C1)(σx² + σy² + C2))` with `C1 = (0.01 · 255)²` and
    `C2 = (0.03 · 255)²`, where means and variances are those of a Gaussian window of 11 x 11 pixels with σ = 1.5. The
    result is the mean over all pixels and channels; windows at the border see the image continued as in a mirror.
    """
    # Not in float32, which is ten times as fast but off by 2e-4 where two bright images are even.
    a, b = as_float64(x), as_float64(y)
    values = structural_similarity_index_measure(a, b, sigma=1.5, data_range=DATA_RANGE, reduction="none")
    assert isinstance(values, Tensor)
    return values.reshape(len(a))  # torchmetrics gives a single value for a single image


def as_float64(values: Tensor) -> Tensor:
    """The values in float64, on the CPU if their device has none (Apple's MPS)."""
    return (values.cpu() if values.device.type == "mps" else values).double()
