"""What happens to every image on its way into the discriminator."""

from __future__ import annotations

from torch import Tensor, nn

from gan_lightning.types import Draw


class NoAugmentation(nn.Module):
    """Images as they are; the neutral object of the augmentation seam."""

    def forward(self, images: Tensor, draw: Draw) -> Tensor:
        """Images [B C H W] -> images [B C H W]; a real augmentation takes its randomness from ``draw``."""
        return images
