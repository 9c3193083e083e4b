"""G can only, or does, repeat training images."""

from __future__ import annotations

from collections.abc import Mapping

from gan_lightning.health.illness import Course, Illness

FEW = 8
"""Number of different training images below which there is nothing to learn but these."""
COPIES = 0.2
"""Share of fakes nearer to a training image than 99 % of held-out images that means copying; chance: 0.01."""


class TooFewImages(Illness):
    """The training images are nearly all the same, so that whatever is learnt is a copy of them."""

    name = "too_few_images"
    sentence = "Only {different_images:.0f} of {looked_at:.0f} training images are different: G can only repeat them."
    advice = "Check the folder (data.root) and the classes; a GAN needs thousands of images, or augment=[diffaugment]."
    after = until = 1
    curable = False

    def evidence(self, course: Course) -> Mapping[str, float] | None:
        """The number of different images among those that were looked at."""
        now = course.now
        if now.distinct >= FEW:
            return None
        return {"different_images": float(now.distinct), "looked_at": float(now.seen)}


class Memorisation(Illness):
    """Many fakes are nearer to a training image than held-out images are (Meehan et al. 2020, arXiv:2004.05675)."""

    name = "memorisation"
    sentence = "{copies:.0%} of the samples are closer to a training image than 99 % of held-out images are: copies."
    advice = "Train on more images, stop earlier, or add augment=[diffaugment]."
    after = until = 2
    in_looks = True

    def evidence(self, course: Course) -> Mapping[str, float] | None:
        """The share of copies, if it was measured."""
        look = course.look
        if look is None or look.copies is None or look.copies < COPIES:
            return None
        return {"copies": look.copies}
