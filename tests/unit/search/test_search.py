"""Searches with jobs that train nothing: what they leave and give is a formula."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf
from optuna.distributions import FloatDistribution

from gan_lightning.cli import config_folder
from gan_lightning.errors import UserError
from gan_lightning.runs.protocol import Protocol
from gan_lightning.search import VARIABLE
from gan_lightning.search.objective import Objective
from gan_lightning.search.options import SearchOptions
from gan_lightning.search.search import Search
from gan_lightning.search.space import Space, read_space
from gan_lightning.search.study import Study
from gan_lightning.search.trial import HandedTrial

PROTOCOL = Protocol(
    extractor="digits",
    extractor_hash="1",
    data="Digits",
    split="train",
    data_hash="2",
    n_real=64,
    n_fake=8,
    resize="none",
    quantisation="round",
    generator="averaged",
    sampling="as trained",
)
RATE = "optimizer.lr=tag(log,interval(1e-5,1e-1))"
Numbers = Mapping[str, float]
Given = dict[str, Any]
"""Options of a job, by name."""


@pytest.fixture(scope="module")
def composed() -> tuple[DictConfig, DictConfig, DictConfig]:
    """The node of the sweeper, and the configuration of a run without and with quality."""
    with initialize_config_dir(config_folder(), version_base="1.3"):
        whole = compose("train", ["hydra/sweeper=optuna"], return_hydra_config=True)
        return whole.hydra.sweeper, compose("train"), compose("train", ["callbacks=quality"])


class Bench:
    """A loader and a launcher in place of Hydra's, which compose for half a second: here a job is a function.

    Args:
        folder: Of the sweep.
        composed: As the fixture gives it.
        job: From a job's options and its folder to the summary of its run.
    """

    def __init__(
        self, folder: Path, composed: Sequence[DictConfig], job: Callable[[Given, Path], Mapping[str, Any]]
    ) -> None:
        self.folder = folder
        self.sweeper, self.plain, self.measured = composed
        self.job = job
        self.launched: list[list[dict[str, Any]]] = []

    @property
    def jobs(self) -> list[dict[str, Any]]:
        return [job for batch in self.launched for job in batch]

    def search(self, *words: str, **options: Any) -> Search:
        node = OmegaConf.merge(OmegaConf.to_container(self.sweeper), OmegaConf.create(options))
        given = {key: node[key] for key in node if key not in ("_target_", "_recursive_")}
        config = OmegaConf.create({"hydra": {"sweep": {"dir": str(self.folder)}}})
        loader = Mock(spec=ConfigLoader, load_sweep_config=self._compose)
        return Search(SearchOptions.read(given), loader, config, Mock(spec=Launcher, launch=self._launch), words)

    def _compose(self, config: DictConfig, words: Sequence[str]) -> DictConfig:
        found = self.measured.copy() if "callbacks=quality" in words else self.plain.copy()
        for key, value in parsed(words).items():
            if key.startswith("callbacks.quality."):
                OmegaConf.update(found, key, value)
        return found

    def _launch(self, jobs: Sequence[Sequence[str]], initial_job_idx: int) -> list[JobReturn]:
        self.launched.append([])
        return [self._run([*words], f"job-{initial_job_idx + index}") for index, words in enumerate(jobs)]

    def _run(self, words: list[str], name: str) -> JobReturn:
        given = parsed(words)
        text = given.pop(f"hydra.job.env_set.{VARIABLE}", "")
        self.launched[-1].append(given)
        hydra = OmegaConf.create({"hydra": {"runtime": {"output_dir": str(self.folder / name)}}})
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(VARIABLE, text)
            try:
                summary = self.job(given, self.folder / name)
            except RuntimeError as error:
                return JobReturn(hydra_cfg=hydra, status=JobStatus.FAILED, _return_value=error)
        return JobReturn(hydra_cfg=hydra, status=JobStatus.COMPLETED, _return_value=summary)


def parsed(words: Sequence[str]) -> dict[str, Any]:
    return {each.key_or_group: each.value() for each in OverridesParser.create().parse_overrides(list(words))}


def finished(folder: Path, numbers: Numbers, protocol: Protocol = PROTOCOL, **facts: Any) -> dict[str, Any]:
    """What a run leaves and gives that ended with these numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "metrics.jsonl").open("a") as file:
        for name, value in numbers.items():
            line = {"iteration": 4, "images": 32, "seconds": 1.5, "name": f"quality/{name}", "value": value}
            file.write(json.dumps(line | {"protocol": protocol.to_dict()}) + "\n")
    return {"status": "done", "signal": None, "seconds": 1.5, "quality": {"best": {"iteration": 4}}} | facts


