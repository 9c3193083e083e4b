"""What happens to every image, real or fake, on its way into the discriminator.

Applied to both sides and differentiable, an augmentation T makes D compare T(real) with T(fake), and G still learns
through it. Its random numbers come from the ``draw`` of the update, so they are those of the global batch whatever the
number of processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

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


class InstanceNoise(Augmentation):
    """Gaussian noise on real and fake images, so that their distributions overlap.

    Sønderby et al. 2017, https://arxiv.org/abs/1610.04490, who lower it to zero during training: schedule
    ``augment.instance_noise.std``.
    """

    def __init__(self, std: float = 0.1) -> None:
        super().__init__()
        if std < 0:
            raise UserError(f"augment.instance_noise.std is {std}, but must be 0 (no noise) or more.")
        self.std = std

    def forward(self, images: Images, draw: Draw) -> Images:
        """X + std n, n ~ N(0, 1) for each pixel."""
        return images + self.std * draw.normal("noise", tuple(images.shape)).to(images.dtype)


class DiffAugment(Augmentation):
    """Colour, translation and cutout. Zhao et al. 2020, https://arxiv.org/abs/2006.10738.

    Each operation happens to each sample with ``probability``, which is 1 in the paper. Strengths, each 0 for not at
    all; the defaults are the paper's: ``brightness``, ``saturation`` and ``contrast`` are the largest change of what is
    added or multiplied, ``translation`` and ``cutout`` parts of the side.
    """

    def __init__(
        self,
        *,
        brightness: float = 0.5,
        saturation: float = 1.0,
        contrast: float = 0.5,
        translation: float = 0.125,
        cutout: float = 0.5,
        probability: float = 1.0,
    ) -> None:
        super().__init__()
        self.brightness = brightness
        self.saturation = saturation
        self.contrast = contrast
        self.translation = translation
        self.cutout = cutout
        self.probability = probability
        for name in ("brightness", "saturation", "contrast", "translation", "cutout", "probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"DiffAugment's {name} is {getattr(self, name)}, but must be from 0 to 1.")

    def forward(self, images: Images, draw: Draw, probability: Scalar | None = None) -> Images:
        """Images [B C H W]; a ``probability`` that is given stands in for its own."""
        threshold = self.probability if probability is None else probability
        for name, operation in OPERATIONS.items():
            if strength := getattr(self, name):
                changed = operation(images, strength, draw.named(name))
                chosen = draw.uniform(f"{name}, chosen", (len(images), 1, 1, 1)) < threshold
                images = torch.where(chosen, changed, images)
        return images


class Adaptive(Augmentation):
    """Raises an augmentation's probability while D is too sure of the real images, and lowers it otherwise.

    Karras et al. 2020 (ADA), https://arxiv.org/abs/2006.06676, sec. 3: r_t = E[sign(D(real))], taken over the last
    ``interval`` iterations and all processes, is held at ``target`` by steps that would lead from 0 to 1 within
    ``kimg``. Unlike theirs, the probability also ends at 1, beyond which it would mean nothing.

    Args:
        augmentation: What is applied.
        target: Of r_t.
        kimg: Thousand real images in which the probability can go from 0 to 1.
        interval: Iterations between two steps.
    """

    probability: Tensor
    signs: Tensor
    updates: Tensor

    def __init__(self, augmentation: DiffAugment, target: float = 0.6, kimg: float = 500.0, interval: int = 4) -> None:
        super().__init__()
        if kimg <= 0 or interval < 1:
            raise UserError(f"augment.adaptive: kimg={kimg} must be more than 0 and interval={interval} at least 1.")
        self.augmentation = augmentation
        self.target = target
        self.kimg = kimg
        self.interval = interval
        # buffers, so that they are saved, and averaged over the processes with batch norm's statistics
        for name in ("probability", "signs", "updates"):
            self.register_buffer(name, torch.zeros(()))

    def forward(self, images: Images, draw: Draw) -> Images:
        """Images [B C H W], augmented with the present probability."""
        augmented: Images = self.augmentation(images, draw, self.probability)
        return augmented

    @torch.no_grad()
    def observe(self, real_logits: Logits) -> None:
        """Collect the signs."""
        self.signs += real_logits.sign().float().mean()
        self.updates += 1

    @torch.no_grad()
    def adapt(self, iteration: int, images: int) -> dict[str, Scalar]:
        """Step every ``interval`` iterations, without waiting for the device."""
        if (iteration + 1) % self.interval == 0:
            too_sure = torch.sign(self.signs / self.updates - self.target)  # r_t - target
            self.probability += too_sure * self.interval * images / (1000 * self.kimg)
            self.probability.clamp_(0, 1)
            self.signs.zero_()
            self.updates.zero_()
        return {"probability": self.probability.clone()}


def brightness(images: Images, strength: float, draw: Draw) -> Images:
    """X + s, s ~ U[-strength, strength) for each sample."""
    return images + _around(0.0, strength, images, draw)


def saturation(images: Images, strength: float, draw: Draw) -> Images:
    """Colours further from or closer to the pixel's own grey, by s ~ U[1 - strength, 1 + strength)."""
    grey = images.mean(dim=1, keepdim=True)
    return grey + _around(1.0, strength, images, draw) * (images - grey)


