"""What games between two domains of images have in common: their batches, their sheets and what they are played on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gan_lightning.data.translation.datamodule import TranslationDataModule
from gan_lightning.data.translation.loader import TranslationBatch
from gan_lightning.errors import NoSuchSplit, UserError
from gan_lightning.games.adversarial import AdversarialGame
from gan_lightning.games.rules import ERRORS, WARNINGS
from gan_lightning.images import to_unit
from gan_lightning.types import AdversarialLoss, Sheet

ImagesA: TypeAlias = Float[Tensor, "B C_a H W"]
ImagesB: TypeAlias = Float[Tensor, "B C_b H W"]

COLUMNS = 8
"""Largest number of pictures side by side on a sheet."""


class TranslationGame(AdversarialGame):
    """Base of games whose data are a :class:`~gan_lightning.data.translation.loader.TranslationBatch`.

    `a` and `b` are images of the two domains. Networks that make images map [B C H W] to [B C H W] and take no labels.

    Args:
        networks: As in :class:`~gan_lightning.games.base.Game`.
        loss: The two objectives over logits.
        discriminator_weight: Factor of D's loss. Pix2Pix, CycleGAN and CUT halve it, which slows D down against G.
        options: Options of :class:`~gan_lightning.games.adversarial.AdversarialGame` and
            :class:`~gan_lightning.games.base.Game`.
    """

    errors = ERRORS
    warnings = WARNINGS
    DATA: ClassVar[type] = TranslationDataModule
    """The data on which the game can be played."""
    EXAMPLES: ClassVar[str] = "data=styles or data=domains data.a=FOLDER data.b=FOLDER"
    """Command line options that choose such data, for the message."""

    def __init__(
        self,
        networks: Mapping[str, Mapping[str, nn.Module]],
        loss: AdversarialLoss,
        *,
        discriminator_weight: float = 0.5,
        **options: Any,
    ) -> None:
        super().__init__(networks, loss, **options)
        self.discriminator_weight = discriminator_weight

    def require(self, data: Any) -> None:
        """Refuse data without two domains, or without pairs if the game needs them.

        Raises:
            UserError: If these are such data.
        """
        if not isinstance(data, self.DATA):
            raise UserError(
                f"{type(self).__name__} can't be played on {type(data).__name__}, because it needs a "
                f"{self.DATA.__name__}: choose {self.EXAMPLES}."
            )

    def shares(self, batch: TranslationBatch) -> Iterator[tuple[ImagesA, ImagesB]]:
        """The ``n_critic`` parts of a batch, each with the images of both domains for one D update."""
        yield from zip(batch.a.chunk(self.n_critic), batch.b.chunk(self.n_critic), strict=True)

    def input_shapes(self, image: tuple[int, int, int]) -> Mapping[str, tuple[int, ...]]:
        """Images for all networks, with as many channels as each takes."""
        networks = self.networks.items()
        return {name: (int(each.in_channels), *image[1:]) for name, each in networks if hasattr(each, "in_channels")}  # type: ignore[arg-type]

    def held_out(self, data: TranslationDataModule, count: int) -> tuple[ImagesA, ImagesB]:
        """The first images of both domains that are held out of training, or of training if none are.

        Args:
            data: The data module of the run.
            count: How many of each domain; fewer if there are not as many.
        """
        try:
            sides = data.split("test")
        except NoSuchSplit:
            sides = data.split("train")
        count = min(count, len(sides.a), len(sides.b))
        a, b = (to_unit(side.images[:count].to(self.device)) for side in (sides.a, sides.b))
        return a, b


def columns_for(count: int, kinds: int) -> int:
    """The number of inputs on a sheet of about ``count`` pictures that shows ``kinds`` pictures for each input.

    It fills whole rows of at most eight.
    """
    inputs = max(count // kinds, 1)
    return inputs if inputs < COLUMNS else inputs // COLUMNS * COLUMNS


def in_rows(kinds: Sequence[Tensor]) -> Sheet:
    """A sheet whose rows show one kind of picture each; of more than eight inputs there are several blocks of rows.

    Args:
        kinds: Pictures of each kind [N C H W], those at the same place below one another. Grey ones become colour if
            others are.
    """
    columns = min(len(kinds[0]), COLUMNS)
    channels = max(kind.shape[1] for kind in kinds)
    alike = [kind.expand(-1, channels, -1, -1) for kind in kinds]
    blocks: Iterator[tuple[Tensor, ...]] = zip(*(torch.split(kind, columns) for kind in alike), strict=True)
    return Sheet(torch.cat([row for block in blocks for row in block]), columns)
