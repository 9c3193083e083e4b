"""A search over configurations: Optuna asks for trials, Hydra's launcher runs them as jobs, their quality is told."""

from __future__ import annotations

from importlib.util import find_spec

from gan_lightning.errors import UserError

VARIABLE = "GAN_LIGHTNING_TRIAL"
"""Of the environment: the trial that a job is, see :mod:`gan_lightning.search.trial`."""


def require_optuna() -> None:
    """See that the extra is installed.

    Raises:
        UserError: It is not.
    """
    if find_spec("optuna") is None:
        raise UserError("hydra/sweeper=optuna needs Optuna: pip install 'gan-lightning[optuna]'")
