"""The options that pairs and unpaired domains of your own pictures have in common, and when both are checked."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from gan_lightning.data.translation.datamodule import TranslationDataModule
from gan_lightning.data.translation.pictures import Background, PictureOptions
from gan_lightning.images import Resolution


class OwnPictures(TranslationDataModule):
    """Base of data of your own pictures, which are cropped to the middle with the proportions of the resolution.

    They are then resized, and the result is kept on disk for the next run.

    Args:
        resolution: Side in pixels, or (height, width), of the images that networks see.
        background: Colour that shows through transparent pixels: white or black.
        test_share: Share of the pictures that is held out of training as the split "test". Their names decide which.
        skip_damaged: Whether pictures that cannot be used are left out; otherwise they end the run.
        in_memory_gb: Size above which a split is not loaded but mapped from disk (1 GB is 10^9 bytes, for each
            process).
        options: The options of :class:`TranslationDataModule`. If ``channels_a`` is None, domain a has one channel if
            all its pictures are grey, else three; the same holds for domain b.
    """

    def __init__(
        self,
        *,
        resolution: Resolution = 256,
        background: Background = "white",
        test_share: float = 0.1,
        skip_damaged: bool = False,
        in_memory_gb: float = 4.0,
        **options: Any,
    ) -> None:
        super().__init__(resolution=resolution, **options)
        self.how = PictureOptions(background, test_share, skip_damaged, in_memory_gb)

    def prepare_data(self) -> None:
        """Decode the pictures, unless that was done before.

        Raises:
            UserError: If there are no pictures, or some can't be used.
        """
        self.check()

    @abstractmethod
    def check(self) -> None:
        """Refuse pictures that can't be used, unless they are to be left out.

        Raises:
            UserError: If there are such pictures, or no pictures at all.
        """
