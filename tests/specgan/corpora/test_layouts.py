"""Corpora in the layouts they are published in: who says what in which file, and what is left out."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from specgan.corpora.found import LeftOut
from specgan.corpora.layouts import find
from specgan.prepare import count, prepare
from vocoder.errors import InputError
from vocoder.signal.manifest import Recording, read_manifest

SOUNDS = Path(__file__).parents[2] / "fixtures/kathleen/wavs"
FIRST = "Author of the danger trail, Philip Steels, etc."


def sound(path: Path, number: int = 1) -> Path:
    """A copy of fixture `number`, in the format that the suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source = SOUNDS / f"arctic_a{number:04d}.flac"
    if path.suffix == ".flac":
        shutil.copy(source, path)
    else:
        soundfile.write(path, *soundfile.read(source))
    return path


def words(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def table(folder: Path, rows: list[Recording]) -> dict[str, tuple[str, str | None, str | None]]:
    """Id → file relative to the folder, speaker, text."""
    return {row.id: (row.audio.relative_to(folder).as_posix(), row.speaker, row.text) for row in rows}


def kinds(left_out: list[LeftOut]) -> dict[str, str]:
    return {item.id: item.kind for item in left_out}


# -- VCTK -------------------------------------------------------------------------------------------------------------


def test_vctk_takes_the_first_microphone_and_leaves_out_whom_nobody_transcribed(tmp_path):
    tree = tmp_path / "wav48_silence_trimmed"
    for name in ("p225/p225_001_mic1", "p225/p225_001_mic2", "p225/p225_010_mic1", "p225/p225_002_mic2"):
        sound(tree / f"{name}.flac")
    sound(tree / "p315/p315_001_mic1.flac", 2)
    sound(tree / "s5/s5_001_mic1.flac", 3)
    words(tmp_path / "txt/p225/p225_001.txt", "Please call Stella.\n")
    words(tmp_path / "txt/p225/p225_002.txt", "Ask her\nto bring these things. ")
    words(tmp_path / "txt/p225/p225_003.txt", "Six spoons.")
    words(tmp_path / "txt/p225/p225_010.txt", " \n")
    words(tmp_path / "txt/s5/s5_001.txt", "Snow peas.")
    words(tmp_path / "speaker-info.txt", "ID  AGE  GENDER  ACCENTS  REGION COMMENTS\n")
    found = find(tmp_path, tmp_path / "out")
    assert table(tree, found.rows) == {
        "p225_001": ("p225/p225_001_mic1.flac", "p225", "Please call Stella."),
        "p225_002": ("p225/p225_002_mic2.flac", "p225", "Ask her to bring these things."),
        "s5_001": ("s5/s5_001_mic1.flac", "s5", "Snow peas."),
    }
    assert {row.language for row in found.rows} == {"en"}
    assert kinds(found.left_out) == {
        "p225_003": "without a sound file",
        "p225_010": "with an empty transcript",
        "p315_001": "without a transcript",
    }


def test_the_older_vctk(tmp_path):
    sound(tmp_path / "wav48/p226/p226_001.wav")
    words(tmp_path / "txt/p226/p226_001.txt", "Please call Stella.")
    assert table(tmp_path, find(tmp_path, tmp_path / "out").rows) == {
        "p226_001": ("wav48/p226/p226_001.wav", "p226", "Please call Stella.")
    }


# -- transcripts beside sounds, and tables ----------------------------------------------------------------------------


@pytest.mark.parametrize("top", ["", "LibriTTS/train-clean-100/"])
def test_libritts_speakers_are_named_by_the_files(tmp_path, top):
    for name, number in (("84/121123/84_121123_000007_000001", 1), ("87/121553/87_121553_000001_000000", 2)):
        sound(tmp_path / f"{top}{name}.wav", number)
        words(tmp_path / f"{top}{name}.original.txt", f"Text No. {number}")
        words(tmp_path / f"{top}{name}.normalized.txt", f"Text number {number}")
    words(tmp_path / f"{top}84/121123/84_121123_000009_000000.normalized.txt", "Nobody said this.")
    found = find(tmp_path, tmp_path / "out")
    assert [(row.speaker, row.text) for row in found.rows] == [("84", "Text number 1"), ("87", "Text number 2")]
    assert kinds(found.left_out) == {f"{top}84/121123/84_121123_000009_000000": "without a sound file"}


def test_transcripts_beside_sounds_and_speakers_in_subfolders(tmp_path):
    for name in ("ann/a", "ann/deep/b", "bob/c", "bob/none", "bob/blank", "bob/latin", "bob/labels"):
        sound(tmp_path / "data" / f"{name}.flac")
    words(tmp_path / "data/ann/a.lab", "one")
    words(tmp_path / "data/ann/deep/b.txt", "two")
    words(tmp_path / "data/bob/c.txt", "\ufeffthree")
    words(tmp_path / "data/bob/blank.txt", "\n")
    (tmp_path / "data/bob/latin.txt").write_bytes("café".encode("latin-1"))
    words(tmp_path / "data/bob/labels.lab", "#\n0.39200 125 k\n")
    words(tmp_path / "data/README.txt", "about")
    found = find(tmp_path, tmp_path / "out")
    assert table(tmp_path / "data", found.rows) == {
        "data/ann/a": ("ann/a.flac", "ann", "one"),
        "data/ann/deep/b": ("ann/deep/b.flac", "ann", "two"),
        "data/bob/c": ("bob/c.flac", "bob", "three"),
    }
    assert kinds(found.left_out) == {
        "data/bob/none": "without a transcript",
        "data/bob/blank": "with an empty transcript",
        "data/bob/latin": "with an unreadable transcript",
        "data/bob/labels": "with an unreadable transcript",
    }


def test_sounds_without_any_transcript_have_no_speaker(tmp_path):
    sound(tmp_path / "dogs/a.flac")
    words(tmp_path / "dogs/notes.txt", "no transcript")
    found = find(tmp_path, tmp_path / "out")
    assert table(tmp_path, found.rows) == {"dogs/a": ("dogs/a.flac", None, None)}
    assert found.left_out == []


@pytest.mark.parametrize("header", ["", "path\ttext\n", "Path\tText\tSpeaker\n"])
@pytest.mark.parametrize("name", ["transcripts.tsv", "metadata.tsv"])
def test_a_table_of_paths_texts_and_speakers(tmp_path, header, name):
    for number, path in enumerate(("in/ann/a.flac", "in/ann/b.flac", "in/bob/c.wav", "in/bob/d.flac"), 1):
        sound(tmp_path / path, number)
    outside = sound(tmp_path / "other/e.flac", 6)
    words(
        tmp_path / "in" / name,
        f"{header}ann/a.flac\tone\nann/./b.flac\t two \tAnn B.\n\nbob/c.wav\t\ngone.wav\tfour\n"
        "../other/e.flac\tfive\tEve\n",
    )
    found = find(tmp_path / "in", tmp_path / "out")
    rows = {row.id: row for row in found.rows}
    assert rows.pop("e") == Recording("e", tmp_path / "in/../other/e.flac", text="five", speaker="Eve")
    assert outside.is_file()
    assert table(tmp_path / "in", list(rows.values())) == {
        "ann/a": ("ann/a.flac", "ann", "one"),
        "ann/b": ("ann/b.flac", "Ann B.", "two"),
    }
    assert kinds(found.left_out) == {
        "bob/c": "with an empty transcript",
        "gone": "without a sound file",
        "bob/d": "without a transcript",
    }


@pytest.mark.parametrize("line", ["a.flac", "a.flac\tone\tann\tmore", "\tone", "a.flac\tone\n./a.flac\ttwo"])
def test_a_malformed_table(tmp_path, line):
    sound(tmp_path / "a.flac")
    words(tmp_path / "transcripts.tsv", line)
    with pytest.raises(InputError, match=r"transcripts\.tsv:[12]: "):
        find(tmp_path, tmp_path / "out")


def test_ljspeech_rows_without_words_are_left_out(tmp_path):
    for id in ("a", "b"):
        sound(tmp_path / f"wavs/{id}.flac")
    words(tmp_path / "metadata.csv", "a|one|\nb||\n")
    found = find(tmp_path, tmp_path / "out")
    assert table(tmp_path, found.rows) == {"a": ("wavs/a.flac", None, "one")}
    assert kinds(found.left_out) == {"b": "with an empty transcript"}


# -- Kaldi ------------------------------------------------------------------------------------------------------------


def test_kaldi_utterances_are_segments_of_recordings(tmp_path):
    sound(tmp_path / "long one.flac")
    stereo = soundfile.read(SOUNDS / "arctic_a0002.flac")[0]
    soundfile.write(tmp_path / "call.wav", np.stack([stereo, stereo[::-1]], axis=1), 22_050)
    words(tmp_path / "wav.scp", f"rec1 {tmp_path}/long one.flac\nrec2\tcall.wav\nrec3 gone.wav\n")
    words(
        tmp_path / "segments",
        "ann-1 rec1 0.25 1.5\nann-2 rec1 1.5 -1\nbob-1 rec2 0 1 1\nbob-2 rec3 0 1\nbob-3 rec1 0 1\nbob-4 rec1 1 2\n",
    )
    words(tmp_path / "text", "ann-1 author of\nann-2\tthe danger trail\nbob-1 x\nbob-2 y\nbob-3\nann-9 z\nbob-4 q\n")
    words(tmp_path / "utt2spk", "ann-1 ann\nann-2 ann\nbob-1 bob\nbob-2 bob\nbob-3 bob\n")
    found = find(tmp_path, tmp_path / "out")
    path = tmp_path / "long one.flac"
    assert found.rows == [
        Recording("ann-1", path, 0.25, 1.25, "author of", "ann"),
        Recording("ann-2", path, 1.5, None, "the danger trail", "ann"),
    ]
    assert kinds(found.left_out) == {
        "bob-1": "in one channel of several",
        "bob-2": "without a sound file",
        "bob-3": "with an empty transcript",
        "bob-4": "without a speaker",
        "ann-9": "without a sound file",
    }


def test_kaldi_without_segments(tmp_path):
    for id in ("a", "b"):
        sound(tmp_path / f"{id}.flac")
    words(tmp_path / "wav.scp", f"a {tmp_path}/a.flac\nb b.flac\n")
    assert [row.id for row in find(tmp_path, tmp_path / "out").rows] == ["a", "b"]
    words(tmp_path / "text", "b two words\n")
    found = find(tmp_path, tmp_path / "out")
    assert found.rows == [Recording("b", tmp_path / "b.flac", text="two words")]
    assert kinds(found.left_out) == {"a": "without a transcript"}


def test_a_command_in_wav_scp_is_refused_and_not_run(tmp_path):
    sound(tmp_path / "a.flac")
    words(tmp_path / "wav.scp", f"a a.flac\nb touch {tmp_path}/ran && cat {tmp_path}/a.flac |\n")
    with pytest.raises(InputError, match=r"wav\.scp:2: is a command, which is not run"):
        find(tmp_path, tmp_path / "out")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("wav.scp", "a"),
        ("wav.scp", "a a.flac\na a.flac"),
        ("segments", "u a 0"),
        ("segments", "u a 1 0.5"),
        ("segments", "u a 0 inf"),
        ("segments", "u a -1 1"),
        ("text", "a x\na y"),
    ],
)
def test_malformed_kaldi_tables(tmp_path, file, line):
    sound(tmp_path / "a.flac")
    words(tmp_path / "wav.scp", "a a.flac")
    words(tmp_path / file, line)
    with pytest.raises(InputError, match=rf"{file}:[12]: "):
        find(tmp_path, tmp_path / "out")


