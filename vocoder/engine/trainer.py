"""THE loop: phases of named losses, for any task.

A task is what is trained. It needs no base class, only what `Task` says:

    class Doubling:
        def __init__(self):
            self.modules = {"model": nn.Linear(1, 1)}
            self.phases = [Phase("regression", ("model",), self.losses, {"squared": 1.0})]
            self.optimizers = {"model": OptimizerConfig(lr=1e-2)}
            self.ema = ("model",)                                # validated and shipped as moving averages
            self.monitor = Monitor("error")                      # decides which checkpoint is the best,
            self.monitors = ()                                   # unless the settings name one of these
            self.facts = {"model": "doubling"}                   # stands in every checkpoint and must not change

        def losses(self, batch):                                 # names equal those of the phase's weights
            return {"squared": (self.modules["model"](batch.x) - 2 * batch.x).square().mean()}

        def validate(self, log):                                 # averaged weights, eval mode, no gradients
            return {"error": ...}                                # logged as validation/error

        def describe(self, batch, log):                          # pictures and sound, after each validation
            log.picture("mel", ...)

        def statistics(self):                                    # health of the last step, logged with the losses
            return {}

    world = connect()                                            # process, device
    torch.manual_seed(seed)                                      # the same weights if it must begin again
    Trainer(Doubling(), batches, TrainConfig(steps=1000), folder, world).run()

`batches` yields objects with `.ids` and `.seconds`, already on the device, and has `state_dict()` (JSON) and
`load_state_dict()`. The same call resumes a run; on one CPU bit for bit.
"""

from __future__ import annotations

import dataclasses
import errno
import functools
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vocoder.engine.checkpoint import Checkpoints, load_weights, require_same_facts
from vocoder.engine.ema import EMA
from vocoder.engine.interrupt import Interrupt
from vocoder.engine.logger import Logger, Meter
from vocoder.engine.monitor import Monitor, Watch, choose
from vocoder.engine.parallel import TrainingError, World, connect
from vocoder.engine.phases import Batches, Phase, Task, only_trainable, require_names, weighted_sum
from vocoder.engine.schedule import OptimizerConfig, TrainConfig
from vocoder.engine.state import load_moments, load_random_state, moments, random_states
from vocoder.errors import InputError

__all__ = ["Monitor", "OptimizerConfig", "Phase", "Task", "TrainConfig", "Trainer", "TrainingError", "World", "connect"]


