"""The lines that a run prints when it begins, and the summary that it leaves when it has ended."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from gan_lightning.callbacks import Checkpoint, Curves, Health, Pruning, Quality
from gan_lightning.callbacks.progress_bar import duration, total_iterations
from gan_lightning.data import StreamDataModule
from gan_lightning.games.base import Game
from gan_lightning.networks.costs import Cost
from gan_lightning.parallel.devices import Devices
from gan_lightning.runs.folder import RunFolder, read_json, write_json
from gan_lightning.runs.loggers import JsonLines
from gan_lightning.runs.provenance import now
from gan_lightning.train.memory import peak_memory

Kind = TypeVar("Kind")
MEASURED = "quality/"
"""How the names of measured numbers begin in the records."""


def announce(
    module: Game,
    costs: Mapping[str, Cost],
    data: StreamDataModule,
    devices: Devices,
    folder: Path,
) -> None:
    """Print what will be trained, on which data, by how many processes and in which folder.

    Args:
        module: The game.
        costs: The cost of each network, by the network's name.
        data: The real images.
        devices: The processes and devices of the run.
        folder: The run folder.
    """
    networks = "".join(f"{type(each).__name__}: {costs[name]}\n" for name, each in module.networks.items())
    print(
        f"{networks}"
        f"{type(data).__name__}: {data.description()}, batch {data.batch_size} over {devices.world_size} "
        f"{devices.accelerator} process(es), {module.n_critic} discriminator update(s) an iteration\n"
        f"run folder: {folder}",
        flush=True,
    )


def conclude(trainer: Trainer, module: Game, folder: Path, costs: Mapping[str, Cost]) -> dict[str, Any]:
    """Write the summary of a run that has ended, print what the run leaves, and return the summary.

    If a resumed run had nothing left to do, its summary stays.

    Args:
        trainer: The Trainer that has trained.
        module: The game.
        folder: The run folder.
        costs: The cost of each network, by the network's name; empty in all processes but the first.
    """
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    checkpoint, curves, quality = _first(Checkpoint, callbacks), _first(Curves, callbacks), _first(Quality, callbacks)
    records, pruning = _first(JsonLines, trainer.loggers), _first(Pruning, callbacks)
    health = _first(Health, callbacks)
    stopped_by = health.stopped_by if health is not None else ""
    trained = curves is None or curves.began
    earlier_summary = {} if trained else _stored(RunFolder(folder))
    number = checkpoint.signal if checkpoint is not None else None
    earlier = records.spent if records is not None else 0.0
    summary = {
        "status": _status(number, pruning, stopped_by),
        "reason": stopped_by,
        "signal": number,
        "ended": now(),
        "iteration": module.iteration,
        "d_updates": module.d_updates,
        "g_updates": module.g_updates,
        "images": module.images_seen,
        "seconds": round(earlier + (curves.seconds if curves is not None else 0.0), 3),
        "world_size": trainer.world_size,
        "peak_memory": peak_memory(trainer.strategy.root_device),
        "costs": {player: each._asdict() for player, each in costs.items()},
        "last": curves.latest if curves is not None else {},
        "quality": quality.summary() if quality is not None else None,
        "health": health.summary() if health is not None else None,
    }
    if not trained and trainer.is_global_zero:
        print(
            f"nothing is left to do: the run has {module.iteration:,} iterations, and its budget allows no more; "
            "give a larger kimg, trainer.max_steps or trainer.max_epochs",
            flush=True,
        )
    if earlier_summary.get("iteration") == module.iteration:  # nothing was trained since
        return {**earlier_summary, "signal": None}
    if not trained:  # the attempt that trained was killed before it could say so
        summary |= _from_the_numbers(RunFolder(folder), summary)
    if trainer.is_global_zero:
        write_json(RunFolder(folder).summary, summary)
        _say_goodbye(summary, trainer, folder)
        if number:
            print(f"Stopped by {signal.Signals(number).name}. Go on with: python train.py resume={folder}", flush=True)
    if number and checkpoint is not None and trainer.is_global_zero:
        checkpoint.requeue_if_asked()
    return summary


def _status(number: int | None, pruning: Pruning | None, stopped_by: str) -> str:
    if number:
        return "interrupted"
    if pruning is not None and pruning.pruned:
        return "pruned"
    return "ill" if stopped_by else "done"


def _stored(run: RunFolder) -> dict[str, Any]:
    """The summary that an earlier attempt left; empty if it was killed before it could write one."""
    try:
        return read_json(run.summary)
    except ValueError:  # cut short by an earlier release, which wrote it in place
        return {}


def _from_the_numbers(run: RunFolder, summary: Mapping[str, Any]) -> dict[str, Any]:
    """The last numbers of a run whose attempts have all ended, from its own record."""
    last = {each["name"]: each["value"] for each in run.numbers() if each["iteration"] == summary["iteration"]}
    measured = {name.removeprefix(MEASURED): value for name, value in last.items() if name.startswith(MEASURED)}
    quality = summary["quality"] and {**summary["quality"], "final": measured}
    return {"last": {name: value for name, value in last.items() if not name.startswith(MEASURED)}, "quality": quality}


def _first(kind: type[Kind], parts: Iterable[object]) -> Kind | None:
    return next((part for part in parts if isinstance(part, kind)), None)


def _say_goodbye(summary: dict[str, Any], trainer: Trainer, folder: Path) -> None:
    done = total_iterations(trainer)
    of = f" of {done:,}" if done is not None and done != summary["iteration"] else ""
    print(
        f"\n{summary['iteration']:,} iterations{of}, {summary['images']:,} images in {duration(summary['seconds'])}",
        flush=True,
    )
    if trainer.fast_dev_run:  # type: ignore[attr-defined]  # because it writes no files
        return
    run = RunFolder(folder)
    left = {
        f"pictures:    {run.samples}": run.samples.is_dir(),
        f"checkpoint:  {run.last}": run.last.is_file(),
        f"curves:      tensorboard --logdir '{folder}'": _first(TensorBoardLogger, trainer.loggers) is not None,
    }
    print(*(line for line, there in left.items() if there), sep="\n", flush=True)
