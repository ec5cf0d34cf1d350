"""What the engine trains when it learns to speak: a GAN that draws what the regression smooths away."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from specgan.evaluate import judges
from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.smoothing import over_smoothing
from specgan.losses import balanced_feature_matching, masked_l1, structural_dissimilarity
from specgan.networks.discriminators import WINDOWS, MelCritics, windows
from specgan.networks.unet import SpecUNet
from specgan.tasks.acoustic import AlignedBatch, AlignedCorpus, TrainedAcoustic, coarse_of, normalised
from specgan.tasks.alignment import SpeechData
from specgan.text.acoustic import Acoustic
from specgan.text.aligner import MEL_MEAN, MEL_STD
from vocoder.engine.logger import Logger
from vocoder.engine.losses import objective
from vocoder.engine.schedule import OptimizerConfig, TrainConfig
from vocoder.engine.trainer import Monitor, Phase
from vocoder.losses import MelDistance, multi_resolution_stft
from vocoder.precision import in_float32
from vocoder.task import JUDGED, Means

STYLE = 64  # numbers that describe a speaker to the generator


@dataclass(frozen=True)
class SpeechWeights:
    """Weights of the generator's losses.

    Parameters
    ----------
    l1, ssim : float
        Of the distances of the mel.
    adversarial : float
    feature_matching : float
        At most this share of L1, whatever the critics' activations.
    loop_mel, loop_stft : float
        Of the wave that the vocoder in the loop makes, in the last steps.
    """

    l1: float = 10.0
    ssim: float = 1.0
    adversarial: float = 1.0
    feature_matching: float = 1.0
    loop_mel: float = 0.5
    loop_stft: float = 0.5


@dataclass(frozen=True)
class SpeechCritics:
    """The critics' game: which objective, from which step on, with how many channels."""

    objective: str = "lsgan"
    start: int = 2_000
    width: int = 32
    optimizer: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(lr=2e-4, betas=(0.5, 0.9), clip=1.0))


@dataclass(frozen=True)
class SpeechRun:
    """A whole run of the GAN behind a trained acoustic network.

    Parameters
    ----------
    alignments : str
        The folder that `specgan align` wrote.
    acoustic : str
        Run of the acoustic network, or a voice with its weights.
    vocoder : str
        Folder with generator.safetensors of the vocoder in the loop; empty for none.
    loop_start : int
        Step from which it is in the loop.
    size : {"tiny", "small"}
        Of the generator.
    window : int
        Frames of each utterance in a step.
    initial : str or None
        Run of the GAN, or packed voice with its weights, to start from: the generator is then of its size. What is
        known of a speaker goes by name, new speakers start from the mean; critics start anew if the folder has none.
    """

    task: str = "tts"
    spec: str = "22k"
    data: SpeechData = field(default_factory=lambda: SpeechData(batch=8))
    alignments: str = ""
    acoustic: str = ""
    vocoder: str = ""
    loop_start: int = 9_000
    size: str = "tiny"
    window: int = 128
    weights: SpeechWeights = field(default_factory=SpeechWeights)
    critics: SpeechCritics = field(default_factory=SpeechCritics)
    optimizer: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(lr=2e-4, betas=(0.5, 0.9), clip=1.0))
    train: TrainConfig = field(default_factory=lambda: TrainConfig(steps=10_000))
    initial: str | None = None


