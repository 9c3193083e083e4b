"""Mode collapse: G makes only some of what there is in the data."""

from __future__ import annotations

from collections.abc import Mapping

from gan_lightning.health.illness import Course, Illness
from gan_lightning.health.memory import FEW

VARIETY = 0.25
"""Variety of the fakes, as a share of that of the real images, from which down modes are missing."""
DUPLICATES = 0.5
"""Share of fakes with a twin from which on G repeats itself."""
GRACE_ITERATIONS = 1000
"""Number of iterations before which nothing is called a collapse, because every G begins with much the same."""
GRACE_IMAGES = 10_000
"""Number of real images that must have been seen, too."""
CLASSES = 0.3
"""Share of the real images' classes up to which classes are missing."""


class ModeCollapse(Illness):
    """The samples are all alike, repeat each other, or leave out most classes.

    The three signs are those by which the literature finds it: the variety of samples beside that of the data (Odena et
    al. 2017, https://arxiv.org/abs/1610.09585, sec. 4.2), repetitions among a few samples (the birthday paradox of
    Arora & Zhang 2018, https://arxiv.org/abs/1706.08224), and missing modes (Srivastava et al. 2017,
    https://arxiv.org/abs/1705.07761).
    """

    name = "mode_collapse"
    sentence = "G makes only a part of what is in the data: its samples are too much alike."
    advice = (
        "Lower G's learning rate, raise the batch size, let D see the batch (model=stylegan2 has the standard "
        "deviation over groups), add penalty=[r1], or take another loss (wgan_gp, r3gan)."
    )
    after = until = 2
    in_looks = True

    def evidence(self, course: Course) -> Mapping[str, float] | None:
        """Variety, duplicates and classes, if one of them says so; nothing if the data themselves have no variety."""
        look = course.look
        if look is None or look.distinct < FEW:
            return None
        if look.iteration < GRACE_ITERATIONS or look.images < GRACE_IMAGES:
            return None
        if look.variety >= VARIETY and look.duplicates < DUPLICATES and look.classes > CLASSES:
            return None
        return {"variety": look.variety, "duplicates": look.duplicates, "classes": look.classes}
