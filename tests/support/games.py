"""Small games, and whole runs in processes of their own, for the tests of training.

Runs are forked from the test process, which has imported everything, because a fresh interpreter needs seconds for
that. The child processes of a run on two devices are fresh interpreters nevertheless, as they always are.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, ClassVar

import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor, nn

from gan_lightning import GAN
from gan_lightning.cli import main
from gan_lightning.data import StreamDataModule
from gan_lightning.data.datamodule import ImageDataModule
from gan_lightning.data.image_set import ImageSet
from gan_lightning.games.base import Game
from gan_lightning.games.ema import MovingAverage
from gan_lightning.losses import NonSaturating

FORK = multiprocessing.get_context("fork")
PIXELS = 8


class Noise(ImageDataModule):
    """Random bytes with two classes, as many as a test wants, so that its epochs can be short."""

    def __init__(self, *, num_images: int = 40, **options: Any) -> None:
        super().__init__(**options)
        self.num = num_images

    def load(self, split: str) -> ImageSet:
        random = torch.Generator().manual_seed(1)
        images = torch.randint(256, (self.num, 1, PIXELS, PIXELS), generator=random, dtype=torch.uint8)
        return ImageSet(images, torch.arange(self.num) % 2, ("even", "odd"))


class Generator(nn.Module):
    """Small generator of images [B 1 8 8] from latents z [B 4]."""

    latent_dim = 4

    def __init__(self, norm: Callable[[int], nn.Module] = lambda _: nn.Identity()) -> None:
        super().__init__()
        torch.manual_seed(1)  # the same weights each time
        self.layers = nn.Sequential(
            nn.Linear(4, 8),
            norm(8),
            nn.ReLU(),
            nn.Linear(8, PIXELS**2),
            nn.Tanh(),
            nn.Unflatten(1, (1, PIXELS, PIXELS)),
        )

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.layers(z)


class Discriminator(nn.Module):
    """Small discriminator that gives logits [B] of images [B 1 8 8]."""

    def __init__(self, dropout: float = 0.0, norm: Callable[[int], nn.Module] = lambda _: nn.Identity()) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(PIXELS**2, 8),
            norm(8),
            nn.LeakyReLU(0.2),
            nn.Dropout(dropout),
            nn.Linear(8, 1),
            nn.Flatten(0),
        )

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.layers(x)


SGD = partial(torch.optim.SGD, lr=0.1)
ADAM = partial(torch.optim.Adam, lr=0.01, betas=(0.5, 0.999), fused=True)  # as conf/optimizer/adam.yaml


def game(
    generator: nn.Module | None = None,
    discriminator: nn.Module | None = None,
    *,
    optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer] = ADAM,
    **options: Any,
) -> GAN:
    """A game with the same initial weights each time."""
    defaults: dict[str, Any] = {"loss": NonSaturating(), "ema": partial(MovingAverage, half_life_kimg=0.05), "seed": 3}
    return GAN(
        generator or Generator(),
        discriminator or Discriminator(),
        optimizer_generator=optimizer,
        optimizer_discriminator=optimizer,
        **(defaults | options),
    )


def fit(
    module: GAN,
    max_steps: int,
    *,
    batch_size: int = 8,
    resolution: int = PIXELS,
    callbacks: Iterable[Callback] = (),
    checkpoint: Path | None = None,
    **options: Any,
) -> Trainer:
    """Train a game without Hydra, and return the trainer."""
    data = Noise(batch_size=batch_size, n_critic=module.n_critic, resolution=resolution)
    return fit_on(data, module, max_steps, callbacks, checkpoint, **options)


def fit_on(
    data: StreamDataModule,
    module: Game,
    max_steps: int,
    callbacks: Iterable[Callback],
    checkpoint: Path | None,
    **options: Any,
) -> Trainer:
    """Train any game on any data without Hydra, and return the trainer."""
    trainer = Trainer(
        max_steps=max_steps,
        callbacks=list(callbacks),
        **{"accelerator": "cpu", "devices": 1, "logger": False} | options,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    return trainer


def weights(module: nn.Module) -> dict[str, Tensor]:
    """A copy of all parameters and buffers."""
    return {name: value.clone() for name, value in module.state_dict().items()}


def largest_difference(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> float:
    """Largest absolute difference between two state dicts, over all entries."""
    assert ours.keys() == theirs.keys()
    return max(float((ours[name].double() - theirs[name].double()).abs().max()) for name in ours)


class Slow(Callback):
    """Makes every iteration last at least a second."""

    def on_train_batch_start(self, trainer: Trainer, pl_module: GAN, batch: Any, batch_idx: int) -> None:
        time.sleep(1.0)


class Broken(Callback):
    """Raises an error after an iteration."""

    def __init__(self, after: int) -> None:
        self.after = after

    def on_train_batch_end(self, trainer: Trainer, pl_module: GAN, outputs: Any, batch: Any, batch_idx: int) -> None:
        if pl_module.iteration == self.after:
            raise ValueError("a bug in somebody's callback")


class Breaking(NonSaturating):
    """A loss with a bug that shows in G's fourth update, after D was updated already."""

    calls: ClassVar[int] = 0

    def generator(self, fake: Tensor, real: Callable[[], Tensor]) -> Tensor:
        Breaking.calls += 1
        if Breaking.calls == 4:
            raise ValueError("a bug in somebody's loss")
        return super().generator(fake, real)


