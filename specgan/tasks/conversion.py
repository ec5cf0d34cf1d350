"""What the engine trains when it learns to change who speaks, from recordings of several people, no two alike.

Recognition and synthesis: what an aligner hears, the melody and the energy of an utterance become its mel again, in the
style of its speaker; then also in the styles of others, where critics and the aligner are the judges.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from specgan.evaluate import speaker
from specgan.evaluate.errors import NotMeasurable, missing
from specgan.losses import masked_l1, structural_dissimilarity
from specgan.networks.converter import Converter
from specgan.networks.discriminators import MelCritics, windows
from specgan.networks.style import ReferenceEncoder
from specgan.networks.unet import SpecUNet
from specgan.runtime.prosody import PITCH
from specgan.tasks.acoustic import normalised
from specgan.tasks.conversion_config import ConversionRun
from specgan.tasks.conversion_data import ConversionBatch, ConversionCorpus
from specgan.text.aligner import MEL_MEAN, MEL_STD
from specgan.text.content import Content, Recogniser, scaled
from specgan.text.perturb import perturbed
from vocoder.engine.logger import Logger
from vocoder.engine.losses import objective
from vocoder.engine.schedule import OptimizerConfig
from vocoder.engine.trainer import Monitor, Phase
from vocoder.errors import InputError
from vocoder.precision import in_float32
from vocoder.task import JUDGED, Means


def style_distance(found: Tensor, wanted: Tensor) -> Tensor:
    """1 − cosine, and L1, of styles (B, S)."""
    return (1 - F.cosine_similarity(found, wanted, dim=1)).mean() + F.l1_loss(found, wanted)


class ConversionTask:
    """Speech of one speaker → of another (see `vocoder.engine.trainer.Task`).

    Parameters
    ----------
    config : ConversionRun
    recogniser : Recogniser
        Stays as it is.
    corpus : ConversionCorpus
        Its speakers are those that the model learns.
    validation : ConversionCorpus
        Of the same speakers.
    vocoder : nn.Module, optional
        Mel → wave, for validation.

    Raises
    ------
    InputError
        If there is only one speaker, or a length in frames cannot be.
    """

    monitor = Monitor("l1")

    def __init__(
        self,
        config: ConversionRun,
        recogniser: Recogniser,
        corpus: ConversionCorpus,
        validation: ConversionCorpus,
        vocoder: nn.Module | None = None,
    ) -> None:
        self.config, self.validation, self.spec = config, validation, corpus.spec
        self.speakers, self.ranges = corpus.speakers, corpus.ranges()
        if len(self.speakers) < 2:
            raise InputError(f"there is only the speaker {self.speakers[0]!r}; conversion is learned from two or more")
        for name, most in (("window", 1024), ("converted", config.window // 2)):
            frames = getattr(config, name)
            if not 16 <= frames <= most or frames % SpecUNet.multiple:
                raise InputError(f"{name} is {frames} frames, must be a multiple of 4 from 16 to {most}")
        if not 0 <= config.hide < config.window:
            raise InputError(f"hide is {config.hide} frames, must be from 0 to less than the window, {config.window}")
        bands, style = self.spec.bands, config.model.style
        self.content = Content(recogniser.aligner.requires_grad_(False))
        self.converter = Converter(self.spec, self.content.phones, len(self.speakers), config.model)
        self.reference = ReferenceEncoder(bands, style)
        self.critics = MelCritics(bands, 0, len(self.speakers), config.critics.width)
        self.objective = objective(config.critics.objective)
        self.vocoder = vocoder.requires_grad_(False).eval() if vocoder is not None else None
        self.judged = vocoder is not None and not missing(["resemblyzer"])
        self.monitors: Sequence[Monitor] = (
            Monitor("content"),
            *([Monitor("similarity", lowest=False)] if self.judged else []),
        )
        self.modules: dict[str, nn.Module] = {
            "aligner": self.content.aligner,
            "converter": self.converter,
            "reference": self.reference,
            "critics": self.critics,
        }
        self.optimizers: Mapping[str, OptimizerConfig] = {
            "converter": config.optimizer,
            "reference": config.optimizer,
            "critics": config.critics.optimizer,
        }
        self.ema: tuple[str, ...] = ("converter", "reference")
        self.phases: Sequence[Phase] = self._phases()
        self.facts: Mapping[str, Any] = {
            "task": "conversion",
            "spec": self.spec.to_dict(),
            "model": asdict(config.model),
            "speakers": self.speakers,
            "pitch": {name: list(known) for name, known in self.ranges.items()},
            "recogniser": recogniser.facts,
        }
        self._ranges = torch.tensor([self.ranges[name] for name in self.speakers])  # (speakers, 2)
        self._judged: tuple[Tensor, Tensor, Tensor, Tensor] | None = None
        self._health: dict[str, Tensor] = {}
        self._voices: dict[int, np.ndarray] | None = None

    def to(self, device: torch.device) -> ConversionTask:
        """Move the constant parts to the device; the engine moves the modules."""
        self._ranges = self._ranges.to(device)
        if self.vocoder is not None:
            self.vocoder.to(device)
        return self

    def _phases(self) -> list[Phase]:
        weights, stop = self.config.weights, self.config.train.steps
        start = min(self.config.critics.start, stop)
        picture = min(self.config.picture, start)
        distances = {name: getattr(weights, name) for name in ("coarse", "l1", "ssim")}
        game = distances | {name: getattr(weights, name) for name in ("adversarial", "content", "style")}
        # 1: the weight falls during the phase, so it is part of the loss
        stages = [
            Phase("regression", ("converter",), self._regression, {"coarse": weights.coarse}, 0, picture),
            Phase("identity", ("converter",), self._identity, distances, picture, start),
            Phase("conversion", ("converter",), self._conversion, game | {"cycle": 1.0}, start, stop),
            # after the conversion, whose mels they judge
            Phase("critics", ("critics",), self._critics, {"adversarial": 1.0}, start, stop),
            Phase("reference", ("reference",), self._reference, {"style": 1.0}),
        ]
        return [phase for phase in stages if phase.stop is None or phase.start < phase.stop]

    # -- phases ---------------------------------------------------------------------------------------------------

    def _hidden(self, batch: ConversionBatch) -> Tensor:
        """A random run of frames of each crop, 1 inside (B, T)."""
        count, frames = batch.energy.shape
        lengths = torch.randint(self.config.hide + 1, (count, 1))
        starts = (torch.rand(count, 1) * (frames - lengths + 1)).long()
        place = torch.arange(frames)
        return ((place >= starts) & (place < starts + lengths)).to(batch.energy)

    def _styles(self, batch: ConversionBatch) -> Tensor:
        """That of each crop's speaker; for half of the crops as the reference encoder hears it, as a stranger's is."""
        table = self.converter.table(batch.speaker)
        with torch.no_grad():
            heard = self.reference(batch.mel).to(table)
        return torch.where((torch.rand(len(table), 1) < 0.5).to(table.device), heard, table)

    def _coarse(self, batch: ConversionBatch) -> tuple[dict[str, Tensor], Tensor, Tensor, Tensor]:
        """The loss of the coarse mel; coarse mel, harmonics and styles."""
        with torch.no_grad():
            content = self.content(perturbed(batch.mel, self.config.perturb, self.spec))
        style = self._styles(batch)
        coarse, harmonics = self.converter.coarse(
            content, seen(batch.pitch), batch.voiced, batch.energy, style, self._hidden(batch)
        )
        return {"coarse": masked_l1(coarse[:, None], normalised(batch.mel))}, coarse, harmonics, style

    def _regression(self, batch: ConversionBatch) -> dict[str, Tensor]:
        return self._coarse(batch)[0]

    def _identity(self, batch: ConversionBatch) -> dict[str, Tensor]:
        return self._same(batch)[0]

    def _same(self, batch: ConversionBatch) -> tuple[dict[str, Tensor], Tensor]:
        """The distances of crops from themselves, and what was drawn (B, 1, M, T), normalised."""
        terms, coarse, harmonics, style = self._coarse(batch)
        fake = self.converter.paint(coarse, harmonics, torch.randn_like(coarse), style)[:, None]
        terms["l1"] = masked_l1(fake, normalised(batch.mel))
        terms["ssim"] = structural_dissimilarity(fake, normalised(batch.mel))
        return terms, fake

    def _conversion(self, batch: ConversionBatch) -> dict[str, Tensor]:
        weights, count = self.config.weights, self.config.converted
        begun = self.config.critics.start
        progress = min(1.0, max(0.0, (batch.step - begun) / max(1, self.config.train.steps - begun)))
        terms, same = self._same(batch)
        for name in ("l1", "ssim"):
            terms[name] = terms[name] * (1 + progress * (weights.identity_end - 1))
        own = batch.speaker
        target = (own + torch.randint(1, len(self.speakers), own.shape).to(own)) % len(self.speakers)
        lines = torch.stack([batch.pitch, batch.voiced, batch.energy], dim=1)
        mel, lines = windows([batch.mel, lines], count)
        pitch, voiced, energy = lines.unbind(1)
        with torch.no_grad():
            wanted = self.content.log_posteriors(mel)
        styles = self.converter.table(target), self.converter.table(own)
        fake = self._drawn(scaled(wanted), self.carried(pitch, own, target), voiced, energy, styles[0])
        # heard through another throat each time: no detail that only this recogniser likes helps, nor one of the source
        found = self.content.log_posteriors(perturbed(fake * MEL_STD + MEL_MEAN, self.config.perturb, self.spec))
        back = self._drawn(scaled(found), pitch, voiced, energy, styles[1])
        terms["content"] = misheard(found, wanted)
        terms["style"] = style_distance(self.reference(fake * MEL_STD + MEL_MEAN), styles[0].detach())
        terms["cycle"] = masked_l1(back[:, None], normalised(mel)) * (
            weights.cycle + progress * (weights.cycle_end - weights.cycle)
        )
        # as many of the fakes are in their own speaker's style, which real ones stand beside
        real = torch.cat([normalised(mel), normalised(batch.mel[..., -count:])])
        fakes = torch.cat([fake[:, None], same[..., -count:]])
        self._judged = real, fakes, torch.cat([own, own]), torch.cat([target, own])
        with torch.no_grad():
            on_real = self.critics(real, None, self._judged[2])
        on_fake = self.critics(fakes, None, self._judged[3])
        terms["adversarial"] = self.objective.generator(on_fake.logits, on_real.logits)
        return terms

    def _drawn(self, content: Tensor, pitch: Tensor, voiced: Tensor, energy: Tensor, style: Tensor) -> Tensor:
        """Normalised mel (B, M, T) from ln F0 and the rest."""
        coarse, harmonics = self.converter.coarse(content, seen(pitch), voiced, energy, style)
        return self.converter.paint(coarse, harmonics, torch.randn_like(coarse), style)

    def carried(self, pitch: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """ln F0 (B, T) from the range of some speakers (B,) to that of others; see `prosody.carried`."""
        (mean, deviation), (new_mean, new_deviation) = (self._ranges[who].T[:, :, None] for who in (source, target))
        return (pitch - mean) * (new_deviation / deviation) + new_mean

    def _critics(self, batch: ConversionBatch) -> dict[str, Tensor]:
        assert self._judged is not None, "the converter's phase runs first"
        real, fake, own, target = self._judged
        on_real, on_fake = self.critics(real, None, own), self.critics(fake.detach(), None, target)
        means = [torch.stack([x.detach().float().mean() for x in j.logits]).mean() for j in (on_real, on_fake)]
        self._health = {"real": means[0], "fake": means[1], "gap": means[0] - means[1]}
        return {"adversarial": self.objective.discriminator(on_real.logits, on_fake.logits)}

    def _reference(self, batch: ConversionBatch) -> dict[str, Tensor]:
        return {"style": style_distance(self.reference(batch.mel), self.converter.table(batch.speaker).detach())}

    # -- what TensorBoard shows -----------------------------------------------------------------------------------

    def statistics(self) -> Mapping[str, float | Tensor]:
        """Mean logits of the last step, real, fake and their gap."""
        return {f"gan/{name}": value for name, value in self._health.items()}

    def convert(self, batch: ConversionBatch, target: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Log-mel (B, M, T) in the style of these speakers (B,), and the coarse one under it."""
        style = self.converter.table(target)
        coarse, harmonics = self.converter.coarse(
            self.content(batch.mel),
            seen(self.carried(batch.pitch, batch.speaker, target)),
            batch.voiced,
            batch.energy,
            style,
        )
        noise = torch.randn(coarse.shape, generator=torch.Generator().manual_seed(seed)).to(coarse)
        drawn = self.converter.paint(coarse, harmonics, noise, style)
        return drawn * MEL_STD + MEL_MEAN, coarse * MEL_STD + MEL_MEAN

    def validate(self, log: Logger) -> dict[str, float]:
        """Held-out utterances, as they are and converted to the other speakers in turn.

        Returns
        -------
        dict
            "l1" and "coarse" of the drawn and of the coarse mel in the own style; "content", in nats, and "style" of
            converted ones; "similarity" to the target of the first 12, through the vocoder, if there is one and
            `resemblyzer` is installed.
        """
        means = Means()
        for index in range(len(self.validation.rows)):
            batch = self._whole(index)
            drawn, coarse = self.convert(batch, batch.speaker, index)
            for name, made in (("l1", drawn), ("coarse", coarse)):
                means.add({name: masked_l1(normalised(made), normalised(batch.mel)).item()})
            target = self._other(batch, index)
            changed = self.convert(batch, target, index)[0]
            means.add({"content": misheard(*map(self.content.log_posteriors, (changed, batch.mel))).item()})
            means.add({"style": style_distance(self.reference(changed), self.converter.table(target)).item()})
        if self.judged:
            means.add(self._similarity())
        return means.take()

    def _whole(self, index: int) -> ConversionBatch:
        return self.validation.whole(index, SpecUNet.multiple, self._ranges.device)

    def _other(self, batch: ConversionBatch, index: int) -> Tensor:
        return (batch.speaker + 1 + index % (len(self.speakers) - 1)) % len(self.speakers)

    def _similarity(self) -> dict[str, float]:
        """Mean similarity of conversions, spread over the speakers, to the recordings of whom they are meant for."""
        assert self.vocoder is not None, "judged through a vocoder"
        rows, rate = range(len(self.validation.rows)), self.spec.sample_rate
        if self._voices is None:
            self._voices = {}
            for index in rows:
                with contextlib.suppress(NotMeasurable):
                    found = speaker.speech(self.validation.recordings.read(index), rate).embedding
                    who = int(self.validation.speaker[index])
                    self._voices[who] = self._voices.get(who, 0) + found
        scores = []
        for index in rows[:: max(1, len(rows) // JUDGED)][:JUDGED]:
            batch = self._whole(index)
            target = self._other(batch, index)
            wave = self.vocoder(self.convert(batch, target, index)[0])[0].clamp(-1, 1).cpu().numpy()
            with contextlib.suppress(NotMeasurable):
                found = speaker.speech(wave, rate).embedding
                if int(target) in self._voices:
                    scores.append(speaker.similarity(found, self._voices[int(target)]))
        return {"similarity": float(np.mean(scores))} if scores else {}

    def describe(self, batch: ConversionBatch, log: Logger) -> None:
        """Mel of two held-out utterances, as it was, drawn in the own style and converted; and the converted sound."""
        for index in range(min(2, len(self.validation.rows))):
            one = self._whole(index)
            target = self._other(one, index)
            same, changed = (self.convert(one, who, index)[0] for who in (one.speaker, target))
            name = f"{one.ids[0]} to {self.speakers[int(target)]}"
            log.picture(f"mel/{name}", *(mel[0].cpu().numpy() for mel in (one.mel, same, changed)))
            if self.vocoder is not None:
                sound = self.vocoder(changed)[0].clamp(-1, 1).cpu().numpy()
                log.sound(f"converted/{name}", sound, self.spec.sample_rate)


def seen(pitch: Tensor) -> Tensor:
    """ln F0 as the converter sees it; see `prosody.seen`."""
    return (pitch - PITCH[0]) / PITCH[1]


@in_float32
def misheard(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean over frames of Σ p ln(p/q), in nats: p, q what was heard in the source and in what was made of it.

    Parameters
    ----------
    found, wanted : (B, T, phones) tensors
        Log-probabilities.
    """
    return (wanted.exp() * (wanted - found)).sum(2).mean()
