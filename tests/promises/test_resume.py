"""A run that was killed and resumed has the weights, averages, optimizer states and curves of one that was not."""

from __future__ import annotations

from pathlib import Path

import games
import pytest
from same_run import EPOCH, assert_same_run, killed_and_resumed, start_whole
from translation import TINY_RUNS

pytestmark = pytest.mark.forks


@pytest.mark.parametrize("devices", [1, 2])
def test_killed_in_an_epoch_and_resumed_is_bit_identical(devices: int, tmp_path: Path) -> None:
    options = (f"trainer.devices={devices}", "trainer.log_every_n_steps=4")
    end = ["trainer.max_steps=17"]
    whole = start_whole(tmp_path, end, *options)
    run = killed_and_resumed(tmp_path, 7, 12, end, *options)
    assert_same_run(whole(), run)
    assert [file["iteration"] for file in games.rank_files(run, attempt=1)] == [7] * devices


@pytest.mark.slow
@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("limit", ["max_epochs", "max_steps"])
@pytest.mark.parametrize(
    ("save_at", "kill_at"), [(7, 9), (2 * EPOCH, 12), (2 * EPOCH, 2 * EPOCH)], ids=["mid-epoch", "epoch end", "at once"]
)
def test_every_way_to_be_killed(limit: str, save_at: int, kill_at: int, devices: int, tmp_path: Path) -> None:
    options = (f"trainer.devices={devices}", "trainer.log_every_n_steps=3", "n_critic=1")
    end = [f"trainer.{limit}={4 if limit == 'max_epochs' else 4 * EPOCH}"]
    whole = start_whole(tmp_path, end, *options)
    run = killed_and_resumed(tmp_path, save_at, kill_at, end, *options)
    assert_same_run(whole(), run)


@pytest.mark.slow
@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("limit", ["max_epochs", "max_steps"])
def test_a_finished_run_goes_on_as_if_it_had_been_longer(limit: str, devices: int, tmp_path: Path) -> None:
    options = (f"trainer.devices={devices}", "trainer.log_every_n_steps=3")
    unit = 1 if limit == "max_epochs" else EPOCH
    short, long = ([f"trainer.{limit}={epochs * unit}"] for epochs in (2, 4))
    (tmp_path / "long").mkdir()
    whole = start_whole(tmp_path / "long", long, *options)
    run = start_whole(tmp_path, short, *options)()
    assert games.run(f"resume={run}", "allow=[games]", *long, output=tmp_path / "resumed.log") == 0
    assert_same_run(whole(), run)


@pytest.mark.slow
def test_dcgan_is_resumed_bit_identically(tmp_path: Path) -> None:
    model = ("model=dcgan", "model.generator.width=4", "loss=wgan_gp", "n_critic=2", "model.discriminator.norm=layer")
    end = ["trainer.max_steps=11"]

    def run(name: str, *words: str) -> Path:
        folder = tmp_path / name
        log = tmp_path / f"{name}.log"
        assert games.run(*words, output=log) == 0, log.read_text()
        return folder

    expected = run("whole", *games.QUICK, *model, *end, f"hydra.run.dir={tmp_path / 'whole'}")
    run("half", *games.QUICK, *model, "trainer.max_steps=6", f"hydra.run.dir={tmp_path / 'half'}")
    assert_same_run(expected, run("half", f"resume={tmp_path / 'half'}", "allow=[games]", *end))


@pytest.mark.slow
@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("game", TINY_RUNS)
def test_games_between_images_that_were_killed_are_resumed_bit_identically(
    game: str, devices: int, tmp_path: Path
) -> None:
    options = (f"trainer.devices={devices}", "trainer.log_every_n_steps=3", "n_critic=2")
    end = ["trainer.max_steps=16"]
    whole = start_whole(tmp_path, end, *options, tiny=TINY_RUNS[game])
    run = killed_and_resumed(tmp_path, 7, 11, end, *options, tiny=TINY_RUNS[game])
    assert_same_run(whole(), run)
    stored = games.state(run)["gan_lightning"]
    pools = [stored[name] for name in ("image_pool", "pool_of_b") if name in stored]
    assert len(pools) == (2 if game == "cyclegan" else 1)
    assert all(pool["filled"] == len(pool["past"]) > 0 for pool in pools)
