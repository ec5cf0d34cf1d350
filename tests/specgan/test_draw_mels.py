"""Mels drawn at the true durations, for a vocoder that is fine-tuned on them."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import soundfile

from specgan.cli import main
from specgan.draw_mels import draw_mels
from specgan.tasks.acoustic import AlignedCorpus
from specgan.text.alignments import LEFT_OUT
from specgan.text.corpus import Corpus
from specgan.text.symbols import Symbols
from specgan.trained import read_voice
from vocoder.errors import InputError
from vocoder.signal.manifest import read_manifest, write_manifest
from vocoder.signal.mels import Mels
from vocoder.signal.spec import preset


@pytest.fixture(scope="module")
def drawn(tiny_voice, tmp_path_factory):
    out = tmp_path_factory.mktemp("mels") / "all"
    manifests = [str(tiny_voice.folder / "kathleen" / f"{part}.jsonl") for part in ("train", "validation")]
    words = ["draw", str(tiny_voice.gan), *manifests, "-o", str(out), "--alignments", str(tiny_voice.alignments)]
    assert main(words) == 0
    return out


def test_a_vocoder_can_read_them(drawn, tiny_voice):
    assert json.loads((drawn / "mels.json").read_text()) == preset("22k").to_dict()
    for part, count in (("train", 4), ("validation", 1)):
        rows = read_manifest(drawn / f"{part}.jsonl")
        assert [row.id for row in rows] == [
            row.id for row in read_manifest(tiny_voice.folder / f"kathleen/{part}.jsonl")
        ]
        lengths = [soundfile.info(row.audio).frames for row in rows]
        mels = Mels(drawn, [row.id for row in rows], lengths, preset("22k"))  # refuses one frame too many or too few
        assert len(rows) == count and mels.values.shape == (sum(-(-length // 256) for length in lengths), 80)


def test_neither_padding_nor_company_changes_a_mel(drawn, tiny_voice, tmp_path):
    rows = read_manifest(drawn / "train.jsonl")
    assert any(-(-soundfile.info(row.audio).frames // 256) % 4 for row in rows)  # some have to be padded to fours
    write_manifest(tmp_path / "train.jsonl", rows[:1])
    assert draw_mels(tiny_voice.gan, [tmp_path / "train.jsonl"], tmp_path / "one", tiny_voice.alignments) == 1
    name = f"{rows[0].id}.npy"
    assert np.array_equal(np.load(tmp_path / "one" / name), np.load(drawn / name))


def test_they_are_what_the_voice_draws_near_its_coarse_mel(drawn, tiny_voice):
    """The run is so young that its GAN has hardly moved: its mels are those of the regression, without dropout."""
    trained = read_voice(tiny_voice.gan).acoustic
    rows, known = read_manifest(drawn / "validation.jsonl"), trained.inventory
    symbols = Symbols(tuple(known.phones), tuple(known.stresses))
    corpus = Corpus(rows, trained.spec, symbols, known.speakers, known.languages)
    batch = AlignedCorpus(corpus, tiny_voice.alignments, trained.pitch).batch([0])

    def coarse() -> np.ndarray:
        text = trained.acoustic.encode(batch.phones, batch.stress, batch.speaker, batch.language).text
        planes = [x.repeat_interleave(batch.durations[0], dim=-1) for x in (text, batch.pitch, batch.energy)]
        return trained.acoustic.decode(*planes, batch.speaker)[0].detach().numpy()

    mel = np.load(drawn / f"{rows[0].id}.npy")
    assert mel.shape == coarse().shape
    error = np.abs(mel - coarse()).mean()
    trained.acoustic.train()
    assert 0 < error < 0.5 * np.abs(mel - coarse()).mean()


def test_what_is_not_aligned_is_left_out(tiny_voice, tmp_path):
    alignments = tmp_path / "alignments"
    shutil.copytree(tiny_voice.alignments, alignments)
    rows = read_manifest(tiny_voice.folder / "kathleen/train.jsonl")
    (alignments / LEFT_OUT).write_text(f"{rows[1].id}\tnoise\n")
    assert draw_mels(tiny_voice.gan, [tiny_voice.folder / "kathleen/train.jsonl"], tmp_path / "mels", alignments) == 3
    kept = [row.id for row in read_manifest(tmp_path / "mels/train.jsonl")]
    assert kept == [rows[0].id, rows[2].id, rows[3].id]
    (alignments / LEFT_OUT).write_text("".join(f"{row.id}\tnoise\n" for row in rows))
    with pytest.raises(InputError, match="none of the recordings is aligned"):
        draw_mels(tiny_voice.gan, [tiny_voice.folder / "kathleen/train.jsonl"], tmp_path / "none", alignments)
    assert not (tmp_path / "none").exists()


def test_ids_must_be_unique_and_speakers_known(tiny_voice, tmp_path):
    same = [tiny_voice.folder / "kathleen/train.jsonl"] * 2
    with pytest.raises(InputError, match="of one id"):
        draw_mels(tiny_voice.gan, same, tmp_path / "mels", tiny_voice.alignments)
    with pytest.raises(InputError, match="no speaker 'ljspeech'"):
        draw_mels(
            tiny_voice.gan, [tiny_voice.folder / "ljspeech/train.jsonl"], tmp_path / "mels", tiny_voice.alignments
        )
    assert not (tmp_path / "mels").exists()
