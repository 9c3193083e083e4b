"""How the weights of a DCGAN start: those of the paper, larger in a narrow network, and classes that differ."""

from __future__ import annotations

from math import sqrt

from torch import nn

from gan_lightning.networks.parts.conditioning import ConditionalBatchNorm2d, ProjectionHead

STD = 0.02  # sec. 4 of Radford et al. 2016
CLASS_STD = 0.5  # of the gains and biases of the classes
NARROW = 64
"""Width below which weights start larger, so that the maps of a narrower network are of the same size as here."""


def initial_std(width: int) -> float:
    """0.02, and more for few channels: a sum over fewer channels is smaller by the root of their number.

    At width 16 with 0.02, batch norm's epsilon outweighs the variance of the maps that D has of a new G's images. An
    even grey then looks less fake to D than any attempt, and G went there for good, with labels and without.
    """
    return STD * max(1.0, sqrt(NARROW / width))


def initialise(module: nn.Module, std: float) -> None:
    """Weights from N(0, std), gains of norms from N(1, 0.02), biases and embeddings of labels zero.

    D then starts as without labels. G's classes start apart: gains of conditional norms from N(1, 0.5), their biases
    from N(0, 0.5).
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
