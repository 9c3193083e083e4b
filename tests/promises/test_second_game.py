"""A game of a user's own is one file and one yaml, and everything that a run is made of works with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import two_way
from door import call, refused
from PIL import Image
from verbs import done
from verbs import refused as refused_by

import gan_lightning
from gan_lightning.data.loader import EndlessOrder
from gan_lightning.errors import UserError
from gan_lightning.export.command import main as export
from gan_lightning.games.base import Game
from gan_lightning.generate.command import main as generate
from gan_lightning.images import to_unit
from gan_lightning.randomness import hashed_seed

OPTIONS = "data.batch_size=8 trainer.accelerator=cpu threads=1 trainer.log_every_n_steps=1 callbacks.samples.count=12"


@pytest.fixture(scope="module")
def conf(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("conf")
    (folder / "model").mkdir()
    (folder / "model" / "two_way.yaml").write_text(two_way.YAML)
    return f"--config-dir {folder} model=two_way data._target_=two_way.Mirrored '~data.render_seed' {OPTIONS}"


@pytest.fixture(scope="module")
def run(conf: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two_way") / "run"
    answer = call(f"{conf} trainer.max_steps=3 n_critic=2", folder)
    assert answer.status == 0, answer.err
    assert "Translator: 77 parameters" in answer.out
    return folder


def values(folder: Path) -> dict[tuple[int, str], float]:
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return {(line["iteration"], line["name"]): line["value"] for line in lines if line["name"] != "images_per_second"}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def test_it_trains_both_players_and_draws_its_sheet(run: Path) -> None:
    names = {name for _, name in values(run)}
    assert names >= {"loss/critic_a", "loss/critic_b", "loss/there", "loss/back", "loss/cycle", "logits/real_a"}
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["iteration"], summary["d_updates"], summary["images"]) == (3, 6, 48)
    assert set(summary["costs"]) == {"there", "back", "critic_a", "critic_b"}
    assert Image.open(run / "samples" / "iteration-0000003.png").size == (2 + 4 * 10, 2 + 3 * 10)  # a, there, back


def test_its_first_losses_by_hand(conf: str, tmp_path: Path) -> None:
    answer = call(f"{conf} trainer.max_steps=1 loss=least_squares", tmp_path / "first")
    assert answer.status == 0, answer.err
    found = values(tmp_path / "first")
    torch.manual_seed(hashed_seed(0, "initial weights"))
    there, back = two_way.Translator(4), two_way.Translator(4)
    critic_a, critic_b = two_way.Critic(4), two_way.Critic(4)
    images = two_way.Mirrored(batch_size=8).load("train").images
    a = to_unit(images[EndlessOrder(len(images), 0).between(0, 8)])
    b = -a.flip(-1)
    for side, critic, real, fake in (("a", critic_a, a, back(b)), ("b", critic_b, b, there(a))):
        expected = 0.5 * ((critic(real) - 1) ** 2).mean() + 0.5 * (critic(fake) ** 2).mean()
        assert found[1, f"loss/critic_{side}"] == pytest.approx(float(expected), rel=1e-5)
    cycle = 10 * ((back(there(a)) - a).abs().mean() + (there(back(b)) - b).abs().mean())
    assert found[1, "loss/cycle"] == pytest.approx(float(cycle), rel=1e-5)


def test_it_resumes_to_the_bit(run: Path, conf: str, tmp_path: Path) -> None:
    half = tmp_path / "half"
    assert call(f"{conf} trainer.max_steps=2 n_critic=2", half).status == 0
    answer = call(f"resume={half} trainer.max_steps=3 allow=[two_way]")
    assert answer.status == 0, answer.err
    assert values(half) == values(run)
    ours, theirs = weights(half), weights(run)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_strangers_game_is_not_built_unasked(run: Path) -> None:
    assert "add allow=[two_way]" in refused(f"resume={run} trainer.max_steps=9")


@pytest.mark.forks
def test_two_processes_play_the_same_game(run: Path, conf: str, tmp_path: Path) -> None:
    answer = call(f"{conf} trainer.max_steps=3 n_critic=2 trainer.devices=2", tmp_path / "two")
    assert answer.status == 0, answer.err
    one, two = values(run), values(tmp_path / "two")
    assert one.keys() == two.keys()
    assert {key: two[key] for key in one} == pytest.approx(one, rel=1e-5, abs=1e-6)


def test_it_sweeps(conf: str, tmp_path: Path) -> None:
    answer = call(f"-m {conf} seed=0,1 my_weight=5.0 trainer.max_steps=1 hydra.sweep.dir={tmp_path / 'sweep'}")
    assert answer.status == 0, answer.err
    assert len(list((tmp_path / "sweep").glob("*/summary.json"))) == 2


def test_what_it_cannot_do_is_said_in_one_line(conf: str, tmp_path: Path) -> None:
    assert "makes none of latents" in refused(f"{conf} callbacks=quality", tmp_path / "run")
    assert "There is no option 'model.cycle_wieght'. Did you mean model.cycle_weight" in refused(
        f"{conf} +model.cycle_wieght=1"
    )


def test_either_of_its_networks_leaves_the_run(run: Path) -> None:
    trained = weights(run)
    for name in ("there", "back"):
        network = gan_lightning.load(run, name=name, allow=["two_way"])
        assert not network.training
        for key, value in network.state_dict().items():
            assert torch.equal(value, trained[f"average.model.{name}.{key}"])
    assert len(network(torch.zeros(2, 1, 12, 20)).shape) == 4
    with pytest.raises(UserError, match="no network 'forth' to take from this run; there are there, back"):
        gan_lightning.load(run, name="forth", allow=["two_way"])
    assert "maps images to images" in refused_by(generate, f"{run} allow=[two_way]")


def test_it_is_exported(run: Path, tmp_path: Path) -> None:
    out = done(export, f"{run} allow=[two_way] direction=back formats=[torch,onnx] to={tmp_path / 'export'}")
    assert out.count("largest difference") == 3
    program = torch.export.load(tmp_path / "export" / "generator.pt2").module()
    network = gan_lightning.load(run, name="back", allow=["two_way"])
    for size in ((1, 8, 9), (2, 30, 17), (3, 11, 40)):
        images = torch.rand(size[0], 1, *size[1:]) * 2 - 1
        assert torch.allclose(program(images), network(images), atol=1e-4)
    assert gan_lightning.load(tmp_path / "export", allow=["two_way"])(images).shape == images.shape


def test_the_base_alone_is_no_game() -> None:
    assert Game.__abstractmethods__ >= {"iterate", "pictures", "products"}
