"""Where the time of an iteration goes: functions are timed while they run, each without the timed ones inside it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

from torch import Tensor

from gan_lightning import randomness
from gan_lightning.callbacks import Checkpoint, Curves, Progress, Samples
from gan_lightning.data import ImageDataModule
from gan_lightning.data.loader import StreamLoader
from gan_lightning.games import adversarial, base
from gan_lightning.games.clipping import GradientClip
from gan_lightning.games.descent import Straight
from gan_lightning.games.ema import MovingAverage
from gan_lightning.games.gan import GAN
from gan_lightning.games.scalars import Scalars
from gan_lightning.games.scheduling import Schedules
from gan_lightning.games.stepping import FusedAdamStep
from gan_lightning.train.loop import GameLoop

Place = tuple[Any, str]
"""An object or class, and the name of a function in it."""

LOOP_BY_HAND = "networks, loss, backward, step"
SEGMENTS: Mapping[str, Sequence[Place]] = {
    "Lightning's loop": [(GameLoop, "advance"), (GameLoop, "_next_batch"), (GameLoop, "on_advance_end")],
    "data": [(StreamLoader, "batch"), (ImageDataModule, "on_after_batch_transfer")],
    "counters": [(base.Game, "training_step")],
    "draws": [
        *((randomness.UpdateDraw, name) for name in ("named", "normal", "uniform", "integers")),
        *((base, name) for name in ("hashed_seed", "seed_default_generators")),
    ],
    "scalars": [(Scalars, "add"), (Scalars, "add_later")],
    "statistics of D": [(adversarial, "log_statistics")],
    "gradient norms": [(GradientClip, "__call__"), (base, "gradient_norms")],
    "around the step": [(base.Game, "descend"), (Straight, "__call__"), (base.Game, "on_before_optimizer_step")],
    "moving average": [(MovingAverage, "update")],
    "schedules": [(Schedules, "apply")],
    "callbacks": [(kind, "on_train_batch_end") for kind in (Samples, Curves, Progress, Checkpoint)],
    LOOP_BY_HAND: [(GAN, "iterate"), (Tensor, "backward"), (FusedAdamStep, "__call__")],
}
"""What an iteration consists of. The last is what a loop by hand does too, and the calls that hold a game together."""


class Segments:
    """Adds up the seconds that this thread spends in each segment, which other work on the machine hardly changes."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inside = [0.0]  # seconds of the timed functions that the one under way has called

    def timed(self, segment: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose own time is added to ``segment``."""

        @wraps(function)
        def measured(*args: Any, **kwargs: Any) -> Any:
            self._inside.append(0.0)
            start = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                spent = time.thread_time() - start
                self.seconds[segment] += spent - self._inside.pop()
                self._inside[-1] += spent

        return measured

    @contextmanager
    def watching(self, optimizers: Sequence[type]) -> Iterator[None]:
        """Time everything in ``SEGMENTS`` and the steps of these optimizers meanwhile."""
        places = [(segment, place) for segment, found in SEGMENTS.items() for place in found]
        places += [(LOOP_BY_HAND, (optimizer, "step")) for optimizer in optimizers]
        with ExitStack() as stack:
            for segment, (owner, name) in places:
                stack.enter_context(patch.object(owner, name, self.timed(segment, getattr(owner, name))))
            yield

    def table(self, iterations: int) -> str:
        """A line a segment, in microseconds an iteration."""
        return "\n".join(f"  {name:32s} {1e6 * self.seconds[name] / iterations:7.0f} µs" for name in SEGMENTS)
