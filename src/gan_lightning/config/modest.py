"""Whether a stored yaml is of a size that a configuration may have, before anything is made of it.

A few lines of nested aliases stand for billions of values, and a line of brackets for a depth at which programs crash.
Here the text is only scanned, and the scan ends where it becomes too much.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from gan_lightning.errors import UserError

DEEPEST = 100
"""Largest depth of lists and mappings in each other."""
LARGEST = 1_000_000
"""Largest number of values, where every alias counts as all that it stands for."""
STARTS = (yaml.SequenceStartEvent, yaml.MappingStartEvent)
ENDS = (yaml.SequenceEndEvent, yaml.MappingEndEvent)


def require_modest(text: str, file: Path) -> None:
    """Refuse a yaml that is nested too deeply, or in which aliases stand for too many values.

    Raises:
        UserError: If it is such a yaml.
        yaml.YAMLError: If it is no yaml.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    sizes: dict[str, int] = {}
    counts, anchors = [0], [None]  # of the nodes that are open: values so far, and the name for aliases
    for event in _events(text, loader, file):
        if isinstance(event, STARTS):
            counts.append(1)
            anchors.append(event.anchor)
        elif isinstance(event, ENDS):
            size, anchor = counts.pop(), anchors.pop()
            if anchor is not None:
                sizes[anchor] = size
            counts[-1] += size
        elif isinstance(event, yaml.AliasEvent):
            counts[-1] += sizes.get(event.anchor, LARGEST)  # unknown if it stands for a node that it is a part of
        elif isinstance(event, yaml.ScalarEvent):
            counts[-1] += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        if len(counts) > DEEPEST:
            raise _too_deep(file)
        if counts[-1] >= LARGEST:
            raise UserError(f"{file} is no configuration of a run: it stands for more than {LARGEST:,} values.")


def _events(text: str, loader: Any, file: Path) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, loader)
    except yaml.scanner.ScannerError as error:  # PyYAML's parser in C reads ahead and has a limit of its own, of 1,000
        if "nesting depth" in str(error):
            raise _too_deep(file) from error
        raise


def _too_deep(file: Path) -> UserError:
    return UserError(f"{file} is no configuration of a run: its values lie more than {DEEPEST} deep.")
