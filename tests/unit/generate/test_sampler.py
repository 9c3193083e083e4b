"""One seed is one image."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from verbs import trained

from gan_lightning.errors import UserError
from gan_lightning.games.priors import Normal, TruncatedNormal, Uniform
from gan_lightning.generate.sampler import Sampler, SeedDraw
from gan_lightning.generate.seeds_and_classes import Wanted
from gan_lightning.images import to_bytes
from gan_lightning.networks import DCGANGenerator, PointGenerator, StyleGAN2Generator
from gan_lightning.types import Draw

CPU = torch.device("cpu")


def dcgan(**options: Any) -> nn.Module:
    generator = DCGANGenerator(channels=3, resolution=32, width=8, latent_dim=16, **options)
    for parameter in generator.parameters():  # as they start, images are all but grey
        parameter.data.mul_(5)
    return generator


def drawn(sampler: Sampler, seeds: list[int]) -> Tensor:
    wanted = [Wanted(*each) for each in zip(seeds, sampler.labels(seeds), strict=True)]
    return torch.cat(list(sampler.draw(wanted)))


def test_a_row_depends_on_its_seed_alone() -> None:
    many = SeedDraw((4, 9, 2**31, 0))
    for kind in (SeedDraw.normal, SeedDraw.uniform):
        alone = torch.cat([kind(SeedDraw((seed,)), "z", (1, 5)) for seed in many.seeds])
        assert torch.equal(kind(many, "z", (4, 5)), alone)
    assert torch.equal(many.integers("y", 10, (4,))[1:2], SeedDraw((9,)).integers("y", 10, (1,)))


def test_seeds_purposes_and_names_give_other_numbers() -> None:
    draw = SeedDraw(tuple(range(500)))
    z = draw.normal("z", (500, 40))
    assert len({tuple(row) for row in z.tolist()}) == 500
    assert float(z.mean()) == pytest.approx(0, abs=0.03)
    assert float(z.std()) == pytest.approx(1, abs=0.03)
    assert float((z[1:] * z[:-1]).mean()) == pytest.approx(0, abs=0.03)  # neighbouring seeds are no kin
    for other in (draw.normal("y", (500, 40)), draw.named("a").normal("z", (500, 40))):
        assert float((z * other).mean()) == pytest.approx(0, abs=0.03)
    assert isinstance(draw, Draw)


def test_no_two_seeds_coincide() -> None:
    """Hashed to 32 bits, two of 50,000 seeds would with odds of one in four."""
    states = {int(each.initial_seed()) for each in SeedDraw(tuple(range(50_000)))._generators("z", (50_000,))}
    assert len(states) == 50_000


@pytest.mark.parametrize("conditioning", ["none", "batch_norm"])
def test_an_image_does_not_depend_on_the_size_of_the_batch(conditioning: str) -> None:
    generator = trained(dcgan(conditioning=conditioning, num_classes=5))
    seeds = list(range(64))
    one, seven, all_at_once = (drawn(Sampler(generator, CPU, size), seeds) for size in (1, 7, 64))
    assert one.shape == (64, 3, 32, 32)
    assert float(one.float().std()) > 5  # there is something to compare
    for other in (seven, all_at_once):
        assert int((one.int() - other.int()).abs().max()) <= 1
    few = drawn(Sampler(generator, CPU, 64), [40, 3])
    assert int((few.int() - one[[40, 3]].int()).abs().max()) <= 1


def test_a_seed_has_a_class_and_all_are_equally_likely() -> None:
    sampler = Sampler(trained(dcgan(conditioning="concat", num_classes=5)), CPU)
    labels = sampler.labels(range(1000))
    assert sampler.labels([7, 3]) == [labels[7], labels[3]]
    counts = torch.bincount(torch.tensor(labels), minlength=5)
    assert int(counts.min()) > 150
    assert Sampler(trained(dcgan()), CPU).labels([1, 2]) == [None, None]


@pytest.mark.parametrize(("prior", "within"), [(Normal(), 0.5), (Uniform(), 0.5), (TruncatedNormal(1.0), 0.5)])
def test_truncation(prior: Any, within: float) -> None:
    generator = trained(dcgan(), prior)
    whole, cut = (Sampler(generator, CPU, truncation=limit).latents(range(200)) for limit in (None, within))
    assert float(whole.abs().max()) > within
    assert within * 0.98 < float(cut.abs().max()) <= within
    assert torch.equal(whole.sign(), cut.sign())


def test_a_prior_without_truncation() -> None:
    def own(draw: Draw, batch: int, latent_dim: int) -> Tensor:
        return draw.normal("z", (batch, latent_dim))

    with pytest.raises(UserError, match="has no method truncate"):
        Sampler(trained(dcgan(), own), CPU, truncation=1.0).try_out()


def test_points_are_no_images() -> None:
    points = PointGenerator(channels=2, resolution=1, latent_dim=2, widths=[4])
    with pytest.raises(UserError, match=r"draws \[2, 1, 1\] and no images"):
        Sampler(trained(points), CPU).try_out()


@pytest.mark.parametrize("options", [{}, {"conditioning": "mapping", "num_classes": 3}])
def test_truncation_of_styles(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The style is mean + ψ (w - mean), Karras et al. 2019, appendix B: 1 changes nothing, 0 the mean style alone."""
    monkeypatch.setattr("gan_lightning.generate.sampler.STYLES", 500)
    network = StyleGAN2Generator(channels=1, resolution=8, latent_dim=8, style_dim=8, **options)
    generator = trained(network)
    plain, one, half, none = (
        drawn(Sampler(generator, CPU, truncation_w=psi), [3, 4, 5]).int() for psi in (None, 1.0, 0.5, 0.0)
    )
    assert int((plain - one).abs().max()) <= 1
    assert bool((none == none[:1]).all())
    assert not torch.equal(half, plain)
    seeds = tuple(range(500))
    z = Normal()(SeedDraw(seeds, ("mean style",)), 500, 8)
    labels = Sampler(generator, CPU).labels(seeds)
    styles = network.styles(z, None if None in labels else torch.tensor(labels))
    average = to_bytes(network.synthesis(styles.mean(0, keepdim=True))).int()
    assert int((none[:1] - average).abs().max()) <= 1