class Painter(nn.Module):
    """The 2-D generator of speech: coarse mel, noise and speaker → mel.

    Parameters
    ----------
    bands, speakers : int
    size : {"tiny", "small"}
    """

    def __init__(self, bands: int, speakers: int, size: str = "tiny") -> None:
        super().__init__()
        # channels last halves the time of a step on a processor
        self.unet = SpecUNet(bands, 2, STYLE, size).to(memory_format=torch.channels_last)
        self.style = nn.Embedding(speakers, STYLE)

    def forward(self, coarse: Tensor, noise: Tensor, speaker: Tensor, mask: Tensor | None = None) -> Tensor:
        """Log-mel.

        Parameters
        ----------
        coarse : (B, M, T) tensor
            Log-mel; T a multiple of 4.
        noise : (B, M, T) tensor
            Standard normal: what the text does not determine.
        speaker : (B,) int64 tensor
        mask : (B, 1, T) bool tensor, optional
        """
        planes = torch.stack([(coarse - MEL_MEAN) / MEL_STD, noise], dim=1)
        planes = planes.contiguous(memory_format=torch.channels_last)
        drawn = self.unet(planes, self.style(speaker), mask)[:, 0].float() * MEL_STD + MEL_MEAN
        return drawn if mask is None else torch.where(mask, drawn, coarse)


