"""G's output is stuck at its limits."""

from __future__ import annotations

from collections.abc import Mapping

from gan_lightning.health.illness import Course, Illness

STUCK = 0.98
"""Share of the values at an end of [-1, 1] from which on an output is stuck."""
MORE = 0.1
"""By how much this share must exceed that of the real images, such as of black paper."""


class SaturatedOutput(Illness):
    """Nearly all values of the fakes lie at -1 or 1, where the slope of tanh, and with it G's gradient, is zero."""

    name = "saturated_output"
    sentence = "{saturated:.0%} of the samples' values lie at -1 or 1 ({of_real:.0%} of the real ones): tanh is stuck."
    advice = (
        "Lower G's learning rate, normalise G (model.generator.norm=batch), and check that the data lie in [-1, 1]."
    )
    after = until = 2
    in_looks = True

    def evidence(self, course: Course) -> Mapping[str, float] | None:
        """The share of such values among the fakes and among the real images."""
        look = course.look
        if look is None or look.saturated < max(STUCK, look.saturated_real + MORE):
            return None
        return {"saturated": look.saturated, "of_real": look.saturated_real}
