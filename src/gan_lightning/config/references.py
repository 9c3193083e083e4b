"""References such as ``${data.channels}``, by which one option of a configuration takes the value of another."""

from __future__ import annotations

import re

REFERENCE = re.compile(r"\$\{(\.*)([\w.\-]*)\}")
"""Pattern of a reference. Dots in front, the first group, make it relative to the node that holds it."""


def calls_a_resolver(text: str) -> bool:
    """Whether a text has a ``${`` that does not begin a plain reference like ``${data.channels}`` or ``${..width}``."""
    return "${" in REFERENCE.sub("", text)
