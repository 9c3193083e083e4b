"""What TensorBoard shows for several runs: a table of options and numbers, and charts with the curves of all runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.tensorboard.summary import custom_scalars, hparams

METRICS = ("loss/discriminator", "loss/generator", "images_per_second", "images")
"""Names of the curves whose latest values stand in the table, beside those of quality."""
CHARTS = {
    "Losses of D and G": ("loss/discriminator", "loss/generator"),
    "Logits of D": ("logits/real", "logits/fake"),
    "Accuracy of D": ("accuracy/real", "accuracy/fake"),
    "Norms of the gradients": ("gradient_norm/discriminator", "gradient_norm/generator"),
    "Learning rates": ("learning_rate/discriminator", "learning_rate/generator"),
}


def write_table_and_charts(logger: TensorBoardLogger, options: Mapping[str, Any], quality: Sequence[str]) -> None:
    """Write the run's row of the HPARAMS table and the layout of CUSTOM SCALARS.

    The values in the table are the latest points of the curves of these names. Lightning's own way to write the table
    is not taken, because it would log a NaN as the first point of each curve.

    Args:
        logger: The TensorBoard logger of this run.
        options: Options by which the run can be compared, by dotted name.
        quality: Names of the curves of quality, the most important first.
    """
    records = hparams(dict(options), dict.fromkeys((*quality, *METRICS), 0.0))  # type: ignore[no-untyped-call]
    for record in (*records, custom_scalars(layout(quality))):  # type: ignore[no-untyped-call]
        logger.experiment.file_writer.add_summary(record)


def typed_first(options: Mapping[str, Any], overrides: Sequence[str], model: str) -> dict[str, Any]:
    """The options in an order in which those that the user typed come first.

    In a sweep the typed options are the ones that differ, and TensorBoard keeps this order.

    Args:
        options: The options by dotted name; those of the networks have no ``model.`` in front.
        overrides: The words that the user typed, such as ``loss=hinge`` or ``+optimizer.clip.norm=1``.
        model: Name of a network, which is the option that stands for the choice ``model=...``.
    """
    keys = [override.lstrip("+~").partition("=")[0] for override in overrides]
    names = [model if key == "model" else key.removeprefix("model.") for key in keys]
    found = (next((each for each in options if each == name or each.startswith(f"{name}.")), None) for name in names)
    return {each: options[each] for each in dict.fromkeys((*filter(None, found), *options))}


def layout(quality: Sequence[str]) -> dict[str, dict[str, list[Any]]]:
    """The charts by category, in the form of torch's ``custom_scalars``; each has the curves of all chosen runs."""
    categories: dict[str, Mapping[str, Sequence[str]]] = {"Quality": _by_metric(quality)} if quality else {}
    categories["Game"] = CHARTS
    return {
        category: {title: ["Multiline", list(tags)] for title, tags in charts.items()}
        for category, charts in categories.items()
    }


def _by_metric(names: Sequence[str]) -> dict[str, list[str]]:
    """The curves of each chart by the name of a number, with the averaged and the raw generator in one chart."""
    charts: dict[str, list[str]] = {}
    for name in names:
        charts.setdefault(name.rpartition("/")[2], []).append(name)
    return charts
