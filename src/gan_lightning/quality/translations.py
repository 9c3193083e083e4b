"""The held-out images by which a game between two domains is judged, and what its generators make of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from gan_lightning.data.translation.datamodule import TranslationDataModule
from gan_lightning.data.translation.two_sides import Side
from gan_lightning.errors import NoSuchSplit, UserError
from gan_lightning.images import finite, to_bytes, to_unit
from gan_lightning.metrics import Case, Metric, Translated, TranslationMetric
from gan_lightning.networks.eval_mode import evaluating
from gan_lightning.parallel.gathering import gathered_samples, share
from gan_lightning.progress import counted_images
from gan_lightning.quality.evaluator import Evaluator
from gan_lightning.quality.real import RealImages, gathered
from gan_lightning.quality.subject import Seen, Subject
from gan_lightning.randomness import hashed_seed, seed_default_generators
from gan_lightning.runs.protocol import Protocol
from gan_lightning.types import Bytes, Direction

HELD_OUT = "test"
PIXELS_AT_ONCE = 2**18
"""Largest number of pixels of a batch, because a translator keeps maps as large as the images: 256 x 256 four times."""
THEMSELVES = "none: the images themselves"
"""Name in a protocol where pixels are compared and no features."""


@dataclass(frozen=True)
class Translations(Subject):
    """One direction of a game, with the held-out images that it is measured on.

    Args:
        game: Name of the game.
        direction: The direction, with the names of its generators.
        source: The held-out images of the source domain that are translated.
        target: As many held-out images of the target domain; with partners, those that belong to ``source``.
        real: The images of the target domain that features are compared with.
        partners: Whether image i of ``target`` belongs to image i of ``source``.
        class_names: Names of the classes; empty if there are none.
        seed: Seed of dropout, where a network has some in evaluation mode.
        batch_size: Number of images that are translated at a time.
    """

    game: str
    direction: Direction
    source: RealImages
    target: RealImages
    real: RealImages
    partners: bool
    class_names: tuple[str, ...]
    seed: int
    batch_size: int

    @property
    def count(self) -> int:
        """Number of images that are translated."""
        return len(self.source)

    @property
    def suffix(self) -> str:
        """Ending of the names of the numbers: that of the direction, such as "_b2a"."""
        return self.direction.suffix

    @property
    def sampling(self) -> str:
        """Description of how the outputs are made, for the protocol."""
        return self._sampling(self.source)

    def reason_against(self, metric: TranslationMetric, evaluator: Evaluator) -> str:
        """Reason why a metric can't be measured here, empty if it can."""
        extractor = evaluator.extractor
        images = self.source.images
        keeps = self.direction.keeps and images.shape[1] == self.target.images.shape[1]
        return metric.reason_against(
            Case(
                game=self.game,
                size=(images.shape[2], images.shape[3]),
                partners=self.partners,
                returns=self.direction.back is not None,
                keeps=keeps,
                class_names=self.class_names,
                known_classes=getattr(extractor, "class_names", ()) if extractor.classifies else (),
            )
        )

    def seen(
        self, evaluator: Evaluator, networks: Mapping[str, nn.Module], device: torch.device, report: bool = True
    ) -> Seen:
        """Translate the images and look at the outputs."""
        extractor, metrics = evaluator.extractor.to(device), evaluator.translated
        of_source = {name: metric for name, metric in metrics.items() if metric.given == "source"}
        of_target = {name: metric for name, metric in metrics.items() if metric.given == "target"}
        back = self.direction.back if any(metric.returns for metric in of_source.values()) else None
        mine = share(self.count, self.batch_size)
        parts, rows = [], []
        for batch in self._translated(self.source, back, networks, device, mine, report):
            part = extractor(batch.made)
            classes = None if part.probabilities is None else part.probabilities.argmax(1)
            parts.append(part)
            rows.append(_values(of_source, replace(batch, classes=classes)))
        sample = gathered(parts, len(mine), self.count, device)
        values = _means(of_source, rows, len(mine), self.count)
        if of_target:
            mine = share(len(self.target), self.batch_size)
            given = self._translated(self.target, None, networks, device, mine, report)
            values |= _means(of_target, [_values(of_target, batch) for batch in given], len(mine), len(self.target))
        return Seen(sample, values)

    def protocol_of(self, metric: Metric | TranslationMetric, evaluator: Evaluator, weights: str) -> Protocol:
        """The protocol of a metric's numbers, for one kind of weights.

        Pixels are compared without an extractor, and with other images than those whose features are.
        """
        common = super().protocol_of(metric, evaluator, weights)
        if isinstance(metric, Metric):
            return common
        compared: RealImages = getattr(self, metric.compared)
        given: RealImages = getattr(self, metric.given)
        protocol = replace(
            common,
            data=compared.data,
            split=compared.split,
            data_hash=compared.hash,
            n_real=len(compared),
            n_fake=len(given),
            sampling=self._sampling(given),
        )
        if metric.classifies:
            return protocol
        return replace(protocol, extractor=THEMSELVES, extractor_hash="", resize="none")

    def _sampling(self, given: RealImages) -> str:
        return (
            f"outputs for the first {len(given):,} held-out images of {given.data} ({given.hash}), batch norm with its "
            "running statistics"
        )

    def _translated(
        self,
        given: RealImages,
        back: str | None,
        networks: Mapping[str, nn.Module],
        device: torch.device,
        indices: range,
        report: bool,
    ) -> Iterator[Translated]:
        """The outputs in batches; a process without a share makes one, to know the shapes of what others send."""
        translate = networks[self.direction.generator]
        batches = (
            torch.split(torch.arange(indices.start, indices.stop), self.batch_size) if indices else (torch.arange(1),)
        )
        exact = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)  # TF32 is off by more than a grey level
        with ExitStack() as stack, torch.no_grad(), exact, _own_noise(device):
            for name in (self.direction.generator, *([back] if back else [])):
                stack.enter_context(evaluating(networks[name]))
            for rows in counted_images(batches, max(len(indices), 1), "translations", report):
                images = given.images[rows].to(device)
                seed_default_generators(hashed_seed(self.seed, "quality", int(rows[0])), device)
                made = _as_bytes(translate, images)
                yield Translated(
                    given=images,
                    made=made,
                    partners=self.target.images[rows].to(device) if self.partners and given is self.source else None,
                    returned=_as_bytes(networks[back], made) if back else None,
                    labels=None if given.labels is None else given.labels[rows].to(device),
                )


