"""Names of the folders of a sweep, by which the same command line finds them again and a reader sees what a job is.

A running number would do neither, because it changes when a choice is added to the line.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from omegaconf import OmegaConf

LONGEST = 120
"""Largest number of readable characters in a name, far below the limits of file systems."""

SWEEPS = "runs/sweeps"

WITHOUT_EFFECT = (
    *("threads", "changed_data", "tags", "data.data_dir", "data.download", "trainer.enable_progress_bar", "logger"),
    "callbacks.checkpoint.requeue",
)
"""Options that change no result. ``trainer.devices`` does, because each process has its own batch norm statistics."""

UNNAMED = "hydra.job.config.override_dirname.exclude_keys"
"""Hydra's option that says which overrides are left out of a job's name."""

PACE = ("n_trials", "n_jobs", "max_batch_size")
"""Options of a sweeper that say how many jobs run and how fast, but not which."""


def sweep_folder(overrides: Sequence[Override]) -> str:
    """The folder of a sweep's jobs, named after the swept keys and a hash of everything that decides the results.

    The order of the words does not matter, nor does the order of the choices.
    """
    swept = sorted(override.key_or_group for override in overrides if override.is_sweep_override())
    deciding = [_canonical(override) for override in overrides if _decides(override)]
    return f"{SWEEPS}/{_plain('_'.join(swept) or 'one')}-{_digest(deciding)}"


def job_name(differs: str, overrides: Iterable[str]) -> str:
    """The name of a job's folder: a readable part, which says how the job differs, and a hash of its overrides.

    Args:
        differs: Hydra's ``override_dirname`` of the swept keys.
        overrides: All overrides of the job, as they were typed.
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
    """The text without characters that mean something to Hydra's grammar or a shell, cut to ``LONGEST`` characters."""
    return re.sub(r"[^\w.=-]+", "_", text).replace("=", "-")[:LONGEST].strip("_")


def _digest(parts: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(sorted(parts)).encode(), digest_size=3).hexdigest()


OmegaConf.register_new_resolver("job_name", job_name, replace=True)  # here, so that processes of launchers have it
