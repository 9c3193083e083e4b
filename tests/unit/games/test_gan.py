"""The game in one process: against a loop written by hand, and each seam of the step with a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import games
import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor, nn
from torch.nn.functional import softplus

from gan_lightning.callbacks import Checkpoint, Curves
from gan_lightning.data.loader import permutation
from gan_lightning.errors import Diverged, UserError
from gan_lightning.games.clipping import GradientClip
from gan_lightning.games.ema import MovingAverage
from gan_lightning.games.gan import GAN
from gan_lightning.games.player import frozen
from gan_lightning.games.schedules import Linear
from gan_lightning.images import to_unit
from gan_lightning.losses import R1, LeastSquares, NonSaturating, Wasserstein, WeightClip
from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator
from gan_lightning.randomness import UpdateDraw, hashed_seed
from gan_lightning.runs.checkpoint import AtomicCheckpointIO
from gan_lightning.types import AdversarialLoss, DiscriminatorUpdate, GeneratorUpdate, Verdict

SEED, BATCH = 3, 8
CPU = torch.device("cpu")


class AfterEach(Callback):
    """Calls a function with the module after each iteration."""

    def __init__(self, look: Callable[[GAN], None]) -> None:
        self.look = look

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        self.look(pl_module)


def latents(iteration: int, update: str) -> Tensor:
    """The latents as the module draws them, and dropout's generator as the module seeds it."""
    key = (SEED, iteration, update)
    torch.manual_seed(hashed_seed(*key, "default", 0))
    return UpdateDraw(key, 0, 1, CPU).normal("z", (BATCH, 4))


def by_hand(generator: nn.Module, discriminator: nn.Module, iterations: int, n_critic: int) -> dict[str, Tensor]:
    """The same game as plain PyTorch: weights of G, D and the average."""
    images = to_unit(games.Noise(batch_size=BATCH).load("train").images)
    order = torch.cat([permutation(40, 0, epoch) for epoch in range(3)]).split(BATCH)
    average = games.weights(generator)
    opt_g, opt_d = games.ADAM(generator.parameters()), games.ADAM(discriminator.parameters())
    for i in range(iterations):
        for update in range(n_critic):
            fake = generator(latents(i, f"D{update}")).detach()
            real_logits = discriminator(images[order[i * n_critic + update]])
            loss_d = softplus(-real_logits).mean() + softplus(discriminator(fake)).mean()
            opt_d.zero_grad()
            loss_d.backward()
            opt_d.step()
        loss_g = softplus(-discriminator(generator(latents(i, "G")))).mean()
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()
        keep = 0.5 ** (n_critic * BATCH / 50)
        for name, value in generator.state_dict().items():
            average[name] = torch.lerp(average[name], value, 1 - keep)
    parts = {"generator": generator.state_dict(), "discriminator": discriminator.state_dict(), "average.model": average}
    return {f"{part}.{name}": value for part, entries in parts.items() for name, value in entries.items()}


@pytest.mark.parametrize("n_critic", [1, 2])
def test_three_iterations_equal_a_loop_written_by_hand(n_critic: int) -> None:
    module = games.game(discriminator=games.Discriminator(dropout=0.3), n_critic=n_critic)
    same = games.game(discriminator=games.Discriminator(dropout=0.3))
    games.fit(module, 3)
    expected = by_hand(same.generator, same.discriminator, 3, n_critic)
    assert games.largest_difference(games.weights(module), expected) < 1e-6
    assert not torch.equal(module.generator.layers[0].weight, module.average.model.layers[0].weight)


@pytest.mark.parametrize(
    ("loss", "shares"), [(NonSaturating(), (1, 0)), (LeastSquares(), (0, 1)), (Wasserstein(), None)], ids=repr
)
def test_the_accuracy_is_that_of_the_losss_own_border(loss: AdversarialLoss, shares: tuple[int, int] | None) -> None:
    """Of a D that says 0.25 to everything."""
    network = games.Discriminator()
    nn.init.zeros_(network.layers[-2].weight)
    nn.init.constant_(network.layers[-2].bias, 0.25)
    games.fit(module := games.game(discriminator=network, loss=loss), 1)
    values = module.scalars.drain(1, lambda own: own)
    assert (values["logits/real"], values["logits/fake"]) == (0.25, 0.25)
    found = {name: value for name, value in values.items() if name.startswith("accuracy/")}
    assert found == (dict(zip(("accuracy/real", "accuracy/fake"), shares, strict=True)) if shares else {})


def test_lightning_counts_iterations_and_we_count_the_rest() -> None:
    module = games.game(n_critic=2)
    trainer = games.fit(module, 10)
    assert (trainer.global_step, module.iteration, module.d_updates, module.g_updates) == (10, 10, 20, 10)
    assert module.images_seen == 10 * 2 * BATCH


