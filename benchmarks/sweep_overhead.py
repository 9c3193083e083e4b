"""What a job of a sweep costs besides training, beside the same job started by itself: ``make bench``.

Both ways train the same short jobs, in turns, so that a machine whose speed drifts does not decide. A job's own seconds
of training, from its summary, are taken off; what is left is imports, composing, set-up and tear-down.
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

ROOT = Path(__file__).resolve().parents[1]
JOB = (
    *("model=mlp", "model.generator.widths=[16]", "model.discriminator.widths=[16]", "data.batch_size=8"),
    *("callbacks.samples=null", "trainer.accelerator=cpu", "trainer.enable_progress_bar=false", "trainer.max_steps=20"),
)


def seconds(*words: str) -> float:
    """How long ``python train.py WORDS`` takes."""
    started = time.perf_counter()
    subprocess.run([sys.executable, str(ROOT / "train.py"), *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def trained(folder: Path) -> float:
    """Seconds that the runs in a folder spent training."""
    return sum(float(json.loads(path.read_text())["seconds"]) for path in folder.rglob("summary.json"))


def sweep(folder: Path, jobs: int, options: list[str]) -> float:
    """Seconds of a job besides training, in a sweep."""
    words = ["-m", *JOB, *options, f"seed=range({jobs})", f"hydra.sweep.dir={folder}"]
    return (seconds(*words) - trained(folder)) / jobs


def one_by_one(folder: Path, jobs: int, options: list[str]) -> float:
    """Seconds of a job besides training, each in an interpreter of its own."""
    total = sum(seconds(*JOB, *options, f"seed={seed}", f"hydra.run.dir={folder / str(seed)}") for seed in range(jobs))
    return (total - trained(folder)) / jobs


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--devices", type=int, default=1)
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    options = ["threads=1", f"trainer.devices={arguments.devices}"]
    pairs: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        for number in range(arguments.rounds):
            folder = Path(name) / str(number)
            together = sweep(folder / "sweep", arguments.jobs, options)
            pairs.append((together, one_by_one(folder / "alone", arguments.jobs, options)))
    together, alone = (statistics.median(values) for values in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    print(
        f"seconds of a job besides training, {arguments.jobs} jobs on {arguments.devices} device(s), median of "
        f"{arguments.rounds}:\n"
        f"  in a sweep            {together:.2f}\n"
        f"  python train.py each  {alone:.2f}\n"
        f"  ratio                 {ratio:.2f}"
    )


if __name__ == "__main__":
    main()
