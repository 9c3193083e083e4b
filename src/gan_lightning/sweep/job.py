"""Runs one job of a sweep: a job that is done is skipped, one that was cut off goes on, one that failed is repeated."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gan_lightning.config.job_names import WITHOUT_EFFECT
from gan_lightning.config.places import LOCATIONS
from gan_lightning.errors import UserError
from gan_lightning.parallel.devices import cores, resolve_devices, threads_for
from gan_lightning.runs.claim import Busy, locked
from gan_lightning.runs.folder import EVENTS, RunFolder, read_json
from gan_lightning.sweep.failures import is_passing, record_failure
from gan_lightning.train.record import record_of
from gan_lightning.train.resume import read_stored
from gan_lightning.train.run import train

FINISHED = ("done", "pruned", "ill")
"""Values of a summary's ``status`` that mean that nothing is left to do."""

MAY_CHANGE = ("run", *WITHOUT_EFFECT, *LOCATIONS)
"""Keys of the configuration that may differ between two starts of one job."""

KEPT = (RunFolder.failed.name, RunFolder.lock.name)
"""Entries of a job's folder that stay where they are if the job starts again."""


class Changed(UserError):
    """Raised if a folder holds a job of the same name with another configuration."""


def run_job(config: DictConfig, folder: Path, overrides: Sequence[str], share: int | None = None) -> dict[str, Any]:
    """Bring a job to its end, whatever state its folder is in.

    Args:
        config: The composed configuration; it stays as it is.
        folder: The job's folder.
        overrides: The overrides that were typed, for the run's record.
        share: Number of CPU cores that the job may use, or None for all cores of the machine.

    Returns:
        The run's summary with an ``"outcome"`` of ``"trained"``, ``"resumed"`` or ``"skipped"``. If there is no
        summary: ``{"status", "outcome", "message"}`` with ``"failed"``, ``"refused"`` or ``"busy"`` as status and as
        outcome.

    Raises:
        SystemExit: If a signal ended training; a checkpoint was written first.
    """
    run = RunFolder(folder)
    gc.collect()  # the networks of the job before hang in circles, and Python would let several jobs' pile up
    try:
        with locked(run):
            try:
                return _locked_job(config, run, overrides, share)
            except Changed as error:
                return {"status": "refused", "outcome": "refused", "message": str(error)}
            except Exception as error:  # recorded here, while the lock keeps other processes from taking up the job
                return {**record_failure(run, error), "outcome": "failed"}
    except Busy as error:
        return {"status": "busy", "outcome": "busy", "message": str(error)}
    except UserError as error:  # the folder can't be made, so there is nowhere to record the failure
        return {"status": "failed", "outcome": "failed", "message": str(error)}


def _locked_job(config: DictConfig, run: RunFolder, overrides: Sequence[str], share: int | None) -> dict[str, Any]:
    if (summary := finished(run)) is not None:
        require_unchanged(config, run)
        return {**summary, "outcome": "skipped"}
    if config.threads is None and share is not None:
        trainer = config.trainer
        devices = resolve_devices(trainer.accelerator, trainer.devices, trainer.num_nodes)
        config = config.copy()
        config.threads = threads_for(devices.local, None, share)
    if run.last.is_file() and goes_on(config, run):
        attempt = run.next_attempt().number
        return {**train(config, run.path, overrides, attempt, run.last), "outcome": "resumed"}
    set_aside(run)
    return {**train(config, run.path, overrides), "outcome": "trained"}


def finished(run: RunFolder) -> dict[str, Any] | None:
    """The summary of a job that has nothing left to do, or None if the job is not finished.

    Raises:
        Changed: If another release wrote the summary.
    """
    try:
        summary = read_json(run.summary)
    except ValueError:  # the file was cut short while it was written
        return None
    except UserError as error:  # not recorded as a failure of the job, because its results are whole
        raise Changed(str(error)) from error
    return summary if summary.get("status") in FINISHED else None


