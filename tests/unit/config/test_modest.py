"""A stored yaml that is far larger than a configuration is refused before anything is made of it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from door import refused

from gan_lightning.config.modest import DEEPEST, LARGEST, require_modest
from gan_lightning.errors import UserError
from gan_lightning.runs.folder import read_yaml

HERE = Path("config.yaml")
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30)
)
EVIL = {
    "aliases": (LAUGHS, f"it stands for more than {LARGEST:,} values"),
    "an alias in itself": ("a: &a [*a]", f"it stands for more than {LARGEST:,} values"),
    "brackets": (f"a: {'[' * 100_000}", f"its values lie more than {DEEPEST} deep"),
    "braces": (f"a: {'{a: ' * 100_000}", f"its values lie more than {DEEPEST} deep"),
    "dashes": ("- " * 100_000, f"its values lie more than {DEEPEST} deep"),
}


@pytest.mark.parametrize("name", EVIL)
def test_it_is_refused_early(name: str, tmp_path: Path) -> None:
    text, says = EVIL[name]
    start = time.process_time()
    with pytest.raises(UserError, match=says):
        require_modest(text, HERE)
    assert time.process_time() - start < 5.0
    (tmp_path / "resolved.yaml").write_text(text)
    with pytest.raises(UserError, match=says):
        read_yaml(tmp_path / "resolved.yaml")


@pytest.mark.parametrize("name", EVIL)
def test_a_resume_is_refused(name: str, tmp_path: Path) -> None:
    text, says = EVIL[name]
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt").write_bytes(b"")
    (tmp_path / "config.yaml").write_text(text)
    assert says in refused(f"resume={tmp_path}")


def test_aliases_of_a_few_values_are_fine() -> None:
    require_modest("a: &a [1, 2]\nb: [*a, *a]\nc: &c x\nd: *c\n", HERE)
    require_modest("", HERE)
    with pytest.raises(yaml.YAMLError):
        require_modest("a: [", HERE)