# -- Lhotse -----------------------------------------------------------------------------------------------------------


def cut(id: str, path: Path | str = "a.flac", *supervisions: dict, source: dict | None = None, **more) -> dict:
    """A cut as Lhotse 1.33 writes it: the second second of a recording."""
    recording = {
        "id": "rec",
        "sources": [{"type": "file", "channels": [0], "source": str(path)} | (source or {})],
        "sampling_rate": 22050,
        "num_samples": 83266,
        "duration": 3.776235827664399,
        "channel_ids": [0],
    } | more.pop("recording", {})
    said = [
        {"id": f"{id}-s{number}", "recording_id": "rec", "start": 0.0, "duration": 2.0, "channel": 0} | supervision
        for number, supervision in enumerate(supervisions)
    ]
    basic = {"id": id, "start": 1.0, "duration": 2.0, "channel": 0, "supervisions": said, "type": "MonoCut"}
    return basic | {"recording": recording} | more


def lines(path: Path, *cuts: object) -> None:
    text = "".join(json.dumps(each) + "\n" for each in cuts)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


@pytest.mark.parametrize("name", ["cuts.jsonl", "cuts.jsonl.gz"])
def test_lhotse_supervisions_are_recordings(tmp_path, name):
    path = sound(tmp_path / "a.flac")
    speed = [{"name": "Speed", "kwargs": {"factor": 1.1}}]
    resample = [{"name": "Resample", "kwargs": {"source_sampling_rate": 44100, "target_sampling_rate": 22050}}]
    lines(
        tmp_path / name,
        cut("one", path, {"text": "the danger", "speaker": "ann", "language": "English"}),
        cut(
            "two",
            "a.flac",
            {"text": "the", "start": -0.01, "duration": 0.5, "language": "nl"},
            {"text": "danger", "start": 0.75, "duration": 1.3},
            {"text": " "},
            {"text": "cut in two", "start": 1.5},
        ),
        cut("resampled", path, {"text": "trail"}, recording={"transforms": resample}),
        cut("fast", path, {"text": "x"}, recording={"transforms": speed}),
        cut("stereo", path, {"text": "x"}, source={"channels": [0, 1]}),
        {"id": "mixed", "tracks": [], "type": "MixedCut"},
        cut("features", path, {"text": "x"}, recording={}) | {"recording": None},
        cut("gone", "gone.wav", {"text": "x"}),
        cut("untold", path),
    )
    found = find(tmp_path, tmp_path / "out")
    assert found.rows == [
        Recording("one", path, 1.0, 2.0, "the danger", "ann", "en"),
        Recording("two-0", path, 1.0, 0.49, "the", None, "nl"),
        Recording("two-1", path, 1.75, 1.25, "danger"),
        Recording("resampled", path, 1.0, 2.0, "trail"),
    ]
    assert kinds(found.left_out) == {
        "two-2": "with an empty transcript",
        "two-3": "cut through",
        "fast": "changed while read",
        "stereo": "in one channel of several",
        "mixed": "of type MixedCut",
        "features": "without a sound file",
        "gone": "without a sound file",
        "untold": "without a transcript",
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (cut("a", "touch ran |", source={"type": "command"}), "of type 'command', must be 'file'"),
        (cut("a", "https://example.org/a.wav", source={"type": "url"}), "of type 'url'"),
        ({"id": "a"}, "without a sound file"),
        ({"start": 1}, "is not a cut of Lhotse"),
        ([1], "is not a cut of Lhotse"),
        (cut("a", duration=-1.0), "duration"),
        (cut("a", recording={"sources": []}), "is not a cut of Lhotse"),
    ],
)
def test_malformed_cuts(tmp_path, line, message):
    sound(tmp_path / "a.flac")
    lines(tmp_path / "cuts.jsonl", cut("fine"), line)
    with pytest.raises(InputError) as caught:
        prepare(tmp_path, tmp_path / "out")
    assert f"{tmp_path}/cuts.jsonl:2: " in str(caught.value)
    assert message in str(caught.value)
    assert not (tmp_path / "out/train.jsonl").exists()


