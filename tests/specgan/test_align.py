"""`specgan align` as a function: with a trained aligner and with one that it trains, and what it leaves out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from specgan import align as aligning
from specgan.align import align_manifests
from specgan.tasks.acoustic import AlignedCorpus
from specgan.tasks.alignment import AlignmentConfig, SpeechData
from specgan.text.alignments import FITS, LEFT_OUT, read_aligner, read_left_out, read_pitch
from specgan.text.corpus import Corpus
from specgan.train import corpora
from tests.specgan.conftest import SPEC, recordings
from vocoder.engine.schedule import TrainConfig
from vocoder.errors import InputError
from vocoder.signal.manifest import read_manifest, write_manifest

KATHLEEN, LJSPEECH = recordings("kathleen"), recordings("ljspeech")


def manifest(path: Path, rows: list) -> Path:
    write_manifest(path, rows)
    return path


@pytest.fixture
def quick(monkeypatch):
    """An aligner that is trained for two steps."""
    train = TrainConfig(steps=2, warmup=1, validate_every=2, save_every=2)
    monkeypatch.setattr(aligning, "AlignmentConfig", lambda data: AlignmentConfig(data=data, width=8, train=train))


def test_recordings_are_aligned_with_a_given_aligner(learned, tmp_path):
    paths = [manifest(tmp_path / "a.jsonl", KATHLEEN[:2]), manifest(tmp_path / "b.jsonl", LJSPEECH)]
    seen: list[int] = []

    def progress(items, count):
        seen.append(count)
        return items

    out = tmp_path / "out"
    assert align_manifests(paths, out, model=learned.aligner, progress=progress) == (5, [])
    rows = [*KATHLEEN[:2], *LJSPEECH]
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [*(f"{row.id}.TextGrid" for row in rows), "left_out.txt", "pitch.safetensors"]
    )
    assert seen == [5, 5] and (out / LEFT_OUT).read_text() == ""
    assert read_pitch(out).keys() == {row.id for row in rows}
    aligned = AlignedCorpus(Corpus(rows, SPEC), out)
    assert [int(durations.sum()) for durations in aligned.durations] == aligned.frames.tolist()


def test_without_one_it_is_trained_on_these_recordings_and_kept(quick, tmp_path):
    path = manifest(tmp_path / "all.jsonl", LJSPEECH)
    count, left_out = align_manifests([path], tmp_path / "out")
    assert (count, left_out) == (3, [])
    held_out, trained = (read_manifest(tmp_path / f"out/aligner/{part}.jsonl") for part in ("validation", "train"))
    assert [row.id for row in held_out] == ["LJ001-0002"] and [row.id for row in trained] == [
        "LJ001-0008",
        "LJ001-0013",
    ]
    _, symbols, _ = read_aligner(tmp_path / "out/aligner")
    assert symbols == Corpus(LJSPEECH, SPEC).symbols
    again = align_manifests([path], tmp_path / "out")  # the aligner is there already
    assert again == (3, []) and "step 2 of 2" in (tmp_path / "out/aligner/log.txt").read_text()


def test_an_interrupted_training_says_how_to_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr(aligning, "train_aligner", lambda *_: False)
    with pytest.raises(InputError, match="aligner: stopped before it was trained; the same command goes on"):
        align_manifests([manifest(tmp_path / "all.jsonl", LJSPEECH)], tmp_path / "out")
    with pytest.raises(InputError, match="1 recording: an aligner learns from many; give a trained one with --model"):
        align_manifests([manifest(tmp_path / "one.jsonl", LJSPEECH[:1])], tmp_path / "out")


def test_what_cannot_be_aligned_or_does_not_fit_is_left_out_of_training(learned, tmp_path, monkeypatch):
    results = [3.1, f"{KATHLEEN[1].audio}: 9 frames are too few", 2.5, FITS - 0.1, 2.0]
    rows = KATHLEEN[:5]
    path = manifest(tmp_path / "all.jsonl", rows)
    out = tmp_path / "out"
    out.mkdir()
    (out / LEFT_OUT).write_text(f"elsewhere\tof another manifest\n{rows[0].id}\tnow it can be\n")
    monkeypatch.setattr(aligning, "align", lambda *_: iter(results))
    count, left_out = align_manifests([path], out, model=learned.aligner)
    assert count == 3 and left_out[0] == results[1]
    assert left_out[1] == (
        f"{rows[3].audio}: the transcript 'Lord, but I'm glad to see you again, Phi' does not fit the sound "
        "(better than its phones in another order by 0.9, must be 1.0)"
    ).replace("'Lord, but I'm glad to see you again, Phi'", repr(rows[3].text[:40]))
    assert read_left_out(out) == {"elsewhere": "of another manifest", rows[1].id: left_out[0], rows[3].id: left_out[1]}
    assert read_pitch(out).keys() == {rows[index].id for index in (0, 2, 4)}
    train, held_out = corpora(SpeechData([str(path)], [str(path)]), SPEC, alignments=str(out))
    assert [row.id for row in train.rows] == [row.id for row in held_out.rows] == [rows[i].id for i in (0, 2, 4)]


def test_an_aligner_that_cannot_tell_leaves_nothing_out(learned, tmp_path, monkeypatch):
    monkeypatch.setattr(aligning, "align", lambda *_: iter([0.1, -0.2, 1.4]))
    path = manifest(tmp_path / "all.jsonl", LJSPEECH)
    assert align_manifests([path], tmp_path / "out", model=learned.aligner) == (3, [])


def test_when_nothing_can_be_aligned_the_first_reason_is_said(learned, tmp_path):
    long = replace(LJSPEECH[1], text=" ".join(row.text for row in KATHLEEN))
    path = manifest(tmp_path / "all.jsonl", [long])
    with pytest.raises(InputError, match=r"none of 1 recordings could be aligned; the first: .*frames are too few"):
        align_manifests([path], tmp_path / "out", model=learned.aligner)
