"""The verb ``gan-lightning check``: what this machine has, and whether ten steps of training work on it."""

from __future__ import annotations

import io
import sys
import tempfile
import time
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from gan_lightning.check.machine import facts
from gan_lightning.config.compose import config_folder
from gan_lightning.errors import UserError
from gan_lightning.parallel.devices import resolve_devices
from gan_lightning.terminal import COMMAND, mistakes_in_one_line, patient_output
from gan_lightning.train.run import train

STEPS = 10
WORDS = (
    f"trainer.max_steps={STEPS}",
    "trainer.enable_progress_bar=false",
    "data.batch_size=16",
    "model.generator.width=16",
    "callbacks.samples.count=16",
)
"""Options of the run that is tried: the default recipe on the embedded digits, small, with all that it writes."""
HELP = f"""Say what this machine has, and train {STEPS} steps in a temporary folder.

  {COMMAND} check

The last line is PASS, with exit status 0, or FAIL and what failed, with exit status 1.
"""


def main() -> None:
    """Entry point of ``gan-lightning check``."""
    words = sys.argv[1:]
    with patient_output(), mistakes_in_one_line():
        if any(word in ("--help", "-h") for word in words):
            sys.stdout.write(HELP)
            return
        if words:
            raise UserError(f"{COMMAND} check takes no options, and {words[0]!r} is one.")
        for name, value in facts().items():
            print(f"{name:10} {value}", flush=True)
        passed, line = ten_steps()
    print(line, flush=True)
    if not passed:
        sys.exit(1)


def ten_steps() -> tuple[bool, str]:
    """Train ten steps in a temporary folder, and say in one line whether that worked or what failed."""
    started, said = time.monotonic(), io.StringIO()
    device = "cpu"
    try:
        with tempfile.TemporaryDirectory(prefix="gan-lightning-") as scratch, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with redirect_stdout(said), redirect_stderr(said):
                device = resolve_devices("auto", 1, 1).accelerator
                summary = trained(Path(scratch) / "run")
        if summary["iteration"] != STEPS:
            return False, f"FAIL: {summary['iteration']} of {STEPS} steps were trained."
    except UserError as error:
        return False, f"FAIL: {error}"
    except Exception as error:  # whatever is broken on this machine, the line must say it
        return False, f"FAIL: {type(error).__name__}: {' '.join(str(error).split())}"
    return True, f"PASS: {STEPS} steps, samples and a checkpoint on {device} in {time.monotonic() - started:.1f} s"


def trained(folder: Path) -> dict[str, Any]:
    """Train the small run in a folder and return its summary."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(config_folder(), version_base="1.3"):
        config = compose("train", list(WORDS))
    return train(config, folder, WORDS)
