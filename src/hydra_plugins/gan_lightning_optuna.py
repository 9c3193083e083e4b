"""The sweeper of ``hydra/sweeper=optuna``, in the only namespace in which Hydra finds sweepers.

Hydra imports this file at every start, so nothing heavier than Hydra is imported here before a search begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class OptunaSweeper(Sweeper):
    """Hydra's sweeper that searches with Optuna.

    See :mod:`gan_lightning.search`, and ``conf/hydra/sweeper/optuna.yaml`` for the options.
    """

    hydra_context: HydraContext
    config: DictConfig
    launcher: Launcher

    def __init__(self, **options: Any) -> None:
        self.options = options

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what Hydra passes, and build the launcher that is configured."""
        from hydra.core.plugins import Plugins

        self.hydra_context = hydra_context
        self.config = config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: Sequence[str]) -> None:
        """Search until the study holds as many trials as were asked for."""
        from gan_lightning.terminal import mistakes_in_one_line

        with mistakes_in_one_line():
            from gan_lightning.search import require_optuna

            require_optuna()
            from gan_lightning.search.options import SearchOptions
            from gan_lightning.search.search import Search

            options = SearchOptions.read(self.options)
            Search(options, self.hydra_context.config_loader, self.config, self.launcher, arguments).run()