def fid(rate: float) -> float:
    """The best learning rate is 1e-3."""
    return 10 + math.log10(rate / 1e-3) ** 2


def by_rate(given: Given, folder: Path) -> dict[str, Any]:
    return finished(folder, {"averaged/fid": fid(given["optimizer.lr"])})


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "study.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def bench(tmp_path: Path, composed: Sequence[DictConfig]) -> Bench:
    return Bench(tmp_path, composed, by_rate)


def test_the_best_can_be_run_again(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.search(RATE, "loss=hinge,minimax", "seed=1", n_trials=30).run()
    rows, out = table(bench.folder), capsys.readouterr().out
    assert [row["trial"] for row in rows] == [str(number) for number in range(30)]
    for row, job in zip(rows, bench.jobs, strict=True):
        assert (float(row["optimizer.lr"]), row["loss"]) == (job["optimizer.lr"], job["loss"])
        assert (row["state"], float(row["averaged/fid"])) == ("done", fid(job["optimizer.lr"]))
        assert (job["seed"], job["callbacks"]) == (1, "quality")
    values = [float(row["averaged/fid"]) for row in rows]
    assert sum(values[10:]) / 20 < sum(values[:10]) / 10  # ten at random, then by the model
    best = rows[values.index(min(values))]
    assert f"best trial {best['trial']}: averaged/fid {min(values):.4g}" in out
    assert f"folder: {best['folder']}" in out
    assert f"train.py callbacks=quality seed=1 optimizer.lr={best['optimizer.lr']} loss={best['loss']}" in out


def test_a_search_that_is_cut_off_goes_on_with_the_same(tmp_path: Path, composed: Sequence[DictConfig]) -> None:
    """The trial under way is asked for again first, and those after it are what they had been."""
    whole = Bench(tmp_path / "whole", composed, by_rate)
    whole.search(RATE, n_trials=14).run()

    def cut(given: Given, folder: Path) -> dict[str, Any]:
        if len(bench.jobs) == 12:
            raise KeyboardInterrupt
        return by_rate(given, folder)

    bench = Bench(tmp_path / "cut", composed, cut)
    with pytest.raises(KeyboardInterrupt):
        bench.search(RATE, n_trials=14).run()
    with (tmp_path / "cut" / "study.journal").open("a") as journal:
        journal.write('{"op_code": 5, "worker')  # as a crash leaves it
    bench.search(RATE, n_trials=14).run()
    assert bench.jobs == [*whole.jobs[:12], whole.jobs[11], *whole.jobs[12:]]
    assert [row["state"] for row in table(tmp_path / "cut")] == ["done"] * 14
    bench.search(RATE, n_trials=14).run()
    assert len(bench.jobs) == 15  # there was nothing left to do
    bench.search(RATE, n_trials=15).run()
    assert len(bench.jobs) == 16


def test_a_job_that_was_stopped_stops_the_search(tmp_path: Path, composed: Sequence[DictConfig]) -> None:
    """A launcher in other processes gives its summary, where the basic one ends with it."""
    bench = Bench(tmp_path, composed, lambda given, folder: {"status": "interrupted", "signal": 15})
    with pytest.raises(SystemExit) as stopped:
        bench.search(RATE).run()
    assert stopped.value.code == 143
    bench.job = by_rate
    bench.search(RATE, n_trials=1).run()
    assert bench.jobs[0] == bench.jobs[1]


def test_a_suggestion_follows_from_the_seed(tmp_path: Path) -> None:
    objectives = [Objective("averaged/fid", "lower")]
    space = Space({}, {"x": FloatDistribution(0, 1)})

    def asked(name: str, seed: int) -> list[float]:
        (tmp_path / name).mkdir(exist_ok=True)
        study = Study(tmp_path / name, objectives, space, {"_target_": "optuna.samplers.TPESampler", "seed": seed})
        return [study.ask().params["x"] for _ in range(3)]

    first = asked("a", 0)
    assert asked("b", 0) == first
    assert len({*first, *asked("c", 1), *asked("a", 0)}) == 9  # the last are trials 3, 4 and 5


def test_jobs_that_fail_are_told_and_do_not_end_it(tmp_path: Path, composed: Sequence[DictConfig]) -> None:
    def job(given: Given, folder: Path) -> dict[str, Any]:
        return ways[given["seed"]](folder)

    def raised(folder: Path) -> dict[str, Any]:
        raise RuntimeError("out of memory")

    ways: list[Callable[[Path], dict[str, Any]]] = [
        lambda folder: {"status": "failed", "kind": "diverged", "message": "G has diverged"},
        raised,
        lambda folder: finished(folder, {"averaged/fid": math.nan}),
        lambda folder: finished(folder, {"averaged/fid": 1.0}, quality=None),
        lambda folder: finished(folder, {"averaged/fid": 5.0}),
    ]
    bench = Bench(tmp_path, composed, job)
    bench.search("seed=0,1,2,3,4", n_trials=30).run()
    rows = {row["seed"]: row for row in table(tmp_path)}
    assert [rows[str(seed)]["state"] for seed in range(5)] == ["failed"] * 4 + ["done"]
    assert [rows[str(seed)]["reason"] for seed in range(5)] == [
        "G has diverged",
        "RuntimeError: out of memory",
        "averaged/fid is nan.",
        "averaged/fid is not measured.",
        "",
    ]


def test_a_job_that_still_runs_elsewhere_is_no_failure(tmp_path: Path, composed: Sequence[DictConfig]) -> None:
    """As one that SLURM kept when the search was ended: the next start learns what became of it."""
    elsewhere = {"status": "busy", "message": "is being trained in by another process"}
    Bench(tmp_path, composed, lambda given, folder: elsewhere).search(RATE, n_trials=1).run()
    assert [row["state"] for row in table(tmp_path)] == ["running"]
    bench = Bench(tmp_path, composed, by_rate)
    bench.search(RATE, n_trials=1).run()
    assert len(bench.jobs) == 1
    assert [row["state"] for row in table(tmp_path)] == ["done"]


def test_several_objectives_give_a_front(
    tmp_path: Path, composed: Sequence[DictConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    came_to = {1: (0.9, 0.1), 2: (0.5, 0.5), 3: (0.4, 0.4), 4: (0.1, 0.9)}

    def job(given: Given, folder: Path) -> dict[str, Any]:
        assert not os.environ[VARIABLE]  # of two numbers that disagree none can prune
        assert given["callbacks.quality.metrics"] == ["fid", "kid", "precision_recall"]
        assert given["callbacks.quality.monitor"] == "averaged/precision"
        return finished(folder, dict(zip(names, came_to[given["seed"]], strict=True)))

    names = ["averaged/precision", "averaged/recall"]
    Bench(tmp_path, composed, job).search("seed=1,2,3,4", objective=names, n_trials=30).run()
    assert {row["seed"] for row in table(tmp_path)} == {"1", "2", "3", "4"}
    front = capsys.readouterr().out.partition("that no other beats in averaged/precision and averaged/recall:")[2]
    for seed in (1, 2, 4):
        precision, recall = came_to[seed]
        assert f"averaged/precision {precision}, averaged/recall {recall} (seed={seed})" in front
    assert "seed=3" not in front


def test_quality_against_time(tmp_path: Path, composed: Sequence[DictConfig]) -> None:
    """Seconds are of the whole run; less is better of both."""

    def job(given: Given, folder: Path) -> dict[str, Any]:
        return finished(folder, {"averaged/fid": 8 / given["seed"]}, seconds=given["seed"])

    search = Bench(tmp_path, composed, job).search("seed=1,2", objective=["averaged/fid", "seconds"], n_trials=8)
    search.run()
    assert {tuple(trial.values) for trial in search.study.best} == {(8.0, 1.0), (4.0, 2.0)}


def test_what_translates_images_is_searched_by_its_numbers(tmp_path: Path, composed: Sequence[DictConfig]) -> None:
    """More SSIM is better, and a number of the second direction comes with the metric of the first."""

    def job(given: Given, folder: Path) -> dict[str, Any]:
        assert given["callbacks.quality.metrics"] == ["fid", "kid", "ssim", "cycle"]
        assert given["callbacks.quality.monitor"] == "averaged/ssim"
        return finished(folder, dict(zip(names, (given["seed"] / 10, 0.5), strict=True)))

    names = ["averaged/ssim", "averaged/cycle_b2a"]
    search = Bench(tmp_path, composed, job).search("seed=1,2", objective=names, n_trials=8)
    search.run()
    assert [each.direction for each in search.objectives] == ["maximize", "minimize"]
    assert {trial.params["seed"] for trial in search.study.best} == {"2"}


def test_several_at_a_time(bench: Bench) -> None:
    bench.search(RATE, n_trials=5, n_jobs=2).run()
    assert [len(batch) for batch in bench.launched] == [2, 2, 1]
    assert len({job["optimizer.lr"] for job in bench.jobs}) == 5


def test_a_bad_trial_is_pruned(tmp_path: Path, composed: Sequence[DictConfig]) -> None:
    """Each job reports at two intervals, through the study's file alone, and ends when the study says so."""

    def job(given: Given, folder: Path) -> dict[str, Any]:
        trial = HandedTrial.from_environment()
        for interval in (1, 2):
            if trial.should_prune(given["seed"] / interval, interval):
                return finished(folder, {}, status="pruned")
        return finished(folder, {trial.objective: given["seed"] / 2})

    bench = Bench(tmp_path, composed, job)
    bench.search("seed=1,2,3,4", n_trials=24, pruner={"n_startup_trials": 4}).run()
    rows = table(tmp_path)
    assert [row["state"] for row in rows[:4]] == ["done"] * 4
    assert {row["state"] for row in rows[4:]} == {"done", "pruned"}
    assert all(row["state"] == "done" for row in rows if row["seed"] == "1")
    assert all(row["state"] == "pruned" for row in rows[4:] if row["seed"] == "4")
    assert all(row["averaged/fid"] == "" and row["seconds"] == "1.5" for row in rows if row["state"] == "pruned")


def test_numbers_of_another_protocol_are_refused(bench: Bench) -> None:
    bench.search(RATE, n_trials=2).run()
    other = Protocol(**(PROTOCOL.to_dict() | {"n_fake": 16}))
    bench.job = lambda given, folder: finished(folder, {"averaged/fid": 1.0}, other)
    with pytest.raises(UserError, match=r"averaged/fid of trial 2 .* n_fake 8 and 16"):
        bench.search(RATE, n_trials=3).run()
    bench.job = by_rate
    bench.search(RATE, n_trials=3).run()
    assert [row["state"] for row in table(bench.folder)] == ["done", "done", "failed"]


@pytest.mark.parametrize(
    ("words", "options", "difference"),
    [
        ([RATE, "evaluator.n_fake=16"], {}, "evaluator.n_fake: not set there, evaluator.n_fake=16 here"),
        ([RATE], {"objective": "averaged/kid"}, "objective: averaged/fid there, averaged/kid here"),
        (["optimizer.lr=0.1,0.2"], {}, "optimizer.lr: .* there, .* here"),
    ],
)
def test_another_search_in_the_same_folder_is_refused(
    words: list[str], options: dict[str, Any], difference: str, bench: Bench
) -> None:
    bench.search(RATE, "threads=1", n_trials=1).run()
    bench.search(RATE, "threads=2", n_trials=2).run()  # which no number hangs on
    with pytest.raises(UserError, match=rf"another search.*{difference}.*hydra.sweep.dir"):
        bench.search(*words, **options).run()


@pytest.mark.parametrize("text", ["{}\n", "[1]\n", "no journal\n"])
def test_a_damaged_study_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "study.journal").write_text(text)
    with pytest.raises(UserError, match="can't be read"):
        Study(tmp_path, [Objective("averaged/fid", "lower")], Space({}, {}), {"_target_": "optuna.samplers.TPESampler"})


def test_two_searches_at_once_are_refused(bench: Bench) -> None:
    """The second would take the trial of the first for cut off."""
    bench.job = lambda given, folder: bench.search(RATE).run()  # type: ignore[arg-type, return-value]
    with pytest.raises(UserError, match="another process searches here"):
        bench.search(RATE).run()


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        (["seed=1"], {}, "There is nothing to search"),
        (["optimizer.lr=tag(lin,interval(0,1))"], {}, "the only tag is log"),
        (["optimizer.lr=tag(log,interval(0,1))"], {}, r"optimizer.lr=tag\(log,interval\(0,1\)\): "),
        (["loss=tag(log,choice(a,b))"], {}, "the only tag is log"),
        (["n_critic=range(5,5)"], {}, "this range is empty"),
        (["seed=1,2"], {"objective": "loss/generator"}, "losses of different recipes can't be compared"),
        (["seed=1,2"], {"objective": "averaged/fidd"}, "choose from averaged/fid, "),
        (["seed=1,2"], {"objective": ["seconds", "averaged/fid"]}, "begin with a number of quality"),
        (["seed=1,2", "callbacks=default"], {}, "leave out callbacks=default"),
        (["seed=1,2", "callbacks=quality", "callbacks.quality.monitor=raw/fid"], {}, "monitor=averaged/fid"),
        (["seed=1,2", "callbacks=quality", "callbacks.quality.metrics=[kid]"], {}, r"metrics=\[kid,fid\]"),
        (["seed=1,2"], {"n_trials": 0}, "give at least 1"),
        (["seed=1,2"], {"n_trials": "x"}, "a whole number is needed"),
        (["seed=1,2"], {"n_trial": 3}, "Did you mean hydra.sweeper.n_trials"),
        (["seed=1,2"], {"sampler": "tpe"}, "options are needed"),
        (["seed=1,2"], {"sampler": {"_target_": "optuna.samplers.Nobody"}}, "Nobody"),
        (["seed=1,2"], {"sampler": {"_target_": "builtins.dict"}}, "is no sampler"),
        (["seed=1,2"], {"pruner": {"_target_": "builtins.dict"}}, "is no pruner"),
    ],
)
def test_mistakes_are_told_before_anything_runs(
    words: list[str], options: dict[str, Any], message: str, bench: Bench
) -> None:
    with pytest.raises(UserError, match=message):
        bench.search(*words, **options).run()
    assert not bench.launched
    assert not list(bench.folder.iterdir())