def test_an_iteration_never_waits_for_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        original = getattr(torch.Tensor, name)

        def method(self: Tensor, *args: Any) -> Any:
            calls.append(name)
            return original(self, *args)

        return method

    for name in ("item", "tolist", "cpu", "numpy", "__bool__", "__float__", "__int__"):
        monkeypatch.setattr(torch.Tensor, name, counted(name))
    done = "end of an iteration"
    marker = AfterEach(lambda _: calls.append(done))
    games.fit(games.game(n_critic=2), 100, callbacks=[Curves(), marker], log_every_n_steps=50)
    during = calls[calls.index(done) : len(calls) - calls[::-1].index(done)]  # setup and teardown move tensors about
    assert during.count(done) == 100
    assert [call for call in during if call != done] == ["tolist", "tolist"]  # one a line of the curves


def test_each_player_alone_is_trained_in_its_update() -> None:
    seen: dict[str, list[bool]] = {}

    class Watched(GAN):
        def descend(self, player: str, terms: Any, part: Any = None) -> None:
            super().descend(player, terms, part)
            for name in ("generator", "discriminator"):
                gradients = [p.grad is not None for p in getattr(self, name).parameters()]
                seen.setdefault(f"{self.player} -> {name}", []).append(all(gradients) and bool(gradients))
            seen.setdefault(f"{self.player}: D trainable", []).append(
                all(p.requires_grad for p in self.discriminator.parameters())
            )

    optimizers = {"optimizer_generator": games.SGD, "optimizer_discriminator": games.SGD}
    module = Watched(games.Generator(), games.Discriminator(), NonSaturating(), **optimizers)
    games.fit(module, 1)
    assert seen["discriminator -> discriminator"] == [True]
    assert seen["discriminator -> generator"] == [False]
    assert seen["generator -> generator"] == [True]
    assert seen["discriminator: D trainable"] == [True]
    assert seen["generator: D trainable"] == [False]
    assert all(p.requires_grad for p in module.discriminator.parameters())


def test_freezing_ends_with_an_exception_and_spares_what_was_frozen() -> None:
    network = games.Discriminator()
    network.layers[1].bias.requires_grad_(False)
    before = [p.requires_grad for p in network.parameters()]

    def fail() -> None:
        with frozen(network.parameters()):
            assert not any(p.requires_grad for p in network.parameters())
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - raised just above
        fail()
    assert [p.requires_grad for p in network.parameters()] == before == [True, False, True, True]


def test_a_parameter_frozen_beforehand_stays_as_it_is() -> None:
    module = games.game()
    module.discriminator.layers[1].weight.requires_grad_(False)
    before = games.weights(module)
    games.fit(module, 3)
    after = games.weights(module)
    assert torch.equal(before["discriminator.layers.1.weight"], after["discriminator.layers.1.weight"])
    assert not torch.equal(before["discriminator.layers.1.bias"], after["discriminator.layers.1.bias"])
    assert not module.discriminator.layers[1].weight.requires_grad


