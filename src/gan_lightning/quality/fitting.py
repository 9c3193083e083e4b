"""Which of the metrics chosen can be measured on what there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from gan_lightning.errors import UserError
from gan_lightning.metrics import HeldOutMeasure, Measure
from gan_lightning.metrics.extractors import Extractor

Kind = TypeVar("Kind", bound=Measure | HeldOutMeasure)


def chosen(measures: Mapping[str, Kind]) -> dict[str, Kind]:
    """Without those that a user set to null, and without what was to be made of these."""
    on = {name: each for name, each in measures.items() if each is not None}
    return {name: each for name, each in on.items() if getattr(each, "measure", each) is not None}


def reasons_against(extractor: Extractor, measures: Mapping[str, Kind], *counts: int) -> dict[str, str]:
    """Why some of them can't be measured, by name, by this extractor on samples of these sizes."""
    reasons = {}
    for name, measure in measures.items():
        try:
            measure.check(extractor.num_features, *counts, classifies=extractor.classifies)
        except UserError as error:
            reasons[name] = str(error)
    return reasons


def without(measures: Mapping[str, Kind], names: Mapping[str, str]) -> dict[str, Kind]:
    """Those of other names."""
    return {name: measure for name, measure in measures.items() if name not in names}
