"""Initial weights of a DCGAN: the paper's, but larger in a narrow network, and different for each class."""

from __future__ import annotations

from math import sqrt

from torch import nn

from gan_lightning.networks.parts.conditioning import ConditionalBatchNorm2d, ProjectionHead

STD = 0.02  # standard deviation of all weights; Radford et al. 2016, sec. 4
CLASS_STD = 0.5  # standard deviation of the gains and biases of the classes
NARROW = 64
"""Width below which weights start larger, so that the values in the maps are as large as at this width."""


def initial_std(width: int) -> float:
    """The standard deviation of the initial weights: 0.02, and more if ``width`` is less than 64.

    A sum over fewer channels is smaller by the square root of their number, which the larger weights make up for. At
    width 16 with 0.02, the epsilon of batch norm outweighs the variance of D's maps of the first fake images. An even
    grey then looks less fake to D than any attempt at an image, and G ended there for good, with labels and without.
    """
    return STD * max(1.0, sqrt(NARROW / width))


def initialise(module: nn.Module, std: float) -> None:
    """Draw weights from N(0, std) and gains of norms from N(1, 0.02); set biases and embeddings of labels to zero.

    A conditional D thus starts like one without labels. The classes of a conditional G start apart, because the gains
    of conditional norms are drawn from N(1, 0.5) and their biases from N(0, 0.5); the numbers are standard deviations.
    """
    if isinstance(module, ProjectionHead):
        nn.init.zeros_(next(module.embedding.parameters()))
        return
    if isinstance(module, ConditionalBatchNorm2d):
        for weight in (module.gain.weight, module.bias.weight):
            nn.init.normal_(weight, 0.0, CLASS_STD / module.rate)
        return
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, std)
    elif isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d | nn.GroupNorm) and module.affine:
        nn.init.normal_(module.weight, 1.0, STD)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)
