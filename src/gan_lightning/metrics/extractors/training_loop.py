"""The training loop of the small classifiers, which needs torch alone."""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torch.optim import SGD
from torch.optim.lr_scheduler import OneCycleLR

from gan_lightning.data.image_set import ImageSet
from gan_lightning.images import to_unit
from gan_lightning.metrics.extractors.classifier import SmallClassifier
from gan_lightning.metrics.extractors.settings import Settings
from gan_lightning.types import Bytes, Images, Labels

WHITENED_IMAGES = 1000
WARM_UP = 0.2
"""Share of the updates in which the learning rate rises."""
EVALUATED = 500  # images at a time


def train_classifier(
    data: ImageSet, settings: Settings, seed: int, bfloat16: bool = False
) -> Iterator[SmallClassifier]:
    """Train a classifier, yield it in evaluation mode after each epoch, and print a line with its progress.

    Args:
        data: The training images.
        settings: Settings of the classifier and of its training.
        seed: Seed of the first weights, the order of the images and the augmentation.
        bfloat16: Whether to compute under autocast to bfloat16.
    """
    torch.manual_seed(seed)
    draw = Generator().manual_seed(seed)
    model = SmallClassifier(channels=data.images.shape[1], widths=settings.widths, num_classes=len(data.class_names))
    model.whiten(to_unit(data.images[:WHITENED_IMAGES]))
    model = model.to(memory_format=torch.channels_last)  # the layout with which CPUs are fast
    updates = len(data.images) // settings.batch_size
    optimizer = _optimizer(model, settings)
    schedule = OneCycleLR(
        optimizer,
        settings.learning_rate,
        total_steps=settings.epochs * updates + 1,
        pct_start=WARM_UP,
        anneal_strategy="linear",
        cycle_momentum=False,
    )
    started = time.monotonic()
    for epoch in range(settings.epochs):
        model.train()
        total = torch.zeros(())
        for images, labels in _batches(data, settings, draw):
            x = noised(to_unit(images), settings.noise, draw).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                logits = model(x).logits
            loss = F.cross_entropy(logits.float(), labels)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            total += loss.detach()
        spent = time.monotonic() - started
        print(f"epoch {epoch + 1} of {settings.epochs}: loss {total / updates:.4f}, {spent:.0f} s", flush=True)
        yield model.eval()


def _optimizer(model: SmallClassifier, settings: Settings) -> SGD:
    """SGD with Nesterov momentum and with weight decay, though not for biases and the gains of batch norm."""
    trained = [p for p in model.parameters() if p.requires_grad]
    return SGD(
        [
            {"params": [p for p in trained if p.dim() > 1], "weight_decay": settings.weight_decay},
            {"params": [p for p in trained if p.dim() == 1], "weight_decay": 0.0},
        ],
        settings.learning_rate,
        momentum=settings.momentum,
        nesterov=True,
    )


def _batches(data: ImageSet, settings: Settings, draw: Generator) -> Iterator[tuple[Bytes, Labels]]:
    """The full batches of one epoch, in random order and augmented."""
    assert data.labels is not None
    updates = len(data.images) // settings.batch_size
    order = torch.randperm(len(data.images), generator=draw)[: updates * settings.batch_size]
    for rows in torch.split(order, settings.batch_size):
        images = moved(data.images[rows], settings.shift, draw)
        yield mirrored(images, draw) if settings.flip else images, data.labels[rows]


def moved(images: Bytes, shift: int, draw: Generator) -> Bytes:
    """The images [B C H W], each moved by up to ``shift`` pixels in each direction and continued by reflection."""
    count, _, height, width = images.shape
    padded = F.pad(images.float(), (shift,) * 4, mode="reflect").to(torch.uint8)
    down, right = torch.randint(2 * shift + 1, (2, count, 1), generator=draw)
    rows, columns = down + torch.arange(height), right + torch.arange(width)
    picked: Tensor = padded[torch.arange(count)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return picked.permute(0, 3, 1, 2)


def mirrored(images: Bytes, draw: Generator) -> Bytes:
    """The images [B C H W], each replaced by its mirror image with a probability of one half."""
    chosen = torch.rand(len(images), 1, 1, 1, generator=draw) < 0.5
    return torch.where(chosen, images.flip(3), images)


def noised(images: Images, largest: float, draw: Generator) -> Images:
    """The images [B C H W], each with normal noise whose standard deviation is uniform between 0 and ``largest``."""
    std = largest * torch.rand(len(images), 1, 1, 1, generator=draw)
    return images + std * torch.randn(images.shape, generator=draw)


@torch.inference_mode()
def accuracy(model: SmallClassifier, data: ImageSet) -> float:
    """Share of the images whose class the model tells rightly."""
    assert data.labels is not None
    batches = zip(torch.split(data.images, EVALUATED), torch.split(data.labels, EVALUATED), strict=True)
    right = sum(int((model(to_unit(images)).logits.argmax(1) == labels).sum()) for images, labels in batches)
    return right / len(data.images)
