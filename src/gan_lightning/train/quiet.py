"""Lightning's remarks that are wrong or of no use here, so that what is printed is worth reading."""

from __future__ import annotations

import logging
import warnings

REMARKS = (
    ".*module\\(s\\) in eval mode at the start of training.*",  # the moving average is meant to be
    ".*LeafSpec.*is deprecated.*",  # Lightning's own use of torch
    ".*does not have many workers.*",
    ".*your dataloader is not resumable.*",  # it has no state: the order follows from the iteration
    ".*is smaller than the logging interval.*",
    ".*was configured so validation.*",
    ".*Checkpoint directory .* exists and is not empty.*",
    ".*Experiment logs directory .* exists and is not empty.*",
)


def quieten_lightning() -> None:
    """Keep warnings; drop advertisements and the remarks above."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for remark in REMARKS:
        warnings.filterwarnings("ignore", message=remark)
