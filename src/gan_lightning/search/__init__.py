"""A search over configurations: Optuna suggests trials, which Hydra's launcher runs as jobs, and learns their quality."""

from __future__ import annotations

from importlib.util import find_spec

from gan_lightning.errors import UserError

VARIABLE = "GAN_LIGHTNING_TRIAL"
"""Environment variable that hands a job its trial; see :mod:`gan_lightning.search.trial`."""


def require_optuna() -> None:
    """Check that Optuna is installed.

    Raises:
        UserError: If it is not.
    """
    if find_spec("optuna") is None:
        raise UserError("hydra/sweeper=optuna needs Optuna: pip install 'gan-lightning[optuna]'")
