"""Weights files of the small classifiers: safetensors with a card that says how the weights were made."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialized

from gan_lightning.errors import UserError
from gan_lightning.metrics.extractors.classifier import SmallClassifier

SHIPPED = Path(__file__).resolve().with_name("weights")
"""The folder of the weights files that come with the package."""
SUFFIX = ".safetensors"
KEY = "gan_lightning.classifier"
"""Name of the card in the metadata of the safetensors file, which are strings by name: the card is one as JSON."""


@dataclass(frozen=True)
class WeightsCard:
    """Description of a classifier, its training and its accuracy, which stands in its weights file."""

    name: str
    channels: int
    resolution: int
    widths: tuple[int, ...]
    class_names: tuple[str, ...]
    test_accuracy: float | None
    """Accuracy of these very weights, 16 bits each, on the whole test split, or None if it is not measured yet."""
    test_images: int
    data_sha256: str
    """SHA-256 of the training images and their labels."""
    command: str
    """Command that gives the same weights on the same machine."""
    date: str
    torch: str
    """Version of torch."""
    tells_classes: bool = True
    """Whether the classes are those of the data; they are turns of the images if the data have none."""


def build_classifier(card: WeightsCard) -> SmallClassifier:
    """The untrained classifier that a card describes."""
    return SmallClassifier(channels=card.channels, widths=card.widths, num_classes=len(card.class_names))


def save(path: Path, model: SmallClassifier, card: WeightsCard) -> None:
    """Write the weights as 16-bit floats, in such a way that a reader never sees half a file."""
    halves = {
        name: value.half().contiguous() if value.is_floating_point() else value.contiguous()
        for name, value in model.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(serialized(halves, {KEY: json.dumps(asdict(card))}))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_classifier(path: Path) -> tuple[SmallClassifier, WeightsCard]:
    """Read a weights file into a classifier in float32 and its card.

    Raises:
        UserError: If the file can't be read, is damaged or is not the weights file of a classifier.
    """
    try:
        with safe_open(path, "pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # the file is not a mapping
            stored = json.loads((file.metadata() or {})[KEY])
        card = WeightsCard(**{**stored, "widths": tuple(stored["widths"]), "class_names": tuple(stored["class_names"])})
        model = build_classifier(card)
        model.load_state_dict(state)  # copies the 16-bit floats into float32
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path} is damaged, or no weights of a classifier as `make extractors` writes them ({reason}). "
            "The package's own files come back when it is installed again"
        ) from error
    return model.eval(), card
