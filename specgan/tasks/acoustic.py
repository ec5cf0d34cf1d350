"""What the engine trains before the GAN: phonemes → durations, pitch, energy and a coarse mel, by regression."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from specgan.losses import masked_l1
from specgan.tasks.alignment import SpeechData
from specgan.text.acoustic import Acoustic, AcousticConfig, Encoded, Inventory, expand, level, token_means
from specgan.text.aligner import MEL_MEAN, MEL_STD
from specgan.text.alignments import PITCH, read_durations, read_pitch
from specgan.text.corpus import Corpus, SpeechBatch, padded
from vocoder.engine.checkpoint import Checkpoints, load_tensors, load_weights
from vocoder.engine.logger import Logger
from vocoder.engine.monitor import best_of
from vocoder.engine.schedule import OptimizerConfig, TrainConfig
from vocoder.engine.trainer import Monitor, Phase
from vocoder.errors import InputError
from vocoder.signal.spec import MelSpec


@dataclass(frozen=True)
class AcousticWeights:
    """Weights of the losses.

    Parameters
    ----------
    coarse : float
        Of the L1 of the coarse mel.
    durations, pitch, energy : float
        Of the mean squares of ln durations, pitch and energy of tokens.
    """

    coarse: float = 10.0
    durations: float = 1.0
    pitch: float = 1.0
    energy: float = 1.0


@dataclass(frozen=True)
class AcousticRun:
    """A whole run of the regression.

    `alignments` is the folder that `specgan align` wrote. `initial` names a run, of this or of the GAN, or a packed
    voice with its weights to start from: the network is then of its size, its phones, stresses and languages stay
    known, and new ones, as well as new speakers, start from the mean of those it has.
    """

    task: str = "acoustic"
    spec: str = "22k"
    data: SpeechData = field(default_factory=SpeechData)
    alignments: str = ""
    model: AcousticConfig = field(default_factory=AcousticConfig)
    weights: AcousticWeights = field(default_factory=AcousticWeights)
    optimizer: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(lr=1e-3, betas=(0.9, 0.98), clip=1.0))
    train: TrainConfig = field(default_factory=TrainConfig)
    initial: str | None = None


@dataclass
class AlignedBatch(SpeechBatch):
    """Whole utterances with their alignment.

    Parameters
    ----------
    durations : (B, L) int64 tensor
        Frames of each token; 0 behind the end.
    pitch, energy : (B, L) tensors
        Of each token: ln F0, normalised for the speaker, 0 where unvoiced; mean log-mel, normalised.
    voiced : (B, T) bool tensor
        Frames.
    """

    durations: Tensor
    pitch: Tensor
    energy: Tensor
    voiced: Tensor


class AlignedCorpus:
    """A corpus with its alignments; see `Corpus` and `specgan.text.alignments`.

    Parameters
    ----------
    corpus : Corpus
    folder : Path
        Of alignments.
    pitch : mapping, optional
        Speaker → mean and standard deviation of ln F0 (Hz) of a trained model; those of this corpus if None.

    Raises
    ------
    InputError
        If an alignment is missing or of another text (`specgan align` says which recordings it had to leave out), or
        nothing of a speaker is voiced.
    """

    def __init__(self, corpus: Corpus, folder: Path, pitch: Mapping[str, Sequence[float]] | None = None) -> None:
        self.corpus = corpus
        self.frames = corpus.frames
        self.durations = [read_durations(corpus, index, folder) for index in range(len(corpus))]
        tracked = read_pitch(folder)
        for row, frames in zip(corpus.rows, self.frames, strict=True):
            if row.id not in tracked or len(tracked[row.id]) != frames:
                found = f"{len(tracked[row.id])} frames" if row.id in tracked else "nothing"
                raise InputError(
                    f"{folder / PITCH}: has {found} of the recording {row.id!r} of {frames} frames; "
                    "align the corpus again with `specgan align`"
                )
        self._frequency = [tracked[row.id] for row in corpus.rows]
        self.pitch = dict(pitch) if pitch is not None else self._statistics()

    def _statistics(self) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for speaker in self.corpus.speakers:
            values = [
                frequency[frequency > 0].log()
                for row, frequency in zip(self.corpus.rows, self._frequency, strict=True)
                if (row.speaker or "speaker") == speaker
            ]
            voiced = torch.cat(values) if values else torch.zeros(0)
            if len(voiced) < 2:
                raise InputError(f"the speaker {speaker!r} has no voiced frame, so there is no pitch to learn")
            found[speaker] = [round(voiced.mean().item(), 4), round(max(voiced.std().item(), 0.01), 4)]
        return found

    def __len__(self) -> int:
        return len(self.corpus)

    def batch(self, indices: Sequence[int], device: torch.device | str = "cpu") -> AlignedBatch:
        """The recordings of these numbers."""
        plain = self.corpus.batch(indices, device)
        durations = padded([self.durations[index].tolist() for index in indices]).to(device)
        frequency = padded([self._frequency[index].tolist() for index in indices], torch.float32).to(device)
        frequency = F.pad(frequency, (0, plain.mel.shape[2] - frequency.shape[1]))
        voiced = frequency > 0
        names = [self.corpus.rows[index].speaker or "speaker" for index in indices]
        mean, std = torch.tensor([self.pitch[name] for name in names], device=device).T[:, :, None]
        normalised = (frequency.clamp_min(1.0).log() - mean) / std
        pitch = token_means(normalised, durations, voiced)
        energy = token_means(level(plain.mel), durations, plain.mask[:, 0])
        return AlignedBatch(**vars(plain), durations=durations, pitch=pitch, energy=energy, voiced=voiced)


def inventory_of(corpus: Corpus) -> Inventory:
    """Phones, stresses, speakers and languages of a corpus."""
    return Inventory(
        list(corpus.symbols.phones), list(corpus.symbols.stresses), list(corpus.speakers), list(corpus.languages)
    )


def coarse_of(acoustic: Acoustic, batch: AlignedBatch) -> tuple[Tensor, Encoded]:
    """Coarse mel (B, M, T) at the true durations, pitch and energy, and what the encoder predicted of them."""
    encoded = acoustic.encode(batch.phones, batch.stress, batch.speaker, batch.language, batch.spoken)
    frames = batch.mel.shape[2]
    text, pitch, energy = (expand(x, batch.durations, frames) for x in (encoded.text, batch.pitch, batch.energy))
    return acoustic.decode(text, pitch, energy, batch.speaker, batch.mask), encoded


def normalised(mel: Tensor) -> Tensor:
    """Log-mel (B, M, T) → picture (B, 1, M, T) with about zero mean and unit variance."""
    return ((mel - MEL_MEAN) / MEL_STD)[:, None]


@torch.no_grad()
def calibrate(acoustic: Acoustic, corpus: AlignedCorpus, utterances: int = 200) -> float:
    """Make speech as long as in the recordings, by one factor on all durations.

    A regression of ln durations finds their median where a duration may be this or that, which is less than the mean: a
    voice would speak a tenth too fast.

    Parameters
    ----------
    acoustic : Acoustic
        Changed in place.
    corpus : AlignedCorpus
        The training set.
    utterances : int
        How many of it to look at, evenly spaced.

    Returns
    -------
    float
        The factor.
    """
    training, device = acoustic.training, acoustic.predict.bias.device
    acoustic.eval()
    made, wanted = 0.0, 0
    for index in np.linspace(0, len(corpus) - 1, min(utterances, len(corpus))).astype(int):
        batch = corpus.batch([int(index)], device)
        encoded = acoustic.encode(batch.phones, batch.stress, batch.speaker, batch.language, batch.spoken)
        made, wanted = made + encoded.durations.sum().item(), wanted + int(batch.durations.sum())
    acoustic.predict.bias[0] += math.log(wanted / made)
    acoustic.train(training)
    return wanted / made


class AcousticTask:
    """Regression of a voice (see `vocoder.engine.trainer.Task`).

    Parameters
    ----------
    config : AcousticRun
    corpus, validation : AlignedCorpus
    """

    monitor = Monitor("total")
    monitors: Sequence[Monitor] = tuple(map(Monitor, ("coarse", "durations", "pitch", "energy")))

    def __init__(self, config: AcousticRun, corpus: AlignedCorpus, validation: AlignedCorpus) -> None:
        self.config, self.validation = config, validation
        inventory = inventory_of(corpus.corpus)
        self.acoustic = Acoustic(corpus.corpus.spec.bands, inventory, config.model)
        self.modules: dict[str, nn.Module] = {"acoustic": self.acoustic}
        self.optimizers: Mapping[str, OptimizerConfig] = {"acoustic": config.optimizer}
        self.ema: tuple[str, ...] = ("acoustic",)
        self.phases: Sequence[Phase] = [Phase("regression", ("acoustic",), self.losses, vars(config.weights))]
        self.facts: Mapping[str, Any] = {
            "task": "acoustic",
            "spec": corpus.corpus.spec.to_dict(),
            "model": vars(config.model),
            "inventory": vars(inventory),
            "pitch": corpus.pitch,
        }

    def losses(self, batch: AlignedBatch) -> dict[str, Tensor]:
        """L1 of the coarse mel, squared errors of ln durations, pitch and energy, over what is not padded."""
        coarse, encoded = coarse_of(self.acoustic, batch)
        spoken = batch.spoken[:, 0]
        wanted = batch.durations.clamp_min(1).float().log()

        def squares(error: Tensor) -> Tensor:
            return (error.square() * spoken).sum() / spoken.sum()

        return {
            "coarse": masked_l1(normalised(coarse), normalised(batch.mel), batch.mask),
            "durations": squares(encoded.durations.log() - wanted),
            "pitch": squares(encoded.pitch - batch.pitch),
            "energy": squares(encoded.energy - batch.energy),
        }

    def statistics(self) -> Mapping[str, float | Tensor]:
        """Nothing beyond the losses."""
        return {}

    def validate(self, log: Logger) -> dict[str, float]:
        """The losses on held-out utterances, each utterance counting the same, and their weighted "total"."""
        device = self.acoustic.coarse.weight.device
        rows = [self.losses(self.validation.batch([index], device)) for index in range(len(self.validation))]
        figures = {name: float(np.mean([row[name].item() for row in rows])) for name in rows[0]}
        return {**figures, "total": sum(vars(self.config.weights)[name] * value for name, value in figures.items())}

    def describe(self, batch: AlignedBatch, log: Logger) -> None:
        """Real and coarse mel of two held-out utterances."""
        device = self.acoustic.coarse.weight.device
        for index in range(min(2, len(self.validation))):
            one = self.validation.batch([index], device)
            log.picture(
                f"mel/{one.ids[0]}", one.mel[0].cpu().numpy(), coarse_of(self.acoustic, one)[0][0].cpu().numpy()
            )


@dataclass(frozen=True)
class TrainedAcoustic:
    """An acoustic network, in evaluation mode, and what belongs to it."""

    acoustic: Acoustic
    inventory: Inventory
    model: AcousticConfig
    pitch: dict[str, list[float]]
    spec: MelSpec


def read_acoustic(folder: Path) -> TrainedAcoustic:
    """The acoustic network of a run's best checkpoint (averaged weights), or of a packed voice with its weights.

    A run of the GAN has it too, as it was trained before.

    Raises
    ------
    InputError
        If the folder is neither.
    """
    if (folder / "acoustic.safetensors").is_file():
        path = folder / "acoustic.safetensors"
        facts = load_tensors(path)[1]
    else:
        checkpoints = Checkpoints(folder / "checkpoints")
        saved = best_of(checkpoints, AcousticTask.monitor)
        facts = saved.state["facts"] if saved else {}
        name = "acoustic.safetensors" if facts.get("task") == "tts" else "acoustic.ema.safetensors"
        path = saved.path / name if saved else folder
    if facts.get("task") not in ("acoustic", "tts"):
        raise InputError(f"{folder}: is no run of the acoustic model and no voice with weights")
    spec = MelSpec.from_dict(facts["spec"], str(path))
    inventory, model = Inventory(**facts["inventory"]), AcousticConfig(**facts["model"])
    acoustic = Acoustic(spec.bands, inventory, model)
    load_weights(path, acoustic, f"the acoustic network of {folder}")
    return TrainedAcoustic(acoustic.eval(), inventory, model, facts["pitch"], spec)
