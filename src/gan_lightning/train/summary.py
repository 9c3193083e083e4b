"""The lines that a run prints when it begins, and the summary that it leaves when it has ended."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from gan_lightning.callbacks import Checkpoint, Curves, Pruning, Quality
from gan_lightning.callbacks.progress_bar import duration, total_iterations
from gan_lightning.data import StreamDataModule
from gan_lightning.games.base import Game
from gan_lightning.games.costs import Cost
from gan_lightning.parallel.devices import Devices
from gan_lightning.runs.folder import RunFolder, write_json
from gan_lightning.runs.loggers import JsonLines
from gan_lightning.runs.provenance import now

Kind = TypeVar("Kind")


def announce(
    module: Game,
    spent: dict[str, Cost],
    data: StreamDataModule,
    devices: Devices,
    trainer: Trainer,
    folder: Path,
    resume_at: int | None,
) -> None:
    """Print what will be trained, on which data, by how many processes and in which folder.

    Args:
        module: The game.
        spent: The cost of each network, by the network's name.
        data: The real images.
        devices: The processes and devices of the run.
        trainer: The Trainer that will train.
        folder: The run folder.
        resume_at: The iteration that a resumed run starts at; None for a new run.
    """
    networks = "".join(f"{type(each).__name__}: {spent[name]}\n" for name, each in module.networks.items())
    print(
        f"{networks}"
        f"{type(data).__name__}: {data.description()}, batch {data.batch_size} over {devices.world_size} "
        f"{devices.accelerator} process(es), {module.n_critic} discriminator update(s) an iteration\n"
        f"run folder: {folder}",
        flush=True,
    )
    if 0 <= trainer.max_steps <= (resume_at or -1):
        print(
            f"nothing is left to do: the run has {resume_at:,} iterations and the budget allows {trainer.max_steps:,}; "
            "give a larger kimg, trainer.max_steps or trainer.max_epochs",
            flush=True,
        )


def conclude(trainer: Trainer, module: Game, folder: Path, spent: dict[str, Cost]) -> dict[str, Any]:
    """Write the summary of a run that has ended, print what the run leaves, and return the summary.

    Args:
        trainer: The Trainer that has trained.
        module: The game.
        folder: The run folder.
        spent: The cost of each network, by the network's name; empty in all processes but the first.
    """
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    checkpoint, curves, quality = _first(Checkpoint, callbacks), _first(Curves, callbacks), _first(Quality, callbacks)
    records, pruning = _first(JsonLines, trainer.loggers), _first(Pruning, callbacks)
    number = checkpoint.signal if checkpoint is not None else None
    earlier = records.spent if records is not None else 0.0
    summary = {
        "status": "interrupted" if number else "pruned" if pruning is not None and pruning.pruned else "done",
        "signal": number,
        "ended": now(),
        "iteration": module.iteration,
        "d_updates": module.d_updates,
        "g_updates": module.g_updates,
        "images": module.images_seen,
        "seconds": round(earlier + (curves.seconds if curves is not None else 0.0), 3),
        "world_size": trainer.world_size,
        "costs": {player: each._asdict() for player, each in spent.items()},
        "last": curves.latest if curves is not None else {},
        "quality": quality.summary() if quality is not None else None,
    }
    if trainer.is_global_zero:
        write_json(RunFolder(folder).summary, summary)
        _say_goodbye(summary, trainer, folder)
        if number:
            print(f"Stopped by {signal.Signals(number).name}. Go on with: python train.py resume={folder}", flush=True)
    return summary


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
