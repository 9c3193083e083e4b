"""A run folder that somebody else made runs no code, reads no secret and writes nowhere else."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from door import call, refused, train
from omegaconf import OmegaConf
from outcomes import contents


@pytest.mark.parametrize(
    "hostile",
    [
        "{_target_: os.system, command: 'touch PWNED'}",
        "{_target_: torch.os.system, command: 'touch PWNED'}",
        '{_target_: builtins.eval, source: \'open("PWNED", "w")\'}',
        "{_target_: torch.load, f: PWNED, weights_only: false}",
        "{_target_: subprocess.Popen, args: [touch, PWNED]}",
        "{_target_: gan_lightning.cli.os.system, command: 'touch PWNED'}",
        "{_target_: gan_lightning.runs.provenance.subprocess.Popen, args: [touch, PWNED]}",
        "{_target_: lightning.pytorch.callbacks.LambdaCallback, setup: {_target_: os.system, command: touch PWNED}}",
        "{_target_: lightning.pytorch.callbacks.LambdaCallback, a: [{b: [{_target_: os.system}]}]}",
        "'${oc.decode:\"{_target_: torch.hub.load, repo_or_dir: x, model: y, source: local}\"}'",
        "'${oc.create:{_target_: torch.load, f: PWNED}}'",
        "{_target_: '${oc.decode:os.system}'}",
        "{_target_: '${.evil}', evil: os.system}",
        "{_target_: null}",
        "{_target_: [os.system]}",
    ],
)
def test_a_strangers_run_folder_is_not_obeyed(hostile: str, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy)
    text = (copy / "config.yaml").read_text()
    (copy / "config.yaml").write_text(text.replace("callbacks:\n", f"callbacks:\n  evil: {hostile}\n", 1))
    assert "stored configuration" in refused(f"resume={copy} trainer.max_steps=3")
    assert not (copy / "PWNED").exists()


class Bomb:
    def __reduce__(self) -> tuple[Any, tuple[str, ...]]:
        return os.system, ("touch PWNED",)


LOAD = "oc.create:{_target_: torch.load, f: bomb.pt, weights_only: false}"
HUB = "oc.create:{_target_: torch.hub.load, repo_or_dir: ., model: bomb, source: local}"
LAMBDA = "_target_: lightning.pytorch.callbacks.LambdaCallback"


@pytest.mark.parametrize("verb", ["resume={copy} trainer.max_steps=3", "rerun={copy} trainer.max_steps=1"])
@pytest.mark.parametrize(
    "hostile",
    [
        rf"{{{LAMBDA}, setup: '\${{{LOAD}}}'}}",
        rf"{{{LAMBDA}, setup: '\${{{HUB}}}'}}",
        rf"{{{LAMBDA}, setup: ['\${{{LOAD}}}']}}",
        rf"{{{LAMBDA}, setup: {{a: {{b: 'x \${{{LOAD}}}'}}}}}}",
        rf"{{{LAMBDA}, setup: {{'\${{{LOAD}}}': 1}}}}",
        rf"{{{LAMBDA}, setup: '${{callbacks.evil.teardown}}', teardown: '\${{{LOAD}}}'}}",
        rf"{{{LAMBDA}, setup: '\\\${{{LOAD}}}'}}",
        rf"{{{LAMBDA}, setup: '${{.dollar}}{{{LOAD}}}', dollar: '$'}}",
        rf"{{{LAMBDA}, setup: '${{oc.decode:''\${{{LOAD}}}''}}'}}",
        rf"{{{LAMBDA}, _partial_: true, setup: '\${{{LOAD}}}'}}",
        rf"{{{LAMBDA}, setup: '\${{oc.env:HOME}}'}}",
        rf"{{{LAMBDA}, setup: '${{oc.env:HOME}}'}}",
        "'${now:%S}'",
    ],
)
def test_what_was_checked_is_what_is_built(
    verb: str, hostile: str, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text that looks harmless must not become an object when it is resolved once more."""
    monkeypatch.chdir(copy)
    torch.save(Bomb(), "bomb.pt")
    (copy / "hubconf.py").write_text("import os\ndef bomb(): os.system('touch PWNED')\n")
    text = (copy / "config.yaml").read_text()
    (copy / "config.yaml").write_text(text.replace("callbacks:\n", f"callbacks:\n  evil: {hostile}\n", 1))
    before = contents(copy)
    assert "stored configuration" in refused(verb.format(copy=copy), None if "resume" in verb else copy / "again")
    assert contents(copy) == before


