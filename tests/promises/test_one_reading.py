"""A verb reads the checkpoint of a run once, and learns all that it needs from that one reading."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from door import train
from verbs import done

from gan_lightning.evaluate.command import main as evaluate
from gan_lightning.export.command import main as export
from gan_lightning.generate.command import main as generate
from gan_lightning.networks import DCGANGenerator
from gan_lightning.runs.loading import stored_at

FEW = "evaluator.n_fake=40 evaluator.metrics.fid_infinity=null evaluator.metrics.kid.subset_size=10"
QUALITY = "callbacks=quality callbacks.quality.every_kimg=0.008 callbacks.quality.metrics=[fid]"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("once") / "run"
    train(f"trainer.max_steps=1 {FEW} evaluator.held_out.memorisation=null {QUALITY}", folder)
    return folder


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Names of the checkpoints that are read while a test runs."""
    found: list[Path] = []
    load = torch.load

    def counted(file: Any, *args: Any, **kwargs: Any) -> Any:
        if str(file).endswith(".ckpt"):  # and no features of real images, which are kept for the next time
            found.append(Path(file))
        return load(file, *args, **kwargs)

    monkeypatch.setattr(torch, "load", counted)
    return found


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (evaluate, "device=cpu threads=1 errors=false"),
        (generate, "device=cpu threads=1 count=2 neighbours=1 to={to}"),
        (export, "formats=[] to={to}"),
    ],
)
def test_a_verb_reads_a_checkpoint_once(
    verb: Callable[[], None], words: str, run: Path, readings: list[Path], tmp_path: Path
) -> None:
    done(verb, f"{run} {words.format(to=tmp_path / 'made')}")
    assert readings == [run / "checkpoints" / "last.ckpt"]


def test_pictures_and_what_they_are_measured_against_are_one_reading_each(
    run: Path, readings: list[Path], tmp_path: Path
) -> None:
    done(generate, f"{run} device=cpu threads=1 count=40 to={tmp_path / 'made'}")
    done(evaluate, f"{tmp_path / 'made'} device=cpu threads=1 errors=false")
    assert len(readings) == 2
    done(evaluate, f"{tmp_path / 'made'} against={run} device=cpu threads=1 errors=false")
    assert len(readings) == 4


def test_what_is_stored_is_known_without_a_network(
    run: Path, readings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def built(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a network was built")

    with monkeypatch.context() as patch:
        patch.setattr(DCGANGenerator, "__init__", built)
        stored = stored_at(run)
        assert stored.config["model"]["generator"]["width"] == 4
        assert stored.counters["iteration"] == 1
        with pytest.raises(Exception, match="a network was built"):
            stored.trained()
    averaged, raw = stored.trained(), stored.trained(averaged=False)
    assert (averaged.weights, raw.weights) == ("averaged", "raw")
    for prefix, trained in (("average.model.", averaged), ("generator.", raw)):
        for name, tensor in trained.generator.state_dict().items():
            assert torch.equal(tensor, stored.tensors[prefix + name])
    assert len(readings) == 1
