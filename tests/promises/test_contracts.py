"""What this project needs of Lightning and torch beyond their documentation, so that a bad upgrade fails here."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import games
import lightning.pytorch as pl
import pytest
import torch
import torch.distributed as dist
from lightning.fabric.plugins.environments import LightningEnvironment
from lightning.fabric.plugins.precision.amp import _optimizer_handles_unscaling
from lightning.fabric.utilities.seed import reset_seed
from lightning.pytorch.core.optimizer import LightningOptimizer
from lightning.pytorch.loops.fetchers import _PrefetchDataFetcher
from lightning.pytorch.loops.optimization.manual import _ManualOptimization
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from lightning.pytorch.plugins import MixedPrecision, Precision
from lightning.pytorch.profilers import PassThroughProfiler
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.strategies.launchers.launcher import _Launcher
from lightning.pytorch.trainer.connectors.data_connector import _DataHookSelector
from lightning.pytorch.trainer.connectors.logger_connector.logger_connector import _LoggerConnector
from lightning.pytorch.trainer.connectors.signal_connector import _SignalConnector
from torch.optim import optimizer as of_all_optimizers
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from gan_lightning.games.gan import GAN
from gan_lightning.parallel import strategy as strategy_module
from gan_lightning.parallel.scalers import PlayerScalers
from gan_lightning.parallel.strategy import GANStrategy

pytestmark = pytest.mark.forks


def parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (_TrainingEpochLoop._broadcast_sigterm_tensor, ["self"]),  # callbacks/checkpoint.py puts a no-op in its place
        (_TrainingEpochLoop.__init__, ["self", "trainer", "min_steps", "max_steps"]),  # train/loop.py is one of these
        (_TrainingEpochLoop.on_run_start, ["self", "data_fetcher"]),
        (_TrainingEpochLoop.advance, ["self", "data_fetcher"]),
        (_TrainingEpochLoop.on_advance_end, ["self", "data_fetcher"]),
        (_TrainingEpochLoop._save_loggers_on_train_batch_end, ["self"]),
        (_ManualOptimization.on_run_start, ["self"]),
        (_ManualOptimization.on_run_end, ["self"]),
        (_DataHookSelector.get_instance, ["self", "hook_name"]),
        (_LoggerConnector.on_batch_start, ["self", "batch", "dataloader_idx"]),
        (_LoggerConnector.on_batch_end, ["self"]),
        (_LoggerConnector.update_train_step_metrics, ["self"]),
        (_SignalConnector.register_signal_handlers, ["self"]),  # and its own handlers in this one's
        (_Launcher.launch, ["self", "function", "args", "kwargs"]),
        (_Launcher.kill, ["self", "signum"]),
        (DDPStrategy._configure_launcher, ["self"]),
        (DDPStrategy.setup_distributed, ["self"]),
        (DDPStrategy.configure_ddp, ["self"]),
        (DDPStrategy.set_world_ranks, ["self"]),
        (DDPStrategy._get_process_group_backend, ["self"]),
        (DDPStrategy.optimizer_step, ["self", "optimizer", "closure", "model", "kwargs"]),
        (DDPStrategy.teardown, ["self"]),
        (MixedPrecision.pre_backward, ["self", "tensor", "module"]),
        (MixedPrecision.optimizer_step, ["self", "optimizer", "model", "closure", "kwargs"]),
        (reset_seed, []),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_private_functions_are_called_as_before(function: Callable[..., Any], expected: list[str]) -> None:
    assert parameters(function) == expected


def test_a_launcher_implements_what_ours_does() -> None:
    assert _Launcher.__abstractmethods__ == {"is_interactive_compatible", "launch", "kill"}


def test_lightning_asks_about_sigterm_through_the_method_that_is_replaced() -> None:
    source = inspect.getsource(_TrainingEpochLoop)
    assert source.count("self._broadcast_sigterm_tensor()") == 1
    assert source.count("broadcast(") == 1  # within the method, and nowhere else in the loop


def test_the_loop_keeps_what_ours_reads() -> None:
    trainer = pl.Trainer(logger=False, accelerator="cpu", enable_model_summary=False, enable_progress_bar=False)
    loop = trainer.fit_loop.epoch_loop
    assert {"batch_progress", "manual_optimization", "_results", "_batches_that_stepped"} <= vars(loop).keys()
    assert {"_current_fx_name"} <= vars(games.game()).keys()
    assert {"batch", "batch_size", "dataloader_idx"} <= vars(loop._results).keys()
    assert {"fetched", "length", "done"} <= vars(_PrefetchDataFetcher()).keys()
    assert type(trainer.profiler) is PassThroughProfiler
    assert trainer.received_sigterm is False


def test_full_precision_puts_nothing_around_a_step() -> None:
    default = torch.get_default_dtype()
    with Precision().train_step_context():
        assert torch.get_default_dtype() is default
        assert not torch.is_autocast_enabled("cpu")
    assert type(Precision().forward_context()) is nullcontext


def test_an_optimizer_has_what_its_short_step_reads() -> None:
    adam = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], fused=True)
    assert {"_optimizer_step_pre_hooks", "_optimizer_step_post_hooks", "state", "param_groups"} <= vars(adam).keys()
    assert parameters(type(adam)._accelerator_graph_capture_health_check) == ["self"]
    assert {"_global_optimizer_pre_hooks", "_global_optimizer_post_hooks"} <= vars(of_all_optimizers).keys()


def test_the_strategy_joins_the_group_and_sets_up_in_overridable_steps() -> None:
    strategy = DDPStrategy()
    assert {"_timeout", "_process_group_backend", "_launcher"} <= vars(strategy).keys()
    assert "self.setup_distributed()" in inspect.getsource(DDPStrategy.setup_environment)
    assert "self.configure_ddp()" in inspect.getsource(DDPStrategy.setup)


def test_a_child_is_known_by_its_local_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not LightningEnvironment().creates_processes_externally
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert LightningEnvironment().creates_processes_externally


def test_the_step_runs_reduction_unscaling_hook_and_update_in_this_order(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = games.start(_note_the_order, tmp_path, output=log)
    assert games.status(process, 60) == 0, log.read_text()
    order = (tmp_path / "order").read_text().split()
    assert order == ["reduce", "unscale", "hook", "update"] * 2  # D's step, then G's


class Noting(torch.optim.SGD):
    """Optimizer that notes when it is stepped."""

    order: list[str]

    def step(self, closure: Any = None) -> Any:
        self.order.append("update")
        return super().step(closure)


def _note_the_order(folder: Path) -> None:
    order: list[str] = []
    os.environ.update(LOCAL_RANK="0", NODE_RANK="0", WORLD_SIZE="1", MASTER_ADDR="127.0.0.1", MASTER_PORT="0")

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **kwargs: Any) -> Any:
            order.append(name)
            return function(*args, **kwargs)

        return noted

    Noting.order = order
    strategy_module.average_gradients = noting("reduce", strategy_module.average_gradients)
    torch.amp.GradScaler.unscale_ = noting("unscale", torch.amp.GradScaler.unscale_)
    GAN.on_before_optimizer_step = noting("hook", GAN.on_before_optimizer_step)
    module = games.game(optimizer=lambda parameters: Noting(parameters, lr=0.1))
    strategy = GANStrategy(store=dist.FileStore(str(folder / "store"), 1))
    games.fit(module, 1, strategy=strategy, plugins=[PlayerScalers("cpu")])
    (folder / "order").write_text(" ".join(order))


def test_a_fused_optimizer_is_known_to_unscale_by_itself() -> None:
    weight = [torch.nn.Parameter(torch.zeros(1))]
    assert _optimizer_handles_unscaling(torch.optim.Adam(weight, fused=True))
    assert not _optimizer_handles_unscaling(torch.optim.Adam(weight))


def test_autocast_keeps_no_cast_weights() -> None:
    """Autocast keeps no casts, because those made under no_grad would leave G without gradients and D's grow stale."""
    with MixedPrecision("bf16-mixed", "cpu").forward_context():
        assert torch.is_autocast_enabled("cpu")
        assert not torch.is_autocast_cache_enabled()


