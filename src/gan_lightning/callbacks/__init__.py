"""Callbacks, which do what happens around the game: curves, pictures, quality, checkpoints and progress."""

from gan_lightning.callbacks.checkpoint import Checkpoint
from gan_lightning.callbacks.curves import Curves
from gan_lightning.callbacks.health import Health, RollBack
from gan_lightning.callbacks.progress_bar import Progress
from gan_lightning.callbacks.pruning import Pruning
from gan_lightning.callbacks.quality import Quality
from gan_lightning.callbacks.run_record import RunRecord
from gan_lightning.callbacks.samples import Samples
from gan_lightning.callbacks.scatter import Scatter

__all__ = [
    "Checkpoint",
    "Curves",
    "Health",
    "Progress",
    "Pruning",
    "Quality",
    "RollBack",
    "RunRecord",
    "Samples",
    "Scatter",
]
