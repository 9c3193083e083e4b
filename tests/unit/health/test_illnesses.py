"""Each illness is found in a trace that shows it, and in no other; one noisy interval raises and ends nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gan_lightning.errors import Diverged
from gan_lightning.health import ILLNESSES, Diagnosis, Doctor, Interval, Look
from gan_lightning.health.balance import swings
from gan_lightning.health.not_finite import diverged

HEALTHY = {
    "loss/discriminator": 1.1,
    "loss/generator": 1.5,
    "accuracy/real": 0.8,
    "accuracy/fake": 0.75,
    "logits/real": 1.0,
    "logits/fake": -1.0,
    "gradient_norm/generator": 5.0,
    "gradient_norm/discriminator": 10.0,
    "learning_rate/generator": 2e-4,
    "learning_rate/discriminator": 2e-4,
}
Trace = Callable[[int], Mapping[str, Any]]
"""What differs from health in interval i: scalars, or further fields of the interval by name."""


def interval(i: int, fields: Mapping[str, Any]) -> Interval:
    others = {"growth", "standing", "broken", "distinct", "seen", "taught_by_d"}
    scalars = {name: value for name, value in fields.items() if name not in others and value is not None}
    dropped = {name for name, value in fields.items() if value is None}
    whole = {name: value for name, value in (HEALTHY | scalars).items() if name not in dropped}
    given = {name: fields[name] for name in others & fields.keys()}
    return Interval(50 * i, 3200 * i, whole, **({"growth": {"generator": 1.0, "discriminator": 1.0}} | given))


def look(i: int, **fields: Any) -> Look:
    return Look(500 * i, 32_000 * i, **({"variety": 0.9, "classes": 1.0, "told_apart": 0.7} | fields))


def found(trace: Trace, intervals: int = 30, looks: Mapping[str, Any] | None = None) -> dict[str, int]:
    """Names of the illnesses that are found, with the interval of each, where every fifth interval has a look."""
    doctor = Doctor(ILLNESSES)
    names: dict[str, int] = {}
    for i in range(1, intervals + 1):
        new, _ = doctor.examine(interval(i, trace(i)))
        if i % 5 == 0:
            new += doctor.look(look(i, **(looks or {})))[0]
        names |= {each.name: i for each in new}
    return names


def test_a_healthy_run_raises_no_alarm() -> None:
    assert found(lambda i: {}) == {}


@pytest.mark.parametrize(
    ("trace", "name", "at"),
    [
        (lambda i: {"broken": {"generator": 2}}, "not_finite", 1),
        (lambda i: {"standing": {"generator": True}, "learning_rate/generator": 0.0}, "standing_still", 3),
        (lambda i: {"growth": {"generator": 1.0, "discriminator": 9.0}}, "exploding_weights", 2),
        (  # G's gradient gone: minimax
            lambda i: {"accuracy/real": 1.0, "accuracy/fake": 0.995, "gradient_norm/generator": 5 / i},
            "discriminator_wins",
            6,
        ),
        (  # D's gradient gone: G does not learn
            lambda i: {"accuracy/real": 1.0, "accuracy/fake": 1.0, "gradient_norm/discriminator": 10 / 10**i},
            "discriminator_wins",
            5,
        ),
        (lambda i: {"distinct": 1, "seen": 64}, "too_few_images", 1),
        (lambda i: {"loss/generator": 1.0 + i % 2 * 3}, "oscillation", 10),
    ],
)
def test_what_the_logged_numbers_show(trace: Trace, name: str, at: int) -> None:
    assert found(trace) == {name: at}


@pytest.mark.parametrize(
    ("looks", "name", "at"),
    [
        ({"variety": 0.1}, "mode_collapse", 10),
        ({"duplicates": 0.6}, "mode_collapse", 10),
        ({"classes": 0.2}, "mode_collapse", 10),
        ({"saturated": 0.99, "saturated_real": 0.8}, "saturated_output", 10),
        ({"copies": 0.5}, "memorisation", 10),
        ({"spectral": {"generator/most": 1000.0, "generator/least": 1.0}}, "spectral_norms", 10),
        ({"spectral": {"generator/most": 1.0, "generator/least": 1e-5}}, "spectral_norms", 10),
    ],
)
def test_what_samples_show(looks: Mapping[str, Any], name: str, at: int) -> None:
    assert found(lambda i: {}, looks=looks) == {name: at}


@pytest.mark.parametrize(
    "no_border", [False, True], ids=["with a border between real and fake", "without one: relativistic, Wasserstein"]
)
def test_g_wins_if_d_guesses_and_fakes_are_easily_told(no_border: bool) -> None:
    guessing = {"accuracy/real": 1.0, "accuracy/fake": 0.0, "logits/real": 0.9, "logits/fake": 1.0}
    if no_border:
        guessing |= {"accuracy/real": None, "accuracy/fake": None}
    assert found(lambda i: guessing, looks={"told_apart": 0.99}) == {"generator_wins": 8}
    assert found(lambda i: guessing, looks={"told_apart": 0.6}) == {}  # the equilibrium, in which fakes are good


def test_a_gradient_that_comes_from_other_terms_too_is_no_sign() -> None:
    """The distance of Pix2Pix's images to their targets gets smaller as G learns."""
    certain = {"accuracy/real": 1.0, "accuracy/fake": 1.0, "taught_by_d": False}
    assert found(lambda i: {**certain, "gradient_norm/generator": 5 / i}) == {}
    assert found(lambda i: {**certain, "gradient_norm/discriminator": 10 / 10**i}) == {"discriminator_wins": 5}


