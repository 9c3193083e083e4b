"""Weights files of the small classifiers: safetensors, and in them what they were made of and how good they are."""

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
"""The folder of the files that come with the package."""
SUFFIX = ".safetensors"
KEY = "gan_lightning.classifier"
"""Of the safetensors metadata, which are strings by name: one JSON object under one key."""


@dataclass(frozen=True)
class WeightsCard:
    """What a weights file says of itself."""

    name: str
    channels: int
    resolution: int
    widths: tuple[int, ...]
    class_names: tuple[str, ...]
    test_accuracy: float | None
    """Of these very weights, 16 bits each, on the whole test split; None: not measured yet."""
    test_images: int
    data_sha256: str
    """Of the training images and their labels."""
    command: str
    """Gives the same weights on the same machine."""
    date: str
    torch: str
    """Its version."""


def build_classifier(card: WeightsCard) -> SmallClassifier:
    """The classifier that a card describes, untrained."""
    return SmallClassifier(channels=card.channels, widths=card.widths, num_classes=len(card.class_names))


def save(path: Path, model: SmallClassifier, card: WeightsCard) -> None:
    """Write the weights as 16-bit floats; a reader never sees half a file."""
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
    """The classifier in float32, and its card.

    Raises:
        UserError: if the file can't be read, is damaged or is not one of these.
    """
    try:
        with safe_open(path, "pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no mapping
            stored = json.loads((file.metadata() or {})[KEY])
        card = WeightsCard(**{**stored, "widths": tuple(stored["widths"]), "class_names": tuple(stored["class_names"])})
        model = build_classifier(card)
        model.load_state_dict(state)  # copies into float32
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path} is damaged, or no weights of a classifier as `make extractors` writes them ({reason}). "
            "The package's own files come back when it is installed again"
        ) from error
    return model.eval(), card
