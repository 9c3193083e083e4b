"""Train an extractor on your own pictures: ``python -m gan_lightning.metrics.extractors.own pictures/ --to judge``.

If the pictures lie in folders of classes, the network learns the classes. If not, it learns by how many quarters a
picture has been turned (Gidaris et al. 2018, https://arxiv.org/abs/1803.07728), which needs no labels and the same kind
of features. Before the extractor may judge, it has to rank images whose order is known.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from gan_lightning.data.image_set import ImageSet
from gan_lightning.data.pictures.folder import Folder
from gan_lightning.errors import UserError
from gan_lightning.metrics.extractors.ranking import ranking, require_ranking
from gan_lightning.metrics.extractors.settings import Settings
from gan_lightning.metrics.extractors.shipped import ClassifierExtractor
from gan_lightning.metrics.extractors.train import UNFINISHED, content_hash, finish
from gan_lightning.metrics.extractors.training_loop import train_classifier
from gan_lightning.metrics.extractors.weights_file import SUFFIX, WeightsCard, save
from gan_lightning.types import Bytes

UPDATES = 400
"""About how many steps of SGD are made, which are some minutes of two cores at 32 x 32 pixels."""
LEAST, MOST = 4, 200
"""Smallest and largest number of epochs."""
LARGEST_BATCH = 256
TURNS = ("upright", "a quarter to the left", "upside down", "a quarter to the right")
HELD_OUT = 0.2
"""Share of the pictures by which the accuracy and the ranking are measured."""
FEWEST = 100
"""Smallest number of pictures that are learned from."""


@dataclass(frozen=True)
class OwnOptions:
    """Options of the command line."""

    root: str
    to: Path
    name: str
    resolution: int
    seed: int
    threads: int | None
    flip: bool


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, train and say what came out."""
    parser = argparse.ArgumentParser(
        prog="python -m gan_lightning.metrics.extractors.own",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("root", help="folder or zip of the pictures; folders right below it are classes")
    parser.add_argument("--to", type=Path, default=Path(), help="folder for the weights file (default: here)")
    parser.add_argument("--name", default="own", help="name of the extractor in protocols, and of its file")
    parser.add_argument("--resolution", type=int, default=32, help="pixels a side that it sees")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="default: one for each core")
    parser.add_argument("--no-flip", dest="flip", action="store_false", help="left and right matter, as for letters")
    options = OwnOptions(**vars(parser.parse_args(arguments)))
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        path, card = run(options)
    except UserError as error:
        sys.exit(f"error: {error}")
    what = "the class" if card.tells_classes else "the turn"
    print(
        f"{card.name}: it tells {what} of {card.test_accuracy:.1%} of {card.test_images:,} pictures that it never saw"
    )
    print(f"measure with it: evaluator.extractor.weights={path}")


def run(options: OwnOptions) -> tuple[Path, WeightsCard]:
    """Train the extractor, let it rank images whose order is known, and write its file if it ranks them rightly.

    Returns:
        The file, and the card that stands in it.

    Raises:
        UserError: If the pictures can't be used, or the extractor ranks them wrongly.
    """
    data = pictures(options.root, options.resolution)
    data.prepare_data()
    train_set, test_set = data.split("train"), data.split("test")
    if len(train_set.images) < FEWEST:
        raise UserError(
            f"{options.root} has {len(train_set.images)} pictures to learn from, and {FEWEST} are needed: "
            "take evaluator=cifar10."
        )
    labelled = len(train_set.class_names) > 1
    learned, told = (train_set, test_set) if labelled else (turned(train_set), turned(test_set))
    settings = settings_for(len(learned.images), flip=options.flip and labelled)
    card = WeightsCard(
        name=options.name,
        channels=learned.images.shape[1],
        resolution=options.resolution,
        widths=settings.widths,
        class_names=learned.class_names,
        test_accuracy=None,
        test_images=len(told.images),
        data_sha256=content_hash(learned),
        command=f"python -m gan_lightning.metrics.extractors.own PICTURES --seed {options.seed} "
        f"--resolution {options.resolution}",
        date=datetime.now(UTC).date().isoformat(),
        torch=torch.__version__,
        tells_classes=labelled,
    )
    path = options.to / f"{options.name}{SUFFIX}"
    unfinished, candidate = path.with_suffix(UNFINISHED), path.with_suffix(".candidate")
    for model in train_classifier(learned, settings, options.seed):
        save(unfinished, model, card)
    measured = finish(unfinished, candidate, told)
    try:
        ranks = ranking(ClassifierExtractor(weights=str(candidate)), train_set.images, test_set.images)
        for name, distance in ranks.items():
            print(f"  {distance:10.3g}  {name}")
        require_ranking(ranks)
        candidate.replace(path)
    finally:
        candidate.unlink(missing_ok=True)
    return path, measured


def pictures(root: str, resolution: int = 32) -> Folder:
    """The pictures in a folder or zip, of which a share is held out."""
    return Folder(root=root, resolution=resolution, test_share=HELD_OUT, batch_size=1)


def settings_for(count: int, flip: bool) -> Settings:
    """Settings of the training on so many images, in about as many updates for few as for many."""
    batch = max(min(LARGEST_BATCH, count // 8), 1)
    epochs = min(max(round(UPDATES * batch / count), LEAST), MOST)
    return replace(OWN, epochs=epochs, flip=flip, batch_size=batch)


def turned(data: ImageSet) -> ImageSet:
    """Every image in its four turns, which are the classes."""
    turns: list[Bytes] = [torch.rot90(data.images, turn, (2, 3)) for turn in range(len(TURNS))]
    labels = torch.arange(len(TURNS)).repeat_interleave(len(data.images))
    return ImageSet(torch.cat(turns).contiguous(), labels, TURNS)


OWN = Settings(pictures, (64, 128, 192), epochs=LEAST, flip=True)


if __name__ == "__main__":
    main()
