"""What the engine trains when it learns the sounds of a folder: a game without any distance to a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from specgan.augment import augmented
from specgan.evaluate.resemblance import Measure, described
from specgan.networks.synthesis import PictureCritic, SynthesisNet
from specgan.soundset import SoundBatch, SoundSet
from vocoder.discriminators import Judgement
from vocoder.engine.logger import Logger
from vocoder.engine.losses import clip_weights, gradient_norm_penalty, gradient_penalty, objective
from vocoder.engine.schedule import OptimizerConfig, TrainConfig
from vocoder.engine.trainer import Monitor, Phase
from vocoder.errors import InputError
from vocoder.precision import in_float32
from vocoder.signal.mel import griffin_lim
from vocoder.signal.spec import MelSpec

DRAWN = 16  # sounds of each class that a validation draws
COLLAPSED = 0.3  # share of the diversity of recordings below which a run warns
EXTREME = 3.0  # of a picture: six deviations of a band, which only an untrained network draws
SHOWN = 4  # sounds of a class in a picture
KNOWN = 200  # training recordings of a class that scale and figures are taken from


@dataclass(frozen=True)
class Game:
    """An adversarial objective, and what keeps its critic in bounds.

    Parameters
    ----------
    objective : str
        See `vocoder.engine.losses.OBJECTIVES`.
    bound : {"spectral", "clip", "penalty", "r1 and r2"}
        Spectral normalisation, weights clipped, the gradient penalty of WGAN-GP, or both norms of the gradient.
    updates : int
        Of the critic in a step.
    """

    objective: str
    bound: str = "spectral"
    updates: int = 1


GAMES = {
    "minimax": Game("minimax"),
    "non-saturating": Game("non-saturating"),
    "lsgan": Game("lsgan"),
    "hinge": Game("hinge"),
    # algorithm 1 of both papers has five
    "wgan": Game("wgan", "clip", 5),
    "wgan-gp": Game("wgan", "penalty", 5),
    # Huang 2024 (arXiv:2501.05441): both penalties at every step
    "relativistic": Game("relativistic", "r1 and r2"),
}


@dataclass(frozen=True)
class SoundData:
    """Manifests of sounds with classes (`label`), and how they become pictures of one size.

    Parameters
    ----------
    train, validation : list of str
    batch : int
        Sounds a step, over all processes together.
    seconds, fill
        See `specgan.soundset.SoundSet`.
    memory_limit : float
        See `vocoder.signal.dataset.Recordings`.
    """

    train: list[str] = field(default_factory=list)
    validation: list[str] = field(default_factory=list)
    batch: int = 16
    seconds: float | None = None
    fill: str = "silence"
    memory_limit: float = 4e9


@dataclass(frozen=True)
class SoundCritic:
    """The critic's game.

    Parameters
    ----------
    objective : str
        One of `GAMES`.
    width : int
        Channels of the first layer.
    gamma : float
        Weight of R1 and of R2, each halved; of the relativistic game.
    penalty : float
        Weight of the gradient penalty; of WGAN-GP.
    """

    objective: str = "relativistic"
    width: int = 24
    gamma: float = 1.0
    penalty: float = 10.0
    optimizer: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(lr=5e-4, betas=(0.0, 0.99)))


@dataclass(frozen=True)
class GenerationRun:
    """A whole run.

    Parameters
    ----------
    latent : int
        Numbers that one sound of a class is made of.
    size, layers : str
        See `specgan.networks.synthesis.SynthesisNet`; with "dcgan" the critic has batch norm as well.
    augment : bool
        Show the critic pictures with random changes; see `specgan.augment`.
    vocoder : str
        Folder with generator.safetensors of the vocoder that TensorBoard is heard through; Griffin-Lim if empty.
    """

    task: str = "generation"
    spec: str = "22k"
    data: SoundData = field(default_factory=SoundData)
    latent: int = 64
    size: str = "tiny"
    layers: str = "plain"
    augment: bool = True
    critic: SoundCritic = field(default_factory=SoundCritic)
    optimizer: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(lr=5e-4, betas=(0.0, 0.99)))
    train: TrainConfig = field(default_factory=lambda: TrainConfig(steps=20_000))
    vocoder: str = ""


class SoundPainter(nn.Module):
    """The generator with the scale of its sounds: latent, class, noise → log-mel.

    Parameters
    ----------
    net : SynthesisNet
    floor : float
        Least log-mel.
    """

    def __init__(self, net: SynthesisNet, floor: float) -> None:
        super().__init__()
        self.net, self.floor = net, floor
        self.register_buffer("mean", torch.zeros(net.bands, 1))
        self.register_buffer("scale", torch.ones(net.bands, 1))
        self.mean: Tensor
        self.scale: Tensor

    def learn_scale(self, mels: Tensor) -> None:
        """Take the bands' means as 0 and two deviations as 1, of log-mels (B, M, T): most are then in [−1, 1]."""
        by_band = mels.transpose(0, 1).flatten(1)
        self.mean.copy_(by_band.mean(dim=1, keepdim=True))
        self.scale.copy_(2 * by_band.std(dim=1, keepdim=True).clamp_min(0.1))

    def normalised(self, mel: Tensor) -> Tensor:
        """Log-mel (B, M, T) → picture (B, 1, M, T)."""
        return ((mel - self.mean) / self.scale)[:, None]

    def forward(self, latent: Tensor, label: Tensor, noise: Tensor) -> Tensor:
        """(B, Z), (B,) int64, (B, M, T) → log-mel (B, M, T)."""
        picture = self.net(latent, label, noise[:, None])[:, 0].clamp(-EXTREME, EXTREME)
        return (picture * self.scale + self.mean).clamp_min(self.floor)

    def draw(self, label: Tensor, seed: int) -> Tensor:
        """Log-mels (B, M, T) of classes (B,); the same seed draws the same."""
        generator = torch.Generator().manual_seed(seed)
        latent = torch.randn(len(label), self.net.latent, generator=generator)
        noise = torch.randn(len(label), self.net.bands, self.net.frames, generator=generator)
        return self(latent.to(self.mean), label, noise.to(self.mean))


