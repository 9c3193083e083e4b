"""Weights that do not move, grow without limit, or die."""

from __future__ import annotations

from collections.abc import Mapping

from gan_lightning.health.illness import NORM, Course, Illness

EXPLODED = 5.0
"""Growth of the norm of a player's matrices within the intervals that are remembered, from which on they explode."""
EXPLODED_LAYER = 300.0
"""Growth of one matrix's spectral norm from which on it explodes."""
DEAD = 1e-3
"""Share of its first spectral norm at which a matrix is said to be dead."""


class StandingStill(Illness):
    """No weight of a player changes: its learning rate is 0, or every step is skipped."""

    name = "standing_still"
    sentence = "A player does not change: {}."
    advice = (
        "Check its learning rate (optimizer.generator.lr, optimizer.discriminator.lr) and that its networks require "
        "gradients; in mixed precision (16-mixed) the scaler may skip every step."
    )
    curable = False

    def evidence(self, course: Course) -> Mapping[str, float] | None:
        """The learning rate of each player that stands still, unless a schedule sets it."""
        scalars = course.now.scalars
        still = [player for player, standing in course.now.standing.items() if standing]
        return {
            f"{player}/learning_rate": scalars.get(f"learning_rate/{player}", 0.0)
            for player in still
            if f"schedule/{player}.lr" not in scalars
        } or None

    def words(self, evidence: Mapping[str, float]) -> str:
        """The sentence with the names of the players."""
        return self.sentence.format(" and ".join(name.partition("/")[0] for name in evidence))


class ExplodingWeights(Illness):
    """The weights of a player have become many times as large as they began: its steps are too large."""

    name = "exploding_weights"
    sentence = "The weights of the {} explode: its steps are too large."
    advice = (
        "Lower its learning rate (optimizer.generator.lr, optimizer.discriminator.lr), or clip (optimizer.clip.norm=1)."
    )
    after = until = 2

    def evidence(self, course: Course) -> Mapping[str, float] | None:
        """The growth of each player whose weights explode, with its learning rate and gradient norm."""
        now = course.now
        found: dict[str, float] = {}
        for player, growth in now.growth.items():
            if (within := growth / course.least_growth(player)) >= EXPLODED:
                found[f"{player}/growth"] = within
                for curve in ("learning_rate/", NORM):
                    if (value := now.scalars.get(curve + player)) is not None:
                        found[f"{player}/{curve.rstrip('/')}"] = value
        return found or None

    def words(self, evidence: Mapping[str, float]) -> str:
        """The sentence with the names of the players."""
        return self.sentence.format(" and ".join(dict.fromkeys(name.partition("/")[0] for name in evidence)))


class SpectralNorms(Illness):
    """The spectral norm of a matrix is many times what it was, or next to nothing of it is left.

    Brock et al. 2019, https://arxiv.org/abs/1809.11096, sec. 4.1 watch the first singular values, because they explode
    when training collapses.
    """

    name = "spectral_norms"
    sentence = "The spectral norm of a layer has exploded or died."
    advice = "Lower the learning rate, add model.discriminator.norm=spectral or penalty=[r1], and look at weight decay."
    after = until = 2
    in_looks = True

    def evidence(self, course: Course) -> Mapping[str, float] | None:
        """The growth of the layers that grew or shrank most, if it is out of bounds."""
        found = course.look.spectral if course.look is not None else {}
        bad = {
            name: value
            for name, value in found.items()
            if (name.endswith("/most") and value >= EXPLODED_LAYER) or (name.endswith("/least") and value <= DEAD)
        }
        return bad or None
