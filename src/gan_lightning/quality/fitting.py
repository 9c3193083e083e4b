"""Which of the chosen metrics can be measured on the images that there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from gan_lightning.errors import UserError
from gan_lightning.metrics import HeldOutMetric, Metric, TranslationMetric
from gan_lightning.metrics.extractors import Extractor

Chosen = TypeVar("Chosen", bound=Metric | HeldOutMetric | TranslationMetric)
Kind = TypeVar("Kind", bound=Metric | HeldOutMetric)


def chosen(metrics: Mapping[str, Chosen]) -> dict[str, Chosen]:
    """The metrics that a user did not set to null; one that works on a metric set to null is left out, too."""
    on = {name: each for name, each in metrics.items() if each is not None}
    return {name: each for name, each in on.items() if getattr(each, "metric", each) is not None}


def reasons_against(extractor: Extractor, metrics: Mapping[str, Kind], *counts: int) -> dict[str, str]:
    """Reasons why metrics can't be measured by this extractor on samples of these sizes, by the metrics' names."""
    reasons = {}
    for name, metric in metrics.items():
        try:
            metric.check(extractor.num_features, *counts, classifies=extractor.classifies)
        except UserError as error:
            reasons[name] = str(error)
    return reasons


def without(metrics: Mapping[str, Kind], names: Mapping[str, str]) -> dict[str, Kind]:
    """The metrics that have none of these names."""
    return {name: metric for name, metric in metrics.items() if name not in names}
