"""A set of images: how it is checked, and how it is changed before training."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gan_lightning.data.image_set import ImageSet, keep_classes, resize, with_channels
from gan_lightning.errors import UserError

NAMES = ("cat", "dog", "horse")


def blank(*shape: int) -> Tensor:
    return torch.zeros(shape, dtype=torch.uint8)


def animals() -> ImageSet:
    """Six images whose pixels have the value of their index; their classes are 0 1 2 0 1 2."""
    values = torch.arange(6, dtype=torch.uint8).view(6, 1, 1, 1).expand(6, 1, 2, 2)
    return ImageSet(values, torch.arange(6) % 3, NAMES)


@pytest.mark.parametrize(
    ("images", "labels", "names", "message"),
    [
        (blank(2, 1, 4, 6), None, (), "4 x 6 pixels"),
        (blank(0, 1, 4, 4), None, (), "no images"),
        (blank(2, 1, 4, 4), torch.tensor([0, 0, 0]), NAMES, "shape \\[2\\]"),
        (blank(2, 1, 4, 4), torch.tensor([0, 0], dtype=torch.int32), NAMES, "int64"),
        (blank(2, 1, 4, 4), torch.tensor([0, 3]), NAMES, "from 0 to 3, but there are 3"),
        (blank(2, 1, 4, 4), torch.tensor([-1, 0]), NAMES, "from -1 to 0"),
        (blank(2, 1, 4, 4), None, NAMES, "both labels and class names"),
        (blank(2, 1, 4, 4), torch.tensor([0, 0]), (), "both labels and class names"),
        (blank(2, 4, 4), None, (), "uint8 of shape \\[N, channels, height, width\\]"),
        (torch.zeros(2, 1, 4, 4), None, (), "not torch.float32"),
    ],
)
def test_a_data_set_that_makes_no_sense_is_refused(
    images: Tensor, labels: Tensor | None, names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        ImageSet(images, labels, names)


@pytest.mark.parametrize("classes", [["horse", "cat"], [2, 0], ["horse", 0]])
def test_kept_classes_are_renumbered_in_the_order_given(classes: list[int | str]) -> None:
    kept = keep_classes(animals(), classes)
    assert kept.images[:, 0, 0, 0].tolist() == [0, 2, 3, 5]
    assert kept.labels is not None
    assert kept.labels.tolist() == [1, 0, 1, 0]
    assert kept.class_names == ("horse", "cat")


def test_digits_can_be_named_by_number_or_by_word() -> None:
    data = ImageSet(blank(2, 1, 2, 2), torch.tensor([0, 1]), ("0", "1"))
    assert keep_classes(data, [1]).class_names == keep_classes(data, ["1"]).class_names == ("1",)


@pytest.mark.parametrize("unknown", ["zebra", 3, -1])
def test_an_unknown_class_is_answered_with_the_known_ones(unknown: int | str) -> None:
    with pytest.raises(UserError, match=rf"{unknown!r}.*0 \(cat\), 1 \(dog\), 2 \(horse\)"):
        keep_classes(animals(), ["cat", unknown])


def test_a_class_named_twice_is_refused() -> None:
    with pytest.raises(UserError, match="twice"):
        keep_classes(animals(), ["cat", 0])


def test_classes_need_labels() -> None:
    with pytest.raises(UserError, match="has no labels"):
        keep_classes(ImageSet(blank(2, 1, 4, 4), None, ()), [0])


@pytest.mark.parametrize("resolution", [8, 64])
def test_resize_keeps_flat_images_flat(resolution: int) -> None:
    levels = torch.tensor([0, 7, 255], dtype=torch.uint8).view(3, 1, 1, 1)
    resized = resize(levels.expand(3, 1, 32, 32), resolution)
    assert torch.equal(resized, levels.expand(3, 1, resolution, resolution))


def test_resize_averages_what_it_shrinks() -> None:
    """Without antialiasing, a checkerboard of single pixels would become black, white, or black and white."""
    board = ((torch.arange(32)[:, None] + torch.arange(32)) % 2 * 255).to(torch.uint8).view(1, 1, 32, 32)
    inner = resize(board, 8)[..., 1:-1, 1:-1].float()
    assert (inner - 127.5).abs().max() < 3


def test_resize_clamps_overshoot() -> None:
    """Bicubic kernels overshoot at an edge, and a value a little over 255 must not wrap round to 0."""
    edge = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    edge[..., 4:] = 255
    row = resize(edge, 32)[0, 0, 0]
    assert row[:12].max() == 0
    assert row[20:].min() == 255


def test_resize_in_chunks_is_the_same_as_one_by_one() -> None:
    images = torch.randint(0, 256, (1030, 1, 4, 4), dtype=torch.uint8)
    singly = torch.cat([resize(images[i : i + 1], 6) for i in range(1020, 1030)])
    assert torch.equal(resize(images, 6)[1020:], singly)


def test_colour_becomes_luma() -> None:
    red_green_blue_white = torch.tensor([[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255]], dtype=torch.uint8).view(
        1, 3, 2, 2
    )
    assert with_channels(red_green_blue_white, 1).flatten().tolist() == [76, 150, 29, 255]


def test_grey_is_repeated() -> None:
    grey = torch.randint(0, 256, (2, 1, 4, 4), dtype=torch.uint8)
    assert torch.equal(with_channels(grey, 3), grey.expand(2, 3, 4, 4))


def test_four_channels_have_no_rule() -> None:
    with pytest.raises(UserError, match="images with 4"):
        with_channels(blank(1, 4, 2, 2), 3)
