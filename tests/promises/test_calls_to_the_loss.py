"""How far it is from the command line to the line that calls the loss, so that it does not grow."""

from __future__ import annotations

import sys
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from door import train

import gan_lightning
from gan_lightning.losses import NonSaturating

PACKAGE = str(Path(gan_lightning.__file__).parent)
CALLS, FILES = 7, 5


def test_few_calls_of_our_own_lead_to_the_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of Lightning and Hydra between them do not count, and neither does what decorators wrap around ours."""
    stacks: list[list[CodeType]] = []
    loss = NonSaturating.discriminator

    def noted(*args: Any) -> Any:
        frame, stack = sys._getframe(1), []
        while frame is not None:
            if frame.f_code.co_filename.startswith(PACKAGE):
                stack.append(frame.f_code)
            frame = frame.f_back
        stacks.append(stack[::-1])
        return loss(*args)

    monkeypatch.setattr(NonSaturating, "discriminator", noted)
    train("trainer.max_steps=1", tmp_path / "run")
    (calls,) = stacks
    names = [code.co_qualname for code in calls]
    assert names[0] == "main"
    assert names[-2:] == ["GAN.iterate", "GAN.update_discriminator"]
    assert len(names) <= CALLS, names
    assert len({code.co_filename for code in calls}) <= FILES, calls
