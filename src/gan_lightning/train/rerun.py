"""``rerun=RUN_FOLDER`` repeats a run in a folder of its own and says whether it gave the same numbers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from gan_lightning.errors import UserError
from gan_lightning.runs.folder import RunFolder, write_json
from gan_lightning.train.resume import apply_overrides, read_stored

FOLDER_OPTION = "hydra.run.dir="


def rerun(source: Path, overrides: Sequence[str]) -> None:
    """Train a stored configuration anew and compare the two runs; exit with status 1 if a number differs.

    Args:
        source: The folder of the earlier run, which is only read.
        overrides: The changes that ``resume=`` takes too (devices, threads, where the data are), and ``hydra.run.dir``.

    Raises:
        UserError: If there is no run to repeat, or a change would make it another run.
        SystemExit: If a number or a weight differs.
    """
    from gan_lightning.runs.reproduction import compare_runs
    from gan_lightning.train.run import train

    earlier = RunFolder(source)
    if not earlier.composed.is_file():
        raise UserError(f"rerun={source}: {earlier.composed} is missing, so there is no run to repeat.")
    if not earlier.metrics.is_file():  # said before training, because afterwards it would be too late
        raise UserError(f"rerun={source}: {earlier.metrics} is missing, so there are no numbers to compare with.")
    config = read_stored(earlier)
    places = [word.removeprefix(FOLDER_OPTION) for word in overrides if word.startswith(FOLDER_OPTION)]
    words = [word for word in overrides if not word.startswith(FOLDER_OPTION)]
    allow = apply_overrides(config, words)
    if places and not places[-1].strip():
        raise UserError(f"{FOLDER_OPTION} is empty, which is the current folder: name a folder for the run.")
    folder = Path(places[-1]) if places else Path(datetime.now().strftime("runs/%Y-%m-%d/%H-%M-%S-%f"))
    if folder.resolve() == source.resolve():
        raise UserError(
            f"rerun={source} would write over the run that it repeats: choose another {FOLDER_OPTION}FOLDER."
        )
    train(config, folder, overrides, allow=allow)
    run = RunFolder(folder)
    found = compare_runs(earlier, run)
    write_json(run.reproduction, {"of": str(source.resolve()), **found.to_dict()})
    print(f"\ncompared with {source}", *found.sentences(), sep="\n", flush=True)
    if not found.same:
        sys.exit(1)
