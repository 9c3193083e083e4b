"""A wheel of the package carries all the files that it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
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


@pytest.mark.slow
def test_a_wheel_runs_from_anywhere(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, source / part)
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=source, check=True)
    (wheel,) = (source / "dist").glob("*.whl")
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
