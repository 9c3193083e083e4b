"""The balance of the players: one wins for good, or both chase each other without getting anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gan_lightning.health.illness import NORM, Course, Illness
from gan_lightning.types import PLAYERS

CERTAIN = 0.99
"""Accuracy on either side from which on D is said to be at its end: of 100 images at most one is misjudged."""
GONE = {"generator": 0.25, "discriminator": 0.01}
"""Share of its early norm to which a player's gradient has fallen when it is said to be gone."""
CHANCE = 0.55
"""Mean of D's two accuracies up to which D guesses; a coin has 0.5."""
EASY = 0.9
"""Accuracy of a nearest neighbour from which on fakes are easily told from real images."""
SWING = 0.75
"""Height of a swing that counts, as a share of the mean absolute value of the curve."""
SWINGS = 6
"""Number of swings among the intervals that the doctor remembers."""


class DiscriminatorWins(Illness):
    """D knows every image, and the gradient that it leaves to G, or to itself, is gone.

    That is what Arjovsky & Bottou 2017, https://arxiv.org/abs/1701.04862, sec. 2 derive and measure: the better D
    becomes, the smaller is G's gradient under the saturating loss. G's gradient is no sign if G also has other terms,
    such as the distance to its target, because these get smaller as it learns.
    """

    name = "discriminator_wins"
    sentence = "D tells all images apart, and hardly a gradient is left."
    advice = (
        "Take a loss whose G does not saturate (loss=non_saturating instead of minimax, or hinge, wgan_gp, r3gan), "
        "slow D down (optimizer.discriminator.lr), or disturb it (augment=[instance_noise], loss.label_smoothing=0.1)."
    )

    def evidence(self, course: Course) -> Mapping[str, float] | None:
        """The lowest accuracy of all discriminators, and what is left of the gradients."""
        now = course.now
        accuracies = [min(real, fake) for _, real, fake in now.accuracies()]
        if not accuracies or min(accuracies) < CERTAIN:
            return None
        left = {}
        for player in PLAYERS:
            if (early := course.at_first(player)) > 0 and (norm := now.scalars.get(NORM + player)) is not None:
                left[f"{player}/gradient_left"] = norm / early
        players = PLAYERS if now.taught_by_d else ("discriminator",)
        if not any(left.get(f"{player}/gradient_left", 1.0) <= GONE[player] for player in players):
            return None
        return {"accuracy": min(accuracies), **left}


class GeneratorWins(Illness):
    """D guesses although the fakes are easily told from real images: it is too weak, or does not learn.

    If D guesses because the fakes are good, all is well. A nearest neighbour, which learns nothing, is therefore asked
    too (Lopez-Paz & Oquab 2017, https://arxiv.org/abs/1610.06545; Xu et al. 2018, https://arxiv.org/abs/1806.07755).
    """

    name = "generator_wins"
    sentence = "D guesses, although the fakes are easily told from real images: G has nothing to learn from."
    advice = (
        "Give D more capacity (model.discriminator.width, or widths), a higher learning rate "
        "(optimizer.discriminator.lr) or more updates (n_critic), and less regularisation."
    )

    def evidence(self, course: Course) -> Mapping[str, float] | None:
        """D's mean accuracy, or its gap if the loss has no border, and the nearest neighbour's accuracy."""
        look = course.look
        if look is None or look.told_apart < EASY:
            return None
        accuracies = [(real + fake) / 2 for _, real, fake in course.now.accuracies()]
        gaps = [gap for _, gap in course.now.gaps()]
        if accuracies and max(accuracies) <= CHANCE:
            return {"accuracy": max(accuracies), "nearest_neighbour": look.told_apart}
        if gaps and not accuracies and max(gaps) <= 0:
            return {"D(x) - D(G(z))": max(gaps), "nearest_neighbour": look.told_apart}
        return None


class Oscillation(Illness):
    """A loss goes up and down again and again, by more than the noise of training.

    Simultaneous gradient descent circles around the equilibrium of a zero-sum game and need not approach it (Mescheder
    et al. 2018, https://arxiv.org/abs/1801.04406, sec. 2).
    """

    name = "oscillation"
    sentence = "A loss swings up and down without end: the players chase each other."
    advice = (
        "Lower both learning rates or the momentum (optimizer.betas=[0,0.99]), add penalty=[r1], or watch the moving "
        "average (EMA), which smooths G's part of the circle."
    )

    def evidence(self, course: Course) -> Mapping[str, float] | None:
        """The number of swings of each loss that swings, and their height."""
        found: dict[str, float] = {}
        for name, series in course.losses.items():
            scale = sum(map(abs, series)) / max(len(series), 1)
            if scale > 0 and (number := swings(series, SWING * scale)) >= SWINGS:
                found |= {f"{name}/swings": float(number), f"{name}/height": SWING * scale}
        return found or None


def swings(series: Sequence[float], height: float) -> int:
    """Number of times that a curve turns and then goes at least ``height`` the other way.

    >>> swings([0, 1, 0, 1, 0], height=0.5), swings([0, 1, 2, 3], height=0.5), swings([0, 0.1, 0], height=0.5)
    (3, 0, 0)
    """
    if not series:
        return 0
    low = high = series[0]
    direction, turns = 0, 0
    for value in series[1:]:
        if direction >= 0 and value <= high - height:
            turns += direction != 0
            direction, low, high = -1, value, value
        elif direction <= 0 and value >= low + height:
            turns += direction != 0
            direction, low, high = 1, value, value
        low, high = min(low, value), max(high, value)
    return turns
