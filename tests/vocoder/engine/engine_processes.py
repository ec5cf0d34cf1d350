"""What the processes of one run do together, started by `torchrun`: a scenario each, reports as JSON in FOLDER.

torchrun --nproc-per-node 2 engine_processes.py FOLDER
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from engine_toy import CONFIG, ToyBatch, ToyBatches, ToyTask, train
from torch import Tensor

from vocoder.engine.checkpoint import save_tensors
from vocoder.engine.trainer import Trainer, TrainingError, World, connect


class Upset(ToyTask):
    """Something goes wrong in one process only."""

    def __init__(self, world: World, trouble: str) -> None:
        super().__init__(noise=0.0)
        self.world, self.trouble, self.calls = world, trouble, 0

    def generator_losses(self, batch: ToyBatch) -> dict[str, Tensor]:
        losses = super().generator_losses(batch)
        self.calls += 1  # the first call is the dry run
        if self.world.rank == 1 and self.calls == 6:
            if self.trouble == "not finite":
                losses["squared"] = losses["squared"] * float("nan")
            if self.trouble == "signal":
                os.kill(os.getpid(), signal.SIGTERM)
            if self.trouble == "error":
                raise RuntimeError("a cable came loose")
        return losses

    def validate(self, log: object) -> dict[str, float]:
        if self.trouble == "validation":
            raise RuntimeError("the first process only")
        return super().validate(log)


class Scored(ToyTask):
    """Figures that only the first process sees."""

    def __init__(self, world: World) -> None:
        super().__init__(noise=0.0)
        self.world, self.scores = world, iter([1.0, 2.0, 1.5, 1.0, 0.5])

    def validate(self, log: object) -> dict[str, float]:
        assert self.world.main
        return {"error": 0.0, "score": next(self.scores)}


def upset(folder: Path, world: World, trouble: str) -> dict[str, object]:
    trainer = Trainer(Upset(world, trouble), ToyBatches(world), CONFIG, folder / trouble, world)
    before = trainer.task.modules["generator"][0].weight.detach().clone()
    try:
        finished: object = trainer.run()
        message = ""
    except (TrainingError, RuntimeError) as error:
        finished, message = None, f"{type(error).__name__}: {error}"
    after = trainer.task.modules["generator"][0].weight.detach()
    return {"finished": finished, "message": message, "step": trainer.step, "moved": not torch.equal(before, after)}


def weights(modules: Mapping[str, torch.nn.Module]) -> dict[str, Tensor]:
    return {f"{name}.{key}": value for name, module in modules.items() for key, value in module.state_dict().items()}


def main(folder: Path) -> None:
    world = connect()
    if len(sys.argv) > 2:  # a process that fails for good
        Trainer(Upset(world, sys.argv[2]), ToyBatches(world), CONFIG, folder / "run", world).run()
        return
    torch.manual_seed(3)
    task = ToyTask(noise=0.0, clip=0.5)
    with torch.no_grad():  # only the first process's weights may count
        for parameter in task.modules["generator"].parameters():
            parameter += world.rank
    halfway = dataclasses.replace(CONFIG, steps=18, decay=0.0)
    Trainer(task, ToyBatches(world), halfway, folder / "run", world).run()
    trainer = train(folder / "run", dataclasses.replace(CONFIG, decay=0.0), lambda: ToyTask(noise=0.0, clip=0.5), world)
    save_tensors(folder / f"weights-{world.rank}.safetensors", weights(trainer.task.modules))
    impatient = dataclasses.replace(CONFIG, validate_every=2, monitor="score", patience=2)
    ended = Trainer(Scored(world), ToyBatches(world), impatient, folder / "patience", world)
    finished = ended.run()
    report = {trouble: upset(folder, world, trouble) for trouble in ("not finite", "signal", "validation")}
    report["patience"] = {"finished": finished, "step": ended.step}
    (folder / f"report-{world.rank}.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
