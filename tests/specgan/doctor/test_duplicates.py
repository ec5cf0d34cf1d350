"""The same recording twice: in a set, and in the training and the test set."""

import dataclasses

import numpy as np
import pytest

from specgan.doctor.examine import examine, manifests_in
from tests.specgan.doctor.planted import RATE, found
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import read_manifest, write_manifest


def two_sets(planted):
    return [planted.write("train", planted.ids[:10]), planted.write("test", planted.ids[10:])]


def test_two_sets_that_share_nothing(planted):
    assert examine(two_sets(planted)).findings == []


def test_test_rows_that_stand_in_training_too(planted):
    train, test = two_sets(planted)
    rows = read_manifest(test)
    write_manifest(test, [*rows, read_manifest(train)[3]])
    (finding,) = examine([train, test]).findings
    assert (finding.check, finding.serious) == ("shared", True)
    assert {(case.set, case.name) for case in finding.cases} == {
        (str(train), planted.ids[3]),
        (str(test), planted.ids[3]),
    }


def test_by_sound_under_another_id_and_at_another_level(planted):
    train, test = two_sets(planted)
    path = planted.folder / "other.flac"
    audio.write(path, 0.4 * planted.waves[planted.ids[2]], RATE)
    row = dataclasses.replace(read_manifest(train)[2], id="renamed", audio=path)
    write_manifest(test, [*read_manifest(test), row])
    assert found(examine([train, test])) == {"shared": sorted([planted.ids[2], "renamed"])}


def test_segments_of_one_file_that_overlap(planted):
    train, test = two_sets(planted)
    row = read_manifest(train)[0]
    text = {"text": None, "speaker": None, "language": None}
    write_manifest(train, [*read_manifest(train)[1:], dataclasses.replace(row, id="a", duration=1.5, **text)])
    piece = dataclasses.replace(row, id="b", start=1.2, duration=1.0, **text)
    write_manifest(test, [*read_manifest(test), piece])
    assert found(examine([train, test])) == {"shared": ["a", "b"]}
    write_manifest(test, [*read_manifest(test)[:-1], dataclasses.replace(piece, start=1.5)])
    assert found(examine([train, test])) == {}


def test_one_id_for_two_recordings(planted):
    train, test = two_sets(planted)
    rows = read_manifest(test)
    write_manifest(test, [dataclasses.replace(rows[0], id=planted.ids[0]), *rows[1:]])
    assert found(examine([train, test])) == {"shared ids": [planted.ids[0]]}


@pytest.mark.parametrize("change", ["same", "softer", "mp3", "8 kHz", "cut"])
def test_twice_in_a_set(planted, change):
    train = planted.write()
    wave, rate, suffix = planted.waves["arctic_a0006"], RATE, ".wav"
    if change == "softer":
        wave = 0.3 * wave
    if change == "8 kHz":
        wave, rate = audio.resample(wave, RATE, 8_000), 8_000
    if change == "cut":
        wave = wave[300:]
    if change == "mp3":
        suffix = ".mp3"
    path = planted.folder / f"copy{suffix}"
    audio.write(path, wave, rate)
    rows = read_manifest(train)
    write_manifest(train, [*rows, dataclasses.replace(rows[4], id="copy", audio=path)])
    named = found(examine([train]))
    assert named["duplicates"] == ["copy"]
    assert named.keys() <= {"duplicates", "mixed rates"}


def test_folders_and_what_they_lack(planted):
    train, test = two_sets(planted)
    assert manifests_in([planted.folder]) == [train, test]
    with pytest.raises(InputError, match="named twice"):
        manifests_in([planted.folder, test])
    (planted.folder / "empty").mkdir()
    with pytest.raises(InputError, match=r"train\.jsonl or"):
        manifests_in([planted.folder / "empty"])


def test_different_recordings_are_far_from_alike(planted):
    measured = examine([planted.write()]).measured
    assert len({one.digest for one in measured}) == len(measured) == 12
    assert np.isfinite([one.level for one in measured]).all()
