"""Adversarial objectives, feature matching and gradient penalties. Larger logits mean "more real".

Every objective is a pair of functions on lists of logits (one per sub-discriminator, each reduced to
its mean and averaged), so that no sub-discriminator outweighs the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vocoder.errors import InputError
from vocoder.precision import in_float32

Logits = Sequence[Tensor]


def _average(terms: Sequence[Tensor]) -> Tensor:
    return torch.stack([term.float().mean() for term in terms]).mean()


@dataclass(frozen=True)
class Objective:
    """One adversarial game.

    discriminator : callable
        (logits of reals, logits of fakes) → loss that the discriminator minimises.
    generator : callable
        (logits of fakes, logits of reals) → loss that the generator minimises; only the relativistic
        one looks at the reals.
    """

    discriminator: Callable[[Logits, Logits], Tensor]
    generator: Callable[[Logits, Logits], Tensor]


def _each(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Logits, Logits], Tensor]:
    @in_float32
    def over_all(first: Logits, second: Logits) -> Tensor:
        return _average([function(a, b) for a, b in zip(first, second, strict=True)])

    return over_all


def _relativistic(ahead: Tensor, behind: Tensor) -> Tensor:
    return F.softplus(behind - ahead).mean()


def _cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    # −log D(x) − log(1 − D(G(z))) with D = sigmoid(logit), in its stable form
    return F.softplus(-real).mean() + F.softplus(fake).mean()


OBJECTIVES: dict[str, Objective] = {
    # Goodfellow 2014 (arXiv:1406.2661), eq. 1: the generator minimises log(1 − D(G(z))) …
    "minimax": Objective(_each(_cross_entropy), _each(lambda fake, real: -F.softplus(fake))),
    # … or, section 3, maximises log D(G(z)), which does not vanish when the discriminator is sure
    "non-saturating": Objective(_each(_cross_entropy), _each(lambda fake, real: F.softplus(-fake))),
    # Mao 2017 (arXiv:1611.04076), eq. 9 with a = 0, b = c = 1, without the halves, as in HiFi-GAN
    "lsgan": Objective(
        _each(lambda real, fake: (1 - real).square().mean() + fake.square().mean()),
        _each(lambda fake, real: (1 - fake).square()),
    ),
    # Lim and Ye 2017 (arXiv:1705.02894), eq. 13 to 15
    "hinge": Objective(
        _each(lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean()),
        _each(lambda fake, real: -fake),
    ),
    # Arjovsky 2017 (arXiv:1701.07875), eq. 2; needs `clip_weights` or, as WGAN-GP, `gradient_penalty`
    "wgan": Objective(_each(lambda real, fake: fake.mean() - real.mean()), _each(lambda fake, real: -fake)),
    # Jolicoeur-Martineau 2018 (arXiv:1807.00734), pairing as in R3GAN (Huang 2024, arXiv:2501.05441, eq. 2);
    # there with R1 and R2
    "relativistic": Objective(_each(_relativistic), _each(_relativistic)),
}


def objective(name: str) -> Objective:
    """The objective of that name; an unknown one is an error that lists them."""
    if name not in OBJECTIVES:
        raise InputError(f"there is no adversarial objective {name!r}; there are {', '.join(OBJECTIVES)}")
    return OBJECTIVES[name]


@in_float32
def feature_matching(fake: Sequence[Sequence[Tensor]], real: Sequence[Sequence[Tensor]]) -> Tensor:
    """Mean absolute difference of the activations, averaged over all layers (Larsen 2015; Kumar 2019, eq. 3).

    Parameters
    ----------
    fake, real : list of list of Tensor
        Features of two Judgements; the reals are constants here.
    """
    terms = [
        F.l1_loss(f.float(), r.detach().float())
        for fakes, reals in zip(fake, real, strict=True)
        for f, r in zip(fakes, reals, strict=True)
    ]
    return torch.stack(terms).mean()


def _scores(logits: Logits) -> Tensor:
    """Sum over the batch of what each sample scores, so that its gradient keeps the samples apart."""
    return torch.stack([logit.float().reshape(len(logit), -1).mean(dim=1).sum() for logit in logits]).sum()


def gradient_norm_penalty(logits: Logits, points: Tensor) -> Tensor:
    """Mean squared norm of the gradient at `points`: R1 at reals, R2 at fakes (Mescheder 2018, arXiv:1801.04406).

    Parameters
    ----------
    logits : list of Tensor
        Of a discriminator at `points`, outside autocast.
    points : Tensor
        (B, …) with requires_grad.
    """
    (gradient,) = torch.autograd.grad(_scores(logits), points, create_graph=True)
    return gradient.square().flatten(1).sum(dim=1).mean()


def gradient_penalty(
    critic: Callable[[Tensor], Logits], real: Tensor, fake: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """(‖∇D‖ − 1)² at random points between reals and fakes (Gulrajani 2017, arXiv:1704.00028, eq. 3).

    Parameters
    ----------
    critic : callable
        Points (B, …) → list of logits.
    real, fake : Tensor
        (B, …).
    generator : torch.Generator, optional
        Of the mixing factors.
    """
    shape = (real.shape[0],) + (1,) * (real.dim() - 1)
    device = generator.device if generator is not None else real.device
    mix = torch.rand(shape, generator=generator, device=device).to(real)
    points = (mix * real + (1 - mix) * fake).detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(_scores(critic(points)), points, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


@torch.no_grad()
def clip_weights(module: torch.nn.Module, bound: float = 0.01) -> None:
    """Keep every weight in [−bound, bound] (Arjovsky 2017, algorithm 1)."""
    for parameter in module.parameters():
        parameter.clamp_(-bound, bound)
