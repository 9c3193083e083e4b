"""The base of all augmentations, which change every image, real or fake, on its way into the discriminator.

An augmentation `T` is applied to both sides, so D compares `T(real)` with `T(fake)`; it is differentiable, so G still
learns through it. Its random numbers come from the ``draw`` of the update: they are drawn for the global batch, and
thus do not depend on the number of processes.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from gan_lightning.errors import UserError
from gan_lightning.types import AdversarialLoss, Draw, Images, Logits, Scalar


class Augmentation(nn.Module):
    """A change of images [B C H W] that keeps their shape.

    An augmentation whose strength adapts itself during training also implements :meth:`observe` and :meth:`adapt`.
    """

    def forward(self, images: Images, draw: Draw) -> Images:
        """The augmented images."""
        raise NotImplementedError

    def observe(self, loss: AdversarialLoss, real: Logits, fake: Logits) -> None:
        """Take note of the logits [B] that D gave to the augmented real and fake images; called after each D update.

        ``loss`` is the one that D is trained with, and says what its logits mean.
        """

    def adapt(self, iteration: int, images: int) -> dict[str, Scalar]:
        """Adapt the augmentation; called at the end of each iteration, and returns the values to be logged by name.

        Just before the call, floating-point buffers are averaged over all processes.

        Args:
            iteration: Number of the iteration that ends, counted from 0.
            images: Number of real images that D saw in it, over all processes.
        """
        return {}


class Compose(nn.ModuleDict):
    """Named augmentations applied one after the other; if there are none, images stay as they are.

    Raises:
        UserError: If one of them is no :class:`Augmentation`.
    """

    def __init__(self, augmentations: Mapping[str, nn.Module]) -> None:
        super().__init__(augmentations)
        for name, augmentation in augmentations.items():
            if not isinstance(augmentation, Augmentation):
                found = type(augmentation).__name__
                raise UserError(f"augment.{name} is a {found}: derive it from gan_lightning.augment.Augmentation.")

    def augmentations(self) -> list[tuple[str, Augmentation]]:
        """Names and augmentations in the order in which they are applied."""
        return [(name, module) for name, module in self.items() if isinstance(module, Augmentation)]

    def forward(self, images: Images, draw: Draw) -> Images:
        """Images [B C H W] after all augmentations, each of which draws random numbers of its own."""
        for name, augmentation in self.augmentations():
            images = augmentation(images, draw.named(name))
        return images

    def observe(self, loss: AdversarialLoss, real: Logits, fake: Logits) -> None:
        """Hand the loss and D's logits to each augmentation."""
        for _, augmentation in self.augmentations():
            augmentation.observe(loss, real.detach(), fake.detach())

    def adapt(self, iteration: int, images: int) -> dict[str, Scalar]:
        """Let each augmentation adapt itself, and return what all of them log as ``augment/<name>/<what>``."""
        return {
            f"augment/{name}/{what}": value
            for name, augmentation in self.augmentations()
            for what, value in augmentation.adapt(iteration, images).items()
        }
