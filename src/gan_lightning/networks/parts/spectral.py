"""How the layers of residual networks are prepared: Glorot-uniform weights, then spectral normalisation where asked.

Spectral normalisation (Miyato et al. 2018, https://arxiv.org/abs/1802.05957, eq. 8 and Algorithm 1) divides a weight,
as a matrix with one row an output, by its largest singular value, which one step of power iteration follows in every
forward pass in training mode. In evaluation mode nothing moves, so that an image has one logit. The iteration sees
weights and no data: processes with the same weights stay alike.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.parametrize import register_parametrization

from gan_lightning.networks.parts.conditioning import Wrap, identity


class SpectralNorm(_SpectralNorm):
    """Torch's own, which would spend a second of Python a network on the 15 first iterations over no numbers at all."""

    def _power_method(self, weight_mat: Tensor, n_power_iterations: int) -> None:
        if not weight_mat.is_meta:
            super()._power_method(weight_mat, n_power_iterations)


def spectral_norm(layer: nn.Module) -> nn.Module:
    """``layer`` with its weight divided by the weight's largest singular value."""
    assert isinstance(layer.weight, nn.Parameter)
    return register_parametrization(layer, "weight", SpectralNorm(layer.weight))


def wrap_for(spectral: bool) -> Wrap:
    """What goes around each layer of a network with spectral normalisation, or without."""
    return spectral_norm if spectral else identity


def prepared(layer: nn.Module, gain: float = 1.0, *, wrap: Wrap) -> nn.Module:
    """``layer`` with Glorot-uniform weights times ``gain`` and zero biases, wrapped.

    In this order: to initialise a weight that is already computed from another changes a temporary and nothing else.
    """
    assert isinstance(layer, nn.Linear | nn.Conv2d | nn.Embedding)
    nn.init.xavier_uniform_(layer.weight, gain)
    if not isinstance(layer, nn.Embedding) and layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return wrap(layer)
