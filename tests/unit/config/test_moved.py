"""Old names: what was stored is read under today's, and what is typed is refused with today's."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import verbs
import yaml
from door import refused
from omegaconf import OmegaConf

from gan_lightning.config.moved import (
    PACKAGE,
    PARAMETERS,
    TARGETS,
    checkpoint_up_to_date,
    option_of_today,
    protocol_up_to_date,
    up_to_date,
)
from gan_lightning.config.signatures import parameters
from gan_lightning.config.trust import find
from gan_lightning.evaluate.command import main as evaluate
from gan_lightning.metrics import Bootstrap, FrechetDistance
from gan_lightning.runs.protocol import Protocol, require_same

OLD_RUNS = Path(__file__).resolve().parents[2] / "support" / "old_runs"


def stored(name: str, file: str) -> dict[str, Any]:
    return dict(yaml.safe_load((OLD_RUNS / name / file).read_text()))


def targets(node: Any) -> list[str]:
    below = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    own = [node["_target_"]] if isinstance(node, dict) and "_target_" in node else []
    return own + [target for each in below for target in targets(each)]


@pytest.mark.parametrize("path", TARGETS.values())
def test_every_new_path_leads_somewhere(path: str) -> None:
    module, _, name = path.rpartition(".")
    package = import_module(PACKAGE + module)
    assert hasattr(package, name) or import_module(PACKAGE + path)


@pytest.mark.parametrize("file", ["config.yaml", "resolved.yaml"])
@pytest.mark.parametrize("name", ["dcgan", "mlp", "points", "auxiliary"])
def test_what_an_old_run_names_is_there(name: str, file: str) -> None:
    """Every class, every parameter and every reference."""
    config = up_to_date(stored(name, file))
    assert all(find(target) is not None for target in targets(config))
    OmegaConf.to_container(OmegaConf.create(config), resolve=True)

    def known(node: Any) -> None:
        if isinstance(node, dict):
            accepted = parameters(node["_target_"], "") if "_target_" in node else None
            assert accepted is None or {key for key in node if not key.startswith("_")} <= set(accepted)
            for value in node.values():
                known(value)

    known(config)


@pytest.mark.parametrize("name", ["dcgan", "mlp", "points", "auxiliary"])
def test_what_is_up_to_date_stays(name: str) -> None:
    config = up_to_date(stored(name, "config.yaml"))
    assert up_to_date(config) == config


def test_references_are_renamed_with_what_they_refer_to() -> None:
    old = {
        "metrics": {
            "_target_": "gan_lightning.quality.Evaluator",
            "measures": {"fid": {"_target_": "gan_lightning.metrics.FrechetDistance"}},
            "errors": {"fid": {"_target_": "gan_lightning.metrics.Bootstrap", "measure": "${metrics.measures.fid}"}},
        },
        "callbacks": {"quality": {"evaluator": "${metrics}", "n_fake": "${metrics.n_fake}"}},
        "mine": ["of ${model.history.updates} and ${..metrics}", {"history": 3, "measures": "metrics"}],
    }
    assert up_to_date(old) == {
        "evaluator": {
            "_target_": "gan_lightning.quality.Evaluator",
            "metrics": {"fid": {"_target_": "gan_lightning.metrics.FrechetDistance"}},
            "errors": {"fid": {"_target_": "gan_lightning.metrics.Bootstrap", "metric": "${evaluator.metrics.fid}"}},
        },
        "callbacks": {"quality": {"evaluator": "${evaluator}", "n_fake": "${evaluator.n_fake}"}},
        "mine": ["of ${model.image_pool.updates} and ${..metrics}", {"history": 3, "measures": "metrics"}],
    }


@pytest.mark.parametrize("target", ["domains.Domains", "pairs.Pairs"])
def test_what_is_held_out_has_one_name(target: str) -> None:
    node = {"_target_": f"gan_lightning.data.translation.{target}", "val_share": 0.2}
    config = {"data": node, "mine": "${data.val_share}"}
    today = {"data": {"_target_": node["_target_"], "test_share": 0.2}, "mine": "${data.test_share}"}
    assert up_to_date(config) == today


def test_classes_of_others_keep_their_names() -> None:
    node = {"a": {"_target_": "own.history.LitGAN", "history": 3}, "b": {"_target_": "gan_lightning.historyless.X"}}
    assert up_to_date(node) == node


def test_renamed_parameters_are_there() -> None:
    homes = {"Evaluator": "quality.Evaluator", "LitGAN": "games.AdversarialGame", "Quality": "callbacks.Quality"}
    homes |= {"Domains": "data.translation.domains.Domains", "Pairs": "data.translation.pairs.Pairs"}
    for name, renamed in PARAMETERS.items():
        target = PACKAGE + homes.get(name, f"metrics.{name}")
        assert set(renamed.values()) <= set(parameters(target, "") or ())


def test_a_checkpoint_of_version_1() -> None:
    old = {"gan_lightning": {"version": 1, "history": {"filled": 1}, "scalars": {}}, "state_dict": {"history": 1}}
    new = {"gan_lightning": {"version": 2, "image_pool": {"filled": 1}, "scalars": {}}, "state_dict": {"history": 1}}
    assert checkpoint_up_to_date(old) == new


def test_a_protocol_from_before_is_equal_to_the_same_one_of_today() -> None:
    common = dict.fromkeys(("extractor", "extractor_hash", "data", "split", "data_hash", "resize"), "a")
    common |= dict.fromkeys(("quantisation", "generator", "sampling"), "b")
    today = Protocol(**common, n_real=1, n_fake=2).measured_by(Bootstrap(FrechetDistance()))
    old = {("measure" if name == "metric" else name): value for name, value in today.to_dict().items()}
    old["measure"] = "Bootstrap(measure=FrechetDistance(), resamples=20, replacement=True)"
    assert Protocol.from_dict(old) == today
    require_same(Protocol.from_dict(old), replace(today, seed=1))
    assert protocol_up_to_date(today.to_dict()) == today.to_dict()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("metrics", "evaluator"),
        ("metrics.measures.fid", "evaluator.metrics.fid"),
        ("model.history.updates", "model.image_pool.updates"),
        ("metricsx", "metricsx"),
        ("evaluator.metrics.fid", "evaluator.metrics.fid"),
    ],
)
def test_options_of_today(old: str, new: str) -> None:
    assert option_of_today(old) == new


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("metrics=mnist", "metrics is called evaluator now: write evaluator=..."),
        ("metrics.n_fake=8", "metrics.n_fake is called evaluator.n_fake now: write evaluator.n_fake=..."),
        ("+metrics.n_fake=8", "metrics is called evaluator now"),
        ("metrics.measures.fid=null", "metrics.measures.fid is called evaluator.metrics.fid now"),
        ("callbacks=quality callbacks.quality.measures=[fid]", "is called callbacks.quality.metrics now"),
        ("callbacks.quality.measures=[fid]", "is called callbacks.quality.metrics now"),
        ("model.history.updates=4", "model.history.updates is called model.image_pool.updates now"),
        ("+model.history.updates=4", "model.history is called model.image_pool now"),
        ("data=pairs data.val_share=0.2", "data.val_share is called data.test_share now: write data.test_share=..."),
        ("-m metrics=mnist,digits", "metrics is called evaluator now"),
    ],
)
def test_an_old_word_is_refused_with_the_new_one(word: str, says: str, tmp_path: Path) -> None:
    assert says in refused(word, None if word.startswith("-m") else tmp_path / "run")


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("metrics=mnist", "metrics is called evaluator now: write evaluator=..."),
        ("measures=[fid]", "measures is called metrics now: write metrics=..."),
    ],
)
def test_an_old_word_of_evaluate(word: str, says: str) -> None:
    assert says in verbs.refused(evaluate, f"run {word}")


@pytest.mark.parametrize(
    ("word", "today"),
    [
        ("model._target_=gan_lightning.LitGAN", "model._target_=gan_lightning.games.GAN"),
        ("prior._target_=gan_lightning.priors.Uniform", "prior._target_=gan_lightning.games.priors.Uniform"),
        ("data._target_=gan_lightning.data.digits.Digits", "data._target_=gan_lightning.data.sets.digits.Digits"),
    ],
)
def test_an_old_class_is_refused_with_the_new_one(word: str, today: str, tmp_path: Path) -> None:
    old, new = word.partition("=")[2], today.partition("=")[2]
    assert refused(word, tmp_path / "run") == f"{old} is called {new} now: write {today}."


def test_an_old_word_on_resume() -> None:
    assert "metrics.n_fake is called evaluator.n_fake now" in refused(f"resume={OLD_RUNS / 'dcgan'} metrics.n_fake=8")