def test_a_cut_set_that_is_cut_off(tmp_path):
    lines(tmp_path / "cuts.jsonl.gz", cut("a"))
    packed = (tmp_path / "cuts.jsonl.gz").read_bytes()
    for bad in (packed[:-20], b"no gzip"):
        (tmp_path / "cuts.jsonl.gz").write_bytes(bad)
        with pytest.raises(InputError, match=r"cuts\.jsonl\.gz: the cut set cannot be read"):
            find(tmp_path, tmp_path / "out")


# -- manifests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [None, 16_000])
def test_segments_keep_their_samples_in_the_manifest_or_in_files_of_their_own(tmp_path, rate):
    path = sound(tmp_path / "a.flac")
    whole, _ = soundfile.read(path)
    seconds = len(whole) / 22_050
    words(tmp_path / "wav.scp", "rec a.flac\n")
    words(
        tmp_path / "segments",
        f"u1 rec 0.5 1.5\nu2 rec 1.5 2.25\nu3 rec 2.5 {seconds + 0.3}\nu4 rec 2.5 {seconds + 1}\n",
    )
    words(tmp_path / "text", "u1 a\nu2 b\nu3 c\nu4 d\n")
    made = prepare(tmp_path, tmp_path / "out", rate=rate, validation="u2", test="u3", speaker="me", language="en")
    assert kinds(made.left_out) == {"u4": "unreadable"}  # ends more than half a second behind its file
    assert [round(made.seconds[name], 3) for name in ("train", "validation", "test")] == [
        1.0,
        0.75,
        round(seconds - 2.5, 3),
    ]
    (row,) = read_manifest(tmp_path / "out/train.jsonl")
    assert (row.text, row.speaker, row.language) == ("a", "me", "en")
    if rate is None:
        assert (row.audio.resolve(), row.start, row.duration) == (path.resolve(), 0.5, 1.0)
        assert read_manifest(tmp_path / "out/test.jsonl")[0].duration is None
    else:
        assert (row.audio, row.start, row.duration) == (tmp_path / "out/sounds/u1.flac", 0.0, None)
        wave, found = soundfile.read(row.audio)
        assert (found, len(wave)) == (rate, rate)
        level = np.sqrt(np.mean(whole[11_025:33_075] ** 2))
        assert np.sqrt(np.mean(wave**2)) == pytest.approx(level, rel=0.02)


