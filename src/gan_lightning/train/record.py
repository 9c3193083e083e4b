"""The third act of a run: write down what was asked for and what will be built, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gan_lightning.config.references import calls_a_resolver
from gan_lightning.parallel.devices import external_rank
from gan_lightning.runs.claim import claimed
from gan_lightning.runs.folder import RunFolder, as_json
from gan_lightning.runs.provenance import code_changes, provenance
from gan_lightning.train.build import Job


@contextmanager
def recorded(composed: DictConfig, job: Job, overrides: Sequence[str]) -> Iterator[None]:
    """Claim the run folder and write the run's record into it; the claim is undone if training does not start.

    If an external launcher started several processes, only rank 0 writes.

    Args:
        composed: The configuration that was asked for, with its references.
        job: The settled job that will be built.
        overrides: The words that were typed, for the record.

    Raises:
        UserError: If the folder belongs to another run, is in use, or can't be written.
    """
    if external_rank() > 0:
        yield
        return
    with claimed(RunFolder(Path(job.folder)), job.attempt, record(composed, job, overrides)):
        yield


def record(composed: DictConfig, job: Job, overrides: Sequence[str]) -> dict[str, str]:
    """The texts of the run's record, by file name."""
    texts = {
        RunFolder.composed.name: OmegaConf.to_yaml(record_of(composed)),
        RunFolder.resolved.name: OmegaConf.to_yaml(OmegaConf.create(job.config)),
        RunFolder.overrides.name: "".join(f"{override}\n" for override in overrides),
        RunFolder.provenance.name: as_json(provenance(job.config["seed"])),
    }
    changes = code_changes()
    return {**texts, RunFolder.changes.name: changes} if changes else texts


def record_of(config: DictConfig) -> DictConfig:
    """The configuration as it is stored: references stay, but a call such as ``${oc.env:DATA}`` becomes its value.

    A stored configuration therefore means the same on every machine. A stored configuration that calls a resolver is
    refused (:func:`gan_lightning.config.trust.check_references`).
    """
    copy = config.copy()

    def replace(node: Any, original: Any) -> None:
        for key in node if OmegaConf.is_dict(node) else range(len(node)):
            raw = node._get_node(key)
            value = raw._value()
            if isinstance(value, str) and calls_a_resolver(value):
                found = original[key]
                node[key] = OmegaConf.to_container(found, resolve=True) if OmegaConf.is_config(found) else found
            elif OmegaConf.is_config(raw) and isinstance(value, (dict, list)):
                replace(raw, original._get_node(key))

    replace(copy, config)
    return copy