class Poisoned(NonSaturating):
    """A loss of which D's is NaN in its updates ``bad``, counted from 1 over all attempts of the process."""

    calls: ClassVar[int] = 0
    bad: ClassVar[range] = range(13, 14)

    def discriminator(self, real: Tensor, fake: Tensor, draw: Any) -> Tensor:
        Poisoned.calls += 1
        loss = super().discriminator(real, fake, draw)
        return loss * torch.nan if Poisoned.calls in Poisoned.bad else loss


# ------------------------------------------------------------------------------------------------- whole runs

QUICK = (
    "data._target_=games.Noise",
    "~data.render_seed",
    "data.batch_size=8",
    "trainer.accelerator=cpu",
    "threads=1",
    "logger=[]",
    "callbacks.samples.every_kimg=null",
)
"""Words that make a run of any model short: an epoch has 5 iterations."""

TINY = (
    *QUICK,
    "model=mlp",
    "model.generator.widths=[8]",
    "model.generator.norm=batch",
    "model.discriminator.widths=[8]",
    "model.discriminator.norm=batch",
)
"""Words for a run of milliseconds that has what is hard to resume: batch norm, dropout and a moving average."""


def start(function: Callable[..., Any], *args: Any, output: Path) -> BaseProcess:
    """Call ``function`` in a process and process group of its own, which writes to the file ``output``."""
    process = FORK.Process(target=_run, args=(function, args, output))
    process.start()
    return process


def heed_signals() -> None:
    """Heed the signals that are ignored where a shell, or nohup, runs the tests in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _run(function: Callable[..., Any], args: tuple[Any, ...], output: Path) -> None:
    os.setpgid(0, 0)
    heed_signals()
    with output.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1) for number in (1, 2))
    function(*args)


def command(*words: str) -> None:
    """Do in this process what ``python train.py WORDS`` does."""
    sys.argv = ["train.py", *words]
    main()


def start_run(*words: str, output: Path) -> BaseProcess:
    """Start ``python train.py WORDS`` in the background, and return its process."""
    return start(command, *words, output=output)


def run(*words: str, output: Path, timeout: float = 120) -> int:
    """Run ``python train.py WORDS`` until its end, and return its status, which is negative for a signal."""
    return status(start_run(*words, output=output), timeout)


def status(process: BaseProcess, timeout: float) -> int:
    """Wait for the end of a process, and return its status; if it is late, it is killed and the test fails."""
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise AssertionError(f"the process did not end within {timeout} s")
    return process.exitcode


def wait_for(condition: Callable[[], Any], timeout: float, what: str) -> Any:
    """Evaluate ``condition`` until its value is true, and return the value."""
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {timeout} s"
        time.sleep(0.02)
    return answer


def rank_files(folder: Path, attempt: int = 0) -> list[dict[str, Any]]:
    """Contents of the files in which each process of an attempt wrote what it trains with, by rank."""
    files = sorted((folder / "attempts" / str(attempt)).glob("rank-*.json"))
    return [json.loads(file.read_text()) for file in files]


def pids(folder: Path, processes: int, attempt: int = 0, timeout: float = 60) -> list[int]:
    """Process ids of a run by rank, as soon as all of its processes train."""

    def found() -> list[int]:
        try:
            files = rank_files(folder, attempt)
        except json.JSONDecodeError:  # because the file is being written
            return []
        return [file["pid"] for file in files] if len(files) == processes else []

    return wait_for(found, timeout, f"{processes} processes in training")


def alive(pid: int) -> bool:
    """Whether a process runs, which a dead one that is not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def records(folder: Path) -> dict[tuple[int, str], float]:
    """Values in ``metrics.jsonl`` by iteration and name, without those that depend on the clock.

    The test fails if a pair of iteration and name occurs twice.
    """
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    keys = [(line["iteration"], line["name"]) for line in lines]
    assert len(keys) == len(set(keys))
    values = dict(zip(keys, (line["value"] for line in lines), strict=True))
    return {key: value for key, value in values.items() if key[1] != "images_per_second"}


def state(folder: Path, name: str = "last.ckpt") -> dict[str, Any]:
    """Contents of a checkpoint of a run."""
    return torch.load(folder / "checkpoints" / name, weights_only=True)
