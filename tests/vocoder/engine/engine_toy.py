"""A GAN small enough to train hundreds of steps a second, with everything that a run has to carry over."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from vocoder.engine.trainer import Monitor, OptimizerConfig, Phase, TrainConfig, Trainer, World

SIZE = 6


@dataclass
class ToyBatch:
    x: Tensor
    ids: list[str]
    seconds: float


class ToyBatches:
    """Epochs of ten items in an order of their own, eight at a time, so that epochs end in the middle of batches."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        self.position = 0
        self.items = torch.randn(10, SIZE, generator=torch.Generator().manual_seed(7))

    def __iter__(self) -> ToyBatches:
        return self

    def __next__(self) -> ToyBatch:
        chosen = []
        for place in range(self.position, self.position + 8):
            epoch, index = divmod(place, 10)
            chosen.append(torch.randperm(10, generator=torch.Generator().manual_seed(epoch))[index].item())
        self.position += 8
        mine = chosen[self.world.rank :: self.world.size]
        return ToyBatch(self.items[mine], [f"item{index}" for index in mine], 0.25 * len(mine))

    def state_dict(self) -> dict[str, int]:
        return {"position": self.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.position = state["position"]


class ToyTask:
    """Generator: double the input (through noise, if any); critic: tell it from the truth, after a late start."""

    def __init__(self, *, noise: float = 0.1, critic_start: int = 4, clip: float | None = None) -> None:
        self.noise = noise
        generator = nn.Sequential(nn.Linear(SIZE, SIZE), nn.Dropout(noise))
        critic = nn.utils.parametrizations.spectral_norm(nn.Linear(SIZE, 4))  # has buffers that change in training
        self.modules: dict[str, nn.Module] = {"generator": generator, "critic": critic}
        self.phases = [
            Phase("critic", ("critic",), self.critic_losses, {"adversarial": 1.0, "penalty": 0.1}, critic_start),
            Phase("generator", ("generator",), self.generator_losses, {"squared": 1.0, "adversarial": 0.01}),
        ]
        self.optimizers = {"generator": OptimizerConfig(lr=0.05, clip=clip), "critic": OptimizerConfig(lr=0.01)}
        self.ema: tuple[str, ...] = ("generator",)
        self.monitor, self.monitors = Monitor("error"), (Monitor("score", lowest=False),)
        self.facts: dict[str, object] = {"kind": "toy", "spec": {"size": SIZE}}

    def critic_losses(self, batch: ToyBatch) -> dict[str, Tensor]:
        with torch.no_grad():
            fake = self.modules["generator"](batch.x)
        real = (2 * batch.x).requires_grad_()
        logits = self.modules["critic"](real)
        (gradient,) = torch.autograd.grad(logits.sum(), real, create_graph=True)  # R1: what DDP cannot do
        adversarial = (logits - 1).square().mean() + self.modules["critic"](fake).square().mean()
        return {"adversarial": adversarial, "penalty": gradient.square().sum(1).mean()}

    def generator_losses(self, batch: ToyBatch) -> dict[str, Tensor]:
        fake = self.modules["generator"](batch.x)
        squared = (fake - 2 * batch.x).square().mean()
        return {"squared": squared, "adversarial": (self.modules["critic"](fake) - 1).square().mean()}

    def validate(self, log: object) -> dict[str, float]:
        torch.rand(3)  # a validation that draws random numbers must not change the training
        unit = torch.eye(SIZE)
        return {"error": (self.modules["generator"](unit) - 2 * unit).square().mean().item()}

    def describe(self, batch: ToyBatch, log: object) -> None:
        torch.rand(3)

    def statistics(self) -> dict[str, float]:
        return {"health": 1.0}


CONFIG = TrainConfig(steps=30, warmup=3, decay=0.2, ema=0.9, validate_every=13, save_every=5, log_every=10, keep=2)


def train(
    folder: Path, config: TrainConfig = CONFIG, make: Callable[[], ToyTask] = ToyTask, world: World | None = None
) -> Trainer:
    """What the same command does each time."""
    torch.manual_seed(3)
    world = world or World()
    trainer = Trainer(make(), ToyBatches(world), config, folder, world)
    trainer.run()
    return trainer


def digest(checkpoint: Path) -> dict[str, str]:
    """Content of a checkpoint: weights, averages, moments, random numbers, sampler."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(checkpoint.iterdir())}
