"""Preparing data: which recordings a manifest names, which set each belongs to, what is left out and why."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

from specgan.prepare import prepare, select
from vocoder.errors import InputError
from vocoder.signal.manifest import read_manifest

FIXTURES = Path(__file__).parents[1] / "fixtures"


def tone(path: Path, *, rate: int = 22_050, seconds: float = 0.5, level: float = 0.5, channels: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = level * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)
    soundfile.write(path, np.stack([wave] * channels, axis=1), rate)
    return path


def ids(path: Path) -> list[str]:
    return [row.id for row in read_manifest(path)]


def test_a_corpus_in_the_ljspeech_layout_is_split_by_ranges(tmp_path):
    made = prepare(
        FIXTURES / "kathleen",
        tmp_path,
        validation="arctic_a0004",
        test="arctic_a0002,arctic_a0011..arctic_a0013",
        speaker="kathleen",
        language="en",
    )
    assert ids(tmp_path / "validation.jsonl") == ["arctic_a0004"]
    assert ids(tmp_path / "test.jsonl") == ["arctic_a0002", "arctic_a0011", "arctic_a0012"]
    assert len(ids(tmp_path / "train.jsonl")) == 12 - 4
    row = read_manifest(tmp_path / "test.jsonl")[0]
    assert (row.text, row.speaker, row.language) == (
        "Not at this particular case, Tom, apologized Whittemore.",
        "kathleen",
        "en",
    )
    assert made.seconds["validation"] == pytest.approx(soundfile.info(row.audio.parent / "arctic_a0004.flac").duration)
    assert made.left_out == []


def test_a_nested_folder_is_found_and_hidden_and_foreign_files_are_not(tmp_path):
    sounds = tmp_path / "sounds"
    for name in ("b.wav", "a/one.FLAC", "a/two.ogg", "10.wav", "9.wav", ".hidden.wav", ".trash/c.wav"):
        tone(sounds / name)
    (sounds / "notes.txt").write_text("no sound")
    prepare(sounds, tmp_path / "data")
    found = {name: ids(tmp_path / "data" / f"{name}.jsonl") for name in ("train", "validation", "test")}
    assert sorted(itertools.chain(*found.values())) == ["10", "9", "a/one", "a/two", "b"]
    assert [len(found[name]) for name in ("train", "validation", "test")] == [3, 1, 1]


def test_a_random_split_depends_on_the_seed_and_stays_when_recordings_come(tmp_path):
    for number in range(40):
        tone(tmp_path / "sounds" / f"{number}.wav", seconds=0.2)
    drawn = {}
    for seed in range(4):
        prepare(tmp_path / "sounds", tmp_path / "data", seed=seed)
        sets = [ids(tmp_path / "data" / f"{name}.jsonl") for name in ("train", "validation", "test")]
        assert [len(names) for names in sets] == [36, 2, 2]
        assert len(set(itertools.chain(*sets))) == 40
        drawn[seed] = tuple(sets[2])
    assert len(set(drawn.values())) == 4
    prepare(tmp_path / "sounds", tmp_path / "again", seed=3)
    assert tuple(ids(tmp_path / "again" / "test.jsonl")) == drawn[3]
    tone(tmp_path / "sounds" / "more.wav")
    prepare(tmp_path / "sounds", tmp_path / "again", seed=3)
    held_out = {*ids(tmp_path / "again" / "test.jsonl"), *ids(tmp_path / "again" / "validation.jsonl")}
    assert len(held_out & {*drawn[3], *sets[1]}) >= 3  # a new recording displaces one at most


def test_other_rates_and_formats_are_converted_and_those_that_fit_stay_where_they_are(tmp_path):
    tone(tmp_path / "in/fits.wav", rate=16_000)
    tone(tmp_path / "in/high.wav", rate=48_000, channels=2)
    tone(tmp_path / "in/deep/lossy.ogg", rate=16_000)
    made = prepare(tmp_path / "in", tmp_path / "out", rate=16_000)
    rows = {
        row.id: row.audio
        for name in ("train", "validation", "test")
        for row in read_manifest(tmp_path / f"out/{name}.jsonl")
    }
    assert rows["fits"] == tmp_path / "in/fits.wav"
    assert rows["high"] == tmp_path / "out/sounds/high.flac"
    assert rows["deep/lossy"] == tmp_path / "out/sounds/deep/lossy.flac"
    assert made.converted == 2
    wave, rate = soundfile.read(rows["high"])
    assert (rate, wave.shape) == (16_000, (8_000,))
    wanted = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8_000) / 16_000)
    assert np.abs(wave - wanted)[200:-200].max() < 1e-3


def test_what_cannot_be_used_is_counted_with_its_reason(tmp_path):
    sounds = tmp_path / "sounds"
    for name in ("a", "b", "c"):
        tone(sounds / f"{name}.wav")
    tone(sounds / "a.flac")
    tone(sounds / "click.wav", seconds=0.05)
    tone(sounds / "still.wav", level=0)
    (sounds / "empty.wav").touch()
    (sounds / "text.mp3").write_text("not sound at all " * 50)
    (sounds / "cut.wav").write_bytes((sounds / "b.wav").read_bytes()[:5000])
    soundfile.write(sounds / "broken.wav", np.full(22_050, np.nan), 22_050, subtype="FLOAT")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is said twice
        made = prepare(sounds, tmp_path / "data")
    assert sum(map(len, made.sets.values())) == 3
    kinds = {Path(item.reason.partition(":")[0]).name: item.kind for item in made.left_out}
    assert kinds == {
        "a.wav": "of a name already taken",  # by a.flac
        "click.wav": "too short",
        "still.wav": "silent",
        "empty.wav": "unreadable",
        "text.mp3": "unreadable",
        "cut.wav": "unreadable",
        "broken.wav": "unreadable",
    }
    lines = (tmp_path / "data/left_out.txt").read_text().splitlines()
    assert len(lines) == 7
    assert any(line.startswith("silent\t") and "still.wav" in line for line in lines)


def test_lines_without_sound_and_sounds_without_line_are_left_out(tmp_path):
    for name in ("x1", "x2", "x3", "extra"):
        tone(tmp_path / f"corpus/wavs/{name}.wav")
    (tmp_path / "corpus/metadata.csv").write_text("x1|one|ONE\nx2|two\n\nx3|three|\ngone|four|four\n")
    made = prepare(tmp_path / "corpus", tmp_path / "data", validation="x2", test="x3")
    assert {item.id: item.kind for item in made.left_out} == {
        "gone": "without a sound file",
        "extra": "not in metadata.csv",
    }
    texts = {row.id: row.text for rows in made.sets.values() for row in rows}
    assert texts == {"x1": "ONE", "x2": "two", "x3": "three"}


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ("a9", {"a9"}),
        ("a9..a11", {"a9", "a10", "a11"}),  # as numbers: as text a10 would stand before a9
        (" a9 , b1..b2,", {"a9", "b1", "b2"}),
        ("a11..b1", {"a11", "b1"}),
    ],
)
def test_selections(words, chosen):
    assert select(["a9", "a10", "a11", "b1", "b2"], words, "--test") == chosen


def test_a_selection_from_a_file(tmp_path):
    (tmp_path / "ids.txt").write_text("a1\n\na3..a4\n")
    assert select(["a1", "a2", "a3", "a4"], f"@{tmp_path / 'ids.txt'}", "--test") == {"a1", "a3", "a4"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"test": "nobody"}, ("--test", "'nobody'", "arctic_a0001")),
        ({"test": "zz1..zz9"}, ("--test", "'zz1..zz9'")),
        ({"test": ","}, ("--test", "names no recording")),
        ({"validation": "arctic_a0001", "test": "arctic_a0001..arctic_a0002"}, ("share 1", "arctic_a0001")),
        ({"validation": "arctic_a0001", "test": "arctic_a0002..arctic_b9999"}, ("leave some for training",)),
        ({"test": "@/nowhere/ids"}, ("--test", "/nowhere/ids")),
    ],
)
def test_bad_selections(tmp_path, options, words):
    with pytest.raises(InputError) as caught:
        prepare(FIXTURES / "kathleen", tmp_path / "data", **options)
    for word in words:
        assert word in str(caught.value)
    assert not list((tmp_path / "data").glob("*.jsonl"))


def test_two_recordings_are_too_few(tmp_path):
    for name in ("a", "b"):
        tone(tmp_path / f"in/{name}.wav")
    tone(tmp_path / "in/c.wav", level=0)
    with pytest.raises(InputError, match=r"2 usable recordings \(1 silent left out.*c\.wav.*at least 3"):
        prepare(tmp_path / "in", tmp_path / "out")


def test_an_earlier_run_inside_the_folder_is_not_taken_for_recordings(tmp_path):
    for name in ("a", "b", "c"):
        tone(tmp_path / f"{name}.wav", rate=44_100)
    for _ in range(2):
        made = prepare(tmp_path, tmp_path / "made", rate=22_050)
        assert sum(map(len, made.sets.values())) == 3