class Trainer:
    """Trains a task and leaves a run folder: checkpoints/, tensorboard/, log.txt.

    Parameters
    ----------
    task : Task
        Built under its own seed.
    batches : Batches
    config : TrainConfig
    folder : Path
        The run; what it holds is resumed.
    world : World
        From `connect()`.
    settings : mapping
        Hyper-parameters for TensorBoard, shown with the final validation figures.

    Raises
    ------
    InputError
        At once: a name without counterpart among phases, weights, modules and optimisers (the losses of every phase
        are computed once, so that a phase that starts later is checked too), a monitor that validation does not give, a
        checkpoint of another task.
    """

    def __init__(
        self,
        task: Task,
        batches: Batches,
        config: TrainConfig,
        folder: str | Path,
        world: World,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.task, self.batches, self.config, self.world = task, batches, config, world
        self.folder = Path(folder)
        self.settings = settings or {}
        self.checkpoints = Checkpoints(self.folder / "checkpoints")
        self.step = 0
        self._note = ""
        self._interrupt = Interrupt()
        require_names(task, config.steps)
        self.monitor = choose(task.monitor, task.monitors, config.monitor)
        self._watch = Watch(self.monitor.name, self.monitor.lowest, config.monitor is not None)
        for module in task.modules.values():
            module.to(world.device).train()
        world.broadcast(task.modules.values())
        self._weights = {
            name: [weight for weight in module.parameters() if weight.requires_grad]
            for name, module in task.modules.items()
        }
        self._optimizers = {name: _adamw(self._weights[name], options) for name, options in task.optimizers.items()}
        self._ema = EMA({name: task.modules[name] for name in task.ema}, config.ema)
        self._dry_run()
        torch.manual_seed(config.seed + world.rank)
        world.on_main(self.checkpoints.clean)
        self._resume()

    # -- before the first step ------------------------------------------------------------------------------------

    def _dry_run(self) -> None:
        """Compute the losses of every phase once, and leave no trace."""
        position = self.batches.state_dict()
        buffers = [(b, b.detach().clone()) for module in self.task.modules.values() for b in module.buffers()]
        batch = next(self.batches)
        for phase in self.task.phases:
            with only_trainable(self.task.modules, phase.modules), self._autocast():
                losses = phase.losses(batch)
            weighted_sum(losses, phase.weights, phase.name)
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
        self.batches.load_state_dict(position)

    def _resume(self) -> None:
        """Go on from the newest checkpoint that the present schedule can use, if there is one."""
        saved = self.checkpoints.newest(self.config.decay_start, self.config.steps)
        step = saved.step if saved else 0
        if len({int(other) for other in self.world.gather(torch.tensor([step]))}) > 1:
            raise InputError(
                f"{self.folder}: the processes see different checkpoints; put it on a disk that they share"
            )
        if saved is None:
            return
        require_same_facts(saved.state["facts"], self.task.facts, saved.path)
        self.step, self._watch = step, self._watch.resumed(saved.state)
        if (latest := self.checkpoints.all()[-1].step) > step:
            self._note = f"; the checkpoint of step {latest} decayed towards another end, this one did not"
        for name, module in self.task.modules.items():
            load_weights(saved.path / f"{name}.safetensors", module, f"this task's {name}")
        for name in self.task.ema:
            self._ema.load_state_dict(name, saved.tensors(f"{name}.ema"))
        for name, optimizer in self._optimizers.items():
            load_moments(optimizer, self.task.modules[name], saved.tensors(f"{name}.optimizer"))
        self.batches.load_state_dict(saved.state["sampler"])
        seed = self.config.seed + self.world.rank + 1_000_003 * step
        load_random_state(self.world, saved.tensors("random"), fallback=seed)

    # -- the loop -------------------------------------------------------------------------------------------------

    def run(self) -> bool:
        """Train up to `config.steps`.

        Returns
        -------
        bool
            True when all steps are done or patience is at its end; False when SIGTERM or SIGINT ended it early, with a
            checkpoint saved.

        Raises
        ------
        TrainingError
            If a loss or gradient is not finite.
        InputError
            If a checkpoint cannot be saved.
        """
        try:
            with Logger(self.folder, self.step, self.config.steps, active=self.world.main) as log, self._interrupt:
                return self._loop(log)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise InputError(
                f"{self.folder}: cannot be written at step {self.step} ({error.strerror}); the checkpoints are whole, "
                "and the same command goes on from them once there is room"
            ) from error

    def _loop(self, log: Logger) -> bool:
        config = self.config
        log.say(f"step {self.step} of {config.steps} on {self.world.size} × {self.world.device}{self._note}")
        if self._exhausted:
            log.say(self._watch.farewell(self.step, self.config))
        meter = Meter()
        while self.step < config.steps and not self._exhausted:
            began = time.perf_counter()
            batch = next(self.batches)
            values, stopping = self._train(batch)
            log.step = self.step
            meter.add(values, batch.seconds * self.world.size, time.perf_counter() - began)
            log.progress(meter)
            done = self.step == config.steps
            if done or self.step % config.log_every == 0:
                log.scalars(self._rates())
                log.scalars({name: float(value) for name, value in self.task.statistics().items()})
                log.training(meter.take())
            self._keep(batch, log, done, stopping)
            if self._exhausted and not done:
                log.say(self._watch.farewell(self.step, self.config))
            elif stopping and not done:
                log.say(f"stopped at step {self.step}; the same command goes on from here")
                return False
        return True

    def _train(self, batch: Any) -> tuple[dict[str, float], bool]:
        """One step: every active phase, then the averages. Returns what was measured, and whether to stop."""
        names: list[str] = []
        measured: list[Tensor] = []
        flags = torch.zeros(2, device=self.world.device)
        for phase in self.task.phases:
            if phase.active(self.step):
                values, flags = self._update(phase, batch, flags)
                names += [f"{phase.name}/{name}" for name in values]
                measured += values.values()
        # The one moment in a step at which the processor waits for the device.
        *numbers, bad, stop = torch.stack([*measured, *flags]).tolist()
        if bad:
            raise TrainingError(self._describe_failure(dict(zip(names, numbers, strict=True)), batch))
        self._ema.update(self.step)
        self.step += 1
        return dict(zip(names, numbers, strict=True)), stop > 0

    def _update(self, phase: Phase, batch: Any, flags: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Losses, gradients, step. `flags` counts [failures, stop requests] over all processes in this step so far.

        A failure holds back this update and all later ones on the device itself, so that nobody has to wait for the
        losses here: the fused AdamW leaves weights and moments alone when `found_inf` is 1, as gradient scalers use it.
        """
        with only_trainable(self.task.modules, phase.modules):
            with self._autocast():
                losses = phase.losses(batch)
            total = weighted_sum(losses, phase.weights, phase.name)
            total.backward()
        values = {**{name: loss.detach().float() for name, loss in losses.items()}, "total": total.detach()}
        # Every process must send every gradient, so weights that the losses did not reach have a gradient of 0.
        gradients = {
            name: [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in self._weights[name]]
            for name in phase.modules
        }
        mine = torch.stack([_failed(values), torch.full_like(total.detach(), float(self._interrupt.requested))])
        flags = flags + self.world.average([gradient for group in gradients.values() for gradient in group], mine)
        norms = {name: torch.nn.utils.get_total_norm(group) for name, group in gradients.items()}
        flags[0] += _failed(norms)
        for name, group in gradients.items():
            for weight, gradient in zip(self._weights[name], group, strict=True):
                weight.grad = gradient
            clip = self.task.optimizers[name].clip
            if clip is not None:
                torch.nn.utils.clip_grads_with_norm_(self._weights[name], clip, norms[name])
            self._apply(name, hold=(flags[0] > 0).float())
        return {**values, **{f"gradient norm {name}": norm for name, norm in norms.items()}}, flags

    def _apply(self, name: str, hold: Tensor) -> None:
        optimizer = self._optimizers[name]
        for group in optimizer.param_groups:
            group["lr"] = self.task.optimizers[name].lr * self.config.rate(self.step)
        optimizer.found_inf = hold  # type: ignore[attr-defined]  # the attribute that torch.amp.GradScaler sets
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.world.device.type, torch.bfloat16, enabled=self.config.precision == "bf16")

    def _describe_failure(self, values: Mapping[str, float], batch: Any) -> str:
        bad = [name for name, value in values.items() if not math.isfinite(value) and not name.endswith("/total")]
        losses = [name for name in bad if "/gradient norm " not in name]  # a bad loss makes bad gradients
        what = ", ".join((losses or bad)[:4]) or "a loss"
        if self.world.size > 1 and not losses:
            what += " (here or in another process)"
        ids = list(batch.ids)
        shown = ", ".join(map(str, ids[:16])) + (f" and {len(ids) - 16} more" if len(ids) > 16 else "")
        return (
            f"step {self.step + 1}: {what} not finite in the batch of {shown}; "
            "stopped before this update, the last checkpoint stays"
        )

    def _rates(self) -> dict[str, float]:
        return {f"rate/{name}": optimizer.param_groups[0]["lr"] for name, optimizer in self._optimizers.items()}

    # -- between steps --------------------------------------------------------------------------------------------

    def _keep(self, batch: Any, log: Logger, done: bool, stopping: bool) -> None:
        """Save and validate when it is time; every process comes here, the first one does it."""
        config = self.config
        validating = done or self.step % config.validate_every == 0
        saving = done or stopping or self.step % config.save_every == 0 or self.step == config.decay_start
        if not (validating or saving):
            return
        random = random_states(self.world)
        self.world.on_main(lambda: self._evaluate_and_save(random, batch, log, validating=validating, saving=saving))
        if config.patience and validating:  # only the first process has seen the figures, but all must stop
            since = int(self.world.gather(torch.tensor([self._watch.since]))[0])
            self._watch = dataclasses.replace(self._watch, since=since)

    def _evaluate_and_save(
        self, random: Mapping[str, Tensor], batch: Any, log: Logger, *, validating: bool, saving: bool
    ) -> None:
        # Figures first: they are part of the checkpoint, so a kill between the two cannot separate them.
        config, monitor = self.config, self.monitor
        figures = self._validate(batch, log) if validating else {}
        begun = max(phase.start for phase in self.task.phases if phase.start < config.steps)
        if figures and self.step > begun:
            self._watch = self._watch.after(figures)
        ending = self.step == config.steps or self._exhausted
        best = self.checkpoints.best(monitor.name, lowest=monitor.lowest)
        if saving or ending or monitor.improves(figures, best.figures if best else {}):
            self._save(random, figures)
            best = self.checkpoints.best(monitor.name, lowest=monitor.lowest)
        if figures and ending:
            log.hyperparameters(self.settings, figures)
        self.checkpoints.prune(config.keep, self.step, config.decay_start, config.steps, best)
        log.flush()

    @property
    def _exhausted(self) -> bool:
        return 0 < self.config.patience <= self._watch.since

    def _validate(self, batch: Any, log: Logger) -> dict[str, float]:
        """Figures, pictures and sound with averaged weights; the random state of training is not touched."""
        devices = [self.world.device] if self.world.device.type == "cuda" else []
        with torch.random.fork_rng(devices), self._ema.applied(), torch.no_grad():
            for module in self.task.modules.values():
                module.eval()
            try:
                figures = {name: float(value) for name, value in self.task.validate(log).items()}
                self.task.describe(batch, log)
            finally:
                for module in self.task.modules.values():
                    module.train()
        if self.monitor.name not in figures:
            raise InputError(f"the run is judged by {self.monitor.name}, its validation gives {', '.join(figures)}")
        log.validation(figures)
        return figures

    def _save(self, random: Mapping[str, Tensor], figures: Mapping[str, float]) -> None:
        parts: dict[str, Callable[[], Mapping[str, Tensor]]] = {"random": lambda: random}
        for name, module in self.task.modules.items():
            parts[name] = module.state_dict
        for name in self.task.ema:
            parts[f"{name}.ema"] = functools.partial(self._ema.state_dict, name)
        for name, optimizer in self._optimizers.items():
            parts[f"{name}.optimizer"] = functools.partial(moments, optimizer, self.task.modules[name])
        state = {
            "step": self.step,
            "decay_start": self.config.decay_start,
            "steps": self.config.steps,
            "sampler": self.batches.state_dict(),
            "facts": dict(self.task.facts),
            "validation": dict(figures),
            "watch": self._watch.to_dict(),
        }
        self.checkpoints.save(parts, state)


def _failed(values: Mapping[str, Tensor]) -> Tensor:
    """1.0 if any of these scalars is not finite, else 0.0; stays on the device."""
    return (~torch.stack(list(values.values())).isfinite().all()).float()


def _adamw(weights: list[nn.Parameter], options: OptimizerConfig) -> torch.optim.AdamW:
    return torch.optim.AdamW(weights, lr=options.lr, betas=options.betas, weight_decay=options.weight_decay, fused=True)
