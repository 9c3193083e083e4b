"""Rules about parts that do not go together, and why; they are checked on the built game, before the first step.

A rule is a function of the game that yields a message for each mistake it finds. A combination that breaks the
mathematics is an error; one that is legal but rarely meant is a warning. Some mistakes need no rule, because no
configuration can express them: smoothing on a loss without targets is an unknown option, and images outside [-1, 1]
don't leave an image set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.spectral_norm import SpectralNorm

from gan_lightning.augment import Adaptive
from gan_lightning.errors import UserError
from gan_lightning.games.adversarial import AdversarialGame
from gan_lightning.games.base import Game, Rule
from gan_lightning.losses import R1, R2, Dragan, GradientPenalty, Wasserstein, WeightClip, realness_of
from gan_lightning.networks.parts.conditioning import Classifier
from gan_lightning.networks.parts.minibatch_std import MinibatchStd
from gan_lightning.types import PLAYERS

SHAPERS = (nn.Flatten, nn.Unflatten, nn.Identity)
ROUNDING = 1e-3  # by which data that are meant to lie in [-1, 1] may leave it


def batch_norm_under_gradient_penalty(game: AdversarialGame) -> Iterator[str]:
    """A gradient penalty is per sample, but batch norm makes each logit a function of the whole batch."""
    if _has_batch_norm(game):
        for name in _penalties(game, GradientPenalty, R1, R2):
            yield (
                f"penalty.{name} constrains D's gradient at each sample, but D's batch norm makes a logit depend on "
                "the whole batch (Gulrajani et al. 2017, sec. 4). Use model.discriminator.norm=layer or none, or "
                "instance in a PatchGAN."
            )


def compiled_under_gradient_penalty(game: AdversarialGame) -> Iterator[str]:
    """A network that torch.compile has made can't be differentiated twice."""
    if any(_is_compiled(network) for network in _discriminators(game)):
        for name in _penalties(game, GradientPenalty, R1, R2, Dragan):
            yield (
                f"penalty.{name} differentiates D twice, which torch.compile does not support: compile G alone, or "
                "leave the penalty out with penalty=[]."
            )


def weight_clip_with_spectral_norm(game: AdversarialGame) -> Iterator[str]:
    """The weight ``W / σ(W)`` is the same for every scale of ``W``, so that a limit on ``W`` means nothing."""
    if _clips(game) and any(map(_has_spectral_norm, _discriminators(game))):
        yield (
            "constraint.weight_clip clips weights that spectral normalisation divides by their largest singular value "
            "afterwards (Miyato et al. 2018, eq. 8), so the limit means nothing. Use constraint=[]."
        )


def sigmoid_before_a_logit_loss(game: AdversarialGame) -> Iterator[str]:
    """The losses work on logits, so D's own sigmoid would be followed by a second one, or would bound a critic."""
    for network in _discriminators(game):
        if isinstance(last := _last_layer(network), nn.Sigmoid | nn.LogSigmoid):
            yield (
                f"{type(network).__name__} ends in a {type(last).__name__}, but every loss here takes "
                "logits and applies its own (softplus(-x) is -log(sigmoid(x))). Remove it from the network."
            )


def image_pool_of_conditional_fakes(game: AdversarialGame) -> Iterator[str]:
    """A past fake was made for another label than the one that D is given together with it."""
    pool = game.image_pool
    if (pool.updates or pool.images) and any(_num_classes(network) for network in game.networks.values()):
        option = "updates" if pool.updates else "images"
        yield (
            f"model.image_pool.{option}={pool.updates or pool.images} keeps past fakes but not their labels, which D "
            f"would be given wrongly. Use model.image_pool.{option}=0 with conditional networks."
        )


def labels_for_one_player(game: AdversarialGame) -> Iterator[str]:
    """Labels mean something only if both players have them, or if a term of G's loss ties G to them."""
    generator, discriminator = (any(map(_num_classes, game.networks_of(player).values())) for player in PLAYERS)
    if discriminator and not generator:
        yield (
            "D takes labels and G does not: D would be told a class of each fake that G was never asked for. "
            "Use conditioning.generator=own, or conditioning=none."
        )
    if generator and not discriminator and not game.generator_terms:
        yield (
            "G takes labels and D does not, so nothing teaches G what they mean. Use "
            "conditioning.discriminator=concat or projection, or conditioning=none."
        )


def class_logits_without_terms(game: AdversarialGame) -> Iterator[str]:
    """The adversarial loss does not see D's class logits, so other terms have to use them."""
    classifies = any(_has(network, Classifier) for network in _discriminators(game))
    if classifies and not (game.discriminator_terms and game.generator_terms):
        yield (
            "D's class logits need a term that trains them and one that has G follow them. "
            "Use conditioning=auxiliary, which brings both; conditioning.discriminator=auxiliary alone does not."
        )


def adaptive_augmentation_without_realness(game: AdversarialGame) -> Iterator[str]:
    """Adaptive augmentation follows the share of real images that D takes for real, which not every loss can tell."""
    if realness_of(game.loss) is None:
        loss = type(_innermost_loss(game)).__name__
        for name, augmentation in game.augment.items():
            if isinstance(augmentation, Adaptive):
                yield (
                    f"augment.{name} counts the real images that D takes for real, but {loss} has no border "
                    "between real and fake: a constant added to all logits changes nothing. Use "
                    "augment=[diffaugment], or another loss, such as loss=non_saturating or loss=relativistic."
                )


def wasserstein_without_lipschitz(game: AdversarialGame) -> Iterator[str]:
    """The critic's loss has no minimum unless the critic's slope is bounded."""
    bounded = game.penalties or game.constraints or all(map(_has_spectral_norm, _discriminators(game)))
    if isinstance(_innermost_loss(game), Wasserstein) and not bounded:
        yield (
            "the Wasserstein loss has no minimum unless D is Lipschitz (Arjovsky et al. 2017, sec. 3). "
            "Add penalty=[gradient_penalty] or constraint=[weight_clip]."
        )


def batch_norm_under_dragan(game: AdversarialGame) -> Iterator[str]:
    """DRAGAN's penalty is per sample, as WGAN-GP's is, but its authors ran it with batch norm and it trained."""
    if _has_batch_norm(game):
        for name in _penalties(game, Dragan):
            yield (
                f"penalty.{name} is per sample, and D's batch norm mixes samples (Gulrajani et al. 2017, sec. 4). "
                "model.discriminator.norm=layer avoids that."
            )


def two_lipschitz_constraints(game: AdversarialGame) -> Iterator[str]:
    """The gradient penalty was proposed to replace weight clipping, so having both is rarely meant."""
    if _clips(game):
        for name in _penalties(game, GradientPenalty):
            yield (
                f"penalty.{name} was proposed instead of weight clipping (Gulrajani et al. 2017, sec. 3), and both are "
                "on. Use constraint=[] or penalty=[]."
            )


def penalties_of_one_kind(game: AdversarialGame) -> Iterator[str]:
    """Two penalties of one kind add up, which one penalty with a larger weight says more plainly."""
    kinds = Counter((type(p).__name__, getattr(p, "at", None)) for p in game.penalties.values())
    for (kind, at), count in kinds.items():
        if count > 1:
            where = f" at {at}" if at else ""
            yield f"{count} penalties of the kind {kind}{where} add up; one with their total does the same."


def labels_missing(game: Game, num_classes: int) -> Iterator[str]:
    """A conditional network needs a label for each image, and an embedding for each label."""
    for name, network in game.networks.items():
        embedded = _num_classes(network)
        if embedded and not 0 < num_classes <= embedded:
            found = f"{num_classes} classes" if num_classes else "no labels"
            yield f"model.{name}.num_classes={embedded}, but the data have {found}."


def range_out_of_reach(game: Game, largest: float) -> Iterator[str]:
    """``|tanh(x)| < 1`` for every ``x``, so G can't make data that lie outside, and D can always tell them apart."""
    for network in game.networks_of("generator").values():
        if isinstance(_last_layer(network), nn.Tanh) and largest > 1 + ROUNDING:
            yield (
                f"{type(network).__name__} ends in a Tanh and stays within [-1, 1], but the data reach "
                f"{largest:.3g}. Use a generator with a linear output (model=toy for points), or scale the data."
            )


def learning_rate_of_zero(game: AdversarialGame) -> Iterator[str]:
    """Legal, because one may want to hold a player still, and rarely meant."""
    for name, player in game.players.items():
        if any(group["lr"] == 0 for group in player.optimizer.param_groups):
            yield f"optimizer.{name}.lr is 0, so that the {name} never changes."


ERRORS: tuple[Rule, ...] = (
    batch_norm_under_gradient_penalty,
    compiled_under_gradient_penalty,
    weight_clip_with_spectral_norm,
    sigmoid_before_a_logit_loss,
    image_pool_of_conditional_fakes,
    labels_for_one_player,
    class_logits_without_terms,
    adaptive_augmentation_without_realness,
)
WARNINGS: tuple[Rule, ...] = (
    wasserstein_without_lipschitz,
    batch_norm_under_dragan,
    two_lipschitz_constraints,
    penalties_of_one_kind,
    learning_rate_of_zero,
)


