"""Quality during training: the numbers, their protocol, the best checkpoint, and that measuring changes nothing."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from games import Noise, fit, game, largest_difference, weights
from halves import Halves, norms
from lightning.pytorch import Callback, Trainer
from torch import Tensor, nn

from gan_lightning import GAN
from gan_lightning.callbacks import Checkpoint, Quality
from gan_lightning.data.sets.digits import Digits
from gan_lightning.errors import Diverged, UserError
from gan_lightning.metrics import (
    Bootstrap,
    ClassAsked,
    FrechetDistance,
    InceptionScore,
    NoiseFloor,
    Sample,
    frechet_distance,
)
from gan_lightning.metrics.extractors import ClassifierExtractor
from gan_lightning.networks.eval_mode import evaluating
from gan_lightning.progress import counted, counted_images
from gan_lightning.quality import Evaluator, Fakes, RealImages, real_images
from gan_lightning.runs.loggers import JsonLines
from gan_lightning.runs.records import read_records

CPU = torch.device("cpu")


def evaluator(**options: Any) -> Evaluator:
    return Evaluator(Halves(), {"fid": FrechetDistance()}, **{"n_fake": 32, "batch_size": 8} | options)


def quality(folder: Path, **options: Any) -> Quality:
    return Quality(str(folder), evaluator(), **{"every_kimg": 0.016, "max_share": 1.0} | options)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path / "cache"))


class Streams(Callback):
    """Notes the default random stream after each iteration."""

    def __init__(self) -> None:
        self.noted: list[Tensor] = []

    def on_train_batch_start(self, trainer: Trainer, pl_module: GAN, batch: Any, batch_idx: int) -> None:
        self.noted.append(torch.get_rng_state())  # the first is what the process had before training


def test_measuring_changes_nothing(tmp_path: Path) -> None:
    """Weights, buffers, the moving average, modes and random streams are the same with and without it."""
    plain, measured = norms(), norms()
    streams = Streams(), Streams()
    fit(plain, 8, callbacks=[streams[0]])
    fit(measured, 8, callbacks=[quality(tmp_path), streams[1]])
    assert largest_difference(weights(plain), weights(measured)) == 0
    assert all(torch.equal(a, b) for a, b in zip(*(each.noted[1:] for each in streams), strict=True))
    modes = [[module.training for module in each.modules()] for each in (plain, measured)]
    assert modes[0] == modes[1]


def test_evaluation_mode_is_given_back_module_by_module() -> None:
    network = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2))
    network[1].eval()
    with evaluating(network):
        assert not any(module.training for module in network.modules())
    assert [module.training for module in network.modules()] == [True, True, False]


def test_the_number_is_that_of_the_averaged_generator(tmp_path: Path) -> None:
    """Recomputed by hand from the latents, the bytes and the features."""
    module, callback = norms(), quality(tmp_path)
    fit(module, 4, callbacks=[callback])
    data = Noise(batch_size=8, resolution=8)
    fakes = Fakes(module.prior, module.latent_dim, None, 32, seed=0, batch_size=5)
    images = torch.cat(list(fakes.batches(module.average.model, CPU, range(32))))
    by_hand = frechet_distance(Halves()(data.train_set.images).moments, Halves()(images).moments)
    assert callback.latest["averaged/fid"] == pytest.approx(float(by_hand), rel=1e-6)
    assert callback.latest["raw/fid"] != callback.latest["averaged/fid"]


def test_what_is_no_number_is_not_measured_as_black() -> None:
    module = norms()
    torch.nn.utils.vector_to_parameters(
        torch.full_like(torch.nn.utils.parameters_to_vector(module.generator.parameters()), torch.nan),
        module.generator.parameters(),
    )
    with pytest.raises(UserError, match="no finite numbers: it has diverged"):
        list(Fakes(module.prior, 4, None, 2).batches(module.generator, CPU, range(2)))


@pytest.mark.parametrize("batch_size", [1, 7, 32])
def test_fakes_do_not_hang_on_the_batch_size(batch_size: int) -> None:
    module = norms()
    whole = Fakes(module.prior, 4, None, 32, batch_size=32)
    parts = Fakes(module.prior, 4, None, 32, batch_size=batch_size)
    one, other = (torch.cat(list(f.batches(module.generator, CPU, range(32)))).int() for f in (whole, parts))
    assert (one - other).abs().max() <= 1
    last = torch.cat(list(parts.batches(module.generator, CPU, range(20, 32)))).int()
    assert (one[20:] - last).abs().max() <= 1


def test_labels_are_as_frequent_as_in_the_data() -> None:
    class Telling(nn.Module):
        def forward(self, z: Tensor, y: Tensor) -> Tensor:
            return (y / 2).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)

    labels = torch.tensor([0, 0, 0, 1])
    fakes = Fakes(game().prior, 4, labels, 4000)
    shown = torch.cat(list(fakes.batches(Telling(), CPU, range(4000))))[:, 0, 0, 0]
    assert float((shown > 128).float().mean()) == pytest.approx(0.25, abs=0.03)


def test_the_class_asked_for_is_counted_by_the_extractors_own_numbers() -> None:
    """The data's class 0 is the extractor's class 7, and a generator that shows what it is asked for has all right."""

    class Digit(nn.Module):
        """Real images of the digits 7 and 3, for the labels 0 and 1."""

        def __init__(self, wrong: bool) -> None:
            super().__init__()
            found = Digits(batch_size=1, classes=[7, 3]).split("test")
            self.images = [found.images[found.labels == each][0] / 127.5 - 1 for each in ((1, 0) if wrong else (0, 1))]

        def forward(self, z: Tensor, y: Tensor) -> Tensor:
            return torch.stack([self.images[each] for each in y.tolist()])

    of = Evaluator(ClassifierExtractor(weights="digits"), {"class_asked": ClassAsked()}, n_fake=50)
    labels = torch.tensor([0, 0, 0, 1])
    for wrong, share in ((False, 1.0), (True, 0.0)):
        fakes = Fakes(game().prior, 4, labels, 50, class_names=("7", "3"))
        sample = of.fake(fakes, Digit(wrong), CPU, report=False)
        assert sample.labels is not None
        assert set(sample.labels.tolist()) == {7, 3}
        assert ClassAsked()(sample, sample) == {"class_asked": share}
    assert of.fake(replace(fakes, class_names=("cat", "3")), Digit(False), CPU, report=False).labels is None


def test_numbers_stand_in_the_records_with_their_protocol(tmp_path: Path) -> None:
    callback = quality(tmp_path)
    trainer = fit(norms(), 4, callbacks=[callback], logger=[JsonLines(str(tmp_path))])
    lines = [line for line in read_records(tmp_path / "metrics.jsonl") if line["name"] == "quality/averaged/fid"]
    assert [line["iteration"] for line in lines] == [2, 4]
    assert [line["images"] for line in lines] == [16, 32]
    protocol = lines[-1]["protocol"]
    assert (protocol["extractor"], protocol["n_real"], protocol["n_fake"]) == ("halves", 40, 32)
    assert (protocol["generator"], protocol["metric"]) == ("averaged", "FrechetDistance()")
    assert lines[-1]["better"] == "lower"
    assert lines[-1]["value"] == callback.latest["averaged/fid"]
    assert float(trainer.callback_metrics["quality/averaged/fid"]) == pytest.approx(lines[-1]["value"])


class Scripted(Quality):
    """Measures what a test says."""

    def __init__(self, folder: Path, values: Sequence[float], **options: Any) -> None:
        super().__init__(str(folder), evaluator(), **{"every_kimg": 0.008, "max_share": 1.0} | options)
        self.script = list(values)

    def measure(self, trainer: Trainer, pl_module: GAN) -> None:
        self.measured_at = pl_module.iteration
        self._note(pl_module.iteration, pl_module.images_seen, {self.monitor: self.script[pl_module.iteration - 1]})


def test_the_best_checkpoint_is_the_best(tmp_path: Path) -> None:
    module = norms()
    fit(module, 5, callbacks=[Scripted(tmp_path, [5, 3, 4, 2, 6]), Checkpoint(str(tmp_path), every_minutes=None)])
    best = torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)
    last = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    assert best["gan_lightning"]["counters"]["iteration"] == 4
    assert last["gan_lightning"]["counters"]["iteration"] == 5
    noted = next(state for name, state in last["callbacks"].items() if "Scripted" in name)
    assert (noted["best"], noted["best_iteration"], noted["since_best"]) == (2, 4, 1)


def test_higher_is_better_where_the_metric_says_so(tmp_path: Path) -> None:
    both = Evaluator(Halves(), {"fid": FrechetDistance(), "is": InceptionScore(splits=1)}, n_fake=32)
    callback = Quality(str(tmp_path), both, monitor="averaged/inception_score")
    for iteration, value in enumerate((1.0, 3.0, 2.0)):
        callback._note(iteration, 8 * iteration, {"averaged/inception_score": value})
    assert (callback.best, callback.best_iteration) == (3.0, 1)


def test_a_resumed_run_remembers_its_best(tmp_path: Path) -> None:
    """Its last measurement is worse than one before the interruption: best.ckpt must stay."""
    files = Checkpoint(str(tmp_path), every_minutes=None)
    fit(norms(), 3, callbacks=[Scripted(tmp_path, [5, 1, 4]), files])
    again = Scripted(tmp_path, [9, 9, 9, 2])
    stored = tmp_path / "checkpoints" / "last.ckpt"
    fit(norms(), 4, callbacks=[again, Checkpoint(str(tmp_path), every_minutes=None)], checkpoint=stored)
    assert (again.best, again.best_iteration) == (1, 2)
    assert again.summary() == {
        "monitor": "averaged/fid",
        "best": {"value": 1, "iteration": 2, "images": 16},
        "final": {"averaged/fid": 2},
    }
    best = torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)
    assert best["gan_lightning"]["counters"]["iteration"] == 2


def test_patience_ends_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = norms()
    fit(module, 9, callbacks=[Scripted(tmp_path, [5, 1, *[2] * 8], patience=3)])
    assert module.iteration == 5
    assert "no better averaged/fid in 3 measurements" in capsys.readouterr().out


def test_numbers_of_two_protocols_are_not_compared(tmp_path: Path) -> None:
    callback = quality(tmp_path)
    files = Checkpoint(str(tmp_path), every_minutes=None)
    fit(norms(), 2, callbacks=[callback, files])
    other = Quality(str(tmp_path), evaluator(n_fake=16), every_kimg=0.016, max_share=1.0)
    module = norms()
    with pytest.raises(UserError, match="n_fake 32 and 16"):
        fit(module, 4, callbacks=[other], checkpoint=tmp_path / "checkpoints" / "last.ckpt")
    assert module.iteration == 2  # told before training goes on


class Stop(Callback):
    """As the checkpoint callback when a signal came."""

    signal = 15

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        trainer.should_stop = True


def test_a_run_that_is_told_to_stop_is_not_measured_first(tmp_path: Path) -> None:
    """What asked it to stop may kill it soon, and the run will go on elsewhere."""
    callback = quality(tmp_path)
    fit(norms(), 4, callbacks=[callback, Stop()])
    assert callback.latest == {}


def test_measuring_keeps_to_its_share_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    callback = quality(tmp_path, max_share=0.1)
    monkeypatch.setattr("gan_lightning.callbacks.quality.time.monotonic", lambda: 95.0)  # seconds since the start
    callback._cost = 5.0
    callback._spent = 5.0
    assert callback._affordable()  # 10 of 100 seconds
    callback._spent = 5.1
    assert not callback._affordable()


def test_real_features_are_computed_once_for_a_content(tmp_path: Path) -> None:
    images = Noise(batch_size=8, resolution=8).train_set.images
    first, second = Halves(), Halves()
    sample = RealImages("Noise", "train", images).sample(first, CPU, 8, report=False)
    kept = RealImages("Renamed", "train", images.clone()).sample(second, CPU, 8, report=False)
    assert (first.calls, second.calls) == (5, 0)
    assert torch.equal(sample.features, kept.features)
    assert torch.equal(sample.class_probabilities, kept.class_probabilities)
    changed = images.clone()
    changed[3, 0, 0, 0] ^= 1
    RealImages("Noise", "train", changed).sample(second, CPU, 8, report=False)
    assert second.calls == 5


def test_a_damaged_cache_is_made_again(tmp_path: Path) -> None:
    real = RealImages("Noise", "train", Noise(batch_size=8, resolution=8).train_set.images)
    whole = real.sample(Halves(), CPU, 8, report=False)
    (file,) = (tmp_path / "cache").glob("features-*.npy")
    file.write_bytes(file.read_bytes()[:-70])
    assert torch.equal(real.sample(Halves(), CPU, 8, report=False).features, whole.features)


def test_the_noise_floor_takes_held_out_images() -> None:
    data = Noise(batch_size=8, resolution=8)
    of = evaluator(held_out={"floor": NoiseFloor(FrechetDistance())})
    real = of.real(real_images(data, "train"), CPU, report=False)
    protocol = of.protocol(real_images(data, "train"), 40, "averaged")
    (number,) = of.further_numbers(real, real, real, protocol)
    assert (number.name, number.value) == ("fid_floor", pytest.approx(0, abs=1e-9))
    assert "NoiseFloor" in number.protocol.metric


def test_a_floor_of_fewer_images_says_so() -> None:
    """FID is the higher the fewer there are: a floor of 20 under a number of 40 is none."""
    data = Noise(batch_size=8, resolution=8)
    of = evaluator(held_out={"floor": NoiseFloor(FrechetDistance())})
    real = of.real(real_images(data, "train"), CPU, report=False)
    protocol = of.protocol(real_images(data, "train"), 40, "averaged")
    (number,) = of.further_numbers(real, real.rows(torch.arange(20)), real, protocol)
    assert number.protocol.n_fake == 20
    (caution,) = of.cautions(40, 40, 20)
    assert caution.startswith("floor of 20 held-out images beside numbers of 40")
    assert of.cautions(40, 40, 40) == of.cautions(40, 40) == []


def test_detail_that_the_extractor_does_not_see_is_said() -> None:
    of = Evaluator(ClassifierExtractor(weights="cifar10"), {"fid": FrechetDistance()}, n_fake=1000)
    assert of.cautions(1000, 1000, side=32) == of.cautions(1000, 1000, side=63) == []
    (caution,) = of.cautions(1000, 1000, side=128)
    assert caution.startswith("images of 128 pixels are measured by cifar10 at 32, so that finer detail does not count")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"monitor": "fid"}, "choose one of averaged/fid, raw/fid"),
        ({"monitor": "raw/fid", "raw": False}, "choose one of averaged/fid."),
        ({"every_kimg": 0}, "callbacks.quality.every_kimg=0"),
        ({"max_share": 0}, "max_share=0"),
        ({"patience": 0}, "patience=0"),
        ({"n_fake": 1}, "n_fake=1"),
    ],
)
def test_wrong_options(options: Mapping[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=says):
        quality(tmp_path, **options)


def test_a_number_is_plain_for_json() -> None:
    of, real = evaluator(), real_images(Noise(batch_size=8, resolution=8), "train")
    sample = of.real(real, CPU, report=False)
    (number,) = of.numbers(sample, sample, of.protocol(real, 40, "raw"))
    assert json.loads(json.dumps(number.to_dict()))["protocol"]["data"] == "Noise"


class Unclassified(Halves):
    """Features alone."""

    classifies = False

    def __call__(self, images: Tensor) -> Sample:
        return Sample(super().__call__(images).features)


def test_an_extractor_that_does_not_classify_is_refused_before_training(tmp_path: Path) -> None:
    metrics = {"fid": FrechetDistance(), "inception_score": InceptionScore(splits=2)}
    of = Evaluator(Unclassified(), metrics, n_fake=32, batch_size=8)
    with pytest.raises(UserError, match=r"no class probabilities.*: evaluator.metrics.inception_score=null"):
        fit(norms(), 1, callbacks=[Quality(str(tmp_path), of)])
    named = Quality(str(tmp_path), of, metrics=["inception_score", "fid"])
    with pytest.raises(UserError, match=r": callbacks\.quality\.metrics= without inception_score"):
        fit(norms(), 1, callbacks=[named])
    assert of.extractor.calls == 0


def test_what_does_not_fit_is_left_out_with_its_reason() -> None:
    score = InceptionScore(splits=2)
    of = Evaluator(
        Unclassified(),
        {"fid": FrechetDistance(), "score": score},
        held_out={"floor": NoiseFloor(FrechetDistance()), "score": NoiseFloor(score)},
        errors={"fid": Bootstrap(FrechetDistance()), "score": Bootstrap(score)},
    )
    fitting, left_out = of.fitting(8, 8, 8)
    assert (*fitting.metrics, *fitting.held_out, *fitting.errors) == ("fid", "floor", "fid")
    assert list(left_out) == ["score", "errors of score", "held_out.score"]
    assert all("no class probabilities" in reason for reason in left_out.values())
    without, left_out = of.fitting(8, 0, 8)
    assert not without.held_out
    assert list(left_out) == ["score", "errors of score"]


def test_a_metric_that_is_null_takes_what_is_made_of_it_with_it() -> None:
    """``evaluator.metrics.fid=null`` leaves conf/evaluator with a floor and an error bar of nothing."""
    floor, error = NoiseFloor(FrechetDistance()), Bootstrap(FrechetDistance())
    for each in (floor, error):
        object.__setattr__(each, "metric", None)  # what Hydra builds then, and the type checker of tests refuses
    of = evaluator(held_out={"floor": floor}, errors={"fid": error})
    assert (of.held_out, of.errors) == ({}, {})


def test_bars_say_what_is_at_work_and_leave_the_screen_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", screen := Screen())
    assert list(counted({"fid": 1, "kid": 2}, "metrics", report=True)) == [1, 2]
    assert sum(map(len, counted_images([torch.zeros(3), torch.zeros(2)], 5, "fakes", report=True))) == 5
    shown = screen.getvalue()
    assert "metrics: fid:" in shown
    assert "metrics: kid:" in shown
    assert "fakes:   0%" in shown
    assert shown.endswith("\r")
    assert not shown.splitlines()[-1].strip()
    list(counted({"fid": 1}, "metrics", report=False))
    assert screen.getvalue() == shown


class Broken(FrechetDistance):
    """A FID, and a number that is none."""

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        return {**super().compute(real, fake), "other": math.nan}


def test_a_number_that_is_not_finite_is_logged_and_ends_the_run(tmp_path: Path) -> None:
    of = Evaluator(Halves(), {"fid": Broken()}, n_fake=32, batch_size=8)
    callback = Quality(str(tmp_path), of, every_kimg=0.016, max_share=1.0)
    with pytest.raises(Diverged, match=r"quality/averaged/other is nan, .* at iteration 2") as caught:
        fit(norms(), 4, callbacks=[callback], logger=[JsonLines(str(tmp_path))])
    assert caught.value.iteration == 2
    written = {record["name"]: record["value"] for record in read_records(tmp_path / "metrics.jsonl")}
    assert math.isnan(written["quality/averaged/other"])
    assert math.isfinite(written["quality/averaged/fid"])


def test_a_covariance_of_deficient_rank_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    callback = Quality(str(tmp_path), evaluator(), n_fake=4, every_kimg=0.008, max_share=1.0)
    fit(norms(), 2, callbacks=[callback])
    assert capsys.readouterr().out.count("warning: fid of 4 images by 4 features") == 1