def test_what_is_left_out_is_counted_and_listed(tmp_path):
    for number, name in enumerate(("a", "b", "c", "silent"), 1):
        sound(tmp_path / f"in/{name}.flac", number)
        words(tmp_path / f"in/{name}.txt", FIRST)
    soundfile.write(tmp_path / "in/silent.flac", np.zeros(22_050), 22_050)
    words(tmp_path / "in/gone.txt", "nobody said this")
    words(tmp_path / "in/lost.txt", "nor this")
    made = prepare(tmp_path / "in", tmp_path / "out")
    assert count(made.left_out) == "2 without a sound file, 1 silent"
    listed = (tmp_path / "out/left_out.txt").read_text().splitlines()
    assert [line.split("\t")[0] for line in listed] == ["without a sound file", "without a sound file", "silent"]
    assert "gone.txt" in listed[0]
    assert all(row.text == FIRST for rows in made.sets.values() for row in rows)


def test_an_id_cannot_lead_out_of_the_folder(tmp_path):
    sound(tmp_path / "in/a.flac")
    words(tmp_path / "in/wav.scp", f"../../evil a.flac\n{tmp_path}/evil a.flac\n")
    with pytest.raises(InputError, match="2 with an id that leads elsewhere"):
        prepare(tmp_path / "in", tmp_path / "out/data", rate=16_000)
    assert not list(tmp_path.rglob("evil*"))


def test_a_corpus_of_which_nothing_is_left_says_why(tmp_path):
    sound(tmp_path / "wav48/p1/p1_001.flac")
    words(tmp_path / "txt/p1/p1_002.txt", "one")
    with pytest.raises(
        InputError, match=r"1 without a sound file, 1 without a transcript left out, the first: .*p1_002"
    ):
        prepare(tmp_path, tmp_path / "out")
