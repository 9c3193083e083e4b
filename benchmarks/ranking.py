"""Whether the metrics rank generators correctly: python benchmarks/ranking.py RUN_FOLDER [data.data_dir=...].

Measures noise, an untrained G, the first and the last of the checkpoints that ``callbacks.checkpoint.keep_every_kimg``
kept, and the test split: 10,000 images of each against the run's training images, by the run's metrics. Prints a table
in Markdown.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import torch

from gan_lightning.config.trust import build_trusted
from gan_lightning.data.stored import images_of_run
from gan_lightning.evaluate.real_and_evaluator import evaluator_of
from gan_lightning.images import grid, save_png
from gan_lightning.metrics import Sample
from gan_lightning.quality import Evaluator, Fakes, RealImages, real_images
from gan_lightning.runs.loading import stored_at
from gan_lightning.types import Bytes

CPU = torch.device("cpu")
METRICS = ["fid", "kid", "inception_score", "precision_recall"]
SHOWN = ("fid", "kid", "inception_score", "precision", "recall", "density", "coverage")


def contenders(run: Path, evaluator: Evaluator, like: Bytes, test: RealImages) -> Iterator[tuple[str, Sample, Bytes]]:
    """The contenders from the worst to the best: the name of each, its features, and some of its images."""
    random = torch.Generator().manual_seed(0)
    noise = torch.randint(256, (evaluator.n_fake, *like.shape[1:]), generator=random, dtype=torch.uint8)
    yield "uniform noise", evaluator.real(RealImages("Noise", "train", noise), CPU), noise[:8]
    copies = sorted(path for path in (run / "checkpoints").glob("kimg-*.ckpt"))
    early, late = stored_at(copies[0]).trained(), stored_at(copies[-1]).trained()
    torch.manual_seed(0)
    untrained = build_trusted(early.nodes["generator"])
    generators = {"untrained G": untrained.eval()}
    generators |= {f"G after {each.counters['images_seen']:,} images": each.generator for each in (early, late)}
    for name, generator in generators.items():
        fakes = Fakes(late.draws(), late.latent_dim, None, evaluator.n_fake, evaluator.seed, evaluator.batch_size)
        yield name, evaluator.fake(fakes, deepcopy(generator), CPU), next(fakes.batches(generator, CPU, range(8)))
    yield "test split", evaluator.real(test, CPU), test.images[:8]


def main() -> None:
    """Measure all contenders, print the table, and save a picture with a row of eight images of each."""
    run = Path(sys.argv[1])
    changes = dict(word.removeprefix("data.").split("=", 1) for word in sys.argv[2:])
    config = stored_at(run).config
    evaluator = evaluator_of(None, {}, {}, config, []).only(METRICS)
    data = images_of_run(config, changes)
    real = real_images(data, evaluator.split)
    of_real = evaluator.real(real, CPU)
    print(f"| images | {' | '.join(SHOWN)} |\n|---{'|---' * len(SHOWN)}|")
    rows = []
    start = time.process_time()
    for name, sample, some in contenders(run, evaluator, real.images, real_images(data, "test")):
        numbers = evaluator.numbers(of_real, sample, evaluator.protocol(real, len(sample), name))
        values = {number.name: number.value for number in numbers}
        print(f"| {name} | {' | '.join(f'{values[each]:.3g}' for each in SHOWN)} |", flush=True)
        rows.append(some)
    print(f"{time.process_time() - start:.0f} s of processor time")
    save_png(grid(torch.cat(rows), 8), run / "ranking.png")


if __name__ == "__main__":
    main()
