"""Conditionings: what each one computes, which networks take it, and that unconditional networks are unchanged."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import batch_norm

from gan_lightning import networks
from gan_lightning.errors import UserError
from gan_lightning.networks import DCGANGenerator, Discriminator, Generator, ResNetGenerator, SAGANGenerator
from gan_lightning.networks.base import classes_for, conditioning_of
from gan_lightning.networks.parts.conditioning import (
    HEADS,
    AuxiliaryHead,
    ConcatenatedLatents,
    ConcatenatedMaps,
    ConditionalBatchNorm2d,
    ProjectionHead,
    identity,
    one_hot,
)
from gan_lightning.types import Verdict

CLASSES = 3
Y = torch.tensor([0, 2, 1, 0])
CLASSES_OF_NETWORKS = [getattr(networks, name) for name in networks.__all__]
GENERATORS = [each for each in CLASSES_OF_NETWORKS if issubclass(each, Generator) and each is not Generator]
TAKE_NO_LABELS = {networks.PatchDiscriminator, networks.PixelDiscriminator}  # they judge translations
DISCRIMINATORS = [
    each
    for each in CLASSES_OF_NETWORKS
    if issubclass(each, Discriminator) and each not in TAKE_NO_LABELS | {Discriminator}
]


# ------------------------------------------------------------------------------------------------------- the objects


def test_one_hot() -> None:
    assert one_hot(Y, CLASSES).tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
    with pytest.raises(UserError, match="called without labels"):
        one_hot(None, CLASSES)


def test_labels_beside_latents_are_as_long() -> None:
    layer = ConcatenatedLatents(2, CLASSES)
    z = torch.tensor([[5.0, 6.0], [7.0, 8.0]])
    assert layer.features == 5
    torch.testing.assert_close(layer(z, Y[:2]), torch.tensor([[5, 6, 2**0.5, 0, 0], [7, 8, 0, 0, 2**0.5]]))
    assert ConcatenatedLatents(2, 0).features == 2
    assert torch.equal(ConcatenatedLatents(2, 0)(z, Y[:2]), z)


def test_labels_beside_pixels() -> None:
    layer = ConcatenatedMaps(1, CLASSES)
    x = torch.rand(4, 1, 2, 3)
    maps = layer(x, Y)
    assert layer.features == 4
    assert torch.equal(maps[:, :1], x)
    assert torch.equal(maps[:, 1:], one_hot(Y, CLASSES)[:, :, None, None].expand(4, CLASSES, 2, 3))
    assert torch.equal(ConcatenatedMaps(1, 0)(x), x)


def test_conditional_batch_norm_starts_as_batch_norm() -> None:
    x = torch.randn(4, 2, 3, 3)
    assert torch.equal(ConditionalBatchNorm2d(2, CLASSES)(x, Y), nn.BatchNorm2d(2)(x))


@pytest.mark.parametrize("rate", [1, 10])
def test_conditional_batch_norm_has_a_gain_and_a_bias_for_each_class(rate: int) -> None:
    """The statistics are those of the whole batch; gain and bias are those of each sample's class."""
    layer = ConditionalBatchNorm2d(2, CLASSES, rate)
    nn.init.normal_(layer.gain.weight)
    nn.init.normal_(layer.bias.weight)
    x = torch.randn(4, 2, 3, 3)
    maps = layer(x, Y)
    for sample, (normal, label) in enumerate(zip(batch_norm(x, None, None, training=True), Y, strict=True)):
        gain, bias = (rate * weight[label][:, None, None] for weight in (layer.gain.weight, layer.bias.weight))
        torch.testing.assert_close(maps[sample], (1 + gain) * normal + bias)
    torch.testing.assert_close(layer.norm.running_mean, 0.1 * x.mean((0, 2, 3)))


