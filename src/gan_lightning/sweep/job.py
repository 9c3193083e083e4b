"""One job of a sweep: what is done is skipped, what was cut goes on, what failed is repeated."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gan_lightning.config.check import LOCATIONS
from gan_lightning.config.job_names import WITHOUT_EFFECT
from gan_lightning.errors import UserError
from gan_lightning.parallel.devices import cores, resolve_devices, threads_for
from gan_lightning.runs.claim import Busy, locked
from gan_lightning.runs.folder import EVENTS, RunFolder, read_json
from gan_lightning.sweep.failures import is_passing, record_failure
from gan_lightning.train.resume import read_stored
from gan_lightning.train.run import record_of, train

FINISHED = ("done", "pruned")
"""Of a summary's status: nothing is left to do."""

MAY_CHANGE = ("run", *WITHOUT_EFFECT, *LOCATIONS)
"""What may differ between two starts of one job."""

KEPT = (RunFolder.failed.name, RunFolder.lock.name)
"""What a new start finds in the folder of its job."""


class Changed(UserError):
    """The folder holds a job of the same name with another configuration."""


def run_job(config: DictConfig, folder: Path, overrides: Sequence[str], share: int | None = None) -> dict[str, Any]:
    """Bring a job to its end, whatever state its folder is in.

    Args:
        config: Composed; it is changed.
        folder: The job's folder.
        overrides: What was typed, for the record.
        share: CPU cores that the job may use; None for all of the machine.

    Returns:
        Its summary with ``"outcome"``: ``"trained"``, ``"resumed"`` or ``"skipped"``; or, without a summary,
        ``{"status", "outcome", "message"}`` with ``"failed"``, ``"refused"`` or ``"busy"`` as status and outcome.

    Raises:
        SystemExit: A signal ended training; a checkpoint was written first.
    """
    run = RunFolder(folder)
    try:
        with locked(run):
            try:
                return _locked_job(config, run, overrides, share)
            except Changed as error:
                return {"status": "refused", "outcome": "refused", "message": str(error)}
            except Exception as error:  # written down before another process may take the job up
                return {**record_failure(run, error), "outcome": "failed"}
    except Busy as error:
        return {"status": "busy", "outcome": "busy", "message": str(error)}
    except UserError as error:  # there is no folder to write it down in
        return {"status": "failed", "outcome": "failed", "message": str(error)}


def _locked_job(config: DictConfig, run: RunFolder, overrides: Sequence[str], share: int | None) -> dict[str, Any]:
    if (summary := finished(run)) is not None:
        require_unchanged(config, run)
        return {**summary, "outcome": "skipped"}
    if config.threads is None and share is not None:
        trainer = config.trainer
        devices = resolve_devices(trainer.accelerator, trainer.devices, trainer.num_nodes)
        config.threads = threads_for(devices.local, None, share)
    if run.last.is_file() and goes_on(config, run):
        attempt = run.next_attempt().number
        return {**train(config, run.path, overrides, attempt, run.last), "outcome": "resumed"}
    set_aside(run)
    return {**train(config, run.path, overrides), "outcome": "trained"}


def finished(run: RunFolder) -> dict[str, Any] | None:
    """The summary of a job with nothing left to do.

    Raises:
        Changed: Another release wrote it.
    """
    try:
        summary = read_json(run.summary)
    except ValueError:  # cut while it was written
        return None
    except UserError as error:  # no failure of the job, whose results are whole
        raise Changed(str(error)) from error
    return summary if summary.get("status") in FINISHED else None


def goes_on(config: DictConfig, run: RunFolder) -> bool:
    """Whether a job goes on from its checkpoint; one that failed starts again where that would not mend it.

    Raises:
        Changed: It was cut off, and is configured otherwise now.
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
    """Compare what the line composes to now with what the job was started with.

    Raises:
        Changed: They differ, since a yaml was edited in between, or nobody can tell.
    """
    try:
        stored = _compared(read_stored(run))
    except UserError as error:  # no failure of the job, whose results are whole
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
    # written as the stored one was: 1e-4 and 0.0001 are then one number
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
    """Move what a failed start of the job left behind into ``failed/N``, so that nothing of it is lost or mixed in.

    TensorBoard's files get a name by which it doesn't find them: it would show the failed start as a run of its own.
    """
    if not (left := [entry for entry in run.path.iterdir() if entry.name not in KEPT]):
        return
    aside = run.failed / str(1 + max((int(each.name) for each in run.failed.glob("[0-9]*")), default=-1))
    aside.mkdir(parents=True)
    for entry in sorted(left, key=lambda entry: entry == run.failure):  # last, for then the rest has gone too
        shutil.move(entry, aside / entry.name.replace(EVENTS, "failed"))


def cores_for_a_job(launcher: DictConfig, at_once: int | None = None) -> int | None:
    """Cores that a launcher, by its configuration, gives to each of its jobs; None where one job runs at a time.

    Args:
        launcher: Its node of the configuration.
        at_once: Jobs that a sampler asks for at once, where it does: the launcher has no more to run.
    """
    asked = launcher.get("cpus_per_task") or OmegaConf.select(launcher, "ray.remote.num_cpus")
    if asked:
        return int(asked)
    jobs = int(launcher.get("n_jobs", 1))
    side_by_side = jobs if jobs > 0 else cores() + 1 + jobs  # as joblib counts
    if at_once is not None:
        side_by_side = min(side_by_side, at_once)
    return max(1, cores() // side_by_side) if side_by_side > 1 else None
