"""A race of recipes at equal seconds of training: ``make race``, or python benchmarks/race.py --help.

Contestants are a tutorial's loop, which is written out below, and recipes of this framework, each the words of a
command line. All take turns on the same machine: everyone trains up to the first point, then everyone up to the second,
seed after seed. Seconds are those of training alone, without start-up, sheets or measuring. At each point 5,000 samples
are measured against the training images by the features of the data's own evaluator.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import Tensor, nn
from torch.nn.functional import pad, softplus

from gan_lightning.config.compose import config_folder, resolve
from gan_lightning.config.instantiate import build
from gan_lightning.data import ImageDataModule
from gan_lightning.games.player import frozen
from gan_lightning.games.priors import Normal
from gan_lightning.quality import Evaluator, Fakes, real_images
from gan_lightning.runs.loading import stored_at
from gan_lightning.train.settle import build_data
from gan_lightning.types import Images

CPU = torch.device("cpu")
METRICS = ("fid", "precision_recall")
SHOWN = ("fid", "precision", "recall")
LATENT_DIM, WIDTH = 100, 32


@dataclass
class Entry:
    """A generator that is measured, and how its latents are drawn."""

    weights: str
    generator: nn.Module
    prior: Any
    latent_dim: int


class Contestant(Protocol):
    """Somebody who trains for some seconds, can be asked for generators, and then goes on training."""

    name: str
    images: int
    seconds: float

    def train_until(self, seconds: float) -> None:
        """Train until so many seconds of training have been spent in all."""

    def entries(self) -> Iterable[Entry]:
        """The generators as they are now."""


class Cut(nn.Module):
    """The loop's generator, with the padding of its images cut away."""

    def __init__(self, generator: nn.Module, margin: int) -> None:
        super().__init__()
        self.generator, self.margin = generator, margin

    def forward(self, z: Tensor, y: Tensor | None = None) -> Images:
        """Images [B C H W] of latents [B Z]."""
        images: Tensor = self.generator(z[:, :, None, None])
        return images[..., self.margin : -self.margin, self.margin : -self.margin] if self.margin else images


class TutorialsLoop:
    """DCGAN at 32 x 32 pixels as tutorials write it: batch norm, Adam, D's fakes used again in G's step, no average."""

    def __init__(self, name: str, data: ImageDataModule, seed: int, *, batch: int, lr: float) -> None:
        torch.manual_seed(seed)
        self.name, self.batch, self.images, self.seconds = name, batch, 0, 0.0
        source = data.train_set.images
        self.margin = (32 - source.shape[-1]) // 2
        self.real = pad(source.float() / 127.5 - 1, [self.margin] * 4, value=-1.0)
        channels, w = source.shape[1], WIDTH
        self.g = nn.Sequential(
            *(nn.ConvTranspose2d(LATENT_DIM, 4 * w, 4, 1, 0, bias=False), nn.BatchNorm2d(4 * w), nn.ReLU(True)),
            *(nn.ConvTranspose2d(4 * w, 2 * w, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * w), nn.ReLU(True)),
            *(nn.ConvTranspose2d(2 * w, w, 4, 2, 1, bias=False), nn.BatchNorm2d(w), nn.ReLU(True)),
            *(nn.ConvTranspose2d(w, channels, 4, 2, 1, bias=False), nn.Tanh()),
        )
        self.d = nn.Sequential(
            *(nn.Conv2d(channels, w, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)),
            *(nn.Conv2d(w, 2 * w, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * w), nn.LeakyReLU(0.2, True)),
            *(nn.Conv2d(2 * w, 4 * w, 4, 2, 1, bias=False), nn.BatchNorm2d(4 * w), nn.LeakyReLU(0.2, True)),
            *(nn.Conv2d(4 * w, 1, 4, 1, 0, bias=False), nn.Flatten(0)),
        )
        for module in [*self.g.modules(), *self.d.modules()]:
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, 0.0, 0.02)
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1.0, 0.02)
        self.opt_g = torch.optim.Adam(self.g.parameters(), lr=lr, betas=(0.5, 0.999), fused=True)
        self.opt_d = torch.optim.Adam(self.d.parameters(), lr=lr, betas=(0.5, 0.999), fused=True)
        self.order = torch.randperm(len(self.real))
        self.at = 0

    def train_until(self, seconds: float) -> None:
        """Train until so many seconds of training have been spent in all."""
        self.g.train()
        parameters = list(self.d.parameters())
        start = time.perf_counter() - self.seconds
        while (spent := time.perf_counter() - start) < seconds:
            if self.at + self.batch > len(self.order):
                self.order, self.at = torch.randperm(len(self.real)), 0
            real = self.real[self.order[self.at : self.at + self.batch]]
            self.at += self.batch
            fake = self.g(torch.randn(self.batch, LATENT_DIM, 1, 1))
            self.opt_d.zero_grad(set_to_none=True)
            (softplus(-self.d(real)).mean() + softplus(self.d(fake.detach())).mean()).backward()
            self.opt_d.step()
            with frozen(parameters):
                self.opt_g.zero_grad(set_to_none=True)
                softplus(-self.d(fake)).mean().backward()
            self.opt_g.step()
            self.images += self.batch
        self.seconds = spent

    def entries(self) -> Iterable[Entry]:
        """The generator, which is raw: a loop has no average."""
        yield Entry("raw", Cut(self.g, self.margin), Normal(), LATENT_DIM)


