"""Two processes give the same metrics as one, because each sample is counted once and in the same order."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from games import start, status
from torch import Tensor

from gan_lightning.metrics import FrechetDistance, KernelDistance, Moments, PrecisionRecall, Sample
from gan_lightning.parallel.gathering import gathered_samples, share, summed

WORLD_SIZE = 2
ODD = 51
METRICS = FrechetDistance(), KernelDistance(subsets=3, subset_size=20), PrecisionRecall()


def cloud(seed: int, count: int = ODD) -> Tensor:
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))


def numbers(real: Sample, fake: Sample) -> dict[str, float]:
    return {name: value for metric in METRICS for name, value in metric(real, fake).items()}


def on_rank(rank: int, folder: Path) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=WORLD_SIZE)
    real, fake = cloud(1), cloud(2)
    own = share(ODD)
    parts = {
        "fakes": gathered_samples(fake[own.start : own.stop], ODD),
        "labels": gathered_samples(torch.arange(ODD)[own.start : own.stop], ODD),
        "one": gathered_samples(fake[: len(share(1))], 1),
        "none": gathered_samples(fake[:0], 0),
    }
    moments = Moments.of(fake[own.start : own.stop] + 1000).over_processes()
    uneven = Moments.of(fake[: 50 * rank]).over_processes()
    with pytest.raises(ValueError, match="50 samples were asked for and the processes have 51"):
        gathered_samples(fake[own.start : own.stop], 50)
    torch.save(
        {
            **parts,
            "share": list(own),
            "numbers": numbers(Sample(real), Sample(parts["fakes"])),
            "moments": (moments.count, moments.mean, moments.covariance),
            "uneven": (uneven.count, uneven.mean, uneven.covariance),
            "sum": summed(torch.tensor(rank + 1)),
        },
        folder / f"{rank}.pt",
    )
    dist.destroy_process_group()


@pytest.mark.forks
def test_two_processes_equal_one(tmp_path: Path) -> None:
    processes = [start(on_rank, rank, tmp_path, output=tmp_path / f"{rank}.log") for rank in range(WORLD_SIZE)]
    for rank, process in enumerate(processes):
        assert status(process, 60) == 0, (tmp_path / f"{rank}.log").read_text()
    results = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(WORLD_SIZE)]
    real, fake = cloud(1), cloud(2)
    assert results[0]["share"] + results[1]["share"] == list(range(ODD))
    for result in results:
        assert torch.equal(result["fakes"], fake)
        assert torch.equal(result["labels"], torch.arange(ODD))
        assert torch.equal(result["one"], fake[:1])
        assert result["none"].shape == (0, 6)
        assert result["numbers"] == numbers(Sample(real), Sample(fake))  # bit for bit
        assert result["sum"] == 3
        for name, samples in (("moments", fake + 1000), ("uneven", fake[:50])):
            count, mean, covariance = result[name]
            expected = Moments.of(samples)
            assert count == expected.count
            torch.testing.assert_close(mean, expected.mean, rtol=1e-13, atol=1e-13)
            torch.testing.assert_close(covariance, expected.covariance, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("total", "world_size"), [(0, 2), (1, 3), (7, 2), (10, 4), (10_000, 3)])
def test_shares_are_contiguous_and_fair(total: int, world_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shares = []
    for rank in range(world_size):
        monkeypatch.setattr("gan_lightning.parallel.gathering._rank_and_world_size", lambda r=rank: (r, world_size))
        shares.append(share(total))
    assert [number for part in shares for number in part] == list(range(total))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_shares_are_whole_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = []
    for rank in range(3):
        monkeypatch.setattr("gan_lightning.parallel.gathering._rank_and_world_size", lambda r=rank: (r, 3))
        shares.append(share(51, batch_size=10))
    assert shares == [range(20), range(20, 40), range(40, 51)]
    assert share(9, batch_size=10) == range(9)  # the last process has the only batch
    monkeypatch.setattr("gan_lightning.parallel.gathering._rank_and_world_size", lambda: (0, 3))
    assert share(9, batch_size=10) == range(0)


def test_alone_all_samples_are_ours() -> None:
    x = cloud(1).requires_grad_()
    assert share(51) == range(51)
    assert torch.equal(gathered_samples(x, 51), x)
    assert not gathered_samples(x, 51).requires_grad
    assert summed(x) is x
    with pytest.raises(ValueError, match="52 samples"):
        gathered_samples(x, 52)
