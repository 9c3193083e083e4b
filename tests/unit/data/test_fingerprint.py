"""Fingerprints differ for other data and agree for the same, wherever they lie."""

from __future__ import annotations

import unicodedata

import pytest
import torch

from gan_lightning.data.fingerprint import SAMPLES, of_files, of_samples

IMAGES = torch.arange(4 * SAMPLES * 2 * 2).remainder(251).to(torch.uint8).view(-1, 1, 2, 2)
LABELS = torch.arange(len(IMAGES)) % 10


def test_what_changes_it() -> None:
    first = of_samples(IMAGES, LABELS)
    relabelled = LABELS.clone()
    relabelled[-1] = 0
    others = [
        of_samples(IMAGES[:-1], LABELS[:-1]),
        of_samples(IMAGES, relabelled),
        of_samples(IMAGES, None),
        of_samples(IMAGES.flip(0), LABELS),
        of_samples(IMAGES.view(-1, 1, 1, 4), LABELS),
        of_samples(IMAGES.float(), LABELS),
    ]
    assert len({first, *others}) == 7
    assert of_samples(IMAGES.clone(), LABELS.clone()) == first
    assert len(first) == 16


@pytest.mark.parametrize("count", [1, 3, SAMPLES, SAMPLES + 1])
def test_every_size(count: int) -> None:
    assert of_samples(IMAGES[:count]) == of_samples(IMAGES[:count].clone())


def test_rounding_of_another_machine_does_not_count() -> None:
    points = torch.full((8, 2), 0.3)
    assert of_samples(points) == of_samples(points * (1 + 1e-6))
    assert of_samples(points) != of_samples(points + 0.1)


def test_files_by_name_and_size() -> None:
    files = [("cat/1.png", "12"), ("dog/é.png", "7")]
    as_macos = [(unicodedata.normalize("NFD", name), size) for name, size in reversed(files)]
    assert of_files(as_macos) == of_files(files)
    assert len({of_files(files), of_files(files[:1]), of_files([("cat/1.png", "13"), files[1]])}) == 3
    of_files([("\udcff.png", "1")])  # a name that is not UTF-8
