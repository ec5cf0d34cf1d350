"""Faults of the sound planted in recordings of kathleen: exactly those recordings are named, nothing else is said."""

import numpy as np
import pytest

from specgan.doctor.examine import examine
from specgan.doctor.spectrum import analyse
from tests.specgan.doctor.planted import RATE, diagnose
from vocoder.signal import audio


def test_a_clean_set_is_clean(planted):
    examined = examine([planted.write()])
    assert examined.findings == []
    assert not examined.serious and not examined.unusable


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_clipping_at_and_below_full_scale(planted, share):
    # one in twelve; cut off at half of the peak, which is then scaled to `share` of full scale
    wave = planted.waves["arctic_a0003"]
    peak = np.abs(wave).max()
    planted.waves["arctic_a0003"] = np.clip(wave, -peak / 2, peak / 2) / (peak / 2) * share
    found = diagnose(planted)
    assert found.pop("clipping") == ["arctic_a0003"]
    assert not found.keys() & {"over full scale", "transcripts", "swapped", "length", "noise"}


def test_a_silent_and_an_unreadable_file(planted):
    path = planted.write()
    audio.write(planted.folder / "wavs/train/arctic_a0001.wav", np.zeros(RATE), RATE)
    (planted.folder / "wavs/train/arctic_a0002.wav").write_bytes(b"RIFF what is this")
    examined = examine([path])
    named = {item.check: [case.name for case in item.cases] for item in examined.findings}
    assert named == {"silence": ["arctic_a0001"], "unreadable": ["arctic_a0002"]}
    assert examined.unusable == {(str(path), "arctic_a0001"), (str(path), "arctic_a0002")}


def test_direct_current(planted):
    planted.waves["arctic_a0004"] = planted.waves["arctic_a0004"] + 0.05
    assert diagnose(planted) == {"DC offset": ["arctic_a0004"]}


def test_levels(planted):
    for id, level in {"arctic_a0004": -38.0, "arctic_a0006": -46.0}.items():
        planted.waves[id] = planted.waves[id] * 10 ** ((level - audio.level(planted.waves[id])) / 20)
    assert diagnose(planted) == {"level spread": ["arctic_a0004"], "level": ["arctic_a0006"]}


def test_noise(planted):
    rng = np.random.default_rng(0)
    for id, above in {"arctic_a0002": 17, "arctic_a0008": 8}.items():
        wave = np.pad(planted.waves[id], round(0.15 * RATE))  # a pause in which the noise can be heard
        noise = rng.standard_normal(len(wave)) * 10 ** (audio.level(wave) / 20 - above / 20)
        planted.waves[id] = (wave + noise).astype(np.float32)
    found = diagnose(planted)
    assert found["noise"] == ["arctic_a0002"]
    assert found["drowned"] == ["arctic_a0008"]


@pytest.mark.parametrize("above", [30, 20, 10])
def test_the_noise_floor_is_that_of_planted_noise(planted, above):
    wave = np.pad(planted.waves["arctic_a0003"], round(0.15 * RATE))
    level = audio.level(planted.waves["arctic_a0003"]) - above
    noise = np.random.default_rng(0).standard_normal(len(wave)) * 10 ** (level / 20)
    found = analyse((wave + noise).astype(np.float32), RATE)
    assert found.noise == pytest.approx(level, abs=1.5)
    assert found.snr == pytest.approx(above, abs=2.0)  # of the sound alone, not of the pauses in it


def test_a_telephone_band_in_a_file_of_22_khz(planted):
    # 8 kHz material that somebody resampled
    for id in ("arctic_a0002", "arctic_a0007"):
        planted.waves[id] = audio.resample(audio.resample(planted.waves[id], RATE, 8_000), 8_000, RATE)
    path = planted.write()
    examined = examine([path])
    (found,) = examined.findings
    assert (found.check, found.serious) == ("band width", True)
    assert sorted(case.name for case in found.cases) == ["arctic_a0002", "arctic_a0007"]
    assert "8000 Hz" in found.what


def test_a_cutoff_is_measured_to_a_band(planted):
    wave = audio.resample(audio.resample(planted.waves["arctic_a0003"], RATE, 12_000), 12_000, RATE)
    planted.waves["arctic_a0003"] = wave
    (found,) = examine([planted.write()]).findings
    assert "nothing above" in found.cases[0].words
    # the pass band ends at 0.91 of 6 kHz, and nothing is left at 6 kHz
    assert 5.3 <= float(found.cases[0].words.split()[2]) <= 6.1


def test_long_pauses(planted):
    rng = np.random.default_rng(0)
    hiss = (0.001 * rng.standard_normal(round(1.4 * RATE))).astype(np.float32)
    planted.waves["arctic_a0001"] = np.concatenate([hiss, planted.waves["arctic_a0001"]])
    planted.waves["arctic_a0002"] = np.concatenate([planted.waves["arctic_a0002"], hiss])
    assert diagnose(planted) == {"pauses": ["arctic_a0001", "arctic_a0002"]}


def test_channels(planted):
    waves = planted.waves
    one, two, three, four = planted.ids[:4]
    other = np.resize(waves[planted.ids[5]], len(waves[three]))
    waves[one] = np.stack([waves[one], np.zeros_like(waves[one])])
    waves[two] = np.stack([waves[two], -waves[two]])
    waves[three] = np.stack([waves[three], other])
    waves[four] = np.stack([waves[four], 0.9 * waves[four]])
    found = diagnose(planted)
    assert found["one side"] == [one]
    assert found["inverted"] == [two]
    assert found["two sides"] == [three]
    assert found["mixed channels"] == [one, two, three, four]


def test_mixed_rates(planted):
    for id in ("arctic_a0002", "arctic_a0003"):
        planted.waves[id] = audio.resample(planted.waves[id], RATE, 16_000)
        planted.rates[id] = 16_000
    assert diagnose(planted) == {"mixed rates": ["arctic_a0002", "arctic_a0003"]}


def test_even_noise_with_a_text_is_no_speech(planted):
    noise = 0.05 * np.random.default_rng(0).standard_normal(len(planted.waves["arctic_a0009"]))
    planted.waves["arctic_a0009"] = noise.astype(np.float32)
    assert diagnose(planted)["no speech"] == ["arctic_a0009"]
