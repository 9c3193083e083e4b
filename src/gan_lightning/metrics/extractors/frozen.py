"""Frozen networks as extractors: what all of them share, and any module by config."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from gan_lightning.errors import UserError
from gan_lightning.metrics.extractors.preparation import Square
from gan_lightning.metrics.metric import Sample
from gan_lightning.types import Bytes


class FrozenExtractor:
    """A network that only looks on; implements :class:`gan_lightning.metrics.extractors.Extractor`.

    It is no ``nn.Module``, so that no module takes it for a part: its weights get into no checkpoint and no optimizer,
    and ``train()`` does not reach it. Whatever the state around it, it computes in evaluation mode, without gradients,
    in float32 (convolutions without TF32), and an image's features do not depend on what else is in the batch.

    Args:
        module: takes what ``prepare`` gives, and gives features [B F], or a pair of features and logits [B K].
        prepare: bytes [B C H W] of any size to the module's input.
        name: what a protocol calls it.
        resize: what ``prepare`` does, in words; stands in the protocol.
        class_names: of the logits; empty where they have none.
        batch_size: images at a time.
        settings: what else decides the features, in words.

    Attributes:
        hash: of the weights, the name, the resize and the settings, so that features kept under it are never another
            extractor's.
        num_features: F, found by a trial.
        classifies: Whether the module gives logits, found by the same.
    """

    def __init__(
        self,
        module: nn.Module,
        prepare: Callable[[Bytes], Tensor],
        *,
        name: str,
        resize: str,
        class_names: tuple[str, ...] = (),
        batch_size: int = 200,
        settings: tuple[str, ...] = (),
    ) -> None:
        self.module = module.requires_grad_(False)
        self.prepare = prepare
        self.name = name
        self.resize = resize
        self.class_names = class_names
        self.batch_size = batch_size
        self.hash = fingerprint(module.state_dict(), name, resize, *settings)
        self.device = torch.device("cpu")
        tried = self._tried()
        self.num_features = tried.features.shape[1]
        self.classifies = tried.probabilities is not None

    def to(self, device: torch.device | str) -> FrozenExtractor:
        """Itself, on ``device``."""
        self.device = torch.device(device)
        self.module.to(self.device)
        return self

    def __call__(self, images: Bytes) -> Sample:
        """Features [N F] and probabilities [N K] of N images, both float32 and on the extractor's device.

        Raises:
            UserError: for images with neither 1 nor 3 channels.
        """
        self.module.eval()  # whoever else holds the module may have changed that
        chunks = [self._chunk(chunk.to(self.device)) for chunk in torch.split(images, self.batch_size)]
        probabilities = [chunk.probabilities for chunk in chunks if chunk.probabilities is not None]
        return Sample(
            torch.cat([chunk.features for chunk in chunks]), torch.cat(probabilities) if probabilities else None
        )

    def _chunk(self, images: Bytes) -> Sample:
        exact = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False), exact:
            found = self.module(self.prepare(images))
            features, logits = found if isinstance(found, tuple) else (found, None)
            probabilities = None if logits is None else logits.float().softmax(1)
        return Sample(features.float(), probabilities)

    def _tried(self) -> Sample:
        """What it says of one black image.

        Raises:
            UserError: if the module does not do what an extractor must.
        """
        try:
            return self(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))
        except (RuntimeError, ValueError, TypeError, AttributeError) as error:
            reason = " ".join(str(error).split())
            raise UserError(
                f"{self.name} is no feature extractor: of a batch of images, resized {self.resize}, it must make "
                f"features [B F], or a pair of features and logits [B K]. Tried on one image it failed: {reason}"
            ) from error


class ModuleExtractor(FrozenExtractor):
    """Any ``nn.Module`` from images [B, channels, resolution, resolution] in [-1, 1] to features, as an extractor.

    Args:
        module: gives features [B F], or a pair of features and logits [B K].
        channels: 1 or 3.
        resolution: pixels a side.
        weights: path of a safetensors file with the module's parameters and buffers; None: as it was built.
        name: what a protocol calls it; None: its class.
        class_names: of the logits.
        batch_size: images at a time.

    Raises:
        UserError: if the module can't be an extractor, or the weights can't be read or are another module's.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        channels: int,
        resolution: int,
        weights: str | None = None,
        name: str | None = None,
        class_names: tuple[str, ...] | list[str] = (),
        batch_size: int = 200,
    ) -> None:
        if weights is not None:
            _fill(module, Path(weights).expanduser())
        prepare = Square(channels, resolution)
        own = type(module)
        super().__init__(
            module,
            prepare,
            name=name or f"{own.__module__}.{own.__qualname__}",
            resize=str(prepare),
            class_names=tuple(class_names),
            batch_size=batch_size,
            settings=tuple(_settings(module)),
        )


def _settings(module: nn.Module) -> Iterator[str]:
    """What a module and its parts keep as plain values, such as a stride: with the same weights it decides features."""
    for name, part in module.named_modules():
        for key, value in sorted(vars(part).items()):
            if key != "training" and isinstance(value, (bool, int, float, str, tuple)):
                yield f"{name}.{key}={value}"


def _fill(module: nn.Module, path: Path) -> None:
    """Load a safetensors file into a module.

    Raises:
        UserError: if it can't be read, or holds other weights.
    """
    try:
        module.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path} has no weights for the extractor's {type(module).__name__}: {reason}") from error


def fingerprint(weights: Mapping[str, Tensor], *words: str) -> str:
    """The first 16 digits of a SHA-256 of all parameters and buffers, and of what else decides the features."""
    digest = hashlib.sha256(repr(words).encode())
    for name, tensor in sorted(weights.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]