@pytest.mark.parametrize(("network", "rate"), [(ResNetGenerator, 1), (SAGANGenerator, 1), (DCGANGenerator, 10)])
def test_class_gains_learn_at_the_papers_rate_where_a_paper_has_them(network: type[Generator], rate: int) -> None:
    with torch.device("meta"):
        generator = network(channels=1, resolution=28, num_classes=CLASSES, conditioning="batch_norm", width=4)
    rates = [layer.rate for layer in generator.modules() if isinstance(layer, ConditionalBatchNorm2d)]
    assert rates
    assert set(rates) == {rate}


@pytest.mark.parametrize("network", [DCGANGenerator, ResNetGenerator])
def test_class_gains_of_another_norm_name_the_way_out(network: type[Generator]) -> None:
    with torch.device("meta"), pytest.raises(UserError, match=r"norm='none'.*conditioning\.generator=concat"):
        network(channels=1, resolution=28, num_classes=CLASSES, conditioning="batch_norm", norm="none")


def test_weights_of_classes_stand_between_labels() -> None:
    """One-hot weights act as labels, and half of two classes gives the middle between the two outputs."""
    halves = 0.5 * one_hot(torch.tensor([0]), CLASSES) + 0.5 * one_hot(torch.tensor([2]), CLASSES)
    norm = ConditionalBatchNorm2d(2, CLASSES)
    nn.init.normal_(norm.gain.weight)
    latents = ConcatenatedLatents(2, CLASSES)
    for layer, x in ((norm.eval(), torch.randn(1, 2, 3, 3)), (latents, torch.randn(1, 2))):
        ends = [layer(x, torch.tensor([label])) for label in (0, 2)]
        torch.testing.assert_close(layer(x, halves), (ends[0] + ends[1]) / 2)
        torch.testing.assert_close(layer(x, one_hot(torch.tensor([2]), CLASSES)), ends[1])


def test_projection() -> None:
    """The logit is `ψ(h) + <embedding of y, h>`, Miyato & Koyama 2018, eq. 3."""
    head = ProjectionHead(2, CLASSES)
    with torch.no_grad():
        head.linear.weight.copy_(torch.tensor([[1.0, -1.0]]))
        head.linear.bias.fill_(0.5)
        head.embedding.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 10.0], [100.0, 100.0]]))
    h = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    assert head(h, Y).tolist() == [-0.5 + 1, -0.5 + 700, -0.5 + 60, -0.5 + 7]


def test_auxiliary_head() -> None:
    head = AuxiliaryHead(2, CLASSES)
    h = torch.randn(4, 2)
    verdict = head(h)
    assert isinstance(verdict, Verdict)
    assert torch.equal(verdict.logits, (h @ head.linear.weight.T + head.linear.bias).squeeze(1))
    assert torch.equal(verdict.classes, head.classes(h))


@pytest.mark.parametrize(("name", "layers"), [("none", 1), ("concat", 1), ("projection", 2), ("auxiliary", 2)])
def test_heads_wrap_each_of_their_layers(name: str, layers: int) -> None:
    wrapped: list[nn.Module] = []

    def wrap(module: nn.Module) -> nn.Module:
        wrapped.append(module)
        return module

    head = HEADS[name](2, CLASSES, wrap)
    assert len(wrapped) == layers
    assert sum(p.numel() for layer in wrapped for p in layer.parameters()) == sum(p.numel() for p in head.parameters())
    answer = HEADS[name](2, CLASSES, identity)(torch.randn(4, 2), Y)
    assert (answer.logits if isinstance(answer, Verdict) else answer).shape == (4,)


# ------------------------------------------------------------------------------------------------- who takes which


@pytest.mark.parametrize("network", [*GENERATORS, *DISCRIMINATORS])
def test_a_network_takes_what_it_says(network: type[Generator | Discriminator]) -> None:
    assert network.CONDITIONINGS[0] == "none"
    for name in network.CONDITIONINGS:
        assert conditioning_of(network, name) == name
        assert classes_for(network, name, CLASSES) == (0 if name == "none" else CLASSES)
        with torch.device("meta"):
            made = network(channels=1, resolution=28, num_classes=CLASSES, conditioning=name)
        assert made.num_classes == classes_for(network, name, CLASSES)
    with pytest.raises(UserError, match=rf"^{network.__name__} takes conditioning none.*, not 'telepathy'\."):
        network(channels=1, resolution=28, num_classes=CLASSES, conditioning="telepathy")


