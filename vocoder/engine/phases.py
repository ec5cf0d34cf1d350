"""What the loop trains: phases of named losses, the Task that holds them, and the rules they must keep."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from vocoder.engine.logger import Logger
from vocoder.engine.monitor import Monitor
from vocoder.engine.schedule import OptimizerConfig
from vocoder.errors import InputError


class Batches(Protocol):
    """An endless iterator of batches that can go on where it stopped."""

    def __next__(self) -> Any: ...  # has ids: Sequence[str], and seconds: float of sound in this process's share
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


@dataclass(frozen=True)
class Phase:
    """One update in a step: some modules, the losses that train them, and when.

    Parameters
    ----------
    name : str
        Prefix in TensorBoard ("discriminator", "generator").
    modules : tuple of str
        Those of `Task.modules` that it updates; only these have gradients while `losses` runs.
    losses : callable
        Batch -> named scalar tensors, differentiable in the modules' parameters.
    weights : dict of str to float
        Weight of each loss; the names must be those of the losses, or training does not start.
    start, stop : int, int or None
        Active for start <= step < stop; None for no end. Every step needs an active phase.
    """

    name: str
    modules: tuple[str, ...]
    losses: Callable[[Any], Mapping[str, Tensor]]
    weights: Mapping[str, float]
    start: int = 0
    stop: int | None = None

    def active(self, step: int) -> bool:
        return self.start <= step and (self.stop is None or step < self.stop)


class Task(Protocol):
    """What the engine trains; see the top of trainer.py for an example.

    It draws random numbers from torch's generators only, for a run to be repeatable. `monitor` tells which checkpoint
    is the best unless `train.monitor` names one of `monitors`, the other figures of `validate` that can.
    """

    modules: dict[str, nn.Module]
    phases: Sequence[Phase]
    optimizers: Mapping[str, OptimizerConfig]
    ema: tuple[str, ...]
    monitor: Monitor
    monitors: Sequence[Monitor]
    facts: Mapping[str, Any]

    def validate(self, log: Logger) -> Mapping[str, float]: ...
    def describe(self, batch: Any, log: Logger) -> None: ...
    def statistics(self) -> Mapping[str, float | Tensor]: ...


@contextlib.contextmanager
def only_trainable(modules: Mapping[str, nn.Module], names: Iterable[str]) -> Iterator[None]:
    """Inside the block only the named modules' parameters require gradients; what they had before is restored.

    Parameters that were frozen before (a fixed filter bank) stay frozen. On a CPU nearly all of a GAN step is critic
    work, and a quarter of it would be gradients that nobody uses.
    """
    chosen = {id(weight) for name in names for weight in modules[name].parameters()}
    frozen = [w for module in modules.values() for w in module.parameters() if w.requires_grad and id(w) not in chosen]
    for weight in frozen:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in frozen:
            weight.requires_grad_(True)


def weighted_sum(losses: Mapping[str, Tensor], weights: Mapping[str, float], phase: str) -> Tensor:
    """Σ weight · loss in float32; an InputError names the losses without weight and the weights without loss."""
    if losses.keys() != weights.keys():
        unweighted, unknown = sorted(losses.keys() - weights.keys()), sorted(weights.keys() - losses.keys())
        raise InputError(
            f"phase {phase}: losses and weights must have the same names; losses without a weight: "
            f"{', '.join(unweighted) or 'none'}; weights of no loss: {', '.join(unknown) or 'none'}"
        )
    return torch.stack([weights[name] * loss.float() for name, loss in losses.items()]).sum()


def require_names(task: Task, steps: int) -> None:
    """Phases, modules and optimisers must fit together, and every step must have work."""
    for name in {*task.ema, *task.optimizers, *(module for phase in task.phases for module in phase.modules)}:
        if name not in task.modules:
            raise InputError(f"there is no module {name!r} to train or to average; there are {', '.join(task.modules)}")
    for phase in task.phases:
        for name in phase.modules:
            if name not in task.optimizers:
                raise InputError(f"phase {phase.name} updates {name}, which has no optimiser settings")
    names = [phase.name for phase in task.phases]
    if len(set(names)) != len(names):
        raise InputError(f"two phases have the same name: {', '.join(names)}")
    edges = {0, *(phase.start for phase in task.phases), *(phase.stop or 0 for phase in task.phases)}
    for step in sorted(edges):
        if step < steps and not any(phase.active(step) for phase in task.phases):
            raise InputError(f"no phase is active at step {step}; there are {', '.join(names) or 'none'}")