def test_an_optimizer_is_found_inside_lightnings() -> None:
    module = games.game()
    games.fit(module, 1)
    generator, discriminator = module.optimizers()
    assert isinstance(generator, LightningOptimizer)
    assert {"_on_before_step", "_on_after_step"} <= vars(generator).keys()  # by which steps are counted
    assert isinstance(generator.optimizer, torch.optim.Adam)
    assert isinstance(discriminator.optimizer, torch.optim.Adam)


def test_tensorboards_writer_takes_single_records(tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path)) as writer:
        for record in hparams({"lr": 0.1}, {"loss": 0.0}):
            writer.file_writer.add_summary(record)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) > 200


def test_the_default_generator_is_seeded_without_touching_other_devices() -> None:
    torch.default_generator.manual_seed(7)
    first = torch.rand(3)
    torch.manual_seed(7)
    assert torch.equal(first, torch.rand(3))


def test_in_place_lists_of_tensors() -> None:
    ours, theirs = [torch.zeros(2), torch.ones(1)], [torch.ones(2), torch.zeros(1)]
    torch._foreach_lerp_(ours, theirs, 0.25)
    assert [t.tolist() for t in ours] == [[0.25, 0.25], [0.75]]
    torch._foreach_copy_(ours, theirs)
    assert [t.tolist() for t in ours] == [[1.0, 1.0], [0.0]]


def test_lightnings_trainer_leaves_ctrl_c_and_errors_to_a_launcher_that_returns() -> None:
    from lightning.pytorch.trainer.call import _call_and_handle_interrupt

    assert "launcher.launch(trainer_fn, *args, trainer=trainer, **kwargs)" in inspect.getsource(
        _call_and_handle_interrupt
    )
    assert pl.__version__.startswith("2.6.")
