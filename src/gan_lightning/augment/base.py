"""What happens to every image, real or fake, on its way into the discriminator.

Applied to both sides and differentiable, an augmentation T makes D compare T(real) with T(fake), and G still learns
through it. Its random numbers come from the ``draw`` of the update, so they are those of the global batch whatever the
number of processes.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from gan_lightning.errors import UserError
from gan_lightning.types import Draw, Images, Logits, Scalar


class Augmentation(nn.Module):
    """Images [B C H W] -> images [B C H W], and two points of the step for those that adapt themselves."""

    def forward(self, images: Images, draw: Draw) -> Images:
        """Augmented images."""
        raise NotImplementedError

    def observe(self, real_logits: Logits) -> None:
        """What D says of the augmented real images, after each D update."""

    def adapt(self, iteration: int, images: int) -> dict[str, Scalar]:
        """Called at the end of ``iteration``, in which D saw ``images`` real ones over all processes.

        Float buffers of all processes have just been averaged. Gives what is to be logged.
        """
        return {}


class Compose(nn.ModuleDict):
    """Augmentations by name, one after the other; without any, images stay as they are."""

    def __init__(self, augmentations: Mapping[str, nn.Module]) -> None:
        super().__init__(augmentations)
        for name, augmentation in augmentations.items():
            if not isinstance(augmentation, Augmentation):
                found = type(augmentation).__name__
                raise UserError(f"augment.{name} is a {found}: derive it from gan_lightning.augment.Augmentation.")

    def augmentations(self) -> list[tuple[str, Augmentation]]:
        """Names and augmentations in order."""
        return [(name, module) for name, module in self.items() if isinstance(module, Augmentation)]

    def forward(self, images: Images, draw: Draw) -> Images:
        """Images [B C H W], each augmentation with random numbers of its own."""
        for name, augmentation in self.augmentations():
            images = augmentation(images, draw.named(name))
        return images

    def observe(self, real_logits: Logits) -> None:
        """Hand D's logits of real images to each."""
        for _, augmentation in self.augmentations():
            augmentation.observe(real_logits.detach())

    def adapt(self, iteration: int, images: int) -> dict[str, Scalar]:
        """Let each adapt itself; gives what they log, by their names."""
        return {
            f"augment/{name}/{what}": value
            for name, augmentation in self.augmentations()
            for what, value in augmentation.adapt(iteration, images).items()
        }
