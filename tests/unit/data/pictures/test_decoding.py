"""A picture of any kind becomes the square that a person would cut out of it."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps, UnidentifiedImageError

from gan_lightning.data.pictures.decoding import ORIENTATION, decode, is_grey, reason

SIDE = 8


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def square(content: bytes, background: str = "white", side: int = SIDE) -> np.ndarray[Any, Any]:
    return decode(content, side, background)


def plain(mode: str, colour: Any, size: tuple[int, int] = (20, 30)) -> Image.Image:
    return Image.new(mode, size, colour)


def photo(width: int, height: int, seed: int = 0) -> Image.Image:
    """A smooth picture whose corners all differ."""
    noise = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def palette(transparent: int | None = None) -> bytes:
    image = plain("P", 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    return encoded(image, **({} if transparent is None else {"transparency": transparent}))


@pytest.mark.parametrize(
    ("content", "colour"),
    [
        pytest.param(encoded(plain("1", 1)), (255, 255, 255), id="1"),
        pytest.param(encoded(plain("L", 77)), (77, 77, 77), id="L"),
        pytest.param(encoded(plain("I;16", 77 * 257)), (77, 77, 77), id="16 bits"),
        pytest.param(encoded(plain("I;16", 77 * 257), "TIFF"), (77, 77, 77), id="16 bits in a TIFF"),
        pytest.param(encoded(plain("I", 77 * 257), "PPM"), (77, 77, 77), id="16 bits in a PGM"),
        pytest.param(palette(), (10, 20, 30), id="P"),
        pytest.param(encoded(plain("RGB", (10, 20, 30))), (10, 20, 30), id="RGB"),
        pytest.param(encoded(plain("RGB", (10, 20, 30)), "BMP"), (10, 20, 30), id="BMP"),
        pytest.param(encoded(plain("RGB", (10, 20, 30)), "WEBP", lossless=True), (10, 20, 30), id="WEBP"),
        pytest.param(encoded(plain("RGB", (10, 20, 30)), "GIF"), (10, 20, 30), id="GIF"),
        pytest.param(encoded(plain("CMYK", (255, 0, 0, 0)), "TIFF"), (0, 255, 255), id="CMYK"),
    ],
)
def test_every_mode_becomes_rgb(content: bytes, colour: tuple[int, int, int]) -> None:
    pixels = square(content)
    assert pixels.shape == (3, SIDE, SIDE)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert all((pixels[channel] == colour[channel]).all() for channel in range(3))
    assert is_grey(pixels) == (len(set(colour)) == 1)


def test_a_jpeg_of_cmyk_or_grey_is_read() -> None:
    for mode, colour, expected in [("CMYK", (255, 0, 0, 0), (0, 255, 255)), ("L", 77, (77, 77, 77))]:
        pixels = square(encoded(plain(mode, colour), "JPEG", quality=95))
        assert np.abs(pixels.astype(int) - np.reshape(expected, (3, 1, 1))).max() <= 3


def colour_key(colour: tuple[int, int, int]) -> bytes:
    return encoded(plain("RGB", colour), transparency=colour)


@pytest.mark.parametrize(
    ("content", "on_white", "on_black"),
    [
        pytest.param(encoded(plain("RGBA", (200, 100, 0, 0))), 255, 0, id="RGBA, clear"),
        pytest.param(encoded(plain("RGBA", (100, 100, 100, 51))), 224, 20, id="RGBA, a fifth of it"),  # 0.2 x + 0.8 b
        pytest.param(encoded(plain("LA", (100, 51))), 224, 20, id="LA"),
        pytest.param(palette(transparent=1), 255, 0, id="P"),
        pytest.param(colour_key((9, 9, 9)), 255, 0, id="RGB with a colour for nothing"),
    ],
)
def test_transparent_pixels_show_the_background(content: bytes, on_white: int, on_black: int) -> None:
    for background, value in (("white", on_white), ("black", on_black)):
        assert np.abs(square(content, background).astype(int) - value).max() <= 1


@pytest.mark.parametrize("size", [(24, 8), (8, 24)])
def test_the_square_in_the_middle_is_kept(size: tuple[int, int]) -> None:
    image = plain("L", 0, size)
    middle = [(extent - 8) // 2 for extent in size]
    image.paste(200, (middle[0], middle[1], middle[0] + 8, middle[1] + 8))
    assert (square(encoded(image)) == 200).all()


def test_a_picture_of_the_right_size_is_left_as_it_is() -> None:
    image = photo(SIDE, SIDE)
    assert np.array_equal(square(encoded(image)), np.asarray(image).transpose(2, 0, 1))


@pytest.mark.parametrize("factor", [2, 5, 16, 100])
def test_shrinking_averages(factor: int) -> None:
    """A chessboard of single pixels must become grey; taking some of its pixels would give black or white."""
    board = np.indices((SIDE * factor, SIDE * factor)).sum(0) % 2 * 255
    assert np.abs(square(encoded(Image.fromarray(board.astype(np.uint8)))).astype(int) - 127.5).max() <= 4


def test_a_small_picture_is_enlarged_smoothly() -> None:
    ramp = Image.fromarray(np.array([[0, 255]] * 2, dtype=np.uint8))
    row = square(encoded(ramp))[0, 3].astype(int)
    assert (np.diff(row) >= 0).all()
    assert len(set(row.tolist())) > 3


@pytest.mark.parametrize("size", [(640, 480), (300, 901), (197, 203)])
def test_a_jpeg_decoded_at_less_than_its_size_looks_the_same(size: tuple[int, int]) -> None:
    content = encoded(photo(*size), "JPEG", quality=90)
    with Image.open(BytesIO(content)) as image:
        width, height = image.size
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        exact = image.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    difference = square(content).astype(int) - np.asarray(exact).astype(int).transpose(2, 0, 1)
    assert np.abs(difference).max() <= 3
    assert np.abs(difference).mean() <= 1


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_camera_was(orientation: int, form: str) -> None:
    """The result is that of Pillow's own function, which turns the whole picture before it is resized."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = encoded(photo(40, 28), form, exif=exif)
    with Image.open(BytesIO(content)) as image:
        turned = ImageOps.exif_transpose(image)
    difference = square(content).astype(int) - square(encoded(turned)).astype(int)
    assert np.abs(difference).max() <= 3
    upright = square(encoded(photo(40, 28), form)).astype(int)
    assert orientation == 1 or np.abs(square(content) - upright).max() > 20


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("exif", [b"nonsense", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\0\x01"])
def test_an_exif_block_without_sense_costs_nothing(exif: bytes) -> None:
    content = encoded(photo(40, 28), "JPEG", exif=b"Exif\0\0" + exif)
    assert np.array_equal(square(content), square(encoded(photo(40, 28), "JPEG")))


def test_an_animation_gives_its_first_frame() -> None:
    frames = [plain("RGB", (255, 0, 0)), plain("RGB", (0, 255, 0))]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (square(content)[0] == 255).all()


@pytest.mark.parametrize("mode", ["I", "F"])
def test_numbers_without_a_white_are_refused(mode: str) -> None:
    with pytest.raises(ValueError, match="nobody says what is white"):
        square(encoded(plain(mode, 1), "TIFF"))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_half_a_file_is_no_picture(form: str) -> None:
    content = encoded(photo(64, 64), form)
    with pytest.raises((OSError, ValueError, SyntaxError)) as caught:
        square(content[: len(content) // 2])
    assert reason(caught.value)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"])
def test_what_is_no_picture_at_all_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(UnidentifiedImageError) as caught:
        square(content)
    assert reason(caught.value).startswith("it is none of JPEG, PNG")


def test_nothing_is_handed_to_another_program() -> None:
    """Pillow would start Ghostscript for an EPS, whatever the file is called."""
    content = encoded(plain("RGB", (1, 2, 3)), "EPS")
    with Image.open(BytesIO(content)) as image:
        assert image.format == "EPS"
    with pytest.raises(UnidentifiedImageError):
        square(content)


def test_a_decompression_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(Image.DecompressionBombError) as caught:
        square(encoded(plain("L", 0, (20, 30))))
    assert "600 pixels" in reason(caught.value)
