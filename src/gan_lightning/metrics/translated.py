"""Metrics of images that were translated from one domain into another: one value for each image, and their mean.

In the names, G leads from domain a to domain b, and F back. If a game has both directions, each is measured; for the
second one, a and b are exchanged, and so are G and F.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from jaxtyping import Float64, UInt8
from torch import Tensor

from gan_lightning.metrics.likeness import (
    DATA_RANGE,
    LEAST_SIDE,
    absolute_errors,
    as_float64,
    peak_signal_to_noise,
    structural_similarity,
)
from gan_lightning.metrics.metric import Better
from gan_lightning.types import Bytes, Labels


@dataclass(frozen=True)
class Translated:
    """A batch of images that G was given and what it made of them; what is not known is None."""

    given: UInt8[Tensor, "B C_a H W"]
    made: UInt8[Tensor, "B C_b H W"]
    partners: UInt8[Tensor, "B C_b H W"] | None = None
    """The images of domain b that belong to those that were given."""
    returned: UInt8[Tensor, "B C_a H W"] | None = None
    """Images that the generator of the opposite direction, F, made of ``made``."""
    labels: Labels | None = None
    """The classes of the images that were given."""
    classes: Labels | None = None
    """The most probable classes of ``made``, by the extractor's classifier."""


@dataclass(frozen=True)
class Case:
    """What is known where images are translated, which decides what can be measured."""

    game: str
    """Name of the game, for messages."""
    size: tuple[int, int]
    """Height and width of the images."""
    partners: bool
    """Whether held-out images have partners in the other domain."""
    returns: bool
    """Whether the game has a generator that leads back."""
    keeps: bool
    """Whether the generator is to leave images of domain b as they are, and can take them."""
    class_names: Sequence[str]
    """Names of the classes of the images that are given; empty if they have none."""
    known_classes: Sequence[str]
    """Names of the classes that the extractor tells apart; empty if it tells none."""


class TranslationMetric(ABC):
    """A metric of translated images. Its number, the only key of ``better``, is the mean of one value for each image.

    As with :class:`~gan_lightning.metrics.Metric`, a subclass is a frozen dataclass whose ``repr`` names all that two
    numbers must share to be compared. The data range stands there, too, though it is always that of bytes.
    """

    better: ClassVar[Mapping[str, Better]]
    """Name of the number, and the direction in which it improves."""
    given: ClassVar[Literal["source", "target"]] = "source"
    """Whether G is given images of domain a, its source, or of domain b, its target."""
    compared: ClassVar[Literal["source", "target"]] = "target"
    """Domain of the images that the outputs are compared with."""
    returns: ClassVar[bool] = False
    """Whether the way back is needed."""
    classifies: ClassVar[bool] = False
    """Whether the extractor's classes are needed."""

    @abstractmethod
    def reason_against(self, case: Case) -> str:
        """Reason why the number can't be measured in this case, empty if it can."""

    @abstractmethod
    def values(self, seen: Translated) -> Float64[Tensor, " B"]:
        """One value for each image of a batch."""


class _AgainstPartners(TranslationMetric):
    """Base of metrics that compare G(a) with the partner of a."""

    least_side: ClassVar[int] = 1
    """Smallest side in pixels of an image that can be measured."""

    @abstractmethod
    def likeness(self, made: Bytes, partners: Bytes) -> Float64[Tensor, " B"]:
        """One value for each pair of images."""

    def reason_against(self, case: Case) -> str:
        """There are no partners, or the images are too small."""
        if not case.partners:
            return "the held-out images have no partners to compare outputs with"
        if min(case.size) < self.least_side:
            return f"images of {case.size[0]} x {case.size[1]} pixels are too small, it needs {self.least_side} a side"
        return ""

    def values(self, seen: Translated) -> Float64[Tensor, " B"]:
        """The likeness of G(a) and b."""
        assert seen.partners is not None
        return self.likeness(seen.made, seen.partners)


