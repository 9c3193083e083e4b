"""The numbers of a run that translates images between two domains, measured on held-out images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch

from gan_lightning.data.stream import StreamDataModule
from gan_lightning.data.translation.datamodule import TranslationDataModule
from gan_lightning.errors import UserError
from gan_lightning.evaluate.held_out import held_out, say_left_out, that_can_be_measured
from gan_lightning.evaluate.source import Source
from gan_lightning.evaluate.table import Column
from gan_lightning.quality import Evaluator, RealImages
from gan_lightning.quality.subject import fitting_translations
from gan_lightning.quality.translations import of_domain, translations


def translated_columns(
    source: Source,
    data: StreamDataModule,
    evaluator: Evaluator,
    named: Sequence[str] | None,
    weights: Sequence[str],
    allow: Sequence[str],
    device: torch.device,
) -> tuple[list[Column], str]:
    """One column of numbers for each kind of weights, and one line on what was measured.

    Args:
        source: The run or checkpoint.
        data: The data, with held-out images of both domains.
        evaluator: The evaluator, with the metrics that were asked for.
        named: Names of the metrics that were asked for; None leaves out those that can't be measured, and says so.
        weights: The kinds of weights, "averaged", "raw" or both.
        allow: Modules of the user's own that a stored configuration may name.
        device: The device to measure on.

    Raises:
        UserError: If the data have no two domains or nothing is held out, or if a metric that was asked for can't be
            measured.
    """
    game = source.game(allow)
    if not isinstance(data, TranslationDataModule):
        raise UserError(
            f"{game.__name__} is measured on held-out images of two domains, and {type(data).__name__} has one: leave "
            "out against=, or name a run on two domains."
        )
    subjects = translations(game.__name__, game.directions(), data, evaluator, evaluator.n_fake)
    evaluator, reasons = fitting_translations(evaluator, subjects, named or (), "metrics")
    images = {each.suffix: partial(of_domain, data, each.direction.target) for each in subjects}
    unseen: dict[str, RealImages | None] = dict.fromkeys(images)
    if held_out(images[subjects[0].suffix], evaluator) is not None:
        unseen = {suffix: each("test") for suffix, each in images.items()}
    n_real = min(len(each.real) for each in subjects)
    n_fake = min(each.count for each in subjects)
    n_held_out = min(0 if each is None else len(each) for each in unseen.values())
    if named is None:
        say_left_out(reasons)
        evaluator = that_can_be_measured(evaluator, n_real, n_held_out, n_fake)
    else:
        evaluator.check(n_real, n_fake, "metrics= without {}")
    for caution in evaluator.cautions(n_real, n_fake, n_held_out or None):
        print(f"warning: {caution}", flush=True)
    of_real = {each.suffix: evaluator.real(each.real, device) for each in subjects}
    of_unseen = {suffix: None if each is None else evaluator.real(each, device) for suffix, each in unseen.items()}
    columns = []
    for kind in weights:
        networks, facts = source.networks(game.directions(), kind, allow, device)
        numbers = []
        for each in subjects:
            seen, real = each.seen(evaluator, networks, device), of_real[each.suffix]
            numbers += each.numbers(evaluator, real, seen, kind)
            numbers += each.further_numbers(evaluator, real, of_unseen[each.suffix], seen, kind)
        columns.append(Column(kind, numbers, facts))
    counts = " and ".join(f"{each.count:,} of {each.source.data}" for each in subjects)
    return columns, (
        f"outputs for {counts} (held out) against {n_real:,} of {type(data).__name__} ({evaluator.split}), "
        f"extractor {evaluator.extractor.name} ({evaluator.extractor.hash})"
    )
