"""Extractors that wrap a frozen network: their common base, and one for any module that a config names."""

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
    """Extractor around a network that is never trained: :class:`gan_lightning.metrics.extractors.Extractor`.

    This class does not derive from ``nn.Module``, so that a module which holds an extractor does not count it among its
    parts: the weights get into no checkpoint and no optimizer, and ``train()`` does not reach them. Whatever the state
    around it, an extractor computes in evaluation mode, without gradients and in float32 (convolutions without TF32),
    and the features of an image do not depend on the others in the batch.

    Args:
        module: Takes the output of ``prepare`` and returns features [B F], or a pair of features and logits [B K].
        prepare: Turns bytes [B C H W] of any size into the input of the module.
        name: Name of the extractor in a protocol.
        resize: Description of how ``prepare`` resizes, for the protocol.
        class_names: Names of the classes of the logits; empty if there are none.
        batch_size: Number of images that are computed at a time.
        settings: Descriptions of everything else that decides the features.

    Attributes:
        hash: Hash of the weights, the name, the resizing and the settings, so that features stored under it can't be
            those of another extractor.
        num_features: Number of features F, found by a trial with one image.
        classifies: Whether the module gives logits, found by the same trial.
        side: Pixels a side at which the module sees every image; None if ``prepare`` does not say.
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
        self.side: int | None = getattr(prepare, "resolution", None)
        self.hash = fingerprint(module.state_dict(), name, resize, *settings)
        self.device = torch.device("cpu")
        tried = self._tried()
        self.num_features = tried.features.shape[1]
        self.classifies = tried.probabilities is not None

    def to(self, device: torch.device | str) -> FrozenExtractor:
        """The same extractor, moved to ``device``."""
        self.device = torch.device(device)
        self.module.to(self.device)
        return self

    def __call__(self, images: Bytes) -> Sample:
        """Features [N F] and probabilities [N K] of N images, both float32 and on the extractor's device.

        Raises:
            UserError: If the images have neither 1 nor 3 channels.
        """
        self.module.eval()  # because other code that holds the module may have changed its mode
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
        """Features and probabilities of one black image, as a trial.

        Raises:
            UserError: If the module does not do what an extractor must.
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
    """Extractor from any ``nn.Module`` that takes images [B, channels, resolution, resolution] in [-1, 1].

    Args:
        module: Returns features [B F], or a pair of features and logits [B K].
        channels: Number of channels that the module takes, 1 or 3.
        resolution: Height and width in pixels that the module takes.
        weights: Path of a safetensors file with the module's parameters and buffers. If it is None, the module keeps
            the weights with which it was built.
        name: Name of the extractor in a protocol, or None for the name of the module's class.
        class_names: Names of the classes of the logits.
        batch_size: Number of images that are computed at a time.

    Raises:
        UserError: If the module can't be an extractor, or the weights can't be read or belong to another module.
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
    """Plain values such as a stride that a module and its parts hold, because they decide the features like weights."""
    for name, part in module.named_modules():
        for key, value in sorted(vars(part).items()):
            if key != "training" and isinstance(value, (bool, int, float, str, tuple)):
                yield f"{name}.{key}={value}"


def _fill(module: nn.Module, path: Path) -> None:
    """Load a safetensors file into a module.

    Raises:
        UserError: If the file can't be read, or holds the weights of another module.
    """
    try:
        module.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path} has no weights for the extractor's {type(module).__name__}: {reason}") from error


def fingerprint(weights: Mapping[str, Tensor], *words: str) -> str:
    """First 16 digits of a SHA-256 of all parameters and buffers, and of the words that say what else matters."""
    digest = hashlib.sha256(repr(words).encode())
    for name, tensor in sorted(weights.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]
