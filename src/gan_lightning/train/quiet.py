"""Silence those remarks of Lightning that are wrong or useless here, so that what is printed is worth reading."""

from __future__ import annotations

import logging
import warnings

REMARKS = (
    ".*module\\(s\\) in eval mode at the start of training.*",  # the moving average is in eval mode on purpose
    ".*LeafSpec.*is deprecated.*",  # about Lightning's own use of torch
    ".*does not have many workers.*",
    ".*your dataloader is not resumable.*",  # it needs no state, because the order follows from the iteration
    ".*is smaller than the logging interval.*",
    ".*was configured so validation.*",
    ".*Checkpoint directory .* exists and is not empty.*",
    ".*Experiment logs directory .* exists and is not empty.*",
)


def quieten_lightning() -> None:
    """Keep Lightning's warnings, but drop its advertisements and the remarks listed in ``REMARKS``."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for remark in REMARKS:
        warnings.filterwarnings("ignore", message=remark)
