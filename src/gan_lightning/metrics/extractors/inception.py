"""The Inception v3 of published FIDs: TensorFlow's weights of 2015-12-05, through torch-fidelity's port."""

from __future__ import annotations

import hashlib
import io
import pickle
from http.client import HTTPException
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from jaxtyping import UInt8
from torch import Tensor, nn

from gan_lightning.errors import UserError
from gan_lightning.metrics.extractors.frozen import FrozenExtractor
from gan_lightning.metrics.extractors.preparation import with_exact_channels
from gan_lightning.types import Bytes

FILE = "weights-inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}"
SHA256 = "6726825d"
"""First digits of the file's SHA-256: the form that torch.hub checks and that its file names carry."""


class InceptionExtractor(FrozenExtractor):
    """Features [N 2048] of the last pooling and probabilities [N 1008], as FID and the Inception score use them.

    The logits have no bias, as in the Inception score's own graph (torch-fidelity's "logits_unbiased").

    Args:
        weights: Path of the weights file. If it is None, the file is taken from torch.hub's folder of downloads, and
            downloaded if it is not there.
        sha256: First digits that the SHA-256 of the file must have. None accepts any weights, and the numbers are then
            not comparable with published ones.
        batch_size: Number of images that are computed at a time.

    Raises:
        UserError: If torch-fidelity is not installed, or the weights can't be had or are not the right ones.
    """

    def __init__(self, *, weights: str | None = None, sha256: str | None = SHA256, batch_size: int = 50) -> None:
        path = downloaded() if weights is None else Path(weights).expanduser()
        super().__init__(
            _FeaturesAndLogits(_network(_state(path, sha256), path)),
            _colour,
            name="inception",
            resize="to 299 x 299 colour, bilinear as in TensorFlow 1: corners not aligned, no antialiasing",
            batch_size=batch_size,
        )


class _FeaturesAndLogits(nn.Module):
    """The ported network, reduced to the two outputs that an extractor needs, in their order."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Bytes) -> tuple[Tensor, Tensor]:
        features, logits = self.network(images)
        return features, logits


def _colour(images: Bytes) -> UInt8[Tensor, "B 3 H W"]:
    colour = with_exact_channels(images, 3)
    return colour.to(torch.uint8)  # exact, because fractions come only from colour turned into grey


def downloaded() -> Path:
    """Path of the weights file in torch.hub's folder, downloaded by one process at a time if it is not there.

    Raises:
        UserError: If the file can't be downloaded.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{FILE}.lock")):
            if not path.is_file():
                torch.hub.download_url_to_file(URL, str(path), hash_prefix=SHA256)
    except (OSError, HTTPException, RuntimeError) as error:
        raise UserError(
            f"the weights of Inception can't be had: {path} is missing, and the download failed ({error}). Fetch "
            f"{URL} on another machine and put it there, or say where it is by the extractor's weights=FILE, or "
            "take an extractor that needs no download: evaluator=cifar10"
        ) from error
    return path


def _state(path: Path, sha256: str | None) -> dict[str, Tensor]:
    """The tensors in a weights file, by name.

    Raises:
        UserError: If the file is missing, has another hash, or holds anything but tensors.
    """
    try:
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if sha256 is not None and not found.startswith(sha256):
            raise UserError(
                f"{path} is not {FILE}: its SHA-256 begins with {found[:8]} and not with {sha256}. "
                f"Remove it and fetch {URL}"
            )
        state: dict[str, Tensor] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except OSError as error:
        raise UserError(f"the weights of Inception can't be read: {error}") from error
    except (RuntimeError, EOFError, ValueError, LookupError, pickle.UnpicklingError) as error:
        raise UserError(
            f"{path} holds no weights that are safe to read: it is damaged, or more than tensors"
        ) from error
    return state


def _network(state: dict[str, Tensor], path: Path) -> nn.Module:
    """torch-fidelity's network with these weights.

    Raises:
        UserError: If torch-fidelity is not installed, or the weights belong to another network.
    """
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        raise UserError("Inception needs torch-fidelity: pip install 'gan-lightning[inception]'") from error
    clean = io.BytesIO()  # its constructor unpickles the file, so it gets one that we wrote from checked tensors
    torch.save(state, clean)
    clean.seek(0)
    try:
        network: Any = FeatureExtractorInceptionV3("inception", ["2048", "logits_unbiased"], clean)
    except (RuntimeError, TypeError) as error:
        raise UserError(f"{path} holds the weights of another network: {FILE} is needed, from {URL}") from error
    assert isinstance(network, nn.Module)
    return network
