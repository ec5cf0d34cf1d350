"""Runs of a tiny voice and of an aligner, for the tests of what is done with them."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from specgan.tasks.acoustic import AcousticRun
from specgan.tasks.alignment import AlignmentConfig, SpeechData
from specgan.tasks.tts import SpeechCritics, SpeechRun
from specgan.text.acoustic import AcousticConfig
from specgan.text.alignments import PITCH, align, read_aligner, write_pitch
from specgan.text.corpus import Corpus
from specgan.text.textgrid import from_durations, write_textgrid
from specgan.torch_backend import describe
from specgan.train import train_acoustic, train_aligner, train_speech
from tests.specgan.tiny_conversion import TinyConversion, train_tiny
from tests.specgan.tiny_sounds import TinySounds, train_sounds
from vocoder.engine.checkpoint import load_tensors, save_tensors
from vocoder.engine.schedule import OptimizerConfig, TrainConfig
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


@pytest.fixture(scope="session")
def tiny_sounds(tmp_path_factory: pytest.TempPathFactory) -> TinySounds:
    return train_sounds(tmp_path_factory.mktemp("sounds"))


@dataclass(frozen=True)
class Learned:
    """An aligner that was trained on all fixtures, and what it made of them: `alignments`."""

    folder: Path

    @property
    def manifest(self) -> Path:
        return self.folder / "all.jsonl"

    @property
    def aligner(self) -> Path:
        return self.folder / "aligner"

    @property
    def alignments(self) -> Path:
        return self.folder / "alignments"


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    made = Learned(tmp_path_factory.mktemp("learned"))
    rows = [*recordings("kathleen"), *recordings("ljspeech")]
    write_manifest(made.manifest, rows)
    data = SpeechData([str(made.manifest)], [str(made.manifest)], 4)
    train = TrainConfig(steps=200, warmup=10, ema=0.9, validate_every=200, save_every=200)
    optimizer = OptimizerConfig(lr=5e-3, betas=(0.9, 0.98), clip=1.0)
    config = AlignmentConfig(data=data, width=32, sharpen=0.9, optimizer=optimizer, train=train)
    train_aligner(config, made.aligner)
    aligner, symbols, _ = read_aligner(made.aligner)
    corpus = Corpus(rows, SPEC, symbols)
    assert all(isinstance(result, float) for result in align(corpus, aligner, made.alignments))
    write_pitch(corpus, made.alignments, range(len(rows)))
    return made


@pytest.fixture(scope="session")
def tiny_conversion(tmp_path_factory: pytest.TempPathFactory, learned: Learned, tiny_vocoder: Path) -> TinyConversion:
    speakers = {name: recordings(name) for name in ("kathleen", "ljspeech")}
    return train_tiny(tmp_path_factory.mktemp("conversion"), speakers, learned.aligner, tiny_vocoder)


@pytest.fixture(scope="session")
def tiny_vocoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a vocoder that has learned nothing, without projections."""
    torch.manual_seed(0)
    generator = FourierVocoder(SPEC, "tiny", 0)
    folder = tmp_path_factory.mktemp("vocoder")
    save_tensors(folder / "generator.safetensors", generator.state_dict(), {"generator": describe(generator)})
    return folder


def check_resuming(train: Callable[[Path], bool], folder: Path, middle: int, end: int) -> None:
    """A run that goes on from its checkpoint in the middle ends with the very same weights and moments."""
    assert train(folder)
    paths = [folder / f"checkpoints/step-{step:08d}" for step in (middle, end)]
    files = sorted(paths[1].glob("*.safetensors"))
    straight = {path.name: load_tensors(path)[0] for path in files}
    changed = any(
        not torch.equal(load_tensors(paths[0] / name)[0][key], tensor)
        for name, tensors in straight.items()
        for key, tensor in tensors.items()
    )
    assert changed
    shutil.rmtree(paths[1])
    assert train(folder)
    for name, tensors in straight.items():
        again = load_tensors(paths[1] / name)[0]
        assert again.keys() == tensors.keys()
        assert all(torch.equal(again[key], tensor) for key, tensor in tensors.items()), name
