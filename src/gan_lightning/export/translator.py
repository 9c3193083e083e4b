"""The parts of an export that are different for a generator from images to images."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Generator, nn

from gan_lightning.export.card import PICTURE, Card, code
from gan_lightning.export.programs import Inputs
from gan_lightning.generate.translating import LEAST, channels_taken
from gan_lightning.images import QUANTISATION
from gan_lightning.runs.exported import CONFIG, WEIGHTS
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.loading import Trained
from gan_lightning.runs.provenance import versions

SIZES = ((1, 2, 3), (2, 4, 2), (3, 1, 1))
"""Batch, height and width of the images that are compared, both sides as multiples of the smallest side."""


def multiple_of(generator: nn.Module) -> int:
    """Number of pixels of which the height and the width of its images must be multiples."""
    return int(getattr(generator, "multiple_of", 1))


def inputs(generator: nn.Module) -> list[Inputs]:
    """Batches of random images of three sizes, by which programs are compared."""
    random, side = Generator().manual_seed(0), -(-LEAST // multiple_of(generator)) * multiple_of(generator)
    shapes = ((batch, channels_taken(generator), rows * side, columns * side) for batch, rows, columns in SIZES)
    return [(2 * torch.rand(shape, generator=random) - 1,) for shape in shapes]


def configuration(trained: Trained, name: str | None) -> dict[str, Any]:
    """The content of ``config.json``: all that is needed to translate, and where the generator came from."""
    return {
        **trained.nodes,
        "name": name,
        "weights": trained.weights,
        "sha256": trained.sha256(),
        "trained": dict(trained.counters),
        "in_channels": channels_taken(trained.generator),
        "multiple_of": multiple_of(trained.generator),
        "least": LEAST,
        "range": [-1, 1],
        "bytes": QUANTISATION,
        "versions": versions(("gan-lightning", "torch")),
    }


def copy_sheet(run: RunFolder, folder: Path) -> bool:
    """Copy the last sheet of the run, which shows inputs beside outputs; gives whether there was one."""
    sheets = list(run.sheets().values())
    if sheets:
        shutil.copyfile(sheets[-1], folder / PICTURE)
    return bool(sheets)


@dataclass(frozen=True)
class TranslatorCard(Card):
    """The model card of an exported generator from images to images; ``samples`` is 0 if there is no sheet."""

    PIPELINE: ClassVar[str] = "image-to-image"

    def _introduction(self) -> str:
        generator = self.trained.generator
        kind = {1: "grey", 3: "colour"}.get(channels_taken(generator), f"{channels_taken(generator)}-channel")
        return f"A generative adversarial network that translates {kind} pictures of any size into another domain."

    def _pictures(self) -> list[str]:
        if not self.samples:
            return []
        rows = "*Rows of inputs and outputs as in training, held-out pictures where there are some.*"
        return [f"![inputs and outputs]({PICTURE})", rows]

    def _use(self) -> list[str]:
        run = ["translated = generator(images)  # [B C H W] in [-1, 1], both sides multiples of " + str(self._multiple)]
        load = ["import gan_lightning, torch", "", 'generator = gan_lightning.load("FOLDER")', *run]
        parts = [
            f"With gan-lightning, from `{WEIGHTS}` and `{CONFIG}`, which can't make code run; "
            "`python generate.py FOLDER from=PICTURES` takes files of any size:",
            code("python", load),
        ]
        if "torch" in self.differences:
            parts += [
                f"With torch and Pillow alone (written by {versions(['torch'])['torch']}; `torch.export.load` "
                "unpickles, so load files of people whom you trust only):",
                code("bash", ["python translate.py photo.jpg translated.png"]),
            ]
        if "onnx" in self.differences:
            parts.append(
                f"`generator.onnx` takes `images` of any batch, height and width (multiples of {self._multiple}), and "
                "gives `translated`."
            )
        return parts

    def _inputs_and_outputs(self) -> Mapping[str, str]:
        sides = f"both sides multiples of {self._multiple}"
        return {
            "input": f"[{channels_taken(self.trained.generator)} H W] in [-1, 1], {sides}",
            "output": f"an image of the same size in [-1, 1]; bytes are {QUANTISATION}",
        }

    @property
    def _multiple(self) -> int:
        return multiple_of(self.trained.generator)
