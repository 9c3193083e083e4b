"""Train a classifier and write its weights file: ``python -m gan_lightning.metrics.extractors.train mnist``."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from gan_lightning.data.image_set import ImageSet
from gan_lightning.errors import UserError
from gan_lightning.metrics.extractors.settings import SETTINGS
from gan_lightning.metrics.extractors.training_loop import accuracy, train_classifier
from gan_lightning.metrics.extractors.weights_file import SHIPPED, SUFFIX, WeightsCard, load_classifier, save

UNFINISHED = ".unfinished"
"""Suffix of the file that is written after each epoch, and that stays if training is interrupted."""


@dataclass(frozen=True)
class TrainOptions:
    """Options of the command line."""

    name: str
    data_dir: str
    to: Path
    seed: int
    threads: int | None
    bfloat16: bool

    @property
    def command(self) -> str:
        """The command that gives the same weights, without the folders, which differ between machines."""
        words = [f"python -m gan_lightning.metrics.extractors.train {self.name} --seed {self.seed}"]
        words += [f"--threads {self.threads}"] if self.threads else []
        words += ["--bfloat16"] if self.bfloat16 else []
        return " ".join(words)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m gan_lightning.metrics.extractors.train", description=__doc__)
    parser.add_argument("name", choices=sorted(SETTINGS))
    parser.add_argument("--data-dir", default="data", help="folder of the data sets, as data.data_dir has it")
    parser.add_argument("--to", type=Path, default=SHIPPED, help="folder for the weights file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="default: one for each core")
    parser.add_argument("--bfloat16", action="store_true", help="fast on a CPU with AMX, slow on most others")
    options = TrainOptions(**vars(parser.parse_args(arguments)))
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        card = run(options)
    except UserError as error:
        sys.exit(str(error))
    print(f"{card.name}: {card.test_accuracy:.2%} of {card.test_images} test images")


def run(options: TrainOptions) -> WeightsCard:
    """Train a classifier, write ``to/name.safetensors`` and return the card that stands in this file.

    Raises:
        UserError: If the data can't be had.
    """
    settings = SETTINGS[options.name]
    data = settings.data(options.data_dir)
    data.prepare_data()
    train_set, test_set = data.load("train"), data.load("test")
    card = WeightsCard(
        name=options.name,
        channels=train_set.images.shape[1],
        resolution=train_set.images.shape[-1],
        widths=settings.widths,
        class_names=train_set.class_names,
        test_accuracy=None,
        test_images=len(test_set.images),
        data_sha256=content_hash(train_set),
        command=options.command,
        date=datetime.now(UTC).date().isoformat(),
        torch=torch.__version__,
    )
    path = options.to / f"{options.name}{SUFFIX}"
    unfinished = path.with_suffix(UNFINISHED)
    for model in train_classifier(train_set, settings, options.seed, options.bfloat16):
        save(unfinished, model, card)
    return finish(unfinished, path, test_set)


def finish(unfinished: Path, path: Path, test_set: ImageSet) -> WeightsCard:
    """Measure the 16-bit weights as they stand in the unfinished file, and write the final file with the accuracy."""
    model, card = load_classifier(unfinished)
    measured = replace(card, test_accuracy=accuracy(model, test_set))
    save(path, model, measured)
    unfinished.unlink()
    return measured


def content_hash(data: ImageSet) -> str:
    """SHA-256 of all images and labels of a data set."""
    assert data.labels is not None
    digest = hashlib.sha256(data.images.numpy().data)
    digest.update(data.labels.numpy().data)
    return digest.hexdigest()


if __name__ == "__main__":
    main()
