"""Run folders as training leaves them, written without any training, for the tests of what reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

METRIC = "averaged/fid"
PROTOCOL = {
    "extractor": "digits",
    "extractor_hash": "12ab",
    "data": "Digits",
    "split": "train",
    "data_hash": "34cd",
    "n_real": 60_000,
    "n_fake": 500,
    "resize": "none",
    "quantisation": "round",
    "generator": "averaged",
    "sampling": "as in training",
    "metric": "FrechetDistance()",
    "seed": 0,
    "versions": {"torch": "2.14.1"},
}
BATCH = 100
"""Number of images in an iteration."""
CLASSES = {"hinge": "Hinge", "non_saturating": "NonSaturating", "minimax": "Minimax"}


def write_run(
    folder: Path,
    values: Sequence[float] = (40.0, 30.0, 20.0),
    *,
    seed: int = 0,
    loss: str = "hinge",
    every: int = 1000,
    status: str | None = "done",
    typed: Sequence[str] = (),
    metric: str = METRIC,
    protocol: Mapping[str, Any] | None = PROTOCOL,
    better: str | None = "lower",
    options: Mapping[str, Any] | None = None,
    pictures: bool = False,
    started: str = "2026-11-22T10:00:00+00:00",
) -> Path:
    """Write a run that was measured ``every`` so many images, without a summary if ``status`` is None."""
    folder.mkdir(parents=True)
    config: dict[str, Any] = {
        "seed": seed,
        "threads": 1,
        "n_critic": 1,
        "loss": {"_target_": f"gan_lightning.losses.{CLASSES[loss]}"},
        "optimizer": {"lr": 0.0002, "generator": {"_target_": "torch.optim.Adam", "lr": 0.0002}},
        "run": {"folder": str(folder)},
        "data": {"_target_": "gan_lightning.data.Digits", "batch_size": BATCH, "seed": seed},
        "callbacks": {"samples": {"folder": str(folder), "every_kimg": 1}},
        **(options or {}),
    }
    composed = {**config, "optimizer": {"lr": 0.0002, "generator": {"_target_": "torch.optim.Adam", "lr": "${..lr}"}}}
    composed |= {"data": {**config["data"], "seed": "${seed}"}, **(options or {})}
    (folder / "resolved.yaml").write_text(yaml.safe_dump(config))
    (folder / "config.yaml").write_text(yaml.safe_dump(composed))
    (folder / "overrides.txt").write_text("".join(f"{word}\n" for word in (f"loss={loss}", f"seed={seed}", *typed)))
    lines = []
    for i, value in enumerate(values, 1):
        line = {"v": 1, "iteration": i * every // BATCH, "images": i * every, "seconds": float(i), "value": value}
        line |= {"name": f"quality/{metric}"} | ({"protocol": dict(protocol)} if protocol else {})
        lines.append(line | ({"better": better} if better else {}))
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    facts = {
        "started": started,
        "command": ["train.py", "-m", "loss=hinge,minimax"],
        "git": {"commit": "c0ffee", "changed": True},
        "python": "3.11.7",
        "packages": {"torch": "2.14.1"},
        "machine": {"processor": "A CPU", "cpus": 2, "memory_gib": 16.0, "gpus": []},
    }
    (folder / "provenance.json").write_text(json.dumps(facts))
    if status is not None:
        iterations = len(values) * every // BATCH
        spent = dict.fromkeys(("iteration", "d_updates", "g_updates"), iterations) | {"images": len(values) * every}
        ended = {"status": status, "seconds": float(len(values)), "ended": "2026-11-22T11:00:00+00:00"}
        (folder / "summary.json").write_text(json.dumps({"v": 1, "signal": None, **ended, **spent}))
    if pictures:
        (folder / "samples").mkdir()
        for i in range(len(values) + 1):
            shade = Image.new("L", (64, 64), 40 * i + seed)
            shade.save(folder / "samples" / f"iteration-{i * every // BATCH:07d}.png")
        Image.new("L", (64, 64), 255).save(folder / "samples" / "real.png")
    return folder


def write_failure(folder: Path, message: str, kind: str = "diverged") -> None:
    """Write what a failed job of a sweep leaves."""
    folder.mkdir(exist_ok=True)
    (folder / "failure.json").write_text(json.dumps({"v": 1, "kind": kind, "message": message}))


def write_sweep(folder: Path, recipes: Mapping[str, Sequence[float]], **options: Any) -> Path:
    """Write runs of several losses, for each of which there is one seed for every last value that is given."""
    for loss, finals in recipes.items():
        for seed, final in enumerate(finals):
            values = (2 * final, 1.5 * final, final)
            write_run(folder / f"loss-{loss}_seed-{seed}", values, seed=seed, loss=loss, **options)
    return folder


def write_health(folder: Path, *records: tuple[int, str, float], **facts: Any) -> None:
    """Write what a doctor found: images, name, and 1 for the beginning of an illness or 0 for its end."""
    whole = {"sentence": "It is ill.", "advice": "Do this.", "evidence": {"accuracy": 0.995}, **facts}
    lines = [
        {
            "v": 1,
            "iteration": images // BATCH,
            "images": images,
            "name": name,
            "value": value,
            **(whole if value else {}),
        }
        for images, name, value in records
    ]
    (folder / "health.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
