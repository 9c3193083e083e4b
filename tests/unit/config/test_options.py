"""Command lines of the verbs that compose nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from gan_lightning.config.options import read_options
from gan_lightning.config.typed_words import unquoted, with_home
from gan_lightning.errors import UserError


@dataclass(frozen=True)
class Bake:
    """Bake bread."""

    source: Annotated[str, "a field"]
    loaves: Annotated[int, "how many"] = 2
    heat: Annotated[float | None, "in degrees"] = None
    grain: Annotated[Literal["rye", "wheat"], "of what"] = "rye"
    seeds: Annotated[list[Any], "on top"] = field(default_factory=list)
    oven: Annotated[dict[str, Any], "settings of it"] = field(default_factory=dict)
    salt: Annotated[bool, "whether"] = True


def read(*words: str) -> Bake:
    return read_options(Bake, "bake.py", words)


def test_words_become_values() -> None:
    assert read("acre") == Bake("acre")
    line = "acre loaves=3 heat=220 grain=wheat seeds=[1,a] oven.fan=true oven.shelf=2 salt=false"
    assert read(*line.split()) == Bake("acre", 3, 220, "wheat", [1, "a"], {"fan": True, "shelf": 2}, False)
    assert read("acre", "heat=null").heat is None


def test_a_folder_may_have_an_equals_sign(tmp_path: Path) -> None:
    (folder := tmp_path / "seed=1").mkdir()
    assert read(str(folder)).source == str(folder)


@dataclass(frozen=True)
class Mix:
    """Mix doughs."""

    sources: Annotated[tuple[str, ...], "fields"]
    minutes: Annotated[int, "how long"] = 5


def test_words_before_the_first_option_are_sources(tmp_path: Path) -> None:
    assert read_options(Mix, "mix.py", ["acre"]) == Mix(("acre",))
    assert read_options(Mix, "mix.py", ["acre", "meadow", "minutes=7"]) == Mix(("acre", "meadow"), 7)
    assert read_options(Mix, "mix.py", ["runs/*seed=1*", "*seed=1"]) == Mix(("runs/*seed=1*", "*seed=1"))
    (folder := tmp_path / "seed=1").mkdir()
    assert read_options(Mix, "mix.py", [str(folder), "b", "minutes=1"]) == Mix((str(folder), "b"), 1)
    with pytest.raises(UserError, match=r"Say of what, first: python mix.py SOURCES... \(python"):
        read_options(Mix, "mix.py", ["minutes=7", "acre"])
    with pytest.raises(UserError, match="'meadow' is no option=value"):
        read_options(Mix, "mix.py", ["acre", "minutes=7", "meadow"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "Say of what, first: python bake.py SOURCE"),
        (["loaves=3"], "Say of what, first"),
        (["acre", "loafs=3"], "There is no option 'loafs'. Did you mean loaves?"),
        (["acre", "oven"], "'oven' is no option=value"),
        (["acre", "ovn.fan=1"], "There is no option 'ovn.fan'"),
        (["acre", "loaves.big=1"], "There is no option 'loaves.big'"),
        (["acre", "loaves=1.5"], "loaves=1.5: a whole number is needed"),
        (["acre", "loaves=true"], "a whole number is needed"),
        (["acre", "heat=hot"], "heat=hot: a number or null is needed"),
        (["acre", "grain=oats"], "grain=oats: rye or wheat is needed"),
        (["acre", "seeds=1"], "a list is needed"),
        (["acre", "salt=1"], "true or false is needed"),
        (["acre", "loaves=1,2"], "write a list in brackets, such as loaves=[1,2]"),
        (["acre", "+loaves=1"], "nothing is added or taken away"),
        (["acre", "~loaves=1"], "nothing is added or taken away"),
        (["acre", "seeds=[1"], "seeds=[1: "),
        (["acre", "source=b"], "There is no option 'source'"),
    ],
)
def test_mistakes(words: list[str], says: str) -> None:
    with pytest.raises(UserError) as caught:
        read(*words)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        read("acre", "--help")
    assert end.value.code == 0
    assert capsys.readouterr().out.splitlines() == [
        "Bake bread.",
        "",
        "  python bake.py SOURCE [option=value ...]",
        "",
        "SOURCE: a field",
        "",
        "  loaves=2      how many",
        "  heat=null     in degrees",
        "  grain=rye     of what",
        "  seeds=[]      on top",
        "  oven.KEY=...  settings of it",
        "  salt=true     whether",
    ]


def test_the_home_folder_behind_an_equals_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most shells write it out at the beginning of a word alone; Hydra's grammar has no word that begins so."""
    monkeypatch.setenv("HOME", "/home/me")
    assert read("~/acre", "oven.place=~/kitchen", "seeds=[a]") == Bake(
        "/home/me/acre", oven={"place": "/home/me/kitchen"}, seeds=["a"]
    )
    assert with_home(["~a.b", "~a.b=1", "x=~", "x=a~b", "x=~/y=~/z"]) == [
        "~a.b",
        "~a.b=1",
        "x=/home/me",
        "x=a~b",
        "x=/home/me/y=~/z",
    ]


@pytest.mark.parametrize("name", ["a b", "a,b", "it's", "a=b", "(x)", "[x]", '"', "a\\'s", "e\\", "é", "#1", " a  b "])
def test_the_name_of_what_exists_needs_no_quotes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other words mean what Hydra's grammar says; quotes may stand anywhere, and mean the same for all verbs."""
    monkeypatch.chdir(tmp_path)
    (plain,) = with_home([f"x={name}"])
    assert plain == f"x={name}"
    (tmp_path / name).mkdir()
    (quoted,) = with_home([f"x={name}"])
    assert OverridesParser.create().parse_override(quoted).value() == name
    assert unquoted(quoted.removeprefix("x=")) == name
    assert unquoted(f"{name}.") == f"{name}."
