"""The decorator that checks shapes and types while the tests run."""

from __future__ import annotations

from beartype import BeartypeConf, beartype

# an int passes for a float, as in PEP 484, because YAML gives ints where floats are meant
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
