"""What checks shapes and types while the tests run."""

from __future__ import annotations

from beartype import BeartypeConf, beartype

# an int where a float is meant, as PEP 484 has it and as YAML gives it
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