class Recipe:
    """A recipe of this framework, trained by ``train.py`` and then by ``resume=``."""

    def __init__(self, name: str, words: Sequence[str], seed: int, folder: Path, threads: int | None) -> None:
        self.name, self.folder, self.images, self.seconds = name, folder, 0, 0.0
        self.words = [*words, f"seed={seed}", f"hydra.run.dir={folder}", "trainer.enable_progress_bar=false"]
        self.words += ["callbacks.samples.every_kimg=null", *([f"threads={threads}"] if threads else [])]

    def train_until(self, seconds: float) -> None:
        """Train until so many seconds of training have been spent in all; a run that is there goes on."""
        hours, rest = divmod(int(seconds), 3600)
        budget = f"trainer.max_time=00:{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
        words = [f"resume={self.folder}"] if self.folder.exists() else self.words
        subprocess.run([sys.executable, "train.py", *words, budget], check=True, stdout=subprocess.DEVNULL)
        summary = json.loads((self.folder / "summary.json").read_text())
        self.images, self.seconds = summary["images"], summary["seconds"]

    def entries(self) -> Iterable[Entry]:
        """The average, and the raw weights."""
        for weights in ("averaged", "raw"):
            trained = stored_at(self.folder).trained(averaged=weights == "averaged")
            yield Entry(weights, trained.generator, trained.draws(), trained.latent_dim)


def measured(evaluator: Evaluator, data: ImageDataModule, entry: Entry) -> Mapping[str, float]:
    """The numbers of one generator, by name."""
    real = real_images(data, evaluator.split)
    labels = data.train_set.labels if getattr(entry.generator, "num_classes", 0) else None
    fakes = Fakes(entry.prior, entry.latent_dim, labels, evaluator.n_fake, evaluator.seed, evaluator.batch_size)
    fake = evaluator.fake(fakes, entry.generator.eval(), CPU, report=False)
    protocol = evaluator.protocol(real, len(fake), entry.weights)
    numbers = evaluator.numbers(evaluator.real(real, CPU, report=False), fake, protocol, report=False)
    return {number.name: number.value for number in numbers}


def set_up(words: Sequence[str], n_fake: int) -> tuple[ImageDataModule, Evaluator]:
    """The data and their evaluator, as the words of the command line say."""
    with initialize_config_dir(config_folder(), version_base="1.3"):
        config = compose("train", [*words, f"evaluator.n_fake={n_fake}"])
    OmegaConf.set_struct(config, False)
    config.run = {"folder": str(Path.cwd()), "attempt": 0, "resume_at": None}
    data = build_data(resolve(config)["data"])
    assert isinstance(data, ImageDataModule)
    config.data.channels, config.data.resolution = data.channels, data.resolution
    evaluator: Evaluator = build(resolve(config)["evaluator"], "evaluator")
    return data, evaluator.only(METRICS)


