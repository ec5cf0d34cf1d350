"""What the engine trains when it trains a vocoder: modules, phases, losses, validation."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vocoder import discriminators, losses
from vocoder.engine.logger import Logger
from vocoder.engine.losses import feature_matching, objective
from vocoder.engine.schedule import OptimizerConfig, TrainConfig
from vocoder.engine.trainer import Monitor, Phase
from vocoder.errors import InputError
from vocoder.generators import FourierVocoder
from vocoder.hifigan import HiFiGAN, HiFiGANConfig
from vocoder.signal.dataset import Batch
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import MelSpec, preset
from vocoder.signal.stft import magnitude


@dataclass(frozen=True)
class DataConfig:
    """Manifests, and how crops are cut from them.

    Parameters
    ----------
    train, validation : list of str
        Manifest files.
    crop : int
        Samples, a multiple of the hop.
    batch : int
        Crops a step, over all processes together.
    memory_limit : float
        Bytes of decoded audio to keep; a larger set is read by seeking.
    mels : str or None
        Folder of mels to render instead of those of the recordings, see `vocoder.signal.mels.Mels`: to fine-tune on
        what a generator draws. The losses compare with the recordings all the same.
    """

    train: list[str] = field(default_factory=list)
    validation: list[str] = field(default_factory=list)
    crop: int = 16_384
    batch: int = 8
    memory_limit: float = 4e9
    mels: str | None = None


@dataclass(frozen=True)
class GeneratorConfig:
    """Which network: "fourier" with its size and projections, or "hifigan-v1" to "hifigan-v3"."""

    name: str = "fourier"
    size: str = "small"
    projections: int = 6
    optimizer: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(clip=10.0))


@dataclass(frozen=True)
class CriticConfig:
    """Which discriminators, and the game that they play.

    Parameters
    ----------
    names : list of str
        See `vocoder.discriminators.build`; empty for a run without critics.
    objective : str
        See `vocoder.engine.losses.OBJECTIVES`.
    start : int
        Step at which they begin; until then the generator only reconstructs.
    """

    names: list[str] = field(default_factory=lambda: ["multi-period", "multi-resolution"])
    objective: str = "hinge"
    start: int = 10_000
    optimizer: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(clip=10.0))


@dataclass(frozen=True)
class WeightConfig:
    """Weights of the generator's losses.

    Parameters
    ----------
    mel : float
        Of the mel distance over `mel_scales` (1 or 7) scales.
    stft : float
        Of the multi-resolution STFT distance, 0 to leave it out: long windows hear whether the phases of
        successive frames fit together.
    magnitude, convergence : float
        Of log-magnitude distance and spectral convergence of the magnitude that the Fourier vocoder
        predicts, before any projection.
    adversarial, feature_matching : float
        Per discriminator.
    """

    mel: float = 15.0
    mel_scales: int = 7
    stft: float = 5.0
    magnitude: float = 5.0
    convergence: float = 5.0
    adversarial: float = 1.0
    feature_matching: float = 2.0


@dataclass(frozen=True)
class VocoderConfig:
    """A whole run: mel, data, networks, losses, schedule.

    `initial` names a folder with generator.safetensors and, if there are critics, discriminator.safetensors to start
    from: a packed model, or a checkpoint.
    """

    spec: str = "22k"
    data: DataConfig = field(default_factory=DataConfig)
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    critic: CriticConfig = field(default_factory=CriticConfig)
    weights: WeightConfig = field(default_factory=WeightConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    initial: str | None = None


def build_generator(config: GeneratorConfig, spec: MelSpec) -> nn.Module:
    """The network that a config names."""
    if config.name == "fourier":
        return FourierVocoder(spec, config.size, config.projections)
    if config.name.startswith("hifigan-"):
        version = HiFiGANConfig.version(config.name.removeprefix("hifigan-"))
        generator = HiFiGAN(dataclasses.replace(version, bands=spec.bands))
        if generator.hop != spec.hop:
            raise InputError(f"generator {config.name} has a hop of {generator.hop}, the mel one of {spec.hop} samples")
        return generator
    raise InputError(f"there is no generator {config.name!r}; there are fourier, hifigan-v1, hifigan-v2, hifigan-v3")


@dataclass(frozen=True)
class Judge:
    """Figures of validation beyond the losses, which somebody brings along.

    Attributes
    ----------
    monitors : tuple of Monitor
        Their names, and which way is better.
    compare : callable
        (recording (N,), made (N,), rate in Hz) -> figures by name; one that this pair has no value of is left out.
    """

    monitors: tuple[Monitor, ...]
    compare: Callable[[np.ndarray, np.ndarray, int], Mapping[str, float]]


JUDGED = 12
"""A judge hears so many of the validation's utterances, the first ones: what it measures takes long."""


