"""Spectral normalisation (spectral norm) and Glorot-uniform initial weights for the layers of residual networks.

Spectral normalisation (Miyato et al. 2018, https://arxiv.org/abs/1802.05957, eq. 8 and Algorithm 1) divides a weight,
seen as a matrix with one row for each output, by its largest singular value. One step of power iteration in every
forward pass in training mode follows this value. In evaluation mode the iteration rests, so that an image always has
the same logit. The iteration sees weights and no data, so processes with the same weights stay equal.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.parametrize import register_parametrization

from gan_lightning.networks.parts.conditioning import Wrap, identity


class SpectralNorm(_SpectralNorm):
    """Torch's own parametrization, without power iterations on the meta device.

    There the 15 first iterations would take a second for each network and compute nothing, because tensors on the meta
    device hold no numbers.
    """

    def _power_method(self, weight_mat: Tensor, n_power_iterations: int) -> None:
        if not weight_mat.is_meta:
            super()._power_method(weight_mat, n_power_iterations)


def spectral_norm(layer: nn.Module) -> nn.Module:
    """The layer with its weight divided by the weight's largest singular value."""
    assert isinstance(layer.weight, nn.Parameter)
    return register_parametrization(layer, "weight", SpectralNorm(layer.weight))


def wrap_for(spectral: bool) -> Wrap:
    """The function that adds spectral normalisation to a layer, or one that leaves the layer as it is."""
    return spectral_norm if spectral else identity


def prepared(layer: nn.Module, gain: float = 1.0, *, wrap: Wrap) -> nn.Module:
    """The layer with Glorot-uniform weights times ``gain`` and biases of zero, then wrapped.

    Wrapping comes last, because a wrapped weight is computed from another one: to initialise it would change a
    temporary tensor and nothing else.
    """
    assert isinstance(layer, nn.Linear | nn.Conv2d | nn.Embedding)
    nn.init.xavier_uniform_(layer.weight, gain)
    if not isinstance(layer, nn.Embedding) and layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return wrap(layer)
