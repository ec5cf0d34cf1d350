"""Training: what one step costs, split by phase.

Three ways to train a vocoder, on the same batch: ours (the Fourier vocoder `small` with the critics of its recipe),
HiFi-GAN V2 with its own critics in our engine (each phase computes only the gradients of the modules that it updates),
and HiFi-GAN V2 as the usual loop does it, where the generator's loss also sends gradients into every weight of the
critics and through their view of the real sound, which the next step throws away.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from timing import Cost, Spread, cost, count, interleaved, parser, print_machine, print_table
from torch import Tensor, nn

from vocoder.discriminators import Judgement, MultiPeriod, MultiScale
from vocoder.engine.config import load_config
from vocoder.engine.ema import EMA
from vocoder.engine.phases import Phase, only_trainable, weighted_sum
from vocoder.hifigan import HiFiGAN, HiFiGANConfig
from vocoder.losses import MelDistance
from vocoder.signal.dataset import Batch
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import preset
from vocoder.task import VocoderConfig, VocoderTask

RECIPE = Path(__file__).parents[1] / "recipes" / "vocoder" / "kathleen" / "conf"
SPEC = preset("22k")
PHASES = ("reconstruction", "generator", "discriminator")
COMMON = (4, 8192)  # crops and samples of the batch on which all are compared
Step = dict[str, Cost]


def sound(crops: int, samples: int) -> Tensor:
    """A batch (B, N); what it sounds like does not change the work."""
    return 0.1 * torch.randn(crops, samples, generator=torch.Generator().manual_seed(0))


def autocast(precision: str) -> AbstractContextManager[object]:
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")


class EngineStep:
    """A step of a recipe: its phases one after another, as the engine does them.

    Parameters
    ----------
    config : VocoderConfig
    wave : Tensor
        (B, N).
    """

    def __init__(self, config: VocoderConfig, wave: Tensor) -> None:
        torch.manual_seed(0)
        self.task = VocoderTask(config, [])
        self.precision = config.train.precision
        self.batch = Batch(wave, [str(index) for index in range(len(wave))], wave.numel() / SPEC.sample_rate)
        self.averages = EMA({"generator": self.task.modules["generator"]}, config.train.ema)
        self.optimizers = {
            name: torch.optim.AdamW(
                self.task.modules[name].parameters(), o.lr, o.betas, weight_decay=o.weight_decay, fused=True
            )
            for name, o in self.task.optimizers.items()
        }

    def __call__(self, names: Iterable[str] = PHASES) -> Step:
        """Cost of the phases of these names."""
        return {phase.name: cost(partial(self.update, phase)) for phase in self.task.phases if phase.name in names}

    def update(self, phase: Phase) -> None:
        """Losses, gradients, step of one phase."""
        with only_trainable(self.task.modules, phase.modules):
            with autocast(self.precision):
                losses = phase.losses(self.batch)
            weighted_sum(losses, phase.weights, phase.name).backward()
        for name in phase.modules:
            clip = self.task.optimizers[name].clip
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(self.task.modules[name].parameters(), clip)
            self.optimizers[name].step()
            self.optimizers[name].zero_grad(set_to_none=True)
        if "generator" in phase.modules:
            self.averages.update(step=0)


class UsualStep:
    """A step of HiFi-GAN V2 as its paper and most trainers do it (Kong 2020, arXiv:2010.05646, section 2.4).

    Full-width multi-period and multi-scale critics, least squares, feature matching × 2, mel × 45. Nothing is frozen:
    the generator's loss is differentiated in all weights, reals included.

    Parameters
    ----------
    wave : Tensor
        (B, N).
    precision : {"float32", "bf16"}
    """

    def __init__(self, wave: Tensor, precision: str) -> None:
        torch.manual_seed(0)
        self.wave, self.precision = wave, precision
        self.generator = HiFiGAN(HiFiGANConfig.version("v2"))
        self.critics = nn.ModuleList([MultiPeriod(1024), MultiScale()])
        self.mel, self.distance = LogMel(SPEC), MelDistance(SPEC, scales=1)
        self.of_generator, self.of_critics = (
            torch.optim.AdamW(part.parameters(), 2e-4, (0.8, 0.99), fused=True)
            for part in (self.generator, self.critics)
        )
        self.fake = wave

    def __call__(self) -> Step:
        """Cost of the phases; drawing the fakes, which both of them use, is the generator's."""
        drawing, judging, fooling = (cost(work) for work in (self.draw, self.judge, self.fool))
        return {"generator": drawing + fooling, "discriminator": judging}

    def draw(self) -> None:
        with autocast(self.precision):
            self.fake = self.generator(self.mel(self.wave))

    def judge(self) -> None:
        """Train the critics."""
        self.of_critics.zero_grad()
        with autocast(self.precision):
            pairs = [(critic(self.wave), critic(self.fake.detach())) for critic in self.critics]
        total = [(1 - r.float()).square().mean() for real, _ in pairs for r in real.logits]
        total += [f.float().square().mean() for _, fake in pairs for f in fake.logits]
        torch.stack(total).sum().backward()
        self.of_critics.step()

    def fool(self) -> None:
        """Train the generator."""
        self.of_generator.zero_grad()
        with autocast(self.precision):
            pairs = [(critic(self.wave), critic(self.fake)) for critic in self.critics]
        adversarial = torch.stack([(1 - f.float()).square().mean() for _, fake in pairs for f in fake.logits]).sum()
        matching = torch.stack([_distance(real, fake) for real, fake in pairs]).sum()
        (adversarial + 2 * matching + 45 * self.distance(self.fake, self.wave)).backward()
        self.of_generator.step()