def whole(batch: AlignedBatch) -> AlignedBatch:
    """The batch with as many frames as the generator needs, a multiple of 4."""
    frames = batch.mel.shape[2]
    extra = -frames % SpecUNet.multiple
    return replace(
        batch,
        mel=F.pad(batch.mel, (0, extra), value=float(batch.mel.min())),
        mask=F.pad(batch.mask, (0, extra)),
        voiced=F.pad(batch.voiced, (0, extra)),
        wave=F.pad(batch.wave, (0, extra * (batch.wave.shape[1] // frames))),
    )


def drawn_of(acoustic: Acoustic, painter: Painter, batch: AlignedBatch, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Coarse and drawn mel (B, M, T) at the true durations, pitch and energy; T as in the batch."""
    frames = batch.mel.shape[2]
    batch = whole(batch)
    coarse = coarse_of(acoustic, batch)[0]
    noise = torch.randn(coarse.shape, generator=torch.Generator().manual_seed(seed)).to(coarse)
    drawn = painter(coarse, noise, batch.speaker, batch.mask)
    return coarse[..., :frames], drawn[..., :frames]


class SpeechTask:
    """The GAN on coarse mels (see `vocoder.engine.trainer.Task`).

    Parameters
    ----------
    config : SpeechRun
    trained : TrainedAcoustic
        Stays as it is. Its dropout is on, so that coarse mels of utterances that it knows by heart look like those of
        sentences that it never saw.
    validation : AlignedCorpus
    vocoder : nn.Module, optional
        Mel → wave, for the loop.
    """

    monitor = Monitor("l1")

    def __init__(
        self, config: SpeechRun, trained: TrainedAcoustic, validation: AlignedCorpus, vocoder: nn.Module | None = None
    ) -> None:
        self.config, self.validation = config, validation
        self.spec, self.acoustic = trained.spec, trained.acoustic
        speakers = len(trained.inventory.speakers)
        self.painter = Painter(self.spec.bands, speakers, config.size)
        self.critics = MelCritics(self.spec.bands, 1, speakers if speakers > 1 else 0, config.critics.width)
        self.objective = objective(config.critics.objective)
        self.distance = MelDistance(self.spec, 7)
        self.vocoder = vocoder.requires_grad_(False).eval() if vocoder is not None else None
        self.judge = judges.listener() if vocoder is not None else None
        self.monitors: Sequence[Monitor] = (Monitor("mcd"), *(self.judge.monitors if self.judge else ()))
        self.modules: dict[str, nn.Module] = {
            "acoustic": self.acoustic.requires_grad_(False),
            "painter": self.painter,
            "critics": self.critics,
        }
        self.optimizers: Mapping[str, OptimizerConfig] = {
            "painter": config.optimizer,
            "critics": config.critics.optimizer,
        }
        self.ema: tuple[str, ...] = ("painter",)
        self.phases: Sequence[Phase] = self._phases()
        self.facts: Mapping[str, Any] = {
            "task": "tts",
            "spec": self.spec.to_dict(),
            "size": config.size,
            "model": vars(trained.model),
            "inventory": vars(trained.inventory),
            "pitch": trained.pitch,
        }
        self._drawn: tuple[Tensor, Tensor, Tensor, Tensor] | None = None
        self._health: dict[str, Tensor] = {}

    def to(self, device: torch.device) -> SpeechTask:
        """Move the constant parts to the device; the engine moves the modules."""
        self.distance.to(device)
        if self.vocoder is not None:
            self.vocoder.to(device)
        return self

    def _phases(self) -> list[Phase]:
        weights, start, stop = self.config.weights, self.config.critics.start, self.config.train.steps
        loop = self.config.loop_start if self.vocoder is not None else stop
        distances = {"l1": weights.l1, "ssim": weights.ssim}
        game = distances | {"adversarial": weights.adversarial, "feature_matching": weights.feature_matching}
        wave = {"loop_mel": weights.loop_mel, "loop_stft": weights.loop_stft}
        phases = [Phase("reconstruction", ("painter",), self._reconstruction, distances, 0, start)] if start else []
        phases.append(Phase("generator", ("painter",), self._generator, game, start, max(loop, start)))
        if self.vocoder is not None:
            phases.append(Phase("loop", ("painter",), self._loop, game | wave, max(loop, start)))
        # after the generator, whose pictures it judges
        phases.append(Phase("critics", ("critics",), self._critics, {"adversarial": 1.0}, start))
        return phases

    # -- phases ---------------------------------------------------------------------------------------------------

    def _windows(self, batch: AlignedBatch) -> list[Tensor]:
        """Coarse and real mel, and wave by frames, of one random window of each utterance."""
        with torch.no_grad():
            coarse = coarse_of(self.acoustic, batch)[0]
        frames = self.config.window
        shortest = int(batch.mask.sum((1, 2)).min())
        frames = min(frames, shortest - shortest % SpecUNet.multiple)
        by_frame = batch.wave.unflatten(1, (-1, self.spec.hop)).transpose(1, 2)  # (B, hop, T)
        return windows([coarse, batch.mel, by_frame], frames, batch.mask)

    def _distances(self, batch: AlignedBatch) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """The mel distances; what was drawn, and the wave by frames (B, hop, T) of the same window."""
        coarse, real, by_frame = self._windows(batch)
        fake = self.painter(coarse, torch.randn_like(coarse), batch.speaker)
        terms = {
            "l1": masked_l1(normalised(fake), normalised(real)),
            "ssim": structural_dissimilarity(normalised(fake), normalised(real)),
        }
        self._drawn = coarse, real, fake, batch.speaker
        return terms, fake, by_frame

    def _reconstruction(self, batch: AlignedBatch) -> dict[str, Tensor]:
        return self._distances(batch)[0]

    def _judged(self) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Source, real, fake and speaker for the critics: a window of 32, 64 or 128 frames of what was drawn."""
        assert self._drawn is not None, "the generator's phase runs first"
        coarse, real, fake, speaker = self._drawn
        frames = WINDOWS[int(torch.randint(len(WINDOWS), ()))]
        cut = windows([normalised(mel) for mel in (coarse, real, fake)], frames)
        return cut[0], cut[1], cut[2], speaker if self.critics.classes else None

    def _adversarial(self, terms: dict[str, Tensor]) -> None:
        source, real, fake, speaker = self._judged()
        with torch.no_grad():
            on_real = self.critics(real, source, speaker)
        on_fake = self.critics(fake, source, speaker)
        terms["adversarial"] = self.objective.generator(on_fake.logits, on_real.logits)
        terms["feature_matching"] = balanced_feature_matching(on_fake.features, on_real.features, terms["l1"])

    def _generator(self, batch: AlignedBatch) -> dict[str, Tensor]:
        terms = self._distances(batch)[0]
        self._adversarial(terms)
        return terms

    def _loop(self, batch: AlignedBatch) -> dict[str, Tensor]:
        terms, fake, by_frame = self._distances(batch)
        self._adversarial(terms)
        mel, frames = windows([fake, by_frame], 48)
        terms |= self._heard(mel, frames.transpose(1, 2).flatten(1))
        return terms

    @in_float32
    def _heard(self, mel: Tensor, real: Tensor) -> dict[str, Tensor]:
        assert self.vocoder is not None, "the loop has a vocoder"
        fake = self.vocoder(mel)
        return {"loop_mel": self.distance(fake, real), "loop_stft": multi_resolution_stft(fake, real)}

    def _critics(self, batch: AlignedBatch) -> dict[str, Tensor]:
        source, real, fake, speaker = self._judged()
        on_real = self.critics(real, source, speaker)
        on_fake = self.critics(fake.detach(), source, speaker)
        means = [torch.stack([x.detach().float().mean() for x in j.logits]).mean() for j in (on_real, on_fake)]
        self._health = {"real": means[0], "fake": means[1], "gap": means[0] - means[1]}
        return {"adversarial": self.objective.discriminator(on_real.logits, on_fake.logits)}

    # -- what TensorBoard shows -----------------------------------------------------------------------------------

    def statistics(self) -> Mapping[str, float | Tensor]:
        """Mean logits of the last step, real, fake and their gap."""
        return {f"gan/{name}": value for name, value in self._health.items()}

    def draw(self, batch: AlignedBatch, seed: int = 0) -> tuple[Tensor, Tensor]:
        """See `drawn_of`."""
        return drawn_of(self.acoustic, self.painter, batch, seed)

    def validate(self, log: Logger) -> dict[str, float]:
        """Distances, and how smooth the pictures are (1 is as the recordings), on held-out utterances.

        Returns
        -------
        dict
            "l1" of the drawn mel, "coarse" that of the coarse one; "mcd" of the drawn one, the mel-cepstral distance in
            dB; the over-smoothing index of both, "smoothing" and "smoothing_coarse", if anything in the set is voiced;
            "mos", predicted for the first 12 through the vocoder, if there is one and `distillmos` is installed.
        """
        device = self.painter.style.weight.device
        means = Means()
        compared: dict[str, list[tuple[Any, Any, Any]]] = {"smoothing": [], "smoothing_coarse": []}
        for index in range(len(self.validation)):
            batch = self.validation.batch([index], device)
            frames = int(batch.mask.sum())
            coarse, drawn = (mel[..., :frames] for mel in self.draw(batch, index))
            mel, voiced = batch.mel[..., :frames], batch.voiced[0, :frames].cpu().numpy()
            for name, made in (("l1", drawn), ("coarse", coarse)):
                means.add({name: masked_l1(normalised(made), normalised(mel)).item()})
            recorded = mel[0].cpu().numpy()
            means.add({"mcd": judges.mel_cepstral_distance(recorded, drawn[0].cpu().numpy())})
            for name, made in (("smoothing", drawn), ("smoothing_coarse", coarse)):
                compared[name].append((recorded, made[0].cpu().numpy(), voiced))
            if self.judge is not None and self.vocoder is not None and index < JUDGED:
                wave = self.vocoder(drawn)[0].clamp(-1, 1).cpu().numpy()
                means.add(self.judge.compare(batch.wave[0, : len(wave)].cpu().numpy(), wave, self.spec.sample_rate))
        figures = means.take()
        with contextlib.suppress(NotMeasurable):
            figures |= {name: over_smoothing(rows, self.spec.frame_rate).index for name, rows in compared.items()}
        return figures

    def describe(self, batch: AlignedBatch, log: Logger) -> None:
        """Real, coarse and drawn mel of two held-out utterances, and the sound of the drawn one."""
        device = self.painter.style.weight.device
        for index in range(min(2, len(self.validation))):
            one = self.validation.batch([index], device)
            coarse, drawn = self.draw(one, index)
            log.picture(
                f"mel/{one.ids[0]}", *(mel[0].cpu().numpy() for mel in (one.mel[..., : drawn.shape[2]], coarse, drawn))
            )
            if self.vocoder is not None:
                sound = self.vocoder(drawn)[0].clamp(-1, 1).cpu().numpy()
                log.sound(f"generated/{one.ids[0]}", sound, self.spec.sample_rate)
