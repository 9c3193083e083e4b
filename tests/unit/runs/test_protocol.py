"""Numbers that were measured differently don't meet."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from gan_lightning.errors import UserError
from gan_lightning.metrics import Bootstrap, FrechetDistance, KernelDistance, PrecisionRecall
from gan_lightning.runs.protocol import Protocol, require_same

PROTOCOL = Protocol(
    extractor="mnist",
    extractor_hash="12ab",
    data="mnist",
    split="train",
    data_hash="34cd",
    n_real=60_000,
    n_fake=10_000,
    resize="bilinear to 28 x 28",
    quantisation="round(127.5 x + 127.5) in [0, 255]",
    generator="averaged",
    sampling="z and labels as in training, no truncation, running statistics",
    metric="FrechetDistance()",
    seed=3,
    versions={"torch": "2.14.1"},
)


def test_there_and_back_through_json() -> None:
    assert Protocol.from_dict(json.loads(json.dumps(PROTOCOL.to_dict()))) == PROTOCOL


def other_value(value: Any) -> Any:
    return value + 1 if isinstance(value, int) else {"torch": "3.0"} if isinstance(value, dict) else value + "!"


@pytest.mark.parametrize("name", [entry.name for entry in fields(Protocol)])
def test_each_field_matters_or_is_said_not_to(name: str) -> None:
    ours = getattr(PROTOCOL, name)
    changed = replace(PROTOCOL, **{name: other_value(ours)})
    if name in {"seed", "versions"}:
        require_same(PROTOCOL, changed)
        assert PROTOCOL.difference(changed) == {}
    else:
        assert PROTOCOL.difference(changed) == {name: (ours, other_value(ours))}
        with pytest.raises(UserError, match=f"differ in: {name} "):
            require_same(PROTOCOL, changed)


def test_all_differences_are_named() -> None:
    with pytest.raises(UserError, match="n_fake 10000 and 500, generator 'averaged' and 'raw'"):
        require_same(PROTOCOL, replace(PROTOCOL, generator="raw", n_fake=500))


def test_a_protocol_of_another_version() -> None:
    stored = PROTOCOL.to_dict()
    del stored["split"]
    with pytest.raises(UserError, match=r"lacks \['split'\] and has \['colour'\] beyond"):
        Protocol.from_dict({**stored, "colour": "blue"})


def test_the_settings_of_a_metric_are_part_of_it() -> None:
    assert PROTOCOL.measured_by(PrecisionRecall(k=3)).metric == "PrecisionRecall(k=3, density_k=5)"
    with pytest.raises(UserError, match=r"k=3.* and .*k=4"):
        require_same(PROTOCOL.measured_by(PrecisionRecall(k=3)), PROTOCOL.measured_by(PrecisionRecall(k=4)))
    require_same(PROTOCOL.measured_by(KernelDistance(seed=1)), PROTOCOL.measured_by(KernelDistance(seed=2)))
    wrapped = PROTOCOL.measured_by(Bootstrap(FrechetDistance())).metric
    assert wrapped == "Bootstrap(metric=FrechetDistance(), resamples=20, replacement=True)"
