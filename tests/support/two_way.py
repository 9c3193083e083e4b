"""A second game with two generators, two discriminators and no latents, as a reader of CONTRIBUTING would write it.

Its data are images and their mirrored negatives. One generator maps images to mirrored negatives, the other one maps
these back, and each side has a discriminator of its own. Everything that the game needs is in this file and in
``YAML``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from games import Noise
from torch import Tensor, nn

from gan_lightning.games import AdversarialGame
from gan_lightning.games.player import frozen
from gan_lightning.types import AdversarialLoss, Product, Sheet

YAML = """\
# @package _global_
model:
  _target_: two_way.TwoWay
  _convert_: all
  there: {_target_: two_way.Translator, width: 4}
  back: {_target_: two_way.Translator, width: "${..there.width}"}
  critic_a: {_target_: two_way.Critic, width: 4}
  critic_b: {_target_: two_way.Critic, width: 4}
  cycle_weight: ${my_weight}
  loss: ${loss}
  penalties: ${penalty}
  constraints: ${constraint}
  n_critic: ${n_critic}
  optimizer_generator: {_target_: torch.optim.SGD, _partial_: true, lr: "${optimizer.lr}"}
  optimizer_discriminator: {_target_: torch.optim.SGD, _partial_: true, lr: "${optimizer.lr}"}
  clip: ${optimizer.clip}
  schedules: ${schedule}
  augment: ${augment}
  ema: {_target_: gan_lightning.games.ema.MovingAverage, _partial_: true, half_life_kimg: 0.05}
  seed: ${seed}
my_weight: 10.0
"""


class Mirrored(Noise):
    """Pairs of an image and its mirrored negative."""

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        images, labels = super().on_after_batch_transfer(batch, dataloader_idx)
        return (images, -images.flip(-1)), labels


class Translator(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 1, 3, padding=1), nn.Tanh()
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


class Critic(nn.Module):
    """Discriminator that gives one logit for each image."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, width, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, 1, 4, 2, 1))

    def forward(self, images: Tensor, y: Tensor | None = None) -> Tensor:
        return self.layers(images).mean((1, 2, 3))


class TwoWay(AdversarialGame):
    def __init__(
        self,
        there: nn.Module,
        back: nn.Module,
        critic_a: nn.Module,
        critic_b: nn.Module,
        loss: AdversarialLoss,
        *,
        cycle_weight: float = 10.0,
        **options: Any,
    ) -> None:
        networks = {
            "generator": {"there": there, "back": back},
            "discriminator": {"critic_a": critic_a, "critic_b": critic_b},
        }
        super().__init__(networks, loss, **options)
        self.cycle_weight = cycle_weight

    def iterate(self, batch: Any) -> None:
        (all_a, all_b), _ = batch
        for update, (a, b) in enumerate(zip(all_a.chunk(self.n_critic), all_b.chunk(self.n_critic), strict=True)):
            self.update_critics(a, b, self.draw(f"D{update}"))
        self.update_translators(a, b, self.draw("G"))

    def update_critics(self, a: Tensor, b: Tensor, draw: Any) -> None:
        with torch.no_grad():
            fake_a, fake_b = self.back(b), self.there(a)
        seen = {
            "a": self.examine(self.critic_a, a, fake_a, None, draw.named("a")),
            "b": self.examine(self.critic_b, b, fake_b, None, draw.named("b")),
        }
        terms = {}
        for side, each in seen.items():
            logits = each.real_verdict.logits, each.fake_verdict.logits
            terms[f"loss/critic_{side}"] = self.loss.discriminator(*logits, draw)
            terms |= {f"{name}_{side}": term for name, term in self.extra_discriminator_terms(each).items()}
        self.descend("discriminator", terms)
        self.constrain()
        for side, each in seen.items():
            self.observe(each, side)

    def update_translators(self, a: Tensor, b: Tensor, draw: Any) -> None:
        with frozen(self.players["discriminator"].parameters):
            fake_a, fake_b = self.back(b), self.there(a)
            logits_a = self.face(self.critic_a, fake_a, None, draw.named("a")).verdict.logits
            logits_b = self.face(self.critic_b, fake_b, None, draw.named("b")).verdict.logits
            cycle = (self.back(fake_b) - a).abs().mean() + (self.there(fake_a) - b).abs().mean()
            terms = {
                "loss/back": self.loss.generator(logits_a, lambda: self.score(self.critic_a, a, None, draw)),
                "loss/there": self.loss.generator(logits_b, lambda: self.score(self.critic_b, b, None, draw)),
                "loss/cycle": self.cycle_weight * cycle,
            }
            self.descend("generator", terms)

    @torch.no_grad()
    def pictures(self, data: Any, count: int) -> Sheet:
        batch = data.train_set.images[: count // 3], torch.zeros(count // 3, dtype=torch.long)
        (a, _), _ = data.on_after_batch_transfer(batch, 0)
        a = a.to(self.device)
        fake = self.average.model["there"](a)
        return Sheet(torch.cat([a, fake, self.average.model["back"](fake)]), columns=count // 3)

    def input_shapes(self, image: tuple[int, int, int]) -> Mapping[str, tuple[int, ...]]:
        return dict.fromkeys(self.networks, image)

    @classmethod
    def products(cls, model: Mapping[str, Any]) -> Mapping[str, Product]:
        return {
            name: Product(model[name], f"{name}.", f"average.model.{name}.", prior=None) for name in ("there", "back")
        }
