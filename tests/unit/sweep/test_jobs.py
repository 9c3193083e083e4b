"""The same line again: what is done is skipped, what was cut goes on, what failed is repeated, and nothing is lost."""

from __future__ import annotations

import gc
import json
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from door import Answer, call
from filelock import FileLock
from omegaconf import OmegaConf
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from torch.utils.tensorboard import SummaryWriter

from gan_lightning.errors import ProcessFailed, ProcessKilled, UserError
from gan_lightning.games.base import Game
from gan_lightning.losses import NonSaturating
from gan_lightning.runs.folder import RunFolder
from gan_lightning.sweep.failures import is_passing, record_failure
from gan_lightning.sweep.job import cores_for_a_job, set_aside
from gan_lightning.sweep.job import finished as done_before

LINE = (
    "-m model=mlp model.generator.widths=[4] model.discriminator.widths=[4] data.batch_size=8 trainer.accelerator=cpu "
    "threads=1 logger=[] callbacks.samples=null trainer.max_steps=4 callbacks.checkpoint.every_iterations=2"
)


@dataclass(frozen=True)
class Buggy(NonSaturating):
    """Fails as ``how`` says."""

    how: str = "bug"

    def discriminator(self, real: Any, fake: Any, draw: Any) -> Any:
        raise {"bug": KeyError("no such thing"), "memory": torch.OutOfMemoryError("too big")}[self.how]


BUGGY = f"loss._target_={__name__}.Buggy +loss.how=bug,memory"


def sweep(folder: Path, words: str, status: int = 0) -> Answer:
    answer = call(f"{LINE} {words} hydra.sweep.dir={folder}")
    assert answer.status == status, answer.err
    return answer


