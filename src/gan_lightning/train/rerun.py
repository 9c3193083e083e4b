"""``rerun=RUN_FOLDER``: the same run again, in a folder of its own, and whether it gave the same numbers."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from gan_lightning.errors import UserError
from gan_lightning.train.resume import apply_overrides, read_stored

FOLDER_OPTION = "hydra.run.dir="
RECORD = "rerun.json"


def rerun(source: Path, overrides: Sequence[str]) -> None:
    """Train a stored configuration anew and compare; the process ends with status 1 where a number differs.

    Args:
        source: The folder of the earlier run, which is only read.
        overrides: What ``resume=`` takes too (devices, threads, where the data are), and ``hydra.run.dir``.

    Raises:
        UserError: There is no run, or a change would make it another one.
    """
    from gan_lightning.runs.folder import COMPOSED, METRICS
    from gan_lightning.runs.reproduction import compare
    from gan_lightning.train.run import train

    stored = source / COMPOSED
    if not stored.is_file():
        raise UserError(f"rerun={source}: {stored} is missing, so there is no run to repeat.")
    if not (source / METRICS).is_file():  # told before training, not after it
        raise UserError(f"rerun={source}: {source / METRICS} is missing, so there are no numbers to compare with.")
    config = read_stored(stored)
    places = [word.removeprefix(FOLDER_OPTION) for word in overrides if word.startswith(FOLDER_OPTION)]
    words = [word for word in overrides if not word.startswith(FOLDER_OPTION)]
    allow = apply_overrides(config, words)
    folder = Path(places[-1]) if places else Path(datetime.now().strftime("runs/%Y-%m-%d/%H-%M-%S-%f"))
    if folder.resolve() == source.resolve():
        raise UserError(
            f"rerun={source} would write over the run that it repeats: choose another {FOLDER_OPTION}FOLDER."
        )
    train(config, folder, overrides, allow=allow)
    found = compare(source, folder)
    record = {"v": 1, "of": str(source.resolve()), **found.to_dict()}
    (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"\ncompared with {source}", *found.sentences(), sep="\n", flush=True)
    if not found.same:
        sys.exit(1)
