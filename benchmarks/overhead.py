"""The overhead of the framework over a loop written by hand: ``make bench``.

Both train the same networks from the same weights on the same data with the same loss and optimizers; the hand-written
loop does nothing else (no moving average, curves, gradient norms, checkpoints or counters). Short trainings of the two
alternate within one process on one thread, and the ratio of their processor times is taken pair by pair, so that other
work on the machine and a drift of its speed cancel. Then one more training shows where the framework's time goes; the
timers themselves take about a microsecond a call.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from lightning.pytorch import Callback, Trainer
from segments import Segments
from torch.nn.functional import softplus

from gan_lightning.callbacks import Checkpoint, Curves, Progress, Samples
from gan_lightning.config.compose import resolve
from gan_lightning.data import ImageDataModule
from gan_lightning.games.gan import GAN
from gan_lightning.games.player import frozen
from gan_lightning.runs.checkpoint import AtomicCheckpointIO
from gan_lightning.runs.loggers import JsonLines, TensorBoard
from gan_lightning.train.build import build_module
from gan_lightning.train.loop import GameLoop
from gan_lightning.train.quiet import quieten_lightning
from gan_lightning.train.settle import build_data

WARM_UP = 5
"""Iterations before the clock starts."""


class Stopwatch(Callback):
    """Measures the seconds of the processor from the end of the warm-up to the last iteration."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._start = 0.0

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *_: Any) -> None:
        """Start the clock after the warm-up, and keep the time since then."""
        now = time.process_time()
        if pl_module.iteration == WARM_UP:
            self._start = now
        self.seconds = now - self._start


def framework(module: GAN, data: ImageDataModule, iterations: int) -> float:
    """Seconds of the processor that the framework takes, with the callbacks and the log of a usual run."""
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            accelerator="cpu",
            max_steps=WARM_UP + iterations,
            callbacks=[Samples(folder, every_kimg=None), Curves(), Progress(), watch, Checkpoint(folder)],
            logger=[JsonLines(folder), TensorBoard(folder)],
            plugins=[AtomicCheckpointIO()],
            use_distributed_sampler=False,
            enable_checkpointing=False,
            enable_model_summary=False,
        )
        GameLoop.install(trainer)
        trainer.fit(module, datamodule=data)
    return watch.seconds


def by_hand(module: GAN, data: ImageDataModule, iterations: int) -> float:
    """Seconds of the processor that a plain loop takes.

    Importing Lightning slows down every step of an optimizer on a machine without a GPU, because torch is told to look
    for NVIDIA's library each time. A loop without Lightning does not, and so this one does not either.
    """
    with patch.dict(os.environ, PYTORCH_NVML_BASED_CUDA_CHECK="0"):
        return _by_hand(module, data, iterations)


def _by_hand(module: GAN, data: ImageDataModule, iterations: int) -> float:
    g, d = module.generator, module.discriminator
    opt_g, opt_d = module.configure_optimizers()
    d_parameters = list(d.parameters())
    images, size = data.train_set.images, data.batch_size
    order = torch.randperm(len(images))
    start = 0.0
    for i in range(WARM_UP + iterations):
        if i == WARM_UP:
            start = time.process_time()
        rows = order[(i * size) % (len(images) - size) :][:size]
        real = images.index_select(0, rows).float().div_(127.5).sub_(1)
        with torch.no_grad():
            fake = g(torch.randn(size, g.latent_dim))
        opt_d.zero_grad(set_to_none=True)
        (softplus(-d(real)).mean() + softplus(d(fake)).mean()).backward()
        opt_d.step()
        with frozen(d_parameters):
            opt_g.zero_grad(set_to_none=True)
            softplus(-d(g(torch.randn(size, g.latent_dim)))).mean().backward()
        opt_g.step()
    return time.process_time() - start


def compare(name: str, overrides: list[str], iterations: int, rounds: int) -> None:
    """Train both ways in turns, and print the ratio of their speeds and the overhead per iteration."""
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    from gan_lightning.config.compose import config_folder

    with initialize_config_dir(config_folder(), version_base="1.3"):
        config = compose("train", [*overrides, "logger=[]"])
    OmegaConf.set_struct(config, False)
    config.run = {"folder": str(Path.cwd()), "attempt": 0, "resume_at": None}
    data = build_data(resolve(config)["data"])
    config.data.channels, config.data.resolution = data.channels, data.resolution
    plain = resolve(config)
    pairs = []
    for turn in range(rounds):
        if turn % 2:  # the two take turns in going first, because the second one finds the machine warm
            theirs = by_hand(build_module(plain), data, iterations)
            ours = framework(build_module(plain), data, iterations)
        else:
            ours = framework(build_module(plain), data, iterations)
            theirs = by_hand(build_module(plain), data, iterations)
        pairs.append((ours, theirs))
    ratios = sorted(theirs / ours for ours, theirs in pairs)
    overhead = statistics.median(1e6 * (ours - theirs) / iterations for ours, theirs in pairs)
    print(
        f"{name:28s} speed against a loop by hand: median {statistics.median(ratios):.3f} "
        f"({ratios[0]:.3f} to {ratios[-1]:.3f}), {overhead:+.0f} µs an iteration "
        f"of {1e6 * statistics.median(theirs for _, theirs in pairs) / iterations:.0f} µs",
        flush=True,
    )

    segments = Segments()
    with segments.watching([torch.optim.Adam]):
        framework(build_module(plain), data, iterations)
    print(segments.table(WARM_UP + iterations), flush=True)


def main() -> None:
    """Compare on tiny networks, which show little but overhead, and on DCGAN, where the overhead must not matter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8, help="pairs; an even number lets each go first as often")
    parser.add_argument("--tiny", action="store_true", help="compare on the tiny pair alone")
    arguments = parser.parse_args()
    quieten_lightning()
    torch.set_num_threads(1)
    tiny = ["model=mlp", "model.generator.widths=[8]", "model.discriminator.widths=[8]", "data.batch_size=8"]
    compare("mlp, one layer of 8, batch 8", tiny, 500, arguments.rounds)
    if arguments.tiny:
        return
    compare("dcgan, width 32, 28x28", ["model=dcgan"], 60, arguments.rounds)
    compare(
        "dcgan, width 64, 32x32",
        ["model=dcgan", "model.generator.width=64", "data.resolution=32"],
        12,
        arguments.rounds,
    )


if __name__ == "__main__":
    main()
