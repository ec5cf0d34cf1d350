"""What the engine trains when it learns to align speech and text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from specgan.text.aligner import UNSURE, Aligner, best_path, even_prior, forward_sum, path_labels, shortest
from specgan.text.corpus import Corpus, SpeechBatch
from specgan.text.perturb import perturbed
from vocoder.engine.logger import Logger
from vocoder.engine.schedule import OptimizerConfig, TrainConfig
from vocoder.engine.trainer import Monitor, Phase


@dataclass(frozen=True)
class SpeechData:
    """Manifests with transcripts.

    Parameters
    ----------
    train, validation : list of str
        Manifest files.
    batch : int
        Utterances a step, over all processes together.
    memory_limit : float
        Bytes of decoded audio to keep; a larger set is read by seeking.
    """

    train: list[str] = field(default_factory=list)
    validation: list[str] = field(default_factory=list)
    batch: int = 16
    memory_limit: float = 4e9


@dataclass(frozen=True)
class AlignmentConfig:
    """A whole run of the aligner.

    Parameters
    ----------
    width : int
        Channels of its network.
    sharpen : float
        Share of the steps after which frames learn the best path instead of the sum over all.
    perturb : float
        By how much formants are moved at random in training (0.15 is 15 %), with a random channel besides, for a
        recogniser that strangers speak to; 0 for none.
    """

    task: str = "alignment"
    spec: str = "22k"
    data: SpeechData = field(default_factory=SpeechData)
    width: int = 192
    sharpen: float = 0.8
    perturb: float = 0.0
    optimizer: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(lr=1e-3, betas=(0.9, 0.98), clip=1.0))
    train: TrainConfig = field(
        default_factory=lambda: TrainConfig(steps=800, warmup=100, ema=0.99, validate_every=200, save_every=100)
    )


class AlignmentTask:
    """Speech and text → who speaks when (see `vocoder.engine.trainer.Task`).

    Parameters
    ----------
    config : AlignmentConfig
    corpus : Corpus
        Its inventory is the model's.
    validation : Corpus
    """

    monitor = Monitor("frames")
    monitors = (Monitor("accuracy", lowest=False),)

    def __init__(self, config: AlignmentConfig, corpus: Corpus, validation: Corpus) -> None:
        self.config, self.validation, self.spec = config, validation, corpus.spec
        self.aligner = Aligner(corpus.spec.bands, corpus.symbols, config.width)
        self.modules: dict[str, nn.Module] = {"aligner": self.aligner}
        self.optimizers: Mapping[str, OptimizerConfig] = {"aligner": config.optimizer}
        self.ema: tuple[str, ...] = ("aligner",)
        self.facts: Mapping[str, Any] = {
            "task": "alignment",
            "spec": corpus.spec.to_dict(),
            "phones": list(corpus.symbols.phones),
            "stresses": list(corpus.symbols.stresses),
            "width": config.width,
        }
        sharpen = round(config.train.steps * config.sharpen)
        self.phases: Sequence[Phase] = [
            Phase("led", ("aligner",), self._led, {"forward_sum": 1.0}, 0, sharpen),
            Phase("sharp", ("aligner",), self._sharp, {"frames": 1.0}, sharpen),
        ]

    def _scores(self, batch: SpeechBatch) -> tuple[Tensor, Tensor]:
        heard = batch.mel
        if self.config.perturb and self.aligner.training:
            heard = perturbed(heard, self.config.perturb, self.spec)
        logits = self.aligner(heard)
        return logits, self.aligner.scores(logits, batch.mel, batch.mask, batch.phones, batch.spoken)

    def _prior(self, batch: SpeechBatch) -> Tensor:
        return even_prior(batch.mel, batch.mask, batch.phones, batch.spoken, self.aligner.pauses)

    def _led(self, batch: SpeechBatch) -> dict[str, Tensor]:
        frames, tokens = batch.mask.sum((1, 2)), batch.spoken.sum((1, 2))
        least = shortest(batch.phones, frames, self.aligner.pauses)
        return {"forward_sum": forward_sum(self._scores(batch)[1] + self._prior(batch), frames, tokens, least)}

    def _sharp(self, batch: SpeechBatch) -> dict[str, Tensor]:
        logits, scores = self._scores(batch)
        led = scores + self._prior(batch)
        labels = path_labels(led, batch.mask.sum((1, 2)), batch.phones, self.aligner.pauses)
        return {"frames": F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=UNSURE)}

    def statistics(self) -> Mapping[str, float | Tensor]:
        """Nothing beyond the losses."""
        return {}

    def validate(self, log: Logger) -> dict[str, float]:
        """Held-out utterances along their best path.

        Returns
        -------
        dict
            "frames": cross-entropy of the phones on the path; "accuracy": share of frames whose likeliest phone it is.
        """
        device = self.aligner.recognise.weight.device
        sums = {"frames": 0.0, "accuracy": 0.0}
        for index in range(len(self.validation)):
            batch = self.validation.batch([index], device)
            logits, scores = self._scores(batch)
            labels = path_labels(scores, batch.mask.sum((1, 2)), batch.phones, self.aligner.pauses)[0]
            sure = labels != UNSURE
            sums["frames"] += F.cross_entropy(logits[0], labels, ignore_index=UNSURE).item()
            sums["accuracy"] += (logits[0].argmax(1) == labels)[sure].float().mean().item()
        return {name: value / len(self.validation) for name, value in sums.items()}

    def describe(self, batch: SpeechBatch, log: Logger) -> None:
        """Probability of every token at every frame of two held-out utterances, above the best path."""
        device = self.aligner.recognise.weight.device
        for index in range(min(2, len(self.validation))):
            one = self.validation.batch([index], device)
            scores = self._scores(one)[1]
            least = shortest(one.phones, one.mask.sum((1, 2)), self.aligner.pauses)[0]
            durations = best_path(scores[0].double().cpu().numpy(), least.cpu().numpy())
            path = np.eye(len(durations))[:, np.repeat(np.arange(len(durations)), durations)]
            log.picture(f"alignment/{one.ids[0]}", F.softmax(scores[0], dim=1).T.cpu().numpy(), path)