def translations(
    game: str,
    directions: Sequence[Direction],
    data: TranslationDataModule,
    evaluator: Evaluator,
    most: int,
) -> list[Translations]:
    """The directions of a game, each with the held-out images that it is measured on.

    Args:
        game: Name of the game.
        directions: The directions.
        data: The data module of the run.
        evaluator: The evaluator, which says against which split, with which seed and how many images at a time.
        most: Largest number of held-out images that are translated.

    Raises:
        UserError: If no images are held out.
    """
    try:
        held_out = {domain: _first(of_domain(data, domain, HELD_OUT), most) for domain in ("a", "b")}
    except NoSuchSplit as error:
        raise UserError(f"{game} is measured on held-out images, and {error}.") from error
    height, width = data.resolution
    together = max(1, min(evaluator.batch_size, PIXELS_AT_ONCE // (height * width)))
    return [
        Translations(
            game=game,
            direction=each,
            source=held_out[each.source],
            target=held_out[each.target],
            real=of_domain(data, each.target, evaluator.split),
            partners=data.PARTNERS_HELD_OUT,
            class_names=data.class_names,
            seed=evaluator.seed,
            batch_size=together,
        )
        for each in directions
    ]


def of_domain(data: TranslationDataModule, domain: str, split: str) -> RealImages:
    """All images of one domain of a split."""
    sides = data.split(split)
    side: Side = getattr(sides, domain)
    return RealImages(f"{type(data).__name__}, domain {domain}", split, side.images, side.labels)


def _first(images: RealImages, count: int) -> RealImages:
    labels = None if images.labels is None else images.labels[:count]
    return replace(images, images=images.images[:count], labels=labels)


def _as_bytes(network: nn.Module, images: Bytes) -> UInt8[Tensor, "B C_made H W"]:
    made: Tensor = network(to_unit(images))
    return to_bytes(finite(made))


def _values(metrics: Mapping[str, TranslationMetric], seen: Translated) -> Tensor:
    """The values [B M] of the metrics for a batch."""
    columns = [metric.values(seen) for metric in metrics.values()]
    return torch.stack(columns, 1) if columns else torch.zeros(len(seen.made), 0, dtype=torch.float64)


def _means(metrics: Mapping[str, TranslationMetric], rows: Sequence[Tensor], mine: int, total: int) -> dict[str, float]:
    """The means over the images of all processes, by the names of the metrics."""
    if not metrics:
        return {}
    means = gathered_samples(torch.cat(list(rows))[:mine], total).mean(0).tolist()
    return dict(zip(metrics, means, strict=True))


@contextmanager
def _own_noise(device: torch.device) -> Iterator[None]:
    """A context after which the default random generators, from which dropout draws, are as they were."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield
