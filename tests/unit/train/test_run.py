"""The acts of a run: each gives a new value and leaves what it was handed as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from door import IMAGES, TINY
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from gan_lightning.config.compose import config_folder
from gan_lightning.data.sets import digits
from gan_lightning.errors import UserError
from gan_lightning.train.record import record
from gan_lightning.train.run import check_whole, settle


@pytest.fixture(autouse=True)
def _few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "TRAIN", IMAGES)
    monkeypatch.setattr(digits, "TEST", 16)


@pytest.fixture
def config() -> DictConfig:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        return compose("train", [*TINY.split(), "kimg=0.1", "optimizer.betas=[0,0.9]"])


def test_no_act_changes_what_it_was_handed(config: DictConfig, tmp_path: Path) -> None:
    as_composed = config.copy()
    checked = check_whole(config, None)
    as_checked = checked.config.copy()
    settled = settle(checked, tmp_path, 0, None)
    as_settled = settled.composed.copy()
    record(settled.composed, settled.job, [])
    for now, before in ((config, as_composed), (checked.config, as_checked), (settled.composed, as_settled)):
        assert OmegaConf.to_yaml(now) == OmegaConf.to_yaml(before)
    assert OmegaConf.is_struct(config), "Hydra's guard against new keys is the caller's"
    assert not list(tmp_path.iterdir()), "nothing is written before the run is recorded"


def test_what_settling_finds_out(config: DictConfig, tmp_path: Path) -> None:
    settled = settle(check_whole(config, None), tmp_path, 2, None)
    found = settled.job.config
    assert found["run"] == {
        "folder": str(tmp_path),
        "attempt": 2,
        "resume_at": None,
        "class_names": list("0123456789"),
        "fingerprint": settled.data.fingerprint(),
    }
    assert [found["data"][fact] for fact in ("channels", "resolution", "num_classes")] == [1, 28, 10]
    assert found["model"]["generator"]["resolution"] == 28
    assert found["trainer"]["max_steps"] == 13  # 100 images in batches of 8
    assert found["model"]["optimizer_generator"]["betas"] == [0.0, 0.9]
    assert settled.composed.data.resolution is None, "the record says what was asked for"


def test_the_record_of_a_run(config: DictConfig, tmp_path: Path) -> None:
    settled = settle(check_whole(config, None), tmp_path, 0, None)
    texts = record(settled.composed, settled.job, ["seed=0", "kimg=0.1"])
    assert texts["overrides.txt"] == "seed=0\nkimg=0.1\n"
    assert OmegaConf.to_container(OmegaConf.create(texts["resolved.yaml"])) == settled.job.config
    stored = OmegaConf.create(texts["config.yaml"])
    again = settle(check_whole(stored, ()), tmp_path, 0, None)
    assert again.job == settled.job


def test_a_stored_configuration_is_checked_again_where_it_is_settled(config: DictConfig, tmp_path: Path) -> None:
    """What only the run's own folder turns into something else is found in the containers that are built."""
    stored = OmegaConf.create(record_text(config, tmp_path))
    with pytest.raises(UserError, match="could be resolved once more"):
        settle(check_whole(stored, ()), tmp_path / r"a\${b}", 0, None)


def record_text(config: DictConfig, folder: Path) -> str:
    settled = settle(check_whole(config, None), folder, 0, None)
    return record(settled.composed, settled.job, [])["config.yaml"]