def check(game: Game, num_classes: int, largest: float = 1.0) -> list[str]:
    """Apply all rules to a game and return the warnings.

    Args:
        game: The built game, before training.
        num_classes: Number of classes of the data, 0 if they have no labels.
        largest: The largest absolute value in the data, as the networks see them.

    Raises:
        UserError: If something can't work; the message names all that can't, why, and what to use instead.
    """
    game.configure_optimizers()  # refuses schedules that set nothing; the Trainer makes the optimizers anew
    errors = [
        *chain.from_iterable(rule(game) for rule in game.errors),
        *labels_missing(game, num_classes),
        *range_out_of_reach(game, largest),
    ]
    if errors:
        raise UserError("\n".join(errors))
    return list(chain.from_iterable(rule(game) for rule in game.warnings))


def of_small_batches(game: Game, batch_size: int) -> list[str]:
    """Warnings on batch norm in batches of one image.

    Args:
        game: The built game, before training.
        batch_size: Number of images in a batch of one process.

    Raises:
        UserError: If a batch norm would have nothing to normalise.
    """
    warnings = []
    for name, network in game.networks.items() if batch_size == 1 else ():
        advice = "Use a larger data.batch_size for each process, or another norm, such as layer or instance."
        if _has(network, nn.BatchNorm1d):
            raise UserError(
                f"model.{name} has batch norm over vectors, of which a batch of 1 has no variance. {advice}"
            )
        if _has(network, _BatchNorm):
            warnings.append(
                f"model.{name} has batch norm, which normalises each image by itself in batches of 1. {advice}"
            )
    return warnings


def of_parts(game: Game, micro_batch: int | None, batch_size: int) -> list[str]:
    """Warnings on what is another computation in parts of a batch than in the whole batch.

    Args:
        game: The built game, before training.
        micro_batch: Number of images in a part; None if batches are not divided.
        batch_size: Number of images in a batch of one process.

    Raises:
        UserError: If the batch can't be divided into such parts, or the game can't be played in parts.
    """
    if micro_batch is None:
        return []
    option = f"data.micro_batch={micro_batch}"
    if batch_size % micro_batch:
        raise UserError(f"{option} does not divide the {batch_size} images of a batch of one process into equal parts.")
    if not game.SPLITS_BATCHES or not isinstance(game, AdversarialGame):
        raise UserError(f"{option}: {type(game).__name__} shows whole batches to its networks. Leave it null.")
    if getattr(game.loss, "couples_samples", False):
        raise UserError(
            f"{option}: {type(game.loss).__name__} compares each sample with the whole batch, and so can't be computed "
            "in parts. Take another loss, such as loss=relativistic."
        )
    if game.image_pool.updates or game.image_pool.images:
        raise UserError(f"{option}: the image pool keeps the fakes of whole batches. Use model.image_pool.updates=0.")
    if getattr(game, "reuse_fakes", False):
        raise UserError(f"{option}: model.reuse_fakes keeps the graph of a whole batch. Use model.reuse_fakes=false.")
    coupled = [
        name for name, network in game.networks.items() if _has(network, _BatchNorm) or _has(network, MinibatchStd)
    ]
    if not coupled:
        return []
    return [
        f"{option}: batch norm and minibatch statistics of {' and '.join(coupled)} are those of each {micro_batch} "
        f"images, so this is not the same training as with whole batches of {batch_size}."
    ]


def _discriminators(game: Game) -> list[nn.Module]:
    return list(game.networks_of("discriminator").values())


def _has_batch_norm(game: Game) -> bool:
    return any(_has(network, _BatchNorm) for network in _discriminators(game))


def _num_classes(network: nn.Module) -> int:
    return int(getattr(network, "num_classes", 0))


def _is_compiled(network: nn.Module) -> bool:
    parts = network.modules()
    return hasattr(network, "_orig_mod") or any(getattr(p, "_compiled_call_impl", None) is not None for p in parts)


def _innermost_loss(game: AdversarialGame) -> object:
    """The game's loss without the loss that may be wrapped around it, such as TopK."""
    return getattr(game.loss, "loss", game.loss)


def _last_layer(network: nn.Module) -> nn.Module | None:
    """The layer that makes the output's values, which is the last one in the order in which layers are defined."""
    layers = [m for m in network.modules() if not list(m.children()) and not isinstance(m, SHAPERS)]
    return layers[-1] if layers else None


def _penalties(game: AdversarialGame, *kinds: type) -> list[str]:
    return [name for name, penalty in game.penalties.items() if isinstance(penalty, kinds)]


def _clips(game: AdversarialGame) -> bool:
    return any(isinstance(constraint, WeightClip) for constraint in game.constraints.values())


def _has(network: nn.Module, kind: type) -> bool:
    return any(isinstance(module, kind) for module in network.modules())


def _has_spectral_norm(network: nn.Module) -> bool:
    """Whether a network has spectral normalisation, either as a parametrization or by torch's older hook."""
    hooks = chain.from_iterable(module._forward_pre_hooks.values() for module in network.modules())
    return _has(network, _SpectralNorm) or any(isinstance(hook, SpectralNorm) for hook in hooks)
