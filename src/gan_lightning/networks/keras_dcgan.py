"""The networks of the Keras GAN tutorial (Chollet 2017, Deep Learning with Python, sec. 8.5), layer by layer.

At 32 x 32 pixels in colour G has 6,264,579 parameters and D 790,913, as the tutorial's own summaries say. The networks
have no batch norm, kernels divisible by their stride, and Keras' defaults: Glorot-uniform weights, biases of zero,
LeakyReLU of slope 0.3. At any resolution, G's first map has half the side of the image, and the length of the vector
that D's last layer sees follows from the size of D's last map.
"""

from __future__ import annotations

from torch import nn

from gan_lightning.errors import UserError
from gan_lightning.networks.base import Discriminator, Generator, classes_for, conditioning_of
from gan_lightning.networks.parts.conditioning import HEADS, LATENTS, MAPS, LabelledSequential, identity
from gan_lightning.types import Images, Labels, Latents, Logits, Verdict

SLOPE = 0.3  # of LeakyReLU: Keras' default, where torch's is 0.01
SMALLEST = 24  # pixels a side, because D's four convolutions leave nothing of a smaller image


class KerasDCGANGenerator(Generator):
    """The generator of the tutorial, which turns latents [B Z] into images [B C H W] in (-1, 1).

    A linear layer makes a map of half the image's side, which one transposed convolution enlarges.

    Args:
        latent_dim: Number of latent dimensions Z.
        width: Number of channels of the first map; later maps have twice as many.

    Raises:
        UserError: If the resolution is odd or too small.
    """

    CONDITIONINGS = ("none", "concat")
    OWN = "concat"

    def __init__(
        self,
        *,
        channels: int,
        resolution: int,
        num_classes: int = 0,
        conditioning: str = "none",
        latent_dim: int = 32,
        width: int = 128,
    ) -> None:
        super().__init__()
        require_possible(resolution)
        self.latent_dim = latent_dim
        conditioning = conditioning_of(type(self), conditioning)
        self.num_classes = classes_for(type(self), conditioning, num_classes)
        self.latents = LATENTS[conditioning](latent_dim, self.num_classes)
        side, wide = resolution // 2, 2 * width
        self.layers = nn.Sequential(
            nn.Linear(self.latents.features, width * side**2),
            nn.LeakyReLU(SLOPE),
            nn.Unflatten(1, (width, side, side)),
            nn.Conv2d(width, wide, 5, padding=2),
            nn.LeakyReLU(SLOPE),
            nn.ConvTranspose2d(wide, wide, 4, 2, 1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(wide, wide, 5, padding=2),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(wide, wide, 5, padding=2),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(wide, channels, 7, padding=3),
            nn.Tanh(),
        )
        self.apply(initialise)

    def forward(self, z: Latents, y: Labels | None = None) -> Images:
        """Images [B C H W] of latents [B Z]."""
        images: Images = self.layers(self.latents(z, y))
        return images


class KerasDCGANDiscriminator(Discriminator):
    """The discriminator of the tutorial, which turns images [B C H W] into logits [B].

    Four convolutions without padding make maps of 30, 14, 6 and 2 pixels a side from an image of 32.

    Args:
        width: Number of channels of all maps.
        dropout: Probability with which an element of the last map is set to zero in training.

    Raises:
        UserError: If the resolution is odd or too small.
    """

    CONDITIONINGS = ("none", "concat", "projection", "auxiliary")

    def __init__(
        self,
        *,
        channels: int,
        resolution: int,
        num_classes: int = 0,
        conditioning: str = "none",
        width: int = 128,
        dropout: float = 0.4,
    ) -> None:
        super().__init__()
        require_possible(resolution)
        conditioning = conditioning_of(type(self), conditioning)
        self.num_classes = classes_for(type(self), conditioning, num_classes)
        self.pixels = MAPS[conditioning](channels, self.num_classes)
        features = width * last_map(resolution) ** 2
        self.layers = LabelledSequential(
            nn.Conv2d(self.pixels.features, width, 3),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, width, 4, 2),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, width, 4, 2),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, width, 4, 2),
            nn.LeakyReLU(SLOPE),
            nn.Flatten(),
            nn.Dropout(dropout),
            HEADS[conditioning](features, self.num_classes, identity),
        )
        self.apply(initialise)

    def forward(self, x: Images, y: Labels | None = None) -> Logits | Verdict:
        """Logits [B] of images [B C H W], with class logits beside them if there is an auxiliary classifier."""
        verdict: Logits | Verdict = self.layers(self.pixels(x, y), y)
        return verdict


def last_map(resolution: int) -> int:
    """The side of D's last map; without padding, 32 pixels become 30, 14, 6 and 2."""
    side = resolution - 2
    for _ in range(3):
        side = (side - 4) // 2 + 1
    return side


def require_possible(resolution: int) -> None:
    """Refuse a resolution that G can't halve or D can't reduce.

    Raises:
        UserError: If the resolution is odd or too small; the message says which resolutions are possible.
    """
    if resolution % 2 or resolution < SMALLEST:
        raise UserError(
            f"The resolution {resolution} is not supported by this network: it must be even and at least {SMALLEST}. "
            "Set data.resolution."
        )


def initialise(module: nn.Module) -> None:
    """Set Glorot-uniform weights and biases of zero, which are Keras' defaults."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        assert module.bias is not None
        nn.init.zeros_(module.bias)