class Means:
    """Means of figures that not every utterance has."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}

    def add(self, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._values.setdefault(name, []).append(value)

    def take(self) -> dict[str, float]:
        return {name: sum(values) / len(values) for name, values in self._values.items()}


class VocoderTask:
    """Mel → wave, as an adversarial game (see `vocoder.engine.trainer.Task`).

    Parameters
    ----------
    config : VocoderConfig
    validation : iterable of Batch
        Whole utterances, one a batch, gone through at each validation.
    judge : Judge, optional
        Adds its figures to the first 12 of them.
    """

    monitor = Monitor("stft")

    def __init__(self, config: VocoderConfig, validation: Iterable[Batch], judge: Judge | None = None) -> None:
        self.config, self.validation, self.judge = config, validation, judge
        self.monitors: Sequence[Monitor] = (Monitor("mel"), *(judge.monitors if judge else ()))
        self.spec = preset(config.spec)
        if config.data.crop % self.spec.hop:
            raise InputError(f"data.crop is {config.data.crop} samples, must be a multiple of the hop, {self.spec.hop}")
        self.generator = build_generator(config.generator, self.spec)
        self.critics = nn.ModuleList(discriminators.build(name, self.spec.sample_rate) for name in config.critic.names)
        self.objective = objective(config.critic.objective)
        self.mel = LogMel(self.spec)
        self.distance = losses.MelDistance(self.spec, config.weights.mel_scales)
        weights = config.weights
        reconstruction = {"mel": weights.mel} | ({"stft": weights.stft} if weights.stft else {})
        if isinstance(self.generator, FourierVocoder):
            reconstruction |= {"magnitude": weights.magnitude, "convergence": weights.convergence}
        adversarial = {"adversarial": weights.adversarial, "feature_matching": weights.feature_matching}
        start = config.critic.start if config.critic.names else None
        phases = [Phase("reconstruction", ("generator",), self._reconstruction, reconstruction, 0, start)]
        self.modules: dict[str, nn.Module] = {"generator": self.generator}
        optimizers = {"generator": config.generator.optimizer}
        if start is not None:
            self.modules["discriminator"] = self.critics
            optimizers["discriminator"] = config.critic.optimizer
            # the generator's phase comes first and leaves its fakes for the critics, which saves drawing them twice
            phases += [
                Phase("generator", ("generator",), self._generator, reconstruction | adversarial, start),
                Phase("discriminator", ("discriminator",), self._discriminator, {"adversarial": 1.0}, start),
            ]
        self.phases: Sequence[Phase] = phases
        self.optimizers: Mapping[str, OptimizerConfig] = optimizers
        self.ema: tuple[str, ...] = ("generator",)
        self._fake: Tensor | None = None
        self._health: dict[str, Tensor] = {}
        self.facts: Mapping[str, Any] = {
            "task": "vocoder",
            "spec": self.spec.to_dict(),
            "fingerprint": self.spec.fingerprint,
            "generator": config.generator.name,
            "size": config.generator.size,
            "critics": list(config.critic.names),
        }

    def to(self, device: torch.device) -> VocoderTask:
        """Move the constant parts (filters) to the device; the engine moves the modules."""
        self.mel.to(device)
        self.distance.to(device)
        return self

    # -- phases ---------------------------------------------------------------------------------------------------

    def _reconstruct(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        wave, terms = batch.wave, {}
        mel = self.mel(wave) if batch.mel is None else batch.mel
        if isinstance(self.generator, FourierVocoder):
            predicted, phase = self.generator.spectrum(mel)
            fake = self.generator.synthesise(predicted, phase)
            # without a loss on the magnitude itself each projection drifts further from the truth
            real = magnitude(*self.mel.stft(wave))
            terms["magnitude"] = losses.log_magnitude_distance(predicted, real)
            terms["convergence"] = losses.spectral_convergence(predicted, real)
        else:
            fake = self.generator(mel)
        terms["mel"] = self.distance(fake, wave)
        if self.config.weights.stft:
            terms["stft"] = losses.multi_resolution_stft(fake, wave)
        return fake, terms

    def _reconstruction(self, batch: Batch) -> dict[str, Tensor]:
        return self._reconstruct(batch)[1]

    def _generator(self, batch: Batch) -> dict[str, Tensor]:
        fake, terms = self._reconstruct(batch)
        self._fake = fake.detach()
        adversarial, matching = [], []
        for critic in self.critics:
            with torch.no_grad():
                on_real = critic(batch.wave)
            on_fake = critic(fake)
            adversarial.append(self.objective.generator(on_fake.logits, on_real.logits))
            matching.append(feature_matching(on_fake.features, on_real.features))
        terms["adversarial"] = torch.stack(adversarial).sum()
        terms["feature_matching"] = torch.stack(matching).sum()
        return terms

    def _discriminator(self, batch: Batch) -> dict[str, Tensor]:
        assert self._fake is not None, "the generator's phase runs first"
        total = []
        for name, critic in zip(self.config.critic.names, self.critics, strict=True):
            on_real, on_fake = critic(batch.wave), critic(self._fake)
            total.append(self.objective.discriminator(on_real.logits, on_fake.logits))
            real, fake = (torch.stack([x.detach().float().mean() for x in j.logits]).mean() for j in (on_real, on_fake))
            self._health |= {f"{name}/real": real, f"{name}/fake": fake, f"{name}/gap": real - fake}
        return {"adversarial": torch.stack(total).sum()}

    # -- what TensorBoard shows -----------------------------------------------------------------------------------

    def statistics(self) -> Mapping[str, float | Tensor]:
        """Mean logits of the last step, real, fake and their gap, per discriminator."""
        return {f"gan/{name}": value for name, value in self._health.items()}

    def validate(self, log: Logger) -> dict[str, float]:
        """Distances over whole utterances.

        Returns
        -------
        dict
            "mel": L1 of the log-mels on real frames; "stft": multi-resolution STFT distance;
            "smoothing": standard deviation in time of the generated log-mel over that of the real one,
            1 is right and below it the sound is over-smoothed; the judge's.
        """
        means = Means()
        for index, (_, real, given) in enumerate(self._held_out()):
            mel = self.mel(real)
            fake = self.generator(mel if given is None else given)
            again = self.mel(fake)
            figures = {
                "mel": F.l1_loss(again, mel).item(),
                "stft": losses.multi_resolution_stft(fake, real).item(),
                "smoothing": (again.std(dim=2).mean() / mel.std(dim=2).mean()).item(),
            }
            means.add(figures)
            if self.judge is not None and index < JUDGED:
                made, recording = fake[0].clamp(-1, 1).cpu().numpy(), real[0].cpu().numpy()
                means.add(self.judge.compare(recording, made, self.spec.sample_rate))
        return means.take()

    def _held_out(self) -> Iterator[tuple[str, Tensor, Tensor | None]]:
        """Id, wave (1, T·hop) and given mel (1, bands, T) of each validation utterance, on the generator's device."""
        device = next(self.generator.parameters()).device
        for batch in self.validation:
            for index, name in enumerate(batch.ids):
                given = None if batch.mel is None else batch.mel[index, None].to(device)
                yield name, batch.wave[index, None].to(device), given

    def describe(self, batch: Batch, log: Logger) -> None:
        """Two validation utterances: real and generated mel, real and given mel, with differences, and the sound."""
        for name, real, given in itertools.islice(self._held_out(), 2):
            mel = self.mel(real)
            fake = self.generator(mel if given is None else given)
            log.picture(f"mel/{name}", mel[0].cpu().numpy(), self.mel(fake)[0].cpu().numpy())
            if given is not None:
                log.picture(f"given mel/{name}", mel[0].cpu().numpy(), given[0].cpu().numpy())
            log.sound(f"real/{name}", real[0].cpu().numpy(), self.spec.sample_rate)
            log.sound(f"generated/{name}", fake[0].clamp(-1, 1).cpu().numpy(), self.spec.sample_rate)
