"""The command lines of the verbs that compose nothing: a source, then ``option=value`` words like those of train.py.

The options are the fields of a dataclass, the first of which is the source, such as a run folder. Each field is
annotated with its type and its meaning: ``count: Annotated[int, "how many"] = 64``. If a field is a mapping, it takes
``option.key=value`` words. If the source is a ``tuple[str, ...]``, all words before the first option are sources.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar, get_origin, get_type_hints

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from gan_lightning.config.moved import VERBS, renamed
from gan_lightning.config.near_matches import did_you_mean
from gan_lightning.config.signatures import admits, choices_in_words
from gan_lightning.config.typed_words import with_home
from gan_lightning.errors import UserError
from gan_lightning.terminal import called

Options = TypeVar("Options")
"""The dataclass of a verb's options."""
OPTION = re.compile(r"[+~]*[\w.@]+=")
"""Pattern of the beginning of an option, which a file name pattern such as ``runs/*seed=1*`` does not match."""


def read_options(kind: type[Options], program: str, words: Sequence[str]) -> Options:
    """The options that a command line gives.

    Args:
        kind: A dataclass whose first field is the source or sources, the only words of the line without a name.
        program: The name of the command, such as ``generate.py``.
        words: The words of the command line after the command.

    Raises:
        UserError: If there is no source, or an option is unknown, malformed or of the wrong type.
        SystemExit: If the words ask for help, after it was printed.
    """
    source, *others = _fields(kind)
    known = {_name(each): each for each in others}
    if any(word in ("--help", "-h") for word in words):
        sys.stdout.write(help_text(kind, program))
        sys.exit(0)
    several = _takes_several(kind, source)
    words = with_home(words)
    sources = list(takewhile(_is_source, words if several else words[:1]))
    if not sources:
        raise UserError(f"Say of what, first: {called(program)} {_in_usage(kind, source)} ({called(program)} --help)")
    values: dict[str, Any] = {source.name: tuple(sources) if several else sources[0]}
    for word in words[len(sources) :]:
        name, value = _parsed(word, program)
        group, _, key = name.partition(".")
        today = VERBS.get((program, name))
        if today is not None and not (name in known and admits(get_type_hints(kind)[name], value)):
            raise UserError(renamed(name, today))
        if group not in known or (key and _default(known[group]) != {}):
            hint = did_you_mean(name, known)
            raise UserError(f"There is no option {name!r}.{hint} ({called(program)} --help lists them)")
        if key:
            values.setdefault(group, {})[key] = value
            continue
        annotation = get_type_hints(kind)[known[name].name]
        if not admits(annotation, value):
            raise UserError(f"{word}: {' or '.join(choices_in_words(annotation))} is needed.")
        values[known[name].name] = value
    return kind(**values)


def _name(option: Field[Any]) -> str:
    """Name of the option on the command line: ``from`` for ``from_``, because ``from`` is a word of Python."""
    return option.name.removesuffix("_")


def help_text(kind: type[Any], program: str) -> str:
    """The text of ``--help``: the command, and each option with its default and meaning."""
    source, *others = _fields(kind)
    meanings = {name: hint.__metadata__[0] for name, hint in get_type_hints(kind, include_extras=True).items()}
    width = max(len(_shown(each)) for each in others)
    lines = [f"  {_shown(each):{width}}  {meanings[each.name]}" for each in others]
    assert kind.__doc__ is not None
    usage = f"  {called(program)} {_in_usage(kind, source)} [option=value ...]"
    what = f"{source.name.upper()}: {meanings[source.name]}"
    return "\n".join([kind.__doc__.splitlines()[0], "", usage, "", what, "", *lines, ""])


def _takes_several(kind: type[Any], source: Field[Any]) -> bool:
    return get_origin(get_type_hints(kind)[source.name]) is tuple


def _in_usage(kind: type[Any], source: Field[Any]) -> str:
    return source.name.upper() + ("..." if _takes_several(kind, source) else "")


def _is_source(word: str) -> bool:
    return not OPTION.match(word) or Path(word).exists()


def _fields(kind: type[Any]) -> tuple[Field[Any], ...]:
    return fields(kind)


def _parsed(word: str, program: str) -> tuple[str, Any]:
    if "=" not in word:
        raise UserError(f"{word!r} is no option=value ({called(program)} --help lists them).")
    try:
        override = OverridesParser.create().parse_override(word)
    except HydraException as error:
        raise UserError(f"{word}: {' '.join(str(error).split())}") from error
    if override.is_sweep_override():
        raise UserError(f"{word}: write a list in brackets, such as {word.partition('=')[0]}=[1,2].")
    if override.is_add() or override.is_delete():
        raise UserError(f"{word}: write option=value; nothing is added or taken away here.")
    value = override.value()
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{word}: a finite number is needed.")
    return override.key_or_group, value


def _default(option: Field[Any]) -> Any:
    return option.default_factory() if option.default_factory is not MISSING else option.default


def _shown(option: Field[Any]) -> str:
    default = _default(option)
    words: dict[Any, str] = {None: "null", True: "true", False: "false"}
    if default == {}:
        return f"{_name(option)}.KEY=..."
    return f"{_name(option)}={words[default] if default is None or isinstance(default, bool) else default}"
