"""The verbs besides train.py as a user meets them, called in this process, and generators as these verbs load them."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from door import Answer, called
from torch import Tensor, nn

from gan_lightning.games.priors import Normal
from gan_lightning.runs.loading import Trained


def call(main: Callable[[], None], line: str) -> Answer:
    """Run a verb with these words."""
    return called(main, ["verb.py", *shlex.split(line)])


def done(main: Callable[[], None], line: str) -> str:
    """Run a verb, which must end with status 0, and return what it prints."""
    answer = call(main, line)
    assert answer.status == 0, answer.err
    return answer.out


def refused(main: Callable[[], None], line: str) -> str:
    """Run a verb, which must refuse, and return the one line that says why."""
    answer = call(main, line)
    assert answer.status == 2, f"status {answer.status}: {answer.err}"
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1, answer.err
    return answer.err.removeprefix("error: ").rstrip("\n")


def trained(generator: nn.Module, prior: Callable[..., Tensor] | None = None) -> Trained:
    """A generator as a verb loads it, with running statistics that differ from those of the batches that it gets."""
    for module in generator.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    generator = generator.eval().requires_grad_(False)
    counters = {"iteration": 0, "images_seen": 0}
    return Trained(generator, prior or Normal(), "averaged", {}, {}, counters, Path("nowhere"))