@dataclass(frozen=True)
class AbsoluteError(_AgainstPartners):
    """``l1``: mean of `|G(a) - b| / 255`, from 0 to 1."""

    data_range: float = field(default=DATA_RANGE, init=False)

    better: ClassVar[dict[str, Better]] = {"l1": "lower"}

    def likeness(self, made: Bytes, partners: Bytes) -> Float64[Tensor, " B"]:
        """The absolute error of each pair."""
        return absolute_errors(made, partners)


@dataclass(frozen=True)
class PeakSignalToNoise(_AgainstPartners):
    """``psnr``: mean over the images of `10 log10(255² / MSE)`, in decibels."""

    data_range: float = field(default=DATA_RANGE, init=False)

    better: ClassVar[dict[str, Better]] = {"psnr": "higher"}

    def likeness(self, made: Bytes, partners: Bytes) -> Float64[Tensor, " B"]:
        """PSNR of each pair."""
        return peak_signal_to_noise(made, partners)


@dataclass(frozen=True)
class StructuralSimilarity(_AgainstPartners):
    """``ssim``: mean structural similarity of G(a) and b (Wang et al. 2004), at most 1."""

    data_range: float = field(default=DATA_RANGE, init=False)
    window: str = field(default="Gaussian 11 x 11, sigma 1.5, mirrored at the border", init=False)

    better: ClassVar[dict[str, Better]] = {"ssim": "higher"}
    least_side = LEAST_SIDE

    def likeness(self, made: Bytes, partners: Bytes) -> Float64[Tensor, " B"]:
        """SSIM of each pair."""
        return structural_similarity(made, partners)


@dataclass(frozen=True)
class CycleError(TranslationMetric):
    """``cycle``: mean of `|F(G(a)) - a| / 255`.

    F is given G(a) as the bytes of a picture file, so that it can't read what G hides below a grey level (Chu et al.
    2017, https://arxiv.org/abs/1712.02950).
    """

    data_range: float = field(default=DATA_RANGE, init=False)

    better: ClassVar[dict[str, Better]] = {"cycle": "lower"}
    compared = "source"
    returns = True

    def reason_against(self, case: Case) -> str:
        """The game has no way back."""
        return "" if case.returns else f"{case.game} has no generator that leads back"

    def values(self, seen: Translated) -> Float64[Tensor, " B"]:
        """The absolute error of F(G(a))."""
        assert seen.returned is not None
        return absolute_errors(seen.returned, seen.given)


@dataclass(frozen=True)
class IdentityError(TranslationMetric):
    """``identity``: mean of `|G(b) - b| / 255`, because G should leave alone what is of domain b already."""

    data_range: float = field(default=DATA_RANGE, init=False)

    better: ClassVar[dict[str, Better]] = {"identity": "lower"}
    given = "target"

    def reason_against(self, case: Case) -> str:
        """The generator is not meant to take images of domain b, or can't."""
        return "" if case.keeps else f"G of {case.game} is not given images of the domain that it translates into"

    def values(self, seen: Translated) -> Float64[Tensor, " B"]:
        """The absolute error of G(b)."""
        return absolute_errors(seen.made, seen.given)


@dataclass(frozen=True)
class ClassKept(TranslationMetric):
    """``class_kept``: share of G(a) whose most probable class, by the extractor's classifier, is that of a."""

    better: ClassVar[dict[str, Better]] = {"class_kept": "higher"}
    compared = "source"
    classifies = True

    def reason_against(self, case: Case) -> str:
        """The images have no classes, or the extractor has others."""
        if not case.class_names:
            return "the held-out images have no classes"
        if tuple(case.class_names) != tuple(case.known_classes):
            others = f"others: {', '.join(case.known_classes)}" if case.known_classes else "none"
            return f"the images have the classes {', '.join(case.class_names)}, and the extractor knows {others}"
        return ""

    def values(self, seen: Translated) -> Float64[Tensor, " B"]:
        """1 for each image whose class was kept, 0 for each other."""
        assert seen.classes is not None
        assert seen.labels is not None
        return as_float64(seen.classes == seen.labels)
