"""The validation figure that a run is judged by: which checkpoint is the best, and when to stop. No torch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from vocoder.engine.checkpoint import Checkpoints, Saved
from vocoder.engine.schedule import TrainConfig
from vocoder.errors import InputError


@dataclass(frozen=True)
class Monitor:
    """The validation figure that tells which checkpoint is the best."""

    name: str
    lowest: bool = True

    def improves(self, figures: Mapping[str, float], best: Mapping[str, float]) -> bool:
        """Whether `figures` have a better value than the best so far; never if it is not finite."""
        value = figures.get(self.name, math.nan)
        if not math.isfinite(value) or self.name not in best:
            return math.isfinite(value)
        return value < best[self.name] if self.lowest else value > best[self.name]


def choose(default: Monitor, others: Iterable[Monitor], name: str | None) -> Monitor:
    """The monitor of that name, the default one if None.

    Raises
    ------
    InputError
        If there is none; it lists those that there are.
    """
    known = {monitor.name: monitor for monitor in (default, *others)}
    if name is not None and name not in known:
        raise InputError(f"train.monitor is {name!r}, which validation does not give; it gives {', '.join(known)}")
    return default if name is None else known[name]


@dataclass(frozen=True)
class Watch:
    """How the monitored figure went so far; stands in every checkpoint.

    Attributes
    ----------
    name, lowest : str, bool
        Of the monitor.
    chosen : bool
        Whether the settings named it; the task did otherwise.
    best : float or None
        None before the first validation that counts.
    since : int
        Validations without improvement after that.
    """

    name: str
    lowest: bool
    chosen: bool
    best: float | None = None
    since: int = 0

    def after(self, figures: Mapping[str, float]) -> Watch:
        """After another validation; a figure that is not finite is no improvement."""
        best = {} if self.best is None else {self.name: self.best}
        if Monitor(self.name, self.lowest).improves(figures, best):
            return replace(self, best=figures[self.name], since=0)
        return replace(self, since=self.since + 1)

    def resumed(self, state: Mapping[str, Any]) -> Watch:
        """As it was in a checkpoint; from the beginning if that was judged by another figure."""
        found = state.get("watch")
        if not found or (found["name"], found["lowest"]) != (self.name, self.lowest):
            return self
        return replace(self, best=found["best"], since=found["since"])

    def farewell(self, step: int, config: TrainConfig) -> str:
        """What a run says that patience ended at `step`."""
        line = f"complete at step {step}: {self.name} has not improved in {self.since} validations"
        if self.best is not None:
            line += f", its best was {self.best:.4g}"
        if step < config.decay_start:
            steps = next(n for n in itertools.count(step) if n - round(n * config.decay) >= step)
            line += f"; the learning rate has not decayed yet, train.steps={steps} train.patience=0 does that from here"
        return line

    def to_dict(self) -> dict[str, Any]:
        """For a checkpoint's state."""
        return asdict(self)


def best_of(checkpoints: Checkpoints, default: Monitor | None) -> Saved | None:
    """What to take out of a run: the best checkpoint by what its settings named, or else by the task's own monitor.

    The newest one if no checkpoint has that figure, or if the settings named none and `default` is None; None if
    there is no checkpoint at all.
    """
    every = checkpoints.all()
    if not every:
        return None
    watch = every[-1].state.get("watch") or {}
    monitor = Monitor(watch["name"], watch["lowest"]) if watch.get("chosen") else default
    best = None if monitor is None else checkpoints.best(monitor.name, lowest=monitor.lowest)
    return best or every[-1]
