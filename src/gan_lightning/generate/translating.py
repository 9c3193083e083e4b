"""Pictures of any size through a trained generator that maps images to images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from PIL import Image, ImageOps
from torch import Tensor, nn

from gan_lightning.data.image_set import with_channels
from gan_lightning.data.pictures.decoding import Picture, decode_whole
from gan_lightning.data.pictures.files import Files, FolderFiles, files_at
from gan_lightning.data.pictures.layout import is_picture, listing, other_files
from gan_lightning.data.pictures.reading import decoded
from gan_lightning.errors import UserError
from gan_lightning.images import finite, to_bytes, to_unit
from gan_lightning.runs.loading import Trained
from gan_lightning.runs.whole_files import replacing
from gan_lightning.types import Images

LEAST = 8
"""Smallest side in pixels that networks are given; smaller pictures are padded to it and cut back."""
THUMBNAIL = 256
"""Pixels a side of the square into which a picture is fitted on a sheet."""
SAVED_AS: Mapping[str, Mapping[str, Any]] = {
    **{suffix: {"format": "JPEG", "quality": 95, "subsampling": 0} for suffix in (".jpg", ".jpeg", ".jfif")},
    ".webp": {"format": "WEBP", "lossless": True},
}
"""How Pillow is to write files that end so; all others as it does by itself."""


def saved_as(suffix: str) -> Mapping[str, Any]:
    """How Pillow is to write a file whose name ends so."""
    return SAVED_AS.get(suffix) or {"format": Image.registered_extensions()[suffix]}


@dataclass(frozen=True)
class TrainedTranslator:
    """A trained generator from images to images.

    Args:
        trained: The generator, already on ``device``.
        device: The generator's device.

    Raises:
        UserError: If the generator draws from latents.
    """

    trained: Trained
    device: torch.device

    def __post_init__(self) -> None:
        """Check the generator."""
        if self.trained.prior is not None:
            raise UserError(
                f"from= gives pictures to a generator that maps images to images, and "
                f"{type(self.trained.generator).__name__} of {self.trained.file} draws from latents: leave it out."
            )

    def __call__(self, images: UInt8[Tensor, "B C_in H W"]) -> UInt8[Tensor, "B C_out H W"]:
        """The outputs [B C_out H W], on the CPU, of pictures [B C H W] of any size and of 1 or 3 channels.

        Raises:
            UserError: If an output is not finite, because training diverged.
        """
        generator = self.trained.generator
        height, width = images.shape[2:]
        given = to_unit(with_channels(images, channels_taken(generator)).to(self.device))
        exact = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)  # TF32 is off by more than a grey level
        with torch.inference_mode(), exact:
            made = generator(padded(given, getattr(generator, "multiple_of", 1)))
        return to_bytes(finite(made[:, :, :height, :width])).cpu()


def channels_taken(generator: nn.Module) -> int:
    """Channels of the images that a generator takes: its ``in_channels``, or those of its first convolution."""
    if (channels := getattr(generator, "in_channels", None)) is not None:
        return int(channels)
    return next((p.shape[1] for p in generator.parameters() if p.dim() == 4), 3)


def padded(images: Images, multiple: int) -> Float[Tensor, "B C H_padded W_padded"]:
    """Images continued at the right and at the bottom by reflection, until both sides are multiples of ``multiple``."""
    least = -(-LEAST // multiple)
    lengths = [max(-(-side // multiple), least) * multiple for side in images.shape[2:]]
    rows, columns = (_reflected(*each) for each in zip(images.shape[2:], lengths, strict=True))
    return images[:, :, rows.to(images.device)][:, :, :, columns.to(images.device)]


def _reflected(side: int, length: int) -> Tensor:
    """Indices 0, 1, ..., side - 1, side - 2, ..., 0, 1, ..., as many as ``length``."""
    period = max(2 * (side - 1), 1)
    back_and_forth = torch.arange(length) % period
    return torch.minimum(back_and_forth, period - back_and_forth) if side > 1 else torch.zeros(length, dtype=torch.long)


@dataclass(frozen=True)
class GivenPictures:
    """The pictures of a file, a folder or a zip, by name."""

    files: Files
    names: Sequence[str]


def pictures_at(source: str) -> GivenPictures:
    """The pictures that ``from=`` names.

    Raises:
        UserError: If there are none.
    """
    place = Path(source).expanduser()
    if place.is_file() and is_picture(place.name):
        return GivenPictures(FolderFiles(place.parent), [place.name])
    files = files_at(place, "from")
    listed = sorted(files.listed())
    if not (names := [name for name in listed if is_picture(name)]):
        raise UserError(f"from={source} has no pictures, but {other_files(listed) or 'nothing at all'}.")
    return GivenPictures(files, names)


@dataclass(frozen=True)
class Translation:
    """Pictures and what a generator makes of them, each in a file of the same name and size.

    Args:
        translate: The generator.
        pictures: The pictures that the generator is given.
        background: Name of the colour behind transparent pixels.
        threads: Number of threads that read files.
        on_grid: Number of pictures on the sheet that shows them beside their outputs; 0 for no sheet.
    """

    translate: TrainedTranslator
    pictures: GivenPictures
    background: str
    threads: int
    on_grid: int
    left_out: dict[str, str] = field(default_factory=dict)
    """For each picture that could not be read the reason."""

    def write(self, folder: Path) -> tuple[list[str], dict[str, Any]]:
        """Write the outputs to the folder and the sheet beside it.

        Raises:
            UserError: If none of the pictures can be read.
        """
        shown: list[Image.Image] = []
        count = 0
        for name, before, after in self._outputs():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                after.save(temporary, **saved_as(path.suffix.lower()))
            count += 1
            if count <= self.on_grid:
                shown += [before, after]
        listed = listing([f"{name} ({reason})" for name, reason in self.left_out.items()])
        if not count:
            raise UserError(f"None of the pictures can be read: {listed}.")
        said = [f"{count:,} picture(s) in {folder}"]
        if self.left_out:
            said.append(f"{len(self.left_out):,} left out that can't be read: {listed}")
        if shown:
            path = folder.absolute().with_name(f"{folder.absolute().name}-grid.png")
            with replacing(path) as temporary:
                side_by_side(shown, columns=2).save(temporary, format="PNG")
            said.append(str(path))
        return said, {"pictures": count, "left_out": self.left_out}

    def _outputs(self) -> Iterator[tuple[str, Image.Image, Image.Image]]:
        def read(name: str) -> Picture:
            return decode_whole(self.pictures.files.read(name), self.background)

        for name, found in decoded(self.pictures.names, read, self.threads):
            if isinstance(found, str):
                self.left_out[name] = found
                continue
            made = self.translate(torch.from_numpy(found)[None])[0]
            yield name, as_image(torch.from_numpy(found)), as_image(made)


def as_image(pixels: Tensor) -> Image.Image:
    """Bytes [C H W], grey or RGB, as Pillow's image."""
    return Image.fromarray(pixels.permute(1, 2, 0).squeeze(-1).contiguous().numpy())


def side_by_side(images: Sequence[Image.Image], columns: int) -> Image.Image:
    """A sheet of pictures of any sizes, row by row, each fitted into a square."""
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * (THUMBNAIL + 2) + 2, rows * (THUMBNAIL + 2) + 2))
    for i, image in enumerate(images):
        small = ImageOps.pad(image.convert("RGB"), (THUMBNAIL, THUMBNAIL))
        sheet.paste(small, (i % columns * (THUMBNAIL + 2) + 2, i // columns * (THUMBNAIL + 2) + 2))
    return sheet
