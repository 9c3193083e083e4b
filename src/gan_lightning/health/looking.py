"""Makes a look: draws specimens of every kind and measures them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gan_lightning.games.base import Game
from gan_lightning.health.norms import Scale
from gan_lightning.health.observations import Look
from gan_lightning.health.samples import Features, Measured, measure, pixels
from gan_lightning.health.specimens import Copies, can_be_looked_at, features_of, specimens, variety_of_data
from gan_lightning.types import Images


class Looking:
    """How a run's samples are looked at.

    Args:
        count: Number of samples, and of real images beside them.
        classifier: Name of the classifier by whose features images are compared; None compares pixels.
        memorisation: Whether copies of training images are looked for.
    """

    def __init__(self, count: int, classifier: str | None, memorisation: bool) -> None:
        self.count = count
        self.classifier = classifier
        self.memorisation = memorisation
        self.possible = False
        """Whether the game makes images that can be looked at."""
        self.distinct = self.seen = 1000
        """Number of different training images among those that were looked at, and the number of all of these."""
        self._features: Features | None = None
        self._copies: Callable[[Images], float] | None = None

    def prepare(self, game: Game, data: Any) -> None:
        """Find out what can be looked at.

        Raises:
            UserError: If copies are to be looked for, and there are no held-out images to compare with.
        """
        self.possible = can_be_looked_at(game)
        self._copies = Copies(data) if self.memorisation else None
        if self.possible:
            self.distinct, self.seen = variety_of_data(game, data, self.count)

    def look(self, game: Game, data: Any, scale: Scale) -> Look:
        """Look at samples; of several directions the worst number of each kind counts."""
        kinds = specimens(game, data, self.count)
        if self._features is None:  # not earlier, because a short run looks at nothing
            same = {kind.real.shape[1] for kind in kinds} == {kinds[0].real.shape[1]}
            self._features = features_of(self.classifier, kinds[0].real.shape[1], game.device) if same else pixels
        found = worst([measure(kind, self._features) for kind in kinds])
        copies = None if self._copies is None else self._copies(kinds[0].fake)
        return Look(game.iteration, game.images_seen, **found._asdict(), copies=copies, spectral=scale.spectral())


def worst(found: Sequence[Measured]) -> Measured:
    """The worst of each number."""
    return Measured(
        variety=min(each.variety for each in found),
        duplicates=max(each.duplicates for each in found),
        classes=min(each.classes for each in found),
        told_apart=max(each.told_apart for each in found),
        saturated=max(each.saturated for each in found),
        saturated_real=max(each.saturated_real for each in found),
        distinct=min(each.distinct for each in found),
    )