def race(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Let everyone train in turn, and give a row for each contestant, seed, point and kind of weights."""
    threads = arguments.threads or os.cpu_count() or 1
    torch.set_num_threads(threads)
    data, evaluator = set_up(arguments.data, arguments.samples)
    rows = []
    for seed in arguments.seeds:
        contestants: list[Contestant] = [TutorialsLoop("tutorial's loop", data, seed, batch=64, lr=2e-4)]
        if arguments.batch and arguments.lr:
            name = f"the loop with batch {arguments.batch} and rate {arguments.lr:g}"
            contestants.append(TutorialsLoop(name, data, seed, batch=arguments.batch, lr=arguments.lr))
        for i, recipe in enumerate(arguments.recipe):
            words = [*arguments.data, *recipe.split()]
            folder = arguments.to / f"recipe-{i}" / f"seed-{seed}"
            contestants.append(Recipe(" ".join(("train.py", *words)), words, seed, folder, arguments.threads))
        for point in arguments.points:
            for contestant in contestants:
                contestant.train_until(point)
                for entry in contestant.entries():
                    numbers = measured(evaluator, data, entry)
                    row = {"name": contestant.name, "seed": seed, "point": point, "weights": entry.weights}
                    row |= {"seconds": round(contestant.seconds, 1), "images": contestant.images}
                    rows.append(row | {each: numbers[each] for each in SHOWN} | {"load": os.getloadavg()[0]})
                    print(json.dumps(rows[-1]), flush=True)
                    with (arguments.to / "race.jsonl").open("a") as file:
                        file.write(json.dumps(rows[-1]) + "\n")
    return rows


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The means over the seeds in Markdown, with FID as a multiple of that of the tutorial's loop."""
    lines = ["| seconds | recipe | weights | images | FID | of the loop's | precision | recall |", "|---" * 8 + "|"]
    for point in sorted({row["point"] for row in rows}):
        here = [row for row in rows if row["point"] == point]
        loops = fmean(row["fid"] for row in here if row["name"] == here[0]["name"])
        for name, weights in dict.fromkeys((row["name"], row["weights"]) for row in here):
            own = [row for row in here if (row["name"], row["weights"]) == (name, weights)]
            fids = [row["fid"] for row in own]
            images, precision, recall = (fmean(row[key] for row in own) for key in ("images", "precision", "recall"))
            lines.append(
                f"| {point:g} | {name} | {weights} | {images:,.0f} | {fmean(fids):.2f} ({min(fids):.2f} to "
                f"{max(fids):.2f}) | {fmean(fids) / loops:.2f} | {precision:.2f} | {recall:.2f} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Run the race and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=str.split, default=["data=mnist"], help="words that choose the data")
    parser.add_argument("--recipe", action="append", help="words of a recipe; give it once for each (default: none)")
    parser.add_argument("--batch", type=int, help="batch size of a second loop, to tell a recipe's constants from it")
    parser.add_argument("--lr", type=float, help="learning rate of the second loop")
    parser.add_argument("--points", type=float, nargs="+", default=[60, 130, 260, 520], help="seconds of training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--samples", type=int, default=5000, help="number of samples that are measured")
    parser.add_argument("--threads", type=int, help="CPU threads of every contestant (default: all cores)")
    parser.add_argument("--to", type=Path, default=Path("runs/race"), help="folder of the runs and of race.jsonl")
    arguments = parser.parse_args()
    arguments.recipe = arguments.recipe or [""]
    if arguments.to.exists() and any(arguments.to.iterdir()):
        sys.exit(f"--to {arguments.to} is not empty: give a new folder")
    arguments.to.mkdir(parents=True, exist_ok=True)
    busy = os.getloadavg()[0]
    if busy > 0.5:
        print(f"The machine is busy (load {busy:.1f}): contestants take turns, but compare ratios alone.", flush=True)
    print(table(race(arguments)))


if __name__ == "__main__":
    main()
