"""What both images from latents and translated images need: held-out images, and the metrics that can be measured."""

from __future__ import annotations

from collections.abc import Callable

from gan_lightning.errors import NoSuchSplit, UserError
from gan_lightning.quality import Evaluator, RealImages


def that_can_be_measured(evaluator: Evaluator, n_real: int, n_held_out: int, n_fake: int) -> Evaluator:
    """The evaluator without those metrics that can't be measured here, whose names and reasons are printed.

    It is for metrics that nobody asked for by name; a metric that was asked for is an error instead.
    """
    evaluator, left_out = evaluator.fitting(n_real, n_held_out, n_fake)
    say_left_out(left_out)
    return evaluator


def say_left_out(reasons: dict[str, str]) -> None:
    """Print the names of metrics that are left out, and why."""
    for name, reason in reasons.items():
        print(f"left out: {name} ({reason})", flush=True)


def held_out(images: Callable[[str], RealImages], evaluator: Evaluator) -> RealImages | None:
    """The held-out images, which were not trained on; None if the numbers need none or there are none.

    It is also None if the held-out images are themselves the ones that are measured against.

    Args:
        images: Function that gives the images of a split.
        evaluator: The evaluator.

    Raises:
        UserError: If the data have held-out images that can't be read.
    """
    if not evaluator.held_out:
        return None
    if evaluator.split == "test":
        print(f"left out: {', '.join(evaluator.held_out)} (split=test measures against these)", flush=True)
        return None
    try:
        return images("test")
    except NoSuchSplit as error:
        print(f"left out: {', '.join(evaluator.held_out)} (no held-out images: {error})", flush=True)
    except UserError as error:
        raise UserError(f"The held-out images: {error} (errors=false does without them)") from error
    return None