def build_painter(facts: Mapping[str, Any], spec: MelSpec) -> SoundPainter:
    """The generator with new weights, from what a run's facts and config.json say of it."""
    names = ("frames", "latent", "size", "layers")
    net = SynthesisNet(spec.bands, classes=len(facts["classes"]), **{name: facts[name] for name in names})
    return SoundPainter(net, float(np.log(spec.floor)))


class GenerationTask:
    """Latent and class → log-mel (see `vocoder.engine.trainer.Task`).

    Parameters
    ----------
    config : GenerationRun
    sounds, validation : SoundSet
        Of the same length; the validation set may lack some classes.
    vocoder : nn.Module, optional
        Mel → wave, for TensorBoard.

    Raises
    ------
    InputError
        If a name is unknown, or the game needs a critic that judges each sound apart and the layers are DCGAN's.
    """

    monitor = Monitor("score")
    monitors: Sequence[Monitor] = ()

    def __init__(
        self, config: GenerationRun, sounds: SoundSet, validation: SoundSet, vocoder: nn.Module | None = None
    ) -> None:
        if config.critic.objective not in GAMES:
            raise InputError(f"there is no objective {config.critic.objective!r}; there are {', '.join(GAMES)}")
        self.config, self.sounds, self.spec = config, sounds, sounds.spec
        self.game = GAMES[config.critic.objective]
        self.objective = objective(self.game.objective)
        self.facts: Mapping[str, Any] = {
            "task": "generation",
            "spec": self.spec.to_dict(),
            "classes": list(sounds.classes),
            "frames": sounds.frames,
            "latent": config.latent,
            "size": config.size,
            "layers": config.layers,
        }
        self.painter = build_painter(self.facts, self.spec)
        norm = self.game.bound if self.game.bound == "spectral" else "none"
        if config.layers == "dcgan":
            if self.game.bound in ("penalty", "r1 and r2"):
                raise InputError(
                    f"layers=dcgan: the batch norm of their critic mixes sounds, and {config.critic.objective} needs "
                    "the gradient of each; take another objective or other layers"
                )
            norm = "batch"
        self.critic = PictureCritic(self.spec.bands, sounds.frames, len(sounds.classes), config.critic.width, norm)
        self.modules: dict[str, nn.Module] = {"painter": self.painter, "critic": self.critic}
        self.optimizers: Mapping[str, OptimizerConfig] = {
            "painter": config.optimizer,
            "critic": config.critic.optimizer,
        }
        self.ema: tuple[str, ...] = ("painter",)
        self.phases: Sequence[Phase] = self._phases()
        self.vocoder = vocoder.requires_grad_(False).eval() if vocoder is not None else None
        self._fake: Tensor | None = None
        self._health: dict[str, Tensor] = {}
        self._collapsed: set[str] = set()
        self._look_at(sounds, validation)

    def to(self, device: torch.device) -> GenerationTask:
        """Move the constant parts to the device; the engine moves the modules."""
        if self.vocoder is not None:
            self.vocoder.to(device)
        return self

    def _phases(self) -> list[Phase]:
        critic = {"adversarial": 1.0}
        if self.game.bound == "penalty":
            critic["penalty"] = self.config.critic.penalty
        if self.game.bound == "r1 and r2":
            critic |= {"r1": self.config.critic.gamma / 2, "r2": self.config.critic.gamma / 2}
        phases = [Phase("generator", ("painter",), self._generator, {"adversarial": 1.0})]
        # the first judges what the generator has just drawn, which saves drawing it again
        for update in range(1, self.game.updates + 1):
            phases.append(Phase("critic" if update == 1 else f"critic {update}", ("critic",), self._critic, critic))
        return phases

    def _look_at(self, sounds: SoundSet, validation: SoundSet) -> None:
        """The scale of the training set, and descriptions of both sets by class."""
        by_class = [sounds.mels(sounds.of_class(label)[:KNOWN]) for label in range(len(sounds.classes))]
        self.painter.learn_scale(torch.cat(by_class))
        self.measure = Measure([np.stack([described(mel.numpy()) for mel in mels]) for mels in by_class])
        self.held_out = {
            label: np.stack([described(mel.numpy()) for mel in validation.mels(rows)])
            for label in range(len(sounds.classes))
            if (rows := validation.of_class(label))
        }

    # -- phases ---------------------------------------------------------------------------------------------------

    def _draw(self, label: Tensor) -> Tensor:
        """Pictures (B, 1, M, T)."""
        net = self.painter.net
        latent = torch.randn(len(label), net.latent, device=label.device)
        return net(latent, label, torch.randn(len(label), 1, net.bands, net.frames, device=label.device))

    def _shown(self, picture: Tensor) -> Tensor:
        """As the critic sees it."""
        return augmented(picture) if self.config.augment else picture

    def _generator(self, batch: SoundBatch) -> dict[str, Tensor]:
        if self.game.bound == "clip":  # before the first step too, and after each of the critic's
            clip_weights(self.critic)
        fake = self._draw(batch.label)
        self._fake = fake.detach()
        on_fake = self.critic(self._shown(fake), batch.label).logits
        on_real = on_fake
        if self.game.objective == "relativistic":
            with torch.no_grad():
                on_real = self.critic(self._shown(self.painter.normalised(batch.mel)), batch.label).logits
        return {"adversarial": self.objective.generator(on_fake, on_real)}

    def _critic(self, batch: SoundBatch) -> dict[str, Tensor]:
        if self.game.bound == "clip":
            clip_weights(self.critic)
        if self._fake is None:
            with torch.no_grad():
                fake = self._draw(batch.label)
        else:
            fake, self._fake = self._fake, None
        real = self._shown(self.painter.normalised(batch.mel))
        return self._judge(real, self._shown(fake), batch.label)

    def _judge(self, real: Tensor, fake: Tensor, label: Tensor) -> dict[str, Tensor]:
        if self.game.bound == "r1 and r2":
            terms, on_real, on_fake = self._with_norms(real, fake, label)
        else:
            on_real, on_fake = self.critic(real, label), self.critic(fake, label)
            terms = {"adversarial": self.objective.discriminator(on_real.logits, on_fake.logits)}
            if self.game.bound == "penalty":
                terms["penalty"] = self._with_penalty(real, fake, label)
        means = [judged.logits[0].detach().float().mean() for judged in (on_real, on_fake)]
        self._health = {"real": means[0], "fake": means[1], "gap": means[0] - means[1]}
        return terms

    def _with_norms(self, real: Tensor, fake: Tensor, label: Tensor) -> tuple[dict[str, Tensor], Judgement, Judgement]:
        @in_float32
        def judge(real: Tensor, fake: Tensor) -> tuple[dict[str, Tensor], Judgement, Judgement]:
            on_real, on_fake = self.critic(real, label), self.critic(fake, label)
            terms = {
                "adversarial": self.objective.discriminator(on_real.logits, on_fake.logits),
                "r1": gradient_norm_penalty(on_real.logits, real),
                "r2": gradient_norm_penalty(on_fake.logits, fake),
            }
            return terms, on_real, on_fake

        return judge(real.detach().requires_grad_(True), fake.detach().requires_grad_(True))

    def _with_penalty(self, real: Tensor, fake: Tensor, label: Tensor) -> Tensor:
        @in_float32
        def penalty(real: Tensor, fake: Tensor) -> Tensor:
            return gradient_penalty(lambda points: self.critic(points, label).logits, real, fake)

        return penalty(real, fake)

    # -- what TensorBoard shows -----------------------------------------------------------------------------------

    def statistics(self) -> Mapping[str, float | Tensor]:
        """Mean logits of the last step, real, fake and their gap."""
        return {f"gan/{name}": value for name, value in self._health.items()}

    def drawn(self, label: int, count: int = DRAWN) -> Tensor:
        """Log-mels (count, M, T) of one class on the CPU, the same each time."""
        labels = torch.full((count,), label, device=self.painter.mean.device)
        return self.painter.draw(labels, label).cpu()

    def validate(self, log: Logger) -> dict[str, float]:
        """How near the sounds come to held-out ones.

        A line of warning is logged when the sounds of a class become all alike.

        Returns
        -------
        dict
            "score" and "novelty", means over the classes with held-out recordings, "diversity" over all; see
            `specgan.evaluate.resemblance.Resemblance`.
        """
        rows: dict[str, list[float]] = {"score": [], "diversity": [], "novelty": []}
        for label, name in enumerate(self.sounds.classes):
            made = np.stack([described(mel.numpy()) for mel in self.drawn(label)])
            diversity = self.measure.diversity(label, made)
            rows["diversity"].append(diversity)
            if label in self.held_out:
                found = self.measure.compare(label, made, self.held_out[label])
                rows["score"].append(found.score)
                rows["novelty"].append(found.novelty)
            log.scalars({f"diversity/{name}": diversity})
            if diversity < COLLAPSED and name not in self._collapsed:
                log.say(f"collapse: the sounds of {name} differ by {diversity:.0%} of what recordings do")
            (self._collapsed.add if diversity < COLLAPSED else self._collapsed.discard)(name)
        return {name: float(np.mean(values)) for name, values in rows.items()}

    def describe(self, batch: SoundBatch, log: Logger) -> None:
        """Some drawn and some real mels of every class, and the sound of one of each."""
        for label, name in enumerate(self.sounds.classes):
            real = self.sounds.mels(self.sounds.of_class(label)[:SHOWN])
            drawn = self.drawn(label, SHOWN)
            for kind, mels in (("real", real), ("generated", drawn)):
                log.picture(f"{kind}/{name}", *mels.numpy(), low=float(real.min()), high=float(real.max()))
            log.sound(f"generated/{name}", self._heard(drawn[:1]), self.spec.sample_rate)

    def _heard(self, mel: Tensor) -> np.ndarray:
        wave = griffin_lim(mel, self.spec, 32) if self.vocoder is None else self.vocoder(mel.to(self.painter.mean))
        return wave[0].clamp(-1, 1).cpu().numpy()
