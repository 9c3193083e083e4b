"""Numbers that are no longer finite: the end of training, whatever the cause."""

from __future__ import annotations

from collections.abc import Mapping

from gan_lightning.errors import Diverged
from gan_lightning.health.diagnosis import Diagnosis
from gan_lightning.health.illness import Course, Illness

NAME = "not_finite"
ADVICE = (
    "Go back to an earlier checkpoint with a lower learning rate (optimizer.lr), clip gradients (optimizer.clip.norm=1)"
    " or take another loss; in mixed precision try trainer.precision=32-true."
)


class NotFinite(Illness):
    """Weights that are NaN or infinite. Losses and gradients that are end training by themselves: :func:`diverged`."""

    name = NAME
    sentence = "Weights are NaN or infinite."
    advice = ADVICE
    after = until = 1

    def evidence(self, course: Course) -> Mapping[str, float] | None:
        """The number of matrices with such weights, by player."""
        broken = {f"{player}/broken_weights": float(number) for player, number in course.now.broken.items() if number}
        return broken or None


def diverged(error: Diverged, iteration: int, images: int) -> Diagnosis:
    """The diagnosis of a run that ends because a loss, a gradient, a pixel or a metric is not finite.

    Args:
        error: The error that ends it.
        iteration: The current iteration.
        images: Number of real images seen.
    """
    bad = dict(error.first)
    found = min(bad.values(), default=error.iteration or iteration)
    what = f"{', '.join(bad)} became NaN or infinite" if bad else "A number became NaN or infinite"
    evidence = {f"{name}/first_bad_iteration": float(at) for name, at in bad.items()}
    return Diagnosis(NAME, f"{what} in iteration {found:,}.", ADVICE, evidence, iteration, images)
