"""What the engine trains when it learns to take noise away: a gain for every band of a noisy mel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from specgan.evaluate import metrics
from specgan.evaluate.errors import NotMeasurable, missing
from specgan.losses import balanced_feature_matching, masked_l1
from specgan.mixing.batches import MixtureBatch
from specgan.mixing.mixtures import MixConfig, Mixture
from specgan.networks.discriminators import WINDOWS, MelCritics, windows
from specgan.networks.gain import GainRenderer
from specgan.networks.unet import SpecUNet
from specgan.perceptual import compressed_distance
from vocoder.engine.logger import Logger
from vocoder.engine.losses import objective
from vocoder.engine.schedule import OptimizerConfig, TrainConfig
from vocoder.engine.trainer import Monitor, Phase
from vocoder.errors import InputError
from vocoder.precision import in_float32
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import MelSpec, preset

MEL_MEAN, MEL_STD = -5.0, 2.5  # of log-mels of noisy speech at ordinary levels
LOUDNESS = 0.1  # RMS to which a noisy wave is brought for the losses, so that quiet mixtures count as much as loud ones
FLOOR = 1e-3  # of a mel at that level, about −55 dB below its loudest bands: what lies below is silence to a listener


@dataclass(frozen=True)
class MixtureData:
    """Manifests of speech and noise, and how much of both makes a step.

    Parameters
    ----------
    train, validation : list of str
        Of clean speech.
    noise, noise_validation : list of str
        Of noise; without any, training noise is synthesised, and validation noise as well.
    mix : MixConfig
    crop : int
        Samples of a mixture.
    batch : int
        Mixtures a step, over all processes together.
    snrs : list of float
        Of the validation mixtures, dB: each held-out recording has one of them, in turn.
    held_out : int
        At most so many recordings are validated with.
    memory_limit : float
        See `vocoder.signal.dataset.Recordings`.
    """

    train: list[str] = field(default_factory=list)
    validation: list[str] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)
    noise_validation: list[str] = field(default_factory=list)
    mix: MixConfig = field(default_factory=MixConfig)
    crop: int = 32_768
    batch: int = 8
    snrs: list[float] = field(default_factory=lambda: [0.0, 5.0, 10.0, 15.0])
    held_out: int = 24
    memory_limit: float = 4e9


@dataclass(frozen=True)
class EnhancementWeights:
    """Weights of the generator's losses.

    Parameters
    ----------
    l1 : float
        Of the log-mel that the gain makes.
    magnitude, whole : float
        Of compressed magnitudes and of compressed complex spectra of the wave.
    adversarial : float
    feature_matching : float
        At most this share of L1, whatever the critics' activations.
    """

    l1: float = 1.0
    magnitude: float = 30.0
    whole: float = 10.0
    adversarial: float = 0.05
    feature_matching: float = 1.0


@dataclass(frozen=True)
class EnhancementCritics:
    """The critics' game: which objective, from which step on, with how many channels."""

    objective: str = "lsgan"
    start: int = 10_000
    width: int = 16
    optimizer: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(lr=2e-4, betas=(0.5, 0.9), clip=1.0))


@dataclass(frozen=True)
class EnhancementRun:
    """A whole run.

    Parameters
    ----------
    size : {"tiny", "small"}
        Of the network.
    lost : float
        How many times as much a magnitude counts that falls short of the clean one: more than 1 leaves more noise and
        takes less speech away, for a recogniser that listens afterwards.
    initial : str or None
        Run or packed model with weights to start from; its size counts.
    """

    task: str = "enhancement"
    spec: str = "16k"
    data: MixtureData = field(default_factory=MixtureData)
    size: str = "tiny"
    weights: EnhancementWeights = field(default_factory=EnhancementWeights)
    lost: float = 1.0
    critics: EnhancementCritics = field(default_factory=EnhancementCritics)
    optimizer: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(lr=5e-4, betas=(0.8, 0.99), clip=1.0))
    train: TrainConfig = field(default_factory=lambda: TrainConfig(steps=20_000))
    initial: str | None = None


class Denoiser(nn.Module):
    """Noisy log-mel → gain in (0, 1) for every bin of it.

    Parameters
    ----------
    bands : int
    size : {"tiny", "small"}
    """

    def __init__(self, bands: int, size: str = "tiny") -> None:
        super().__init__()
        # channels last halves the time of a step on a processor
        self.unet = SpecUNet(bands, 1, 1, size, head="gain").to(memory_format=torch.channels_last)

    def forward(self, mel: Tensor) -> Tensor:
        """(B, M, T) natural-log mel, T a multiple of 4 → (B, M, T)."""
        planes = ((mel - MEL_MEAN) / MEL_STD)[:, None].contiguous(memory_format=torch.channels_last)
        return self.unet(planes, planes.new_ones(len(mel), 1))[:, 0].float()