def test_a_space_in_a_yaml(bench: Bench) -> None:
    bench.search("seed=3", n_trials=2, params={"seed": "1,2", "optimizer.lr": "choice(0.1,0.2)"}).run()
    assert all(job["seed"] == 3 and job["optimizer.lr"] in (0.1, 0.2) for job in bench.jobs)


def spaces() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "a=1,b,[c]", {"choices": ("1", "b", "[c]")}
    yield "a=choice(true,'x y')", {"choices": ("True", "x\\ y")}
    yield "loss=glob(w*)", {"choices": ("wasserstein", "wgan_gp")}
    yield "a=interval(0,1)", {"low": 0.0, "high": 1.0, "log": False, "step": None}
    yield "a=int(interval(2,9))", {"low": 2, "high": 9, "log": False, "step": 1}
    yield "a=tag(log,int(interval(2,64)))", {"low": 2, "high": 64, "log": True, "step": 1}
    yield "a=range(1,10,3)", {"low": 1, "high": 7, "log": False, "step": 3}
    yield "a=range(9,0,-3)", {"low": 3, "high": 9, "log": False, "step": 3}
    yield "a=range(0,0.3,0.1)", {"low": 0.0, "high": 0.2, "log": False, "step": 0.1}


@pytest.mark.parametrize(("word", "attributes"), list(spaces()))
def test_what_is_searched(word: str, attributes: dict[str, Any]) -> None:
    groups = Mock(spec=ConfigLoader, get_group_options=lambda *_, **__: ["hinge", "wasserstein", "wgan_gp"])
    space = read_space(["b=c", word], groups)
    (distribution,) = space.varied.values()
    assert {name: getattr(distribution, name) for name in attributes} == attributes
    assert {name: type(getattr(distribution, name)) for name in attributes} == {
        name: type(value) for name, value in attributes.items()
    }
