"""The race of ``make race`` has its contestants train for the seconds asked for, and measures all of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_race_of_seconds(tmp_path: Path) -> None:
    words = "--points 2 4 --seeds 0 --samples 200 --threads 1 --batch 32 --lr 2e-3"
    command = [sys.executable, "benchmarks/race.py", "--data", "data=digits", *words.split(), "--to", str(tmp_path)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    rows = [json.loads(line) for line in (tmp_path / "race.jsonl").read_text().splitlines()]
    assert [(row["point"], row["weights"]) for row in rows] == [
        (point, weights) for point in (2, 4) for weights in ("raw", "raw", "averaged", "raw")
    ]
    assert all(row["point"] <= row["seconds"] < row["point"] + 2 for row in rows)
    assert all(row["images"] > 0 and row["fid"] > 0 for row in rows)
    assert "| 4 | tutorial's loop | raw |" in answer.stdout
