"""Names of a sweep's folders: the same line finds them again, and a reader sees what a job is.

A running number would say neither: it moves when a choice is added to the line.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from omegaconf import OmegaConf

LONGEST = 120
"""Characters of what differs, far from where file systems end."""

SWEEPS = "runs/sweeps"

WITHOUT_EFFECT = ("threads", "data.data_dir", "data.download", "trainer.enable_progress_bar", "logger")
"""Overrides that change no result. ``trainer.devices`` does: batch norm's statistics are each process's own."""

UNNAMED = "hydra.job.config.override_dirname.exclude_keys"
"""The option of Hydra's that says which overrides are left out of a job's name."""

PACE = ("n_trials", "n_jobs", "max_batch_size")
"""Options of a sweeper that say how much and how fast, not what."""


def sweep_folder(overrides: Sequence[Override]) -> str:
    """Where the jobs of a line go: the keys that are swept, and a hash of all that decides the results.

    Neither the order of the words nor that of the choices counts.
    """
    swept = sorted(override.key_or_group for override in overrides if override.is_sweep_override())
    deciding = [_canonical(override) for override in overrides if _decides(override)]
    return f"{SWEEPS}/{_plain('_'.join(swept) or 'one')}-{_digest(deciding)}"


def job_name(differs: str, overrides: Iterable[str]) -> str:
    """Folder of one job: what differs, readable, and a hash of the job's overrides.

    Args:
        differs: Hydra's ``override_dirname`` of the swept keys.
        overrides: All of the job, as typed.
    """
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    digest = _digest(_canonical(override) for override in parsed if _decides(override))
    return f"{plain}-{digest}" if (plain := _plain(differs)) else digest


def _decides(override: Override) -> bool:
    key = override.key_or_group
    if key.startswith(("hydra.sweeper", "hydra/sweeper")):
        return key.rpartition(".")[2] not in PACE
    return key not in WITHOUT_EFFECT and not key.startswith(("hydra.", "hydra/"))


def _canonical(override: Override) -> str:
    key = override.get_key_element()
    if not override.is_sweep_override():
        return f"{key}={override.value()!r}"
    if not override.is_discrete_sweep() or isinstance(override.value(), Glob):
        return override.input_line or key
    return f"{key}={sorted(override.sweep_string_iterator())}"


def _plain(text: str) -> str:
    """Without anything that Hydra's grammar or a shell would read, cut where file systems end."""
    return re.sub(r"[^\w.=-]+", "_", text).replace("=", "-")[:LONGEST].strip("_")


def _digest(parts: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(sorted(parts)).encode(), digest_size=3).hexdigest()


OmegaConf.register_new_resolver("job_name", job_name, replace=True)  # here, for jobs in processes that others start