class CountingGenerator(games.Generator):
    """Keeps the latents of every forward pass in training."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        self.seen.append(z)
        return super().forward(z, y)


@pytest.mark.parametrize(("reuse", "passes"), [(False, 9), (True, 6)])
def test_reused_fakes_save_a_forward_pass_and_still_teach_g(reuse: bool, passes: int) -> None:
    module = games.game(generator=(generator := CountingGenerator()), n_critic=2, reuse_fakes=reuse)
    before = games.weights(module)
    games.fit(module, 3)
    assert len(generator.seen) == passes
    assert len({float(z[0, 0]) for z in generator.seen}) == passes  # never the same latents twice
    assert not torch.equal(before["generator.layers.0.weight"], module.generator.layers[0].weight)


def test_a_lazy_penalty_acts_on_every_kth_d_update_and_not_iteration() -> None:
    at: list[int] = []

    @dataclass(frozen=True)
    class Noted(R1):
        def __call__(self, update: DiscriminatorUpdate) -> Tensor:
            at.append(module.d_updates)
            assert update.real.requires_grad
            assert not update.fake.requires_grad
            return super().__call__(update)

    module = games.game(penalties={"r1": Noted(interval=4)}, n_critic=3)
    games.fit(module, 4)
    assert at == [0, 4, 8]


def test_a_penalty_is_part_of_the_same_update() -> None:
    """A penalty of -1 times the loss leaves D where it is, and counts as no update of its own."""

    class Opposite:
        differentiates: ClassVar[tuple[str, ...]] = ()

        def due(self, d_updates: int) -> bool:
            return True

        def __call__(self, update: DiscriminatorUpdate) -> Tensor:
            return -(update.fake_verdict.logits - update.real_verdict.logits).mean()

    module = games.game(loss=Wasserstein(), penalties={"opposite": Opposite()}, optimizer=games.SGD)
    before = games.weights(module.discriminator)
    games.fit(module, 2)
    assert games.largest_difference(before, games.weights(module.discriminator)) < 1e-7
    assert module.d_updates == 2


def test_constraints_hold_after_every_d_step() -> None:
    largest: list[float] = []

    def look(module: GAN) -> None:
        largest.append(max(float(p.detach().abs().max()) for p in module.discriminator.parameters()))

    module = games.game(loss=Wasserstein(), constraints={"weight_clip": WeightClip(limit=0.01)})
    games.fit(module, 3, callbacks=[AfterEach(look)])
    assert largest == pytest.approx([0.01] * 3)


def test_a_term_on_g_acts_on_g_alone() -> None:
    def opposite(update: GeneratorUpdate) -> Tensor:
        return update.verdict.logits.mean()

    module = games.game(loss=Wasserstein(), generator_terms={"opposite": opposite}, optimizer=games.SGD)
    before = games.weights(module)
    games.fit(module, 2)
    after = games.weights(module)
    assert all(torch.equal(before[name], after[name]) for name in before if name.startswith("generator."))
    assert not torch.equal(before["discriminator.layers.1.weight"], after["discriminator.layers.1.weight"])


def test_learning_rates_follow_their_schedules() -> None:
    rates: list[tuple[float, float]] = []

    def look(module: GAN) -> None:
        g, d = module.optimizers()
        rates.append((g.param_groups[0]["lr"], d.param_groups[0]["lr"]))

    module = games.game(schedules={"generator": {"lr": Linear(start=0.1, end=0.0, kimg=0.032)}}, optimizer=games.SGD)
    games.fit(module, 5, callbacks=[AfterEach(look)])
    # 0, 8, 16, 24 and 32 images were shown before the five iterations
    assert [g for g, _ in rates] == pytest.approx([0.1, 0.075, 0.05, 0.025, 0.0])
    assert [d for _, d in rates] == [0.1] * 5


def test_the_configuration_has_the_last_word_over_a_checkpoint(tmp_path: Path) -> None:
    games.fit(games.game(), 4).save_checkpoint(tmp_path / "run.ckpt")
    resumed = games.game(optimizer=partial(games.ADAM, lr=0.0, betas=(0.9, 0.99)))
    games.fit(resumed, 6, checkpoint=tmp_path / "run.ckpt")
    stored = torch.load(tmp_path / "run.ckpt", weights_only=True)["state_dict"]
    assert resumed.iteration == 6
    assert torch.equal(resumed.generator.layers[0].weight, stored["generator.layers.0.weight"])
    assert resumed.optimizers()[0].param_groups[0]["betas"] == (0.9, 0.99)


def test_a_resumed_game_is_the_one_that_was_not_interrupted(tmp_path: Path) -> None:
    def new() -> GAN:
        network = games.Discriminator(dropout=0.3, norm=nn.BatchNorm1d)
        return games.game(games.Generator(norm=nn.BatchNorm1d), network, n_critic=2)

    games.fit(whole := new(), 9)
    games.fit(new(), 4).save_checkpoint(tmp_path / "run.ckpt")
    games.fit(resumed := new(), 9, checkpoint=tmp_path / "run.ckpt")
    assert games.largest_difference(games.weights(whole), games.weights(resumed)) == 0.0
    assert (resumed.d_updates, resumed.images_seen) == (whole.d_updates, whole.images_seen)


class BrokenAt(nn.Module):
    """A discriminator whose logits are NaN from one forward pass on."""

    def __init__(self, iteration: int) -> None:
        super().__init__()
        self.network = games.Discriminator()
        self.left = iteration * 3  # forward passes in an iteration: real, fake, and G's

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        self.left -= 1
        logits: Tensor = self.network(x)
        return logits * torch.nan if self.left < 0 else logits


def test_nan_is_refused_and_nothing_is_saved_after_it(tmp_path: Path) -> None:
    module = games.game(discriminator=BrokenAt(7))
    saving = Checkpoint(str(tmp_path), every_iterations=5)
    with pytest.raises(Diverged, match=r"iteration 10: .*loss/discriminator.* not finite"):
        games.fit(module, 20, callbacks=[Curves(), saving], plugins=[AtomicCheckpointIO()], log_every_n_steps=50)
    stored = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    assert stored["gan_lightning"]["counters"]["iteration"] == 5
    assert all(bool(value.isfinite().all()) for value in stored["state_dict"].values())


class ConditionalGenerator(games.Generator):
    """Asks for labels."""

    num_classes = 2

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor | None] = []

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        self.seen.append(y)
        return super().forward(z, y)


def test_a_generator_with_classes_gets_the_labels_of_the_real_images() -> None:
    module = games.game(generator=(conditional := ConditionalGenerator()))
    games.fit(module, 1)
    expected = games.Noise(batch_size=BATCH).load("train").labels[permutation(40, 0, 0)[:BATCH]]
    assert [y.tolist() for y in conditional.seen] == [expected.tolist()] * 2
    games.fit(games.game(generator=(plain := UnconditionalGenerator())), 1)
    assert plain.seen == [None, None]


class UnconditionalGenerator(ConditionalGenerator):
    """Ignores them, and is not given any."""

    num_classes = 0


class TwoHeads(games.Discriminator):
    """Says of each image how real it is, and which class."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(games.PIXELS**2, 2)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Verdict:
        return Verdict(super().forward(x), self.head(x.flatten(1)))