def contrast(images: Images, strength: float, draw: Draw) -> Images:
    """Values further from or closer to the image's mean, by s ~ U[1 - strength, 1 + strength)."""
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + _around(1.0, strength, images, draw) * (images - mean)


def translation(images: Images, strength: float, draw: Draw) -> Images:
    """Moved by up to round(strength * side) pixels along either side; zeros (grey) come in from beyond the border."""
    for axis, name in ((2, "rows"), (3, "columns")):
        side = images.shape[axis]
        most = round(strength * side)
        moved = draw.integers(name, 2 * most + 1, (len(images),)) - most
        # around the edge and then blanked: a permutation, unlike a clamped index, has a deterministic backward pass
        source = torch.arange(side, device=images.device) + moved[:, None]
        shape = [len(images), 1, 1, 1]
        shape[axis] = side
        inside = ((source >= 0) & (source < side)).view(shape)
        images = images.gather(axis, (source % side).view(shape).expand_as(images)).where(inside, 0.0)
    return images


def cutout(images: Images, strength: float, draw: Draw) -> Images:
    """A hole of round(strength * side) pixels a side, filled with zeros; its centre may lie anywhere in the image."""
    in_rows, in_columns = (
        _hole(images.shape[axis], strength, draw.integers(name, _centres(images.shape[axis], strength), (len(images),)))
        for axis, name in ((2, "rows"), (3, "columns"))
    )
    return images.masked_fill(in_rows[:, None, :, None] & in_columns[:, None, None, :], 0.0)


OPERATIONS: Mapping[str, Callable[[Images, float, Draw], Images]] = {
    "brightness": brightness,
    "saturation": saturation,
    "contrast": contrast,
    "translation": translation,
    "cutout": cutout,
}
"""In the order of the paper's code."""


def _around(centre: float, strength: float, images: Images, draw: Draw) -> Tensor:
    """From U[centre - strength, centre + strength), one number for each sample: [B 1 1 1]."""
    u = draw.uniform("amount", (len(images), 1, 1, 1)).to(images.dtype)
    return centre + strength * (2 * u - 1)


def _centres(side: int, strength: float) -> int:
    """Where a hole's centre may lie; one place more where an even hole has its centre between two pixels."""
    return side + (1 - round(strength * side) % 2)


def _hole(side: int, strength: float, centre: Tensor) -> Tensor:
    """Which positions along a side lie in the hole: [B side]."""
    size = round(strength * side)
    first = (centre - size // 2)[:, None]
    position = torch.arange(side, device=centre.device)
    return (position >= first) & (position < first + size)
