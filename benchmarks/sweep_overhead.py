"""The cost of a job in a sweep besides training, compared with the same job started by itself: ``make bench``.

Both ways train the same short jobs, in turns, so that a drift in the machine's speed cancels. A job's own seconds of
training, from its summary, are subtracted from the time on the clock; what is left is imports, composing, set-up and
tear-down. The processor's seconds include training; they matter if others use the machine too.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
JOB = (
    *("model=mlp", "model.generator.widths=[16]", "model.discriminator.widths=[16]", "data.batch_size=8"),
    *("callbacks.samples=null", "trainer.accelerator=cpu", "trainer.enable_progress_bar=false", "trainer.max_steps=20"),
)


class Cost(NamedTuple):
    """The cost of one job in seconds: on the clock without training, and of the processor."""

    clock: float
    processor: float


def cost(folder: Path, jobs: int, *lines: list[str]) -> Cost:
    """Run ``python train.py`` with each line in turn, whose jobs write below ``folder``; returns the cost of a job."""
    started, before = time.perf_counter(), os.times()
    for words in lines:
        command = [sys.executable, str(ROOT / "train.py"), *words, *JOB]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    clock, after = time.perf_counter() - started, os.times()
    trained = sum(float(json.loads(path.read_text())["seconds"]) for path in folder.rglob("summary.json"))
    processor = sum(after[2:4]) - sum(before[2:4])  # user and system time of child processes
    return Cost((clock - trained) / jobs, processor / jobs)


def main() -> None:
    """Measure both ways and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--devices", type=int, default=1)
    arguments = parser.parse_args()
    jobs, options = arguments.jobs, ["threads=1", f"trainer.devices={arguments.devices}"]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    together, alone = [], []
    with tempfile.TemporaryDirectory() as name:
        for number in range(arguments.rounds):
            sweep, runs = Path(name) / f"{number}-sweep", Path(name) / f"{number}-alone"
            together.append(cost(sweep, jobs, ["-m", *options, f"seed=range({jobs})", f"hydra.sweep.dir={sweep}"]))
            lines = [[*options, f"seed={seed}", f"hydra.run.dir={runs / str(seed)}"] for seed in range(jobs)]
            alone.append(cost(runs, jobs, *lines))
    print(f"seconds a job, {jobs} jobs on {arguments.devices} device(s), median of {arguments.rounds}")
    print("                     besides training   of the processor")
    for title, costs in (("in a sweep", together), ("python train.py each", alone)):
        clock, processor = (statistics.median(each) for each in zip(*costs, strict=True))
        print(f"{title:20} {clock:17.2f} {processor:18.2f}")
    ratios = [
        Cost(*(mine / other for mine, other in zip(*pair, strict=True))) for pair in zip(alone, together, strict=True)
    ]
    clock, processor = (statistics.median(each) for each in zip(*ratios, strict=True))
    print(f"{'ratio':20} {clock:17.2f} {processor:18.2f}")


if __name__ == "__main__":
    main()
