"""Images that another program left as one array: their layouts, labels and names, and what is no such array."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gan_lightning.data.pictures.arrays import Array
from gan_lightning.errors import UserError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (40, 8, 8), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
LABELS = np.arange(40) % 3


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path / "cache"))


def at(path: Path, **options: Any) -> Array:
    data = Array(file=str(path), batch_size=4, **{"test_share": 0.0, **options})
    data.prepare_data()
    return data


def saved(path: Path, *arrays: Any, **named: Any) -> Path:
    np.savez(path, *arrays, **named) if path.suffix == ".npz" else np.save(path, *arrays)
    return path


def rows(images: torch.Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (GREY, GREY[:, None]),
        (GREY[..., None], GREY[:, None]),
        (GREY[:, None], GREY[:, None]),
        (COLOUR, COLOUR.transpose(0, 3, 1, 2)),
        (COLOUR.transpose(0, 3, 1, 2), COLOUR.transpose(0, 3, 1, 2)),
    ],
    ids=["NHW", "NHW1", "N1HW", "NHWC", "NCHW"],
)
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_every_layout_gives_the_same_bytes(array: Any, expected: Any, name: str, tmp_path: Path) -> None:
    data = at(saved(tmp_path / name, array))
    assert data.train_set.labels is None
    assert data.resolution == 8
    assert rows(data.train_set.images) == {np.ascontiguousarray(image).tobytes() for image in expected}


def test_labels_and_names_belong_to_their_images(tmp_path: Path) -> None:
    """In the order of the folders that they stand for, with one name for each class or one for each image."""
    by_class = saved(tmp_path / "a.npz", images=GREY, labels=LABELS, class_names=["frog", "ant", "cat"])
    by_image = saved(tmp_path / "b.npz", images=GREY, y=LABELS, class_names=np.array(["frog", "ant", "cat"])[LABELS])
    for path in (by_class, by_image):
        data = at(path)
        assert data.class_names == ("ant", "cat", "frog")
        assert data.train_set.labels is not None
        for image, label in zip(data.train_set.images, data.train_set.labels, strict=True):
            (place,) = [i for i, each in enumerate(GREY) if each.tobytes() == image.numpy().tobytes()]
            assert data.class_names[label] == ("frog", "ant", "cat")[LABELS[place]]
    assert at(by_class, classes=["cat"]).num_images == (LABELS == 2).sum()
    assert at(saved(tmp_path / "c.npz", images=GREY, labels=LABELS)).class_names == ("0", "1", "2")


def test_a_share_is_held_out_and_nothing_is_in_both(tmp_path: Path) -> None:
    data = at(saved(tmp_path / "a.npy", GREY), test_share=0.3)
    train, test = rows(data.split("train").images), rows(data.split("test").images)
    assert train.isdisjoint(test)
    assert len(train | test) == 40


def test_transparent_pixels_show_the_background(tmp_path: Path) -> None:
    clear = np.concatenate([COLOUR, np.zeros((40, 8, 8, 1), dtype=np.uint8)], axis=-1)
    assert int(at(saved(tmp_path / "a.npy", clear), background="black").train_set.images.max()) == 0


def test_rectangles_are_cropped_and_resized(tmp_path: Path) -> None:
    wide = np.zeros((12, 8, 12), dtype=np.uint8)
    wide[:, :, 2:10] = 200
    images = at(saved(tmp_path / "a.npy", wide)).train_set.images
    assert (tuple(images.shape), int(images.min())) == ((12, 1, 8, 8), 200)
    assert at(tmp_path / "a.npy", resolution=4).resolution == 4


def test_other_content_has_another_fingerprint(tmp_path: Path) -> None:
    one, other = saved(tmp_path / "a.npy", GREY), saved(tmp_path / "b.npy", 255 - GREY)
    assert at(one).fingerprint() == at(one).fingerprint() != at(other).fingerprint()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((4, 8, 8))}, r"it has images \(float64 \[4, 8, 8\]\)"),
        ({"a": GREY, "b": GREY}, r"the only one of its kind; it has a \(uint8 \[40, 8, 8\]\), b "),
        ({"a": np.zeros(3)}, "no array of images"),
        ({"images": GREY[:0]}, "no array of images"),
        ({"images": np.zeros((4, 8, 8, 2), dtype=np.uint8)}, "1, 3 or 4 channels are needed, first or last"),
        ({"images": GREY, "labels": LABELS[:3]}, r"labels must be 40 whole numbers from 0 on, not int64 \[3\]"),
        ({"images": GREY, "labels": LABELS - 1}, "whole numbers from 0 on"),
        ({"images": GREY, "labels": LABELS, "class_names": ["a"]}, "has 1 names, and the labels go up to 2"),
        ({"images": np.array([{}], dtype=object)}, "allow_pickle=False"),
    ],
)
def test_what_is_no_array_of_images(arrays: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        at(saved(tmp_path / "a.npz", **arrays))


def test_what_is_no_file_of_arrays(tmp_path: Path) -> None:
    (tmp_path / "torn.npz").write_bytes(saved(tmp_path / "a.npz", GREY).read_bytes()[:500])
    (tmp_path / "text.npy").write_text("hello")
    for name in ("torn.npz", "text.npy", "missing.npy"):
        with pytest.raises(UserError, match=rf"data\.file=.*{name} can't be read as"):
            at(tmp_path / name)
    with pytest.raises(UserError, match=r"data\.file=\.\.\. must say where the images are"):
        Array(batch_size=4)
