"""Clipping of gradients, applied after they are reduced over the processes and unscaled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_value_, clip_grads_with_norm_

from gan_lightning.errors import UserError
from gan_lightning.types import Scalar


@dataclass(frozen=True)
class GradientClip:
    """Clips each element to [-``value``, ``value``], then scales all down to a total 2-norm of ``norm``.

    A limit of None leaves its step out. The norm is that of the gradients already clipped by value.
    """

    value: float | None = None
    norm: float | None = None

    def __post_init__(self) -> None:
        """Check the limits.

        Raises:
            UserError: If a limit is not positive.
        """
        for name in ("value", "norm"):
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise UserError(f"clip.{name} is {limit}, but must be more than 0, or null for no clipping.")

    @property
    def changes(self) -> bool:
        """Whether any gradient can be changed."""
        return self.value is not None or self.norm is not None

    def __call__(self, parameters: Iterable[nn.Parameter]) -> Scalar:
        """Clip the gradients in place and return their total norm from before, still on its device."""
        with_gradient = [p for p in parameters if p.grad is not None]
        norm_before = total_norm(gradient_norms(with_gradient))
        if self.value is not None and with_gradient:  # which clip_grad_value_ can't do without
            clip_grad_value_(with_gradient, self.value)
        if self.norm is not None:
            norm = norm_before if self.value is None else total_norm(gradient_norms(with_gradient))
            clip_grads_with_norm_(with_gradient, self.norm, norm)
        return norm_before


def gradient_norms(parameters: Sequence[nn.Parameter]) -> Sequence[Tensor]:
    """The 2-norm of each gradient; one zero if there are none."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return [torch.zeros((), device=next((p.device for p in parameters), None))]
    # get_total_norm sorts by device and dtype first, which costs a small network more than the norm itself
    return torch._foreach_norm(gradients)


def total_norm(norms: Sequence[Tensor]) -> Scalar:
    """The 2-norm of all gradients together, from the norms of each."""
    norm: Tensor = torch.linalg.vector_norm(torch.stack(list(norms)).float())
    return norm