def test_a_discriminator_with_a_class_head_feeds_the_terms() -> None:
    shapes: list[tuple[int, ...]] = []

    def classes_alike(update: GeneratorUpdate) -> Tensor:
        assert update.verdict.classes is not None
        shapes.append(tuple(update.verdict.classes.shape))
        return update.verdict.classes.square().mean()

    module = games.game(discriminator=TwoHeads(), generator_terms={"classes": classes_alike})
    games.fit(module, 2)
    assert shapes == [(BATCH, 2)] * 2
    assert module.g_updates == 2


def test_clipping_bounds_the_update() -> None:
    module = games.game(optimizer=partial(torch.optim.SGD, lr=1.0), clip=GradientClip(norm=0.01))
    before = games.weights(module)
    games.fit(module, 1)
    after = games.weights(module)
    for player in ("generator", "discriminator"):
        moved = torch.cat([(after[n] - before[n]).flatten() for n in before if n.startswith(f"{player}.")])
        assert float(moved.norm()) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("n_critic", [1, 2])
def test_the_ramp_of_the_average_counts_the_iterations_before(n_critic: int) -> None:
    """As in StyleGAN2-ADA's training loop, where the images of an iteration are counted after its average is taken."""
    decays = []

    class Recorded(MovingAverage):
        def decay(self, images_per_update: int, images_before: int) -> float:
            decays.append(super().decay(images_per_update, images_before))
            return decays[-1]

    games.fit(games.game(ema=partial(Recorded, half_life_kimg=0.02, ramp=0.5), n_critic=n_critic), 6)
    expected, cur_nimg, batch_size = [], 0, n_critic * BATCH
    for _ in range(6):
        ema_nimg = min(20.0, cur_nimg * 0.5)
        expected.append(0.5 ** (batch_size / max(ema_nimg, 1e-8)))
        cur_nimg += batch_size
    assert decays == expected
    assert (expected[0], expected[-1]) == (0.0, 0.5 ** (batch_size / 20))


def test_the_average_can_be_left_out() -> None:
    module = games.game(ema=None)
    games.fit(module, 2)
    assert games.largest_difference(games.weights(module.average.model), games.weights(module.generator)) == 0.0


def test_sampling_changes_nothing() -> None:
    module = games.game(games.Generator(norm=nn.BatchNorm1d), ema=partial(MovingAverage, half_life_kimg=0.01))
    games.fit(module, 2)
    before = games.weights(module)
    module.sample(torch.randn(6, 4))
    assert games.largest_difference(before, games.weights(module)) == 0.0


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(UserError, match="n_critic=0"):
        games.game(n_critic=0)
    with pytest.raises(UserError, match=r"'lr'.*generator\.lr"):
        games.fit(games.game(schedules={"lr": Linear(1.0, 0.0, 1.0)}), 1)


def test_channels_last_changes_the_memory_and_only_the_rounding_of_the_numbers(tmp_path: Path) -> None:
    def trained(channels_last: bool, steps: int, folder: Path | None = None, **options: Any) -> GAN:
        torch.manual_seed(0)
        sizes = {"channels": 1, "resolution": games.PIXELS, "width": 4}
        networks = DCGANGenerator(**sizes, latent_dim=4), DCGANDiscriminator(**sizes)
        module = games.game(*networks, channels_last=channels_last)
        callbacks = [Checkpoint(str(folder))] if folder is not None else []
        games.fit(module, steps, callbacks=callbacks, plugins=[AtomicCheckpointIO()], **options)
        return module

    plain, ours = trained(False, 4), trained(True, 4)
    maps = [p for p in ours.parameters() if p.dim() == 4 and p.shape[1] > 1 and p.shape[-1] > 1]
    assert maps
    assert all(p.is_contiguous(memory_format=torch.channels_last) and not p.is_contiguous() for p in maps)
    assert games.largest_difference(games.weights(plain), games.weights(ours)) < 1e-5

    trained(True, 2, tmp_path)
    resumed = trained(True, 4, checkpoint=tmp_path / "checkpoints/last.ckpt")
    assert games.largest_difference(games.weights(resumed), games.weights(ours)) == 0