@pytest.mark.parametrize("network", GENERATORS)
def test_own_is_one_of_them(network: type[Generator]) -> None:
    assert network.OWN in network.CONDITIONINGS[1:]
    assert conditioning_of(network, "own") == network.OWN


def test_the_message_lists_them() -> None:
    with pytest.raises(UserError, match=r"DCGANGenerator takes conditioning none, concat or batch_norm, not 'mapping'"):
        conditioning_of(networks.DCGANGenerator, "mapping")
    with pytest.raises(UserError, match=r"none or mapping, not 'concat'\. conditioning=projection gives it its own"):
        conditioning_of(networks.StyleGAN2Generator, "concat")
    with pytest.raises(UserError, match=r"Generator takes conditioning none, not 'concat'"):
        conditioning_of(Generator, "concat")
    with pytest.raises(UserError, match="not 'own'"):  # "own" is for G only, whose conditioning differs by network
        conditioning_of(networks.DCGANDiscriminator, "own")


def test_labels_are_needed() -> None:
    with pytest.raises(UserError, match=r"conditioning 'concat' needs labels, and the data have none"):
        networks.MLPGenerator(channels=1, resolution=8, num_classes=0, conditioning="concat")


def test_conditional_batch_norm_needs_batch_norm() -> None:
    with pytest.raises(UserError, match=r"'instance'.*batch"):
        networks.DCGANGenerator(channels=1, resolution=8, num_classes=2, conditioning="batch_norm", norm="instance")


# ----------------------------------------------------------------------------------------------- what labels change

TAUGHT = [
    (network, name) for network in (*GENERATORS, *DISCRIMINATORS) for name in network.CONDITIONINGS if name != "none"
]


def moved(network: nn.Module) -> nn.Module:
    """The network with all weights moved a little, because weights that start at 0 would pass nothing on."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network.eval()


@pytest.mark.parametrize(("network", "name"), TAUGHT)
def test_labels_reach_the_output(network: type[Generator | Discriminator], name: str) -> None:
    """Labels change the output of every network but one with an auxiliary head, which has to predict the label."""
    made = moved(network(channels=1, resolution=28, num_classes=CLASSES, conditioning=name))
    shape = (1, made.latent_dim) if issubclass(network, Generator) else (1, 1, 28, 28)
    x = torch.randn(shape).expand(CLASSES, *shape[1:])
    answer = made(x, torch.arange(CLASSES))
    told = answer.logits if isinstance(answer, Verdict) else answer
    differs = bool((told[1:] - told[:1]).abs().max() > 1e-5)
    assert differs is (name != "auxiliary")
    assert isinstance(answer, Verdict) is (name == "auxiliary")
    if isinstance(answer, Verdict):
        assert answer.classes is not None
        assert answer.classes.shape == (CLASSES, CLASSES)


# --------------------------------------------------------------------------------------- and where there are none

CHECKSUMS = {
    networks.DCGANGenerator: (13, 689.2121465545183),
    networks.DCGANDiscriminator: (8, 312.23641324267646),
    networks.MLPGenerator: (8, 1384.4021926733215),
    networks.MLPDiscriminator: (8, 598.0862528230593),
    networks.PointGenerator: (6, 901.2431889018349),
}
"""Entries of the state dict and sum of squares of the weights, from the release before there were conditionings."""


@pytest.mark.parametrize("network", CHECKSUMS)
def test_the_unconditional_networks_are_what_they_were(network: type[Generator | Discriminator]) -> None:
    torch.manual_seed(5)
    state = network(channels=3, resolution=28).state_dict()
    entries, total = CHECKSUMS[network]
    assert all(name.startswith("layers.") for name in state)
    assert len(state) == entries
    assert float(sum(value.double().square().sum() for value in state.values())) == pytest.approx(total, rel=1e-9)