def enhanced(mel: Tensor, gain: Tensor, spec: MelSpec) -> Tensor:
    """Log-mel with the gain on it, not below the floor of the spec."""
    return (mel + gain.clamp_min(1e-8).log()).clamp_min(float(np.log(spec.floor)))


class EnhancementTask:
    """Noisy speech → gain → speech (see `vocoder.engine.trainer.Task`).

    Parameters
    ----------
    config : EnhancementRun
    validation : sequence of (id, Mixture)
    """

    monitor = Monitor("magnitude")

    def __init__(self, config: EnhancementRun, validation: Sequence[tuple[str, Mixture]]) -> None:
        self.config, self.validation = config, validation
        self.spec = preset(config.spec)
        whole = self.spec.hop * SpecUNet.multiple
        if config.data.crop % whole:
            raise InputError(f"data.crop is {config.data.crop} samples, must be a multiple of {whole}")
        if config.lost <= 0:
            raise InputError(f"lost is {config.lost:g}, must be above 0; 1 counts too much and too little alike")
        self.denoiser = Denoiser(self.spec.bands, config.size)
        self.critics = MelCritics(self.spec.bands, 1, 0, config.critics.width)
        self.objective = objective(config.critics.objective)
        self.mel, self.renderer = LogMel(self.spec), GainRenderer(self.spec)
        self.modules: dict[str, nn.Module] = {"denoiser": self.denoiser, "critics": self.critics}
        self.optimizers: Mapping[str, OptimizerConfig] = {
            "denoiser": config.optimizer,
            "critics": config.critics.optimizer,
        }
        self.ema: tuple[str, ...] = ("denoiser",)
        self.phases: Sequence[Phase] = self._phases()
        self.facts: Mapping[str, Any] = {"task": "enhancement", "spec": self.spec.to_dict(), "size": config.size}
        # figure of the validation → function of reference, degraded and rate
        self.measures = {
            name: getattr(metrics, name)
            for name, package in (("pesq", "pesq"), ("si_sdr", "torchmetrics"))
            if not missing([package])
        }
        self.monitors: Sequence[Monitor] = tuple(Monitor(name, lowest=False) for name in self.measures)
        self._drawn: tuple[Tensor, Tensor, Tensor] | None = None
        self._health: dict[str, Tensor] = {}

    def to(self, device: torch.device) -> EnhancementTask:
        """Move the constant parts to the device; the engine moves the modules."""
        for part in (self.mel, self.renderer):
            part.to(device)
        return self

    def _phases(self) -> list[Phase]:
        weights, start = self.config.weights, self.config.critics.start
        names = ("l1", "magnitude", "whole")
        distances = {name: getattr(weights, name) for name in names}
        game = distances | {"adversarial": weights.adversarial, "feature_matching": weights.feature_matching}
        phases = [Phase("reconstruction", ("denoiser",), self._distances, distances, 0, start)] if start else []
        if start < self.config.train.steps:
            phases.append(Phase("generator", ("denoiser",), self._generator, game, start))
            # after the generator, whose mels it judges
            phases.append(Phase("critics", ("critics",), self._critics, {"adversarial": 1.0}, start))
        return phases

    # -- phases ---------------------------------------------------------------------------------------------------

    def _distances(self, batch: MixtureBatch) -> dict[str, Tensor]:
        mel = self.mel(batch.noisy)
        return self._compare(batch.noisy, batch.clean, mel, self.denoiser(mel))

    @in_float32
    def _compare(self, noisy: Tensor, clean: Tensor, mel: Tensor, gain: Tensor) -> dict[str, Tensor]:
        """All distances, at one loudness."""
        scale = LOUDNESS / noisy.square().mean(1, keepdim=True).sqrt().clamp_min(1e-5)  # (B, 1)
        wanted = scale * clean
        made = self.renderer(scale * noisy, gain)
        source, fake, real = mel + scale[..., None].log(), mel + gain.clamp_min(1e-8).log(), self.mel(wanted)
        source, fake, real = (_audible(m) for m in (source, fake + scale[..., None].log(), real))
        self._drawn = source[:, None], real[:, None], fake[:, None]
        terms = {"l1": masked_l1(fake, real)}
        terms["magnitude"], terms["whole"] = compressed_distance(made, wanted, self.config.lost)
        return terms

    def _judged(self) -> list[Tensor]:
        """Source, real and fake for the critics: a window of 32, 64 or 128 frames of what was drawn."""
        assert self._drawn is not None, "the generator's phase runs first"
        return windows(self._drawn, WINDOWS[int(torch.randint(len(WINDOWS), ()))])

    def _generator(self, batch: MixtureBatch) -> dict[str, Tensor]:
        terms = self._distances(batch)
        source, real, fake = self._judged()
        with torch.no_grad():
            on_real = self.critics(real, source)
        on_fake = self.critics(fake, source)
        terms["adversarial"] = self.objective.generator(on_fake.logits, on_real.logits)
        terms["feature_matching"] = balanced_feature_matching(on_fake.features, on_real.features, terms["l1"])
        return terms

    def _critics(self, batch: MixtureBatch) -> dict[str, Tensor]:
        source, real, fake = self._judged()
        on_real, on_fake = self.critics(real, source), self.critics(fake.detach(), source)
        means = [torch.stack([x.detach().float().mean() for x in j.logits]).mean() for j in (on_real, on_fake)]
        self._health = {"real": means[0], "fake": means[1], "gap": means[0] - means[1]}
        return {"adversarial": self.objective.discriminator(on_real.logits, on_fake.logits)}

    # -- what TensorBoard shows -----------------------------------------------------------------------------------

    def statistics(self) -> Mapping[str, float | Tensor]:
        """Mean logits of the last step, real, fake and their gap."""
        return {f"gan/{name}": value for name, value in self._health.items()}

    def enhance(self, noisy: np.ndarray) -> tuple[np.ndarray, Tensor, Tensor]:
        """A wave (N,) of any length → the enhanced wave (N,), the noisy log-mel and the gain, (M, T) each."""
        device = next(self.denoiser.parameters()).device
        wave = torch.from_numpy(noisy)[None].to(device)
        wave = F.pad(wave, (0, -len(noisy) % (self.spec.hop * SpecUNet.multiple)))
        mel = self.mel(wave)
        gain = self.denoiser(mel)
        return self.renderer(wave, gain)[0, : len(noisy)].cpu().numpy(), mel[0], gain[0]

    def validate(self, log: Logger) -> dict[str, float]:
        """Distances on the held-out mixtures, and how much better they became.

        Returns
        -------
        dict
            The distances; "pesq" and "pesq_gain", MOS, where the package `pesq` is installed; "si_sdr" and
            "si_sdr_gain", dB, where `torchmetrics` is.
        """
        rows: dict[str, list[float]] = {}

        def note(name: str, value: float) -> None:
            rows.setdefault(name, []).append(value)

        for _, mixture in self.validation:
            made, mel, gain = self.enhance(mixture.noisy)
            extra = mel.shape[1] * self.spec.hop - len(mixture.noisy)
            noisy, clean = (F.pad(torch.from_numpy(wave)[None], (0, extra)).to(mel.device) for wave in mixture[:2])
            for name, value in self._compare(noisy, clean, mel[None], gain[None]).items():
                note(name, value.item())
            for name, measure in self.measures.items():
                try:
                    before, after = (
                        measure(mixture.clean, wave, self.spec.sample_rate) for wave in (mixture.noisy, made)
                    )
                except NotMeasurable:  # nothing to be heard
                    continue
                note(name, after)
                note(f"{name}_gain", after - before)
        return {name: float(np.mean(values)) for name, values in rows.items()}

    def describe(self, batch: MixtureBatch, log: Logger) -> None:
        """Noisy, enhanced and clean mel of some held-out mixtures, the gain, and their sound."""
        for name, mixture in self.validation[:4]:
            made, mel, gain = self.enhance(mixture.noisy)
            clean = self.mel(torch.from_numpy(mixture.clean)[None].to(mel.device))[0]
            frames = clean.shape[1]
            noisy, fake = mel[:, :frames], enhanced(mel, gain, self.spec)[:, :frames]
            log.picture(f"mel/{name}", *(m.cpu().numpy() for m in (noisy, fake, clean)))
            log.picture(f"gain/{name}", gain[:, :frames].cpu().numpy(), low=0.0, high=1.0)
            for kind, wave in (("noisy", mixture.noisy), ("enhanced", made), ("clean", mixture.clean)):
                log.sound(f"{kind}/{name}", wave, self.spec.sample_rate)


def _audible(mel: Tensor) -> Tensor:
    """Log-mel at the one loudness as the critics see it: about zero mean and unit variance, silence all alike."""
    return (mel.clamp_min(float(np.log(FLOOR))) + 5.0) / 2.0
