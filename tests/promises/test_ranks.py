"""Sweeps on two devices: each rank of each job trains what its job says; Lightning's launcher runs ``-m`` again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import games
import pytest
import yaml

pytestmark = pytest.mark.forks


def jobs(sweep: Path) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Configuration and rank files of every job, in the order of the jobs' names."""
    for folder in sorted(path for path in sweep.iterdir() if path.is_dir()):
        yield yaml.safe_load((folder / "resolved.yaml").read_text()), games.rank_files(folder)
        assert json.loads((folder / "summary.json").read_text())["status"] == "done"


def swept(tmp_path: Path, *words: str) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    log = tmp_path / "sweep.log"
    sweep = tmp_path / "sweeps" / "what's this"
    words = ("-m", *games.QUICK, "trainer.max_steps=2", *words, f'hydra.sweep.dir="{sweep}"')
    assert games.run(*words, output=log, timeout=280) == 0, log.read_text()
    assert list((tmp_path / "sweeps").iterdir()) == [sweep]
    assert not (tmp_path / "runs").exists()
    found = list(jobs(sweep))
    for config, ranks in found:
        assert [rank["rank"] for rank in ranks] == list(range(config["trainer"]["devices"]))
        assert not any(games.alive(rank["pid"]) for rank in ranks[1:])
        for rank in ranks:
            assert rank["world_size"] == config["trainer"]["devices"]
            assert rank["seed"] == config["seed"]
            assert rank["generator"] == config["model"]["generator"]["_target_"].rpartition(".")[2]
            assert rank["learning_rates"]["generator"] == config["optimizer"]["generator"]["lr"]
    return found


def test_every_rank_trains_its_own_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = swept(tmp_path, "model=mlp,dcgan", "trainer.devices=2,1", "optimizer.lr=0.003")
    networks = [(config["trainer"]["devices"], ranks[0]["generator"]) for config, ranks in found]
    assert networks == [(1, "DCGANGenerator"), (2, "DCGANGenerator"), (1, "MLPGenerator"), (2, "MLPGenerator")]


@pytest.mark.slow
def test_sweeps_of_models_and_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = swept(tmp_path, "model=mlp,dcgan", "seed=0,1", "trainer.devices=2")
    assert [(ranks[1]["generator"], ranks[1]["seed"]) for _, ranks in found] == [
        ("DCGANGenerator", 0),
        ("DCGANGenerator", 1),
        ("MLPGenerator", 0),
        ("MLPGenerator", 1),
    ]