def goes_on(config: DictConfig, run: RunFolder) -> bool:
    """Whether a job goes on from its checkpoint or starts again.

    A job that was cut off goes on. A job that failed goes on only if its failure did not come from the training state
    and its configuration is unchanged.

    Raises:
        Changed: If the job was cut off and its configuration has changed since.
    """
    failed = run.failure.exists()
    if failed and not is_passing(run):
        return False
    try:
        require_unchanged(config, run)
    except Changed:
        if not failed:
            raise
        return False
    return True


def require_unchanged(config: DictConfig, run: RunFolder) -> None:
    """Compare the configuration that the command line composes to now with the one that the job was started with.

    Raises:
        Changed: If they differ, for example because a yaml was edited in between, or if the stored one can't be read.
    """
    try:
        stored = _compared(read_stored(run))
    except UserError as error:  # not recorded as a failure of the job, because its results are whole
        raise Changed(f"{error} Put the file back, or delete or move its folder.") from error
    now = _compared(config)
    if changed := sorted(key for key in stored.keys() | now.keys() if stored.get(key) != now.get(key)):
        was = ", ".join(f"{key} was {stored.get(key, 'absent')} and is {now.get(key, 'absent')}" for key in changed[:3])
        more = f" (and {len(changed) - 3} more)" if len(changed) > 3 else ""
        raise Changed(
            f"{run.path} was started with another configuration: {was}{more}. Change it back, or delete or move that "
            "folder, or start a new sweep with hydra.sweep.dir=FOLDER."
        )


def _compared(config: DictConfig) -> dict[str, Any]:
    # Written to yaml and read again, as the stored one was, so that 1e-4 and 0.0001 are the same number.
    written = OmegaConf.create(OmegaConf.to_yaml(record_of(config)))
    values = _flat(OmegaConf.to_container(written))
    return {key: value for key, value in values.items() if not _may_change(key)}


def _may_change(key: str) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in MAY_CHANGE)


def _flat(node: Any, name: str = "") -> dict[str, Any]:
    if not isinstance(node, Mapping) or not node:
        return {name: node}
    return {
        path: value
        for key, child in node.items()
        for path, value in _flat(child, f"{name}.{key}" if name else str(key)).items()
    }


def set_aside(run: RunFolder) -> None:
    """Move the files that a failed start left behind into ``failed/N``, so that none is lost or mixed with new ones.

    TensorBoard's files get a name by which it does not find them, because it would show the failed start as a run of
    its own.
    """
    if not (left := [entry for entry in run.path.iterdir() if entry.name not in KEPT]):
        return
    aside = run.failed / str(1 + max((int(each.name) for each in run.failed.glob("[0-9]*")), default=-1))
    aside.mkdir(parents=True)
    # The failure's record moves last: if this is interrupted, the folder still shows that the job failed.
    for entry in sorted(left, key=lambda entry: entry == run.failure):
        shutil.move(entry, aside / entry.name.replace(EVENTS, "failed"))


def cores_for_a_job(launcher: DictConfig, at_once: int | None = None) -> int | None:
    """Number of CPU cores that a launcher gives to each of its jobs, or None if it runs one job at a time.

    Args:
        launcher: The launcher's node of the configuration.
        at_once: Number of jobs that a search asks for at once, because the launcher never has more to run; None
            outside of a search.
    """
    asked = launcher.get("cpus_per_task") or OmegaConf.select(launcher, "ray.remote.num_cpus")
    if asked:
        return int(asked)
    jobs = int(launcher.get("n_jobs", 1))
    side_by_side = jobs if jobs > 0 else cores() + 1 + jobs  # joblib's rule: -1 is all cores, -2 all but one
    if at_once is not None:
        side_by_side = min(side_by_side, at_once)
    return max(1, cores() // side_by_side) if side_by_side > 1 else None