def _distance(real: Judgement, fake: Judgement) -> Tensor:
    """Sum over the layers of the mean absolute difference of their activations."""
    reals, fakes = (list(itertools.chain.from_iterable(judgement.features)) for judgement in (real, fake))
    return torch.stack([F.l1_loss(f.float(), r.float()) for r, f in zip(reals, fakes, strict=True)]).sum()


def recipe(name: str, precision: str | None = None) -> VocoderConfig:
    """Settings of a recipe of ours, at that precision or its own."""
    changes = [] if precision is None else [f"train.precision={precision}"]
    return load_config(VocoderConfig, RECIPE / f"{name}.yaml", changes)


OURS, OUR_WAY, USUAL = "Fourier vocoder `small`, its critics", "HiFi-GAN V2, our engine", "HiFi-GAN V2, usual loop"
Key = tuple[str, str, tuple[int, int]]  # name, precision, crops and samples


def steps(mini: bool) -> dict[Key, Callable[[], Step]]:
    """Everything that is compared."""
    common = (1, 2048) if mini else COMMON
    data = recipe("small").data
    found: dict[Key, Callable[[], Step]] = {}
    for precision in ("float32",) if mini else ("float32", "bf16"):
        for batch in dict.fromkeys((common,) if mini else (common, (data.batch, data.crop))):
            found[OURS, precision, batch] = EngineStep(recipe("small", precision), sound(*batch))
        engine = EngineStep(recipe("hifigan-v2", precision), sound(*common))
        found[OUR_WAY, precision, common] = partial(engine, PHASES[1:])  # its critics play from the first step on
        found[USUAL, precision, common] = UsualStep(sound(*common), precision)
    return found


def rows(measured: dict[Key, list[Step]]) -> Iterable[Sequence[str]]:
    """The table. A step is what it costs once the critics play: generator and discriminator."""

    def seconds(key: Key, phases: Sequence[str], clock: str) -> list[float]:
        return [sum(getattr(step.get(phase, Cost()), clock) for phase in phases) for step in measured[key]]

    def per_second(key: Key) -> float:  # of sound, for the batches differ
        crops, samples = key[2]
        return Spread.of(seconds(key, PHASES[1:], "cpu")).median * SPEC.sample_rate / (crops * samples)

    rival = {key[1]: per_second(key) for key in measured if key[0] == USUAL}
    for key, taken in measured.items():
        name, precision, (crops, samples) = key
        phases = [
            f"{Spread.of(seconds(key, [phase], 'cpu')).median:.3f}" if phase in taken[0] else "–" for phase in PHASES
        ]
        cpu, wall = (Spread.of(seconds(key, PHASES[1:], clock)).text(3) for clock in ("cpu", "wall"))
        ratios = [f"{reference / per_second(key):.2f}" for reference in (rival[precision], min(rival.values()))]
        yield [name, precision, f"{crops} × {samples}", *phases, cpu, wall, f"{per_second(key):.2f}", *ratios]


def main() -> None:
    """A table for each number of threads."""
    arguments = parser(__doc__, threads=(1,), repeats=5).parse_args()
    print_machine(torch=torch.__version__)
    for threads in (1,) if arguments.mini else arguments.threads:
        torch.set_num_threads(threads)
        measured = interleaved(steps(arguments.mini), 1 if arguments.mini else arguments.repeats)
        print_table(
            [
                count(threads),
                "precision",
                "batch",
                *(f"{phase}, CPU s" for phase in PHASES),
                "step, CPU s: median (least to greatest)",
                "step, wall s",
                "CPU s per second of sound",
                "times cheaper than the usual loop, same precision",
                "times cheaper than the usual loop at its best",
            ],
            rows(measured),
        )


if __name__ == "__main__":
    main()
