"""Transcripts planted where they do not belong, and sets that are played too fast or too slow."""

import numpy as np
import pytest

from specgan.doctor.examine import examine
from specgan.doctor.phones import align
from specgan.text.aligner import best_path
from tests.specgan.doctor.planted import RATE, diagnose
from vocoder.signal import audio


@pytest.mark.parametrize("pair", [(1, 4), (2, 7), (0, 9)])
def test_two_exchanged_transcripts(planted, pair):
    one, two = (planted.ids[i] for i in pair)
    planted.texts[one], planted.texts[two] = planted.texts[two], planted.texts[one]
    found = diagnose(planted)
    found.pop("length", None)  # which may see them as well
    assert {name for names in found.values() for name in names} == {one, two}
    assert found.keys() <= {"swapped", "transcripts"}


def test_two_exchanged_transcripts_by_a_trained_aligner(planted, learned):
    one, two = planted.ids[1], planted.ids[4]
    planted.texts[one], planted.texts[two] = planted.texts[two], planted.texts[one]
    found = diagnose(planted, aligner=learned.aligner)
    found.pop("length", None)
    assert found == {"alignment": [one, two]}


def test_a_clean_set_by_a_trained_aligner(planted, learned):
    assert diagnose(planted, aligner=learned.aligner) == {}


def test_a_text_that_is_much_too_long(planted):
    planted.texts["arctic_a0007"] += " " + planted.texts["arctic_a0001"] + " " + planted.texts["arctic_a0002"]
    assert diagnose(planted)["length"] == ["arctic_a0007"]


def test_a_text_without_words(planted):
    planted.texts["arctic_a0007"] = "…"
    assert diagnose(planted)["no words"] == ["arctic_a0007"]


@pytest.mark.parametrize(("true", "labelled"), [(8_000, 22_050), (22_050, 8_000), (44_100, 22_050), (16_000, 44_100)])
def test_a_set_whose_files_name_a_wrong_rate(planted, true, labelled):
    for id, wave in planted.waves.items():
        planted.waves[id] = audio.resample(wave, RATE, true)
        planted.rates[id] = labelled
    examined = examine([planted.write()])
    (finding,) = (item for item in examined.findings if item.check == "wrong rate")
    assert finding.serious
    assert sorted(case.name for case in finding.cases) == planted.ids
    assert f"say {labelled} Hz" in finding.what
    guess = int(finding.what.split("about ")[1].split()[0])
    assert abs(np.log(guess / true)) < np.log(1.4)  # the pace of one speaker tells no more
    assert not {"length", "swapped", "transcripts"} & {item.check for item in examined.findings}


def test_the_pitch_is_told_with_it(planted):
    for id, wave in planted.waves.items():
        planted.waves[id] = audio.resample(wave, RATE, 12_000)  # 1.84 times too fast when played at 22 050 Hz
    (finding,) = (item for item in examine([planted.write()]).findings if item.check == "wrong rate")
    heard = float(finding.what.split("pitch of ")[1].split()[0])
    assert 1.6 * 150 < heard < 2.1 * 190  # kathleen speaks at about 160 Hz


def test_paths_are_those_of_the_reference():
    rng = np.random.default_rng(0)
    scores = [
        rng.standard_normal((frames, tokens)).astype(np.float32) for frames, tokens in ((30, 7), (12, 12), (50, 3))
    ]
    for one, (path, fit) in zip(scores, align(scores), strict=True):
        durations = best_path(one.astype(np.float64))
        assert np.bincount(path, minlength=one.shape[1]).tolist() == durations.tolist()
        assert fit == pytest.approx(one[np.arange(len(one)), path].mean(), abs=1e-5)


def test_without_a_language_transcripts_are_left_alone(planted):
    from vocoder.signal.manifest import Recording, read_manifest, write_manifest

    path = planted.write()
    write_manifest(path, [Recording(row.id, row.audio, text=row.text) for row in read_manifest(path)])
    (finding,) = examine([path]).findings
    assert (finding.check, finding.serious, finding.cases) == ("language", False, ())
