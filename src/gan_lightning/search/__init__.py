"""A search over configurations: Optuna suggests trials, Hydra's launcher runs them as jobs, their quality goes back."""

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
