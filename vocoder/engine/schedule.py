"""How long a run is, how often it does what, and the learning rate as a pure function of the step. No torch."""

from __future__ import annotations

from dataclasses import dataclass

from vocoder.errors import InputError


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW (Loshchilov 2019, arXiv:1711.05101) for one module.

    Parameters
    ----------
    lr : float
        Learning rate on the constant part of the schedule.
    betas : (float, float)
        Decay of the first and second moment.
    weight_decay : float
    clip : float or None
        Gradients of the module are scaled down to this norm when they exceed it.
    """

    lr: float = 5e-4
    betas: tuple[float, float] = (0.8, 0.9)
    weight_decay: float = 0.01
    clip: float | None = None

    def __post_init__(self) -> None:
        if self.lr < 0 or self.weight_decay < 0 or not all(0 <= beta < 1 for beta in self.betas):
            raise InputError(f"optimiser: lr and weight_decay must not be negative, betas in [0, 1); got {self}")
        if self.clip is not None and self.clip <= 0:
            raise InputError(f"optimiser: clip is {self.clip}, must be above 0 (null for none)")


@dataclass(frozen=True)
class TrainConfig:
    """Length and cadence of a run; every count is in optimiser steps.

    Parameters
    ----------
    steps : int
        The run ends after so many. Raising or lowering it later branches off the constant-rate part.
    warmup : int
        Steps of linear warm-up.
    decay : float
        Fraction of `steps` at the end over which the rate falls to 0.
    precision : {"float32", "bf16"}
        "bf16" runs the losses under autocast; weights, moments and averages stay float32.
    ema : float
        Decay of the moving average of the weights, 0 for none.
    seed : int
        Of the random numbers drawn while training; process r uses seed + r.
    validate_every, save_every, log_every : int
    keep : int
        Number of newest checkpoints kept, besides the best one and the branch point.
    monitor : str or None
        Figure of the validation that tells which checkpoint is the best; None for the one that the task chose.
    patience : int
        The run ends after so many validations in a row without improvement of that figure, 0 for never. They count
        from the start of the last phase on: a phase that begins changes what is learned.
    """

    steps: int = 100_000
    warmup: int = 500
    decay: float = 0.15
    precision: str = "float32"
    ema: float = 0.999
    seed: int = 0
    validate_every: int = 2_000
    save_every: int = 1_000
    log_every: int = 50
    keep: int = 2
    monitor: str | None = None
    patience: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "validate_every", "save_every", "log_every", "keep"):
            if getattr(self, name) < 1:
                raise InputError(f"train.{name} is {getattr(self, name)}, must be at least 1")
        for name in ("warmup", "seed", "patience"):
            if getattr(self, name) < 0:
                raise InputError(f"train.{name} is {getattr(self, name)}, must not be negative")
        if not 0 <= self.decay <= 1:
            raise InputError(f"train.decay is {self.decay}, must be a fraction between 0 and 1")
        if not 0 <= self.ema < 1:
            raise InputError(f"train.ema is {self.ema}, must be at least 0 and below 1")
        if self.precision not in ("float32", "bf16"):
            raise InputError(f"train.precision is {self.precision!r}, must be float32 or bf16")

    @property
    def decay_start(self) -> int:
        """First step of the decay, whose rate is still the constant one; `steps` when there is no decay."""
        return self.steps - round(self.steps * self.decay)

    def rate(self, step: int) -> float:
        """Factor on the learning rate at `step` (0 is the first), in (0, 1].

        Linear warm-up, constant, linear decay towards 0. A straight line to zero is optimal for the last
        iterate in the worst case (Defazio 2023, arXiv:2310.07831), and needs no length to be known before it begins:
        only so can a run be prolonged from its constant part.

               1    ________________________
                   /                        \\
            1/w  |/                          \\|  1/(steps − decay_start)
                 0   warmup       decay_start  steps − 1
        """
        warm = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        if step < self.decay_start:
            return warm
        return warm * (self.steps - step) / (self.steps - self.decay_start)
