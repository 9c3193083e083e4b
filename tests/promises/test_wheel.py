"""A wheel and an sdist of the package carry all the files that they need, and what they install works anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from gan_lightning.config import compose as composing

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("pyproject.toml", "README.md", "LICENSE", "src", "conf")


def test_a_wheels_own_configuration_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert composing.config_folder() == str(ROOT / "conf")
    monkeypatch.setattr(composing, "__file__", str(tmp_path / "gan_lightning" / "config" / "compose.py"))
    (tmp_path / "gan_lightning" / "conf").mkdir(parents=True)
    assert composing.config_folder() == str(tmp_path / "gan_lightning" / "conf")


def source_at(folder: Path) -> Path:
    """A copy of the project in which nothing but what a build needs lies."""
    folder.mkdir()
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    return folder


def built(source: Path, kind: str) -> Path:
    """The one file that hatchling builds of a source, of kind "wheel" or "sdist"."""
    target = source.parent / f"{kind} of {source.name}"
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    subprocess.run(command, cwd=source, check=True)
    (file,) = target.iterdir()
    return file


@pytest.mark.slow
def test_an_sdist_installs_as_a_wheel_and_works_in_a_clean_environment(tmp_path: Path) -> None:
    """What it depends on is seen through a path file, because nothing is downloaded here."""
    with tarfile.open(built(source_at(tmp_path / "source"), "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    wheel = built(unpacked, "wheel")
    clean = tmp_path / "clean"
    venv.create(clean, with_pip=True)
    python = clean / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--no-deps", "--no-index", str(wheel)], check=True)
    (site,) = (clean / "lib").glob("python*/site-packages")
    (site / "zz_dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    (elsewhere := tmp_path / "elsewhere").mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def said(*words: str) -> str:
        command = [clean / "bin" / "gan-lightning", *words]
        done = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    version = wheel.name.split("-")[1]
    assert said("--version") == f"gan-lightning {version}\n"
    assert "dcgan_mnist" in said("train", "--help")
    assert f"gan-lightning {version}" in (checked := said("check"))
    assert checked.splitlines()[-1].startswith("PASS: ")
    words = "trainer.max_steps=1 data.batch_size=4 trainer.accelerator=cpu model.generator.width=4 logger=[]"
    said("train", *words.split(), "hydra.run.dir=run")
    assert said("generate", "run", "count=2", "to=images")
    assert {path.name for path in (elsewhere / "images").glob("*.png")} == {"seed-000000.png", "seed-000001.png"}
    assert said("compare", "run", "output=report.html") == "written: report.html\n"


@pytest.mark.slow
def test_a_wheel_runs_from_anywhere(tmp_path: Path) -> None:
    wheel = built(source_at(tmp_path / "source"), "wheel")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        everything = set(archive.namelist())
        archive.extractall(site)
    names = {name for name in everything if name.startswith("gan_lightning/conf/")}
    weights = {
        f"gan_lightning/metrics/extractors/weights/{name}.safetensors" for name in ("cifar10", "digits", "mnist")
    }
    assert {name for name in everything if name.startswith("gan_lightning/metrics/extractors/weights/")} == weights
    files = [path for path in (ROOT / "conf").rglob("*") if path.is_file()]
    wanted = {f"gan_lightning/conf/{path.relative_to(ROOT / 'conf')}" for path in files}
    assert names == wanted
    assets = {f"gan_lightning/compare/page/assets/page.{ending}" for ending in ("css", "js", "html.jinja")}
    assets |= {f"gan_lightning/compare/page/assets/{name}.html.jinja" for name in ("chart", "report")}
    assert assets <= everything
    line = "trainer.max_steps=1 data.batch_size=4 trainer.accelerator=cpu model.generator.width=4 logger=[]"
    code = "from gan_lightning.cli import main; main()"
    command = [sys.executable, "-c", code, *line.split(), f"hydra.run.dir={tmp_path / 'run'}"]
    subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(site)}, check=True)
    assert (tmp_path / "run" / "summary.json").is_file()
