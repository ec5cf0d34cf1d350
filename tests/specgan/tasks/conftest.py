"""A small acoustic network that was trained on learned alignments of real recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from specgan.tasks.acoustic import AcousticRun, AlignedCorpus
from specgan.tasks.alignment import SpeechData
from specgan.text.acoustic import AcousticConfig
from specgan.text.corpus import Corpus
from specgan.train import train_acoustic
from tests.specgan.conftest import SPEC, recordings
from vocoder.engine.schedule import OptimizerConfig, TrainConfig
from vocoder.signal.manifest import write_manifest


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Manifests of both voices; one recording of each is held out."""
    folder = tmp_path_factory.mktemp("data")
    kathleen, ljspeech = recordings("kathleen")[:8], recordings("ljspeech")
    write_manifest(folder / "train.jsonl", [*kathleen[1:], *ljspeech[1:]])
    write_manifest(folder / "validation.jsonl", [kathleen[0], ljspeech[0]])
    return SpeechData([str(folder / "train.jsonl")], [str(folder / "validation.jsonl")], 3)


@pytest.fixture(scope="session")
def acoustic_config(data, learned):
    return AcousticRun(
        data=data,
        alignments=str(learned.alignments),
        model=AcousticConfig(width=48, encoder=1, predictor=1, decoder=1),
        optimizer=OptimizerConfig(lr=4e-3, betas=(0.9, 0.98), clip=1.0),
        train=TrainConfig(steps=120, warmup=5, ema=0.9, validate_every=120, save_every=120),
    )


@pytest.fixture(scope="session")
def acoustic_run(acoustic_config, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("acoustic")
    assert train_acoustic(acoustic_config, folder)
    return folder


@pytest.fixture(scope="session")
def aligned(learned):
    """Training and validation recordings with their alignments."""
    kathleen, ljspeech = recordings("kathleen")[:8], recordings("ljspeech")
    train = Corpus([*kathleen[1:], *ljspeech[1:]], SPEC)
    held_out = Corpus([kathleen[0], ljspeech[0]], SPEC, train.symbols, train.speakers, train.languages)
    corpus = AlignedCorpus(train, learned.alignments)
    return corpus, AlignedCorpus(held_out, learned.alignments, corpus.pitch)
