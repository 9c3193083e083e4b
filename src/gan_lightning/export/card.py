"""The model card: the ``README.md`` of an export, in the form that the Hugging Face hub reads."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_lightning.export.recipe import commands, described, numbers, parts_in_words
from gan_lightning.images import QUANTISATION
from gan_lightning.runs.exported import CONFIG, WEIGHTS
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.loading import Trained
from gan_lightning.runs.provenance import versions

PICTURE = "samples.png"
"""File of the samples that the card shows."""
SLUG = re.compile(r"[a-z0-9][a-z0-9.+-]*")
"""Form in which the hub writes the names of licences."""


@dataclass(frozen=True)
class Card:
    """The model card of an exported generator.

    Args:
        trained: The generator.
        run: The generator's run folder, which holds commands and measurements.
        differences: Largest difference of a pixel between each file of the export and the generator, by format.
        shape: Shape of an image, [C H W].
        samples: Number of images on the picture; their seeds count up from 0.
        license: Name of the licence as the hub writes it.
    """

    PIPELINE: ClassVar[str] = "unconditional-image-generation"
    """Name of the task in the model hub's own list, such as "image-to-image"."""

    trained: Trained
    run: RunFolder
    differences: Mapping[str, float]
    shape: Sequence[int]
    samples: int
    license: str

    def text(self) -> str:
        """The whole text of ``README.md``."""
        data = plain(str(self.trained.config["data"]["_target_"]).rsplit(".", 1)[-1])
        network = type(self.trained.generator).__name__.removesuffix("Generator")
        parts = [
            _front_matter(self.license, self.PIPELINE),
            f"# {network} on {data}",
            self._introduction(),
            *self._pictures(),
            "## Use",
            *self._use(),
            "## What it is",
            _table(("", ""), self._facts().items()),
            "## How it was trained",
            code("bash", commands(self.run)),
            _table(("part", "is"), ((plain(n), plain(p)) for n, p in parts_in_words(self.trained.config).items())),
            "## How good it is",
            self._quality(),
            "## Licence",
            self._licence(),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _pictures(self) -> list[str]:
        seeds = f"*The seeds 0 to {self.samples - 1}, none left out.*"
        return [f"![{self.samples} samples]({PICTURE})", seeds]

    def _introduction(self) -> str:
        channels, height, width = self.shape
        kind = {1: "grey", 3: "colour"}[channels]
        classes = f" in {self.trained.num_classes} classes" if self.trained.num_classes else ""
        return f"A generative adversarial network that draws {kind} images of {height} x {width} pixels{classes}."

    def _use(self) -> list[str]:
        classes = self.trained.num_classes
        labels = f", torch.randint({classes}, (16,))" if classes else ""
        size = " ".join(map(str, self.shape))
        draw = [
            f"images = generator(torch.randn(16, {self.trained.latent_dim}){labels})  # [16 {size}] in [-1, 1]",
            "pixels = images.mul(127.5).add(127.5).round().clamp(0, 255).byte()",
        ]
        parts = [
            f"With gan-lightning, from `{WEIGHTS}` and `{CONFIG}`, which can't make code run:",
            code("python", ["import gan_lightning, torch", "", 'generator = gan_lightning.load("FOLDER")', *draw]),
        ]
        if "torch" in self.differences:
            load = 'generator = torch.export.load("generator.pt2").module()'
            parts += [
                f"With torch alone (written by {versions(['torch'])['torch']}; `torch.export.load` unpickles, so load "
                "files of people whom you trust only). `python sample.py` writes PNG files so:",
                code("python", ["import torch", "", load, *draw]),
            ]
        if "onnx" in self.differences:
            inputs = "`z` and `y`" if classes else "`z`"
            parts.append(f"`generator.onnx` takes {inputs}, batches of any size, and gives `images`.")
        return parts

    def _facts(self) -> dict[str, str]:
        trained = self.trained
        parameters = sum(parameter.numel() for parameter in trained.generator.parameters())
        facts = {
            "generator": f"{type(trained.generator).__name__}, {parameters:,} parameters, {trained.weights} weights",
            **self._inputs_and_outputs(),
            "seen in training": f"{trained.counters['images_seen']:,} real images",
            "sha256 of the weights": f"`{trained.sha256()}`",
        }
        for name, difference in self.differences.items():
            facts[f"{name} against the generator"] = f"no pixel in [-1, 1] differs by more than {difference:.1g}"
        return facts

    def _inputs_and_outputs(self) -> Mapping[str, str]:
        trained = self.trained
        labels = f", labels 0 to {trained.num_classes - 1}" if trained.num_classes else ""
        if trained.num_classes and trained.class_names:
            labels += f" ({', '.join(map(plain, trained.class_names))})"
        return {
            "input": f"{trained.latent_dim} latents from {plain(described(trained.nodes['prior']))}{labels}",
            "output": f"[{' '.join(map(str, self.shape))}] in [-1, 1]; bytes are {QUANTISATION}",
        }

    def _quality(self) -> str:
        tables: dict[str, list[tuple[str, str]]] = {}
        for each in numbers(self.run, self.trained.weights, self.trained.counters["iteration"]):
            error = "" if each["error"] is None else f" ± {each['error']:.2g}"
            how = plain(_measured_how(each["protocol"]))
            row = plain(each["name"]), f"{each['value']:.4g}{error}"
            tables[how] = [*tables.pop(how, []), row]  # the newest is last
        if not tables:
            return "Not measured. `python evaluate.py RUN_FOLDER` does."
        newest_first = reversed(tables.items())
        return "\n\n".join(f"{how}:\n\n{_table(('metric', 'value'), rows)}" for how, rows in newest_first)

    def _licence(self) -> str:
        return (
            f"{self.license}. The images that it learned from have terms of their own, and so may what it draws."
            if self.license != "unknown"
            else "Not stated. The images that it learned from have terms of their own."
        )


def _measured_how(protocol: Mapping[str, Any]) -> str:
    real = f"{protocol['data']} ({protocol['split']}, {protocol['data_hash']})"
    images = f"{protocol['n_fake']:,} images against {protocol['n_real']:,} of {real}"
    return f"{images}, by the features of {protocol['extractor']} ({protocol['extractor_hash']})"


def _front_matter(license: str, pipeline: str) -> str:
    values = {"library_name": "gan-lightning", "pipeline_tag": pipeline, "license": license}
    lines = [f"{key}: {value}" for key, value in values.items()]
    return "\n".join(["---", *lines, "tags:", "- gan", "- image-generation", "---"])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells)


def code(language: str, lines: Sequence[str]) -> str:
    """A block of code in Markdown; empty if there are no lines."""
    fence = "`" * max(3, 1 + _longest_run("".join(lines)))
    return "\n".join([f"{fence}{language}", *map(_printable, lines), fence]) if lines else ""


def plain(text: str) -> str:
    """A text that Markdown shows as it is, because a configuration may hold anything: no HTML, no links, one line."""
    shown = re.sub(r"[\\`*]", r"\\\g<0>", html.escape(_printable(text), quote=False))
    return shown.replace("](", r"]\(")


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