def test_every_discriminator_must_win() -> None:
    """Of two discriminators one may be certain, as long as the other is not."""
    both = {"accuracy/real": None, "accuracy/fake": None, "gradient_norm/discriminator": None}

    def trace(other: float) -> Trace:
        sides = {f"accuracy/{side}_{name}": v for side in ("real", "fake") for name, v in (("a", 1.0), ("b", other))}
        return lambda i: {**both, **sides, "gradient_norm/generator": 5 / i}

    assert found(trace(1.0)) == {"discriminator_wins": 6}
    assert found(trace(0.8)) == {}


def test_a_schedule_may_hold_a_player_still() -> None:
    still = {"standing": {"generator": True}, "learning_rate/generator": 0.0}
    assert found(lambda i: {**still, "schedule/generator.lr": 0.0}) == {}


def test_one_noisy_interval_neither_raises_nor_ends_an_alarm() -> None:
    doctor = Doctor(ILLNESSES)
    ill = {"accuracy/real": 1.0, "accuracy/fake": 1.0, "gradient_norm/generator": 0.1}
    story = "hhhhihhhhiihhhiiihiihhhi"  # h: healthy, i: ill
    told = []
    for i, each in enumerate(story):
        new, over = doctor.examine(interval(i, ill if each == "i" else {}))
        told += [(i, diagnosis.name) for diagnosis in new] + [(i, f"{name} is over") for name in over]
    assert told == [(16, "discriminator_wins"), (22, "discriminator_wins is over")]
    assert [(each["iteration"], each["over"]) for each in doctor.history] == [(800, 1100)]


def test_a_resumed_doctor_finds_the_same() -> None:
    def course(doctor: Doctor, start: int, end: int) -> list[tuple[int, str]]:
        told = []
        for i in range(start, end):
            ill = {"accuracy/real": 1.0, "accuracy/fake": 1.0, "gradient_norm/generator": 5 / (1 + i)}
            new = doctor.examine(interval(i, ill))[0]
            if i % 5 == 0:
                new += doctor.look(look(i, variety=0.1))[0]
            told += [(i, each.name) for each in new]
        return told

    whole = Doctor(ILLNESSES)
    everything = course(whole, 0, 20)
    for cut in range(20):
        first, second = Doctor(ILLNESSES), Doctor(ILLNESSES)
        told = course(first, 0, cut)
        second.load_state_dict(first.state_dict())
        assert told + course(second, cut, 20) == everything
        assert second.state_dict() == whole.state_dict()


def test_swings() -> None:
    assert swings([], 1.0) == 0
    assert swings([0, 2, 0, 2, 0], 1.5) == 3
    assert swings([0, 2, 1, 2, 1, 4], 1.5) == 0  # the way up, with noise
    assert swings([0, 1, 2, 1, 0, 1, 2], 1.5) == 2


def test_a_diverged_run_is_named_with_the_first_bad_iteration() -> None:
    error = Diverged("...", 100, {"loss/generator": 51, "loss/discriminator": 50})
    diagnosis = diverged(error, 100, 6400)
    assert diagnosis.name == "not_finite"
    assert diagnosis.sentence == "loss/generator, loss/discriminator became NaN or infinite in iteration 50."
    assert diagnosis.evidence["loss/generator/first_bad_iteration"] == 51


def test_every_illness_says_what_it_is_and_what_to_do() -> None:
    names = [illness.name for illness in ILLNESSES]
    assert len(set(names)) == len(names)
    for illness in ILLNESSES:
        assert illness.sentence.endswith(".")
        assert illness.advice.endswith((".", "]."))
    line = Diagnosis("mode_collapse", "All alike.", "Do this.", {"variety": 0.123456}, 50, 3200).line()
    assert line == "mode_collapse at iteration 50: All alike. Do this. (variety 0.1235)"


def test_a_generator_that_has_just_begun_has_not_collapsed() -> None:
    doctor = Doctor(ILLNESSES)
    for iteration in range(100, 1000, 100):
        assert doctor.look(Look(iteration, 64 * iteration, variety=0.1)) == ([], [])
    found = [doctor.look(Look(1000 + i, 64_000, variety=0.1))[0] for i in range(2)]
    assert [[each.name for each in names] for names in found] == [[], ["mode_collapse"]]