def job(folder: Path, start: str) -> Path:
    (found,) = folder.glob(f"{start}-*")
    return found


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two jobs that are done; copy them before changing them."""
    folder = tmp_path_factory.mktemp("finished") / "sweep"
    sweep(folder, "seed=0,1")
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """The sweep, elsewhere."""
    return Path(shutil.copytree(finished, tmp_path / "sweep"))


def test_jobs_lie_side_by_side_and_the_last_lines_say_where(finished: Path, copy: Path) -> None:
    assert [path.name[:7] for path in sorted(finished.glob("*/"))] == ["seed-0-", "seed-1-"]
    assert [read(path)["status"] for path in finished.glob("*/summary.json")] == ["done", "done"]
    last = sweep(copy, "seed=0,1").out.splitlines()
    assert last[-2:] == [f"sweep folder: {copy}", f"compare:      python compare.py {copy}"]


def test_a_job_keeps_the_line_that_was_typed(finished: Path) -> None:
    """Without the words that Hydra is told besides."""
    typed = ["train.py", *shlex.split(LINE), "seed=0,1", f"hydra.sweep.dir={finished}"]
    assert [read(path)["command"] for path in finished.glob("*/provenance.json")] == [typed, typed]


def test_what_is_done_is_skipped(copy: Path) -> None:
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file() and path.name != "multirun.yaml"}
    answer = sweep(copy, "seed=0,1")
    assert [line for line in answer.out.splitlines() if line.endswith("done already")] == [
        f"{job(copy, 'seed-0').name}: done already",
        f"{job(copy, 'seed-1').name}: done already",
        "2 job(s): 2 done already",
    ]
    assert before == {path: path.read_bytes() for path in before}
    assert not (copy / ".starts").exists()


def test_a_sweep_of_one_job_says_that_nothing_is_swept(copy: Path) -> None:
    said = "Nothing is swept, so there is one job"
    answer = sweep(copy, "seed=0")
    assert said in answer.out
    assert "1 job(s): 1 trained" in answer.out
    assert said not in sweep(copy, "seed=0,1").out


def test_what_is_added_to_the_line_joins_it(copy: Path) -> None:
    assert "3 job(s): 1 trained, 2 done already" in sweep(copy, "seed=0,1,2").out


def test_what_was_cut_goes_on_exactly(copy: Path) -> None:
    cut = job(copy, "seed-1")
    whole = weights(cut)
    (cut / "summary.json").unlink()  # as after a SIGKILL behind the second iteration
    (cut / "checkpoints" / "last.previous.ckpt").replace(cut / "checkpoints" / "last.ckpt")
    assert not all(torch.equal(value, whole[name]) for name, value in weights(cut).items())
    assert "2 job(s): 1 resumed and finished, 1 done already" in sweep(copy, "seed=0,1").out
    assert all(torch.equal(value, whole[name]) for name, value in weights(cut).items())
    assert read(cut / "attempts" / "1" / "rank-0.json")["iteration"] == 2


def test_what_was_cut_before_its_first_checkpoint_starts_again(copy: Path) -> None:
    cut = job(copy, "seed-1")
    shutil.rmtree(cut / "checkpoints")
    (cut / "summary.json").write_text("{")
    assert "1 trained, 1 done already" in sweep(copy, "seed=0,1").out
    assert read(cut / "summary.json")["status"] == "done"
    assert (cut / "failed" / "0" / "attempts" / "0" / "rank-0.json").is_file()
    assert not (cut / "attempts" / "1").exists()


def test_what_failed_is_written_down_and_repeated(tmp_path: Path) -> None:
    answer = sweep(tmp_path, BUGGY, status=2)
    assert "2 job(s): 2 failed" in answer.out
    assert "error: 2 job(s) of the sweep failed: loss.how-bug-" in answer.err.splitlines()[-1]
    assert "Traceback" not in answer.err
    bug, memory = job(tmp_path, "loss.how-bug"), job(tmp_path, "loss.how-memory")
    assert read(bug / "failure.json") == {
        "v": 1,
        "status": "failed",
        "kind": "error",
        "message": "KeyError: 'no such thing'",
        "iteration": None,
    }
    assert "in discriminator" in (bug / "traceback.txt").read_text()
    assert read(memory / "failure.json")["kind"] == "out of memory"
    again = sweep(tmp_path, BUGGY, status=2)
    assert "2 job(s): 2 failed" in again.out
    assert (bug / "failed" / "0" / "attempts" / "0" / "rank-0.json").is_file()
    assert read(bug / "failed" / "0" / "failure.json") == read(bug / "failure.json")


@pytest.mark.parametrize(
    ("error", "kind", "goes_on"),
    [
        (ProcessFailed("Process 1 ended with status 1."), "error", False),
        (ProcessKilled("Process 1 ended with status -9."), "machine", True),
        (UserError("Can't write the checkpoint."), "mistake", True),
    ],
)
def test_what_another_process_met_is_no_mistake(error: UserError, kind: str, goes_on: bool, tmp_path: Path) -> None:
    record = record_failure(RunFolder(tmp_path), error)
    assert (record["kind"], record["message"]) == (kind, str(error))
    assert is_passing(RunFolder(tmp_path)) == goes_on


def test_a_disk_without_room_for_the_reason(tmp_path: Path) -> None:
    (tmp_path / "failure.json").mkdir()
    assert record_failure(RunFolder(tmp_path), UserError("Can't write the checkpoint."))["kind"] == "mistake"


def test_a_disk_without_room_for_the_report_ends_the_sweep_in_one_line(tmp_path: Path) -> None:
    (tmp_path / ".starts").touch()
    answer = sweep(tmp_path, "n_critic=-1,-2", status=2)
    assert answer.err.splitlines()[-1].startswith("error: Can't write what became of n_critic-")
    assert "Traceback" not in answer.err


def test_a_job_that_diverges(tmp_path: Path) -> None:
    answer = sweep(tmp_path, "optimizer.lr=1e-4,1e30 trainer.log_every_n_steps=1", status=2)
    assert "2 job(s): 1 trained, 1 failed" in answer.out
    record = read(job(tmp_path, "optimizer.lr-1e_30") / "failure.json")
    assert record["kind"] == "diverged"
    assert 1 <= record["iteration"] <= 4


def test_a_job_whose_configuration_was_edited_is_refused(copy: Path) -> None:
    stored = job(copy, "seed-0") / "config.yaml"
    before = stored.read_text()
    stored.write_text(before.replace("half_life_kimg: ", "half_life_kimg: 1", 1))
    answer = sweep(copy, "seed=0,1", status=2)
    assert "2 job(s): 1 done already, 1 refused" in answer.out
    assert "seed-0" in answer.err
    assert "half_life_kimg was 1" in answer.err
    assert not (job(copy, "seed-0") / "failure.json").exists()
    stored.write_text(before.replace("threads: 1", "threads: 7"))
    sweep(copy, "seed=0,1")


def test_a_done_job_whose_record_is_damaged_is_refused_and_still_done(copy: Path) -> None:
    """Nothing is written into it, for to other programs it would then have failed."""
    damaged = job(copy, "seed-0")
    whole = (damaged / "config.yaml").read_text()
    (damaged / "config.yaml").write_text("a: [")
    before = sorted(damaged.rglob("*"))
    answer = sweep(copy, "seed=0,1", status=2)
    assert "2 job(s): 1 done already, 1 refused" in answer.out
    assert "config.yaml can't be read" in answer.err
    assert sorted(damaged.rglob("*")) == before
    (damaged / "config.yaml").write_text(whole)
    assert "2 job(s): 2 done already" in sweep(copy, "seed=0,1").out


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"status": "interrupted"}'])
def test_a_damaged_summary_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text(text)
    assert done_before(RunFolder(tmp_path)) is None


FULL = {"v": 1, "status": "failed", "kind": "mistake", "message": "No space left on device", "iteration": None}


def cut_by(failure: dict[str, Any], folder: Path) -> None:
    """As after a failure behind the second iteration."""
    (folder / "summary.json").unlink()
    (folder / "checkpoints" / "last.previous.ckpt").replace(folder / "checkpoints" / "last.ckpt")
    (folder / "failure.json").write_text(json.dumps(failure))


def test_a_full_disk_costs_no_iteration(copy: Path) -> None:
    cut = job(copy, "seed-1")
    whole = weights(cut)
    cut_by(FULL, cut)
    assert "1 resumed and finished, 1 done already" in sweep(copy, "seed=0,1").out
    assert all(torch.equal(value, whole[name]) for name, value in weights(cut).items())
    assert read(cut / "attempts" / "1" / "rank-0.json")["iteration"] == 2
    assert not (cut / "failure.json").exists()
    assert read(cut / "attempts" / "0" / "failure.json") == FULL


@pytest.mark.parametrize("kind", ["diverged", "error"])
def test_what_diverged_or_met_a_bug_starts_again(kind: str, copy: Path) -> None:
    cut = job(copy, "seed-1")
    cut_by(FULL | {"kind": kind}, cut)
    assert "1 trained, 1 done already" in sweep(copy, "seed=0,1").out
    assert read(cut / "failed" / "0" / "failure.json")["kind"] == kind


def test_after_a_change_a_job_that_failed_starts_again(copy: Path) -> None:
    """One that was cut off is refused instead: nobody has said that it is over."""
    cut = job(copy, "seed-1")
    cut_by(FULL, cut)
    stored = cut / "config.yaml"
    stored.write_text(stored.read_text().replace("half_life_kimg: ", "half_life_kimg: 1", 1))
    assert "1 trained, 1 done already" in sweep(copy, "seed=0,1").out


def test_what_the_system_refuses_is_no_bug(tmp_path: Path) -> None:
    assert record_failure(RunFolder(tmp_path), OSError(28, "No space left on device"))["kind"] == "machine"
    assert is_passing(RunFolder(tmp_path))
    (tmp_path / "failure.json").write_text("")  # as a full disk leaves it
    assert is_passing(RunFolder(tmp_path))


def test_tensorboard_finds_no_failed_start(tmp_path: Path) -> None:
    events = SummaryWriter(str(tmp_path))
    events.add_scalar("loss/generator", 1.0)
    events.close()
    set_aside(RunFolder(tmp_path))
    (kept,) = (tmp_path / "failed" / "0").iterdir()
    assert kept.stat().st_size > 0
    runs = EventMultiplexer()
    runs.AddRunsFromDirectory(str(tmp_path))
    assert runs.Runs() == {}


def test_what_failed_is_kept_beside_what_failed_before(tmp_path: Path) -> None:
    (tmp_path / "failed" / "1").mkdir(parents=True)
    (tmp_path / "failure.json").write_text("{}")
    set_aside(RunFolder(tmp_path))
    assert (tmp_path / "failed" / "2" / "failure.json").is_file()


def test_a_folder_that_only_hydra_could_name_is_refused() -> None:
    answer = call(f"{LINE} seed=0,1 'hydra.sweep.dir=${{hydra.job.name}}'")
    assert answer.status == 2
    assert "are known before a sweep begins" in answer.err
    assert "Traceback" not in answer.err


def test_a_job_that_another_process_trains_is_left_to_it(copy: Path) -> None:
    busy = job(copy, "seed-0")
    (busy / "summary.json").unlink()
    before = sorted(busy.rglob("*"))
    with FileLock(busy / ".lock"):
        assert "2 job(s): 1 done already, 1 under way in another process" in sweep(copy, "seed=0,1").out
        assert "is being trained in by another process" in call(f"resume={busy}").err
    assert sorted(busy.rglob("*")) == before


@pytest.mark.parametrize(
    ("launcher", "share"),
    [
        ({"_target_": "basic"}, None),
        ({"n_jobs": 1}, None),
        ({"n_jobs": 2}, 4),
        ({"n_jobs": 16}, 1),
        ({"n_jobs": -1}, 1),
        ({"cpus_per_task": 3}, 3),
        ({"cpus_per_task": None}, None),
        ({"ray": {"remote": {"num_cpus": 2}}}, 2),
    ],
)
def test_cores_are_shared_out(launcher: dict[str, Any], share: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan_lightning.sweep.job.cores", lambda: 8)
    assert cores_for_a_job(OmegaConf.create(launcher)) == share


def test_a_sampler_that_asks_for_fewer_jobs_leaves_them_more_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan_lightning.sweep.job.cores", lambda: 8)
    launcher = OmegaConf.create({"n_jobs": 4})
    assert [cores_for_a_job(launcher, at_once) for at_once in (1, 2, 9)] == [None, 4, 2]


def alive_games() -> int:
    """Return how many games Python holds; ``isinstance`` would ask a dead weak proxy for its class, which raises."""
    return sum(issubclass(type(each), Game) for each in gc.get_objects())


def test_the_games_of_earlier_jobs_are_gone(tmp_path: Path) -> None:
    """A game hangs in circles with its trainer, which Python collects now and then: many jobs would fill the memory."""
    gc.collect()
    before = alive_games()
    gc.disable()  # Python would collect by chance
    try:
        sweep(tmp_path, "seed=0,1,2,3,4")
        assert alive_games() <= before + 2  # of five: the last, and the one before, which the next job would collect
    finally:
        gc.enable()
