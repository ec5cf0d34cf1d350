"""Runs of a tiny voice, for the tests of what is done with one: packed, fine-tuned, asked to draw."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from specgan.tasks.acoustic import AcousticRun
from specgan.tasks.alignment import SpeechData
from specgan.tasks.tts import SpeechCritics, SpeechRun
from specgan.text.acoustic import AcousticConfig
from specgan.text.alignments import PITCH
from specgan.text.corpus import Corpus
from specgan.text.textgrid import from_durations, write_textgrid
from specgan.torch_backend import describe
from specgan.train import train_acoustic, train_speech
from vocoder.engine.checkpoint import save_tensors
from vocoder.engine.schedule import TrainConfig
from vocoder.generators import FourierVocoder
from vocoder.signal.manifest import Recording, write_manifest
from vocoder.signal.spec import preset

FIXTURES = Path(__file__).parents[1] / "fixtures"
SPEC = preset("22k")


def recordings(name: str) -> list[Recording]:
    """The fixtures of a speaker."""
    with (FIXTURES / name / "metadata.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="|", quoting=csv.QUOTE_NONE))
    return [
        Recording(id, FIXTURES / name / "wavs" / f"{id}.flac", text=text, speaker=name, language="en")
        for id, text, *_ in rows
    ]


def spread(rows: list[Recording], folder: Path) -> None:
    """Alignments that share the frames out evenly, and a made-up pitch; `specgan align` needs a trained network."""
    folder.mkdir()
    corpus, pitch = Corpus(rows, SPEC), {}
    for row, tokens, frames in zip(corpus.rows, corpus.tokens, map(int, corpus.frames), strict=True):
        edges = np.linspace(0, frames, len(tokens) + 1).round().astype(int)
        tiers = from_durations(tokens, None, np.diff(edges), SPEC.sample_rate, SPEC.hop)
        write_textgrid(folder / f"{row.id}.TextGrid", tiers, frames * SPEC.hop / SPEC.sample_rate)
        pitch[row.id] = 200 + 40 * torch.sin(torch.arange(frames) / 20)
        pitch[row.id][::3] = 0  # unvoiced
    save_tensors(folder / PITCH, pitch)


@dataclass(frozen=True)
class TinyVoice:
    """Runs, alignments and manifests (of kathleen, and of ljspeech, whom the runs do not know)."""

    folder: Path

    @property
    def alignments(self) -> Path:
        return self.folder / "alignments"

    @property
    def acoustic(self) -> Path:
        return self.folder / "acoustic"

    @property
    def gan(self) -> Path:
        return self.folder / "gan"

    @property
    def vocoder(self) -> Path:
        return self.folder / "vocoder"

    def data(self, name: str, batch: int = 2) -> SpeechData:
        manifests = [str(self.folder / name / f"{part}.jsonl") for part in ("train", "validation")]
        return SpeechData(manifests[:1], manifests[1:], batch)

    def acoustic_config(self, name: str, train: TrainConfig, **fields: object) -> AcousticRun:
        model = AcousticConfig(width=32, encoder=1, predictor=1, decoder=1)
        return AcousticRun(data=self.data(name), alignments=str(self.alignments), model=model, train=train, **fields)

    def speech_config(self, name: str, acoustic: Path, **fields: object) -> SpeechRun:
        train = TrainConfig(steps=2, warmup=0, ema=0.5, validate_every=2, save_every=2)
        return SpeechRun(
            data=self.data(name),
            alignments=str(self.alignments),
            acoustic=str(acoustic),
            vocoder=str(self.vocoder),
            loop_start=1,
            window=32,
            critics=SpeechCritics(start=0, width=4),
            train=train,
            **fields,
        )


@pytest.fixture(scope="session")
def tiny_voice(tmp_path_factory: pytest.TempPathFactory) -> TinyVoice:
    voice = TinyVoice(tmp_path_factory.mktemp("voice"))
    sets = {"kathleen": recordings("kathleen")[:5], "ljspeech": recordings("ljspeech")}
    spread([row for rows in sets.values() for row in rows], voice.alignments)
    for name, rows in sets.items():
        (voice.folder / name).mkdir()
        write_manifest(voice.folder / name / "train.jsonl", rows[1:])
        write_manifest(voice.folder / name / "validation.jsonl", rows[:1])
    torch.manual_seed(0)
    generator = FourierVocoder(SPEC, "tiny", 0)
    voice.vocoder.mkdir()
    facts = {"generator": describe(generator)}
    save_tensors(voice.vocoder / "generator.safetensors", generator.state_dict(), facts)
    save_tensors(voice.vocoder / "discriminator.safetensors", {"0.weight": torch.ones(3)}, facts)
    train = TrainConfig(steps=60, warmup=5, ema=0.9, validate_every=60, save_every=60)
    train_acoustic(voice.acoustic_config("kathleen", train), voice.acoustic)
    train_speech(voice.speech_config("kathleen", voice.acoustic), voice.gan)
    return voice