def test_a_secret_is_not_copied_out_of_the_environment(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", secret := secrets.token_hex())
    text = (copy / "config.yaml").read_text()
    (copy / "config.yaml").write_text(text.replace("callbacks:\n", "callbacks:\n  evil: '${oc.env:TOKEN}'\n", 1))
    assert "callbacks.evil of a stored configuration is '${oc.env:TOKEN}'" in refused(f"resume={copy} kimg=1")
    assert [path for path, content in contents(copy).items() if secret.encode() in content] == []


def test_a_users_own_resolvers_are_recorded_as_what_they_gave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the run can be resumed where the variable is another, or none."""
    monkeypatch.setenv("NORM", "layer")
    train("trainer.max_steps=1 'discriminator_norm=${oc.env:NORM}'", tmp_path / "run")
    assert OmegaConf.load(tmp_path / "run" / "config.yaml").discriminator_norm == "layer"
    monkeypatch.delenv("NORM")
    assert call(f"resume={tmp_path / 'run'} trainer.max_steps=2").status == 0


def test_torchs_advice_to_load_anything_is_not_passed_on(known: Path) -> None:
    torch.save({"gan_lightning": Bomb()}, known / "checkpoints" / "last.ckpt")
    answer = refused(f"resume={known} trainer.max_steps=6")
    assert "holds something else than tensors and plain values" in answer
    assert "weights_only" not in answer


@pytest.mark.parametrize("option", ["callbacks.checkpoint.folder", "callbacks.samples.folder", "logger.csv.save_dir"])
def test_a_stored_configuration_writes_into_its_own_run(option: str, known: Path, measured: Path) -> None:
    """Another run's path in it would make resume= overwrite that run's checkpoint."""
    config = OmegaConf.load(known / "config.yaml")
    OmegaConf.update(config, option, str(measured))
    OmegaConf.save(config, known / "config.yaml")
    before = contents(measured), contents(known)
    assert f"{option}={measured} of a stored configuration lies outside" in refused(f"resume={known} kimg=1")
    assert (contents(measured), contents(known)) == before
    OmegaConf.update(config, option, "${run.folder}/../../elsewhere")
    OmegaConf.save(config, known / "config.yaml")
    assert "lies outside the run folder" in refused(f"resume={known} kimg=1")


@pytest.mark.parametrize("verb", ["resume", "rerun"])
@pytest.mark.parametrize(
    "change",
    [
        {"logger.csv.name": "{place}"},
        {"logger.csv.name": "../../elsewhere"},
        {"logger.csv.version": "{place}"},
        {"logger.csv": {"_target_": "lightning.pytorch.loggers.CSVLogger", "_args_": ["{place}"]}},
        {"callbacks.samples": {"_target_": "gan_lightning.callbacks.Samples", "_args_": ["{place}"]}},
        {"callbacks.timer": {"_target_": "lightning.pytorch.callbacks.ModelCheckpoint", "filename": "{place}/x"}},
    ],
    ids=str,
)
def test_whatever_a_place_is_called_a_stored_configuration_does_not_lead_there(
    change: dict[str, Any], verb: str, known: Path, tmp_path: Path
) -> None:
    config = OmegaConf.load(known / "config.yaml")
    ((option, value),) = change.items()
    place = tmp_path / "elsewhere"
    OmegaConf.update(config, option, yaml.safe_load(yaml.safe_dump(value).replace("{place}", str(place))), merge=False)
    OmegaConf.save(config, known / "config.yaml")
    before = contents(known)
    words = f"resume={known} kimg=1" if verb == "resume" else f"rerun={known} hydra.run.dir={tmp_path / 'again'}"
    assert f"{option}" in (says := refused(words))
    assert "of a stored configuration" in says
    assert contents(known) == before
    assert not place.exists()
    assert not (tmp_path / "again").exists()


def test_a_place_on_the_command_line_is_the_users_own(known: Path, tmp_path: Path) -> None:
    answer = call(f"resume={known} trainer.max_steps=5 callbacks.samples.folder={tmp_path / 'mine'}")
    assert answer.status == 0, answer.err
    assert list((tmp_path / "mine").rglob("*.png"))


@pytest.mark.parametrize("verb", ["resume", "rerun"])
def test_a_stored_configuration_downloads_nothing_unasked(verb: str, known: Path, tmp_path: Path) -> None:
    """Neither does it create the folder that it names."""
    config = OmegaConf.load(known / "config.yaml")
    place = tmp_path / "somebodys" / "data"
    mnist = {"_target_": "gan_lightning.data.sets.torchvision_sets.MNIST", "data_dir": str(place), "batch_size": 4}
    facts = dict.fromkeys(("channels", "resolution", "num_classes"))
    config.data = {**mnist, "download": True, "n_critic": 1, "seed": 0, **facts}
    OmegaConf.save(config, known / "config.yaml")
    words = f"resume={known} kimg=1" if verb == "resume" else f"rerun={known} hydra.run.dir={tmp_path / 'again'}"
    assert "data.download=true fetches them" in refused(words)
    assert not place.parent.exists()
