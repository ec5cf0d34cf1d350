"""Given mels: right ones, shifted ones, and mels of another kind."""

import dataclasses
import json

import librosa
import numpy as np
import pytest
import torch

from specgan.doctor.examine import examine
from specgan.doctor.mels import find_offset
from tests.specgan.doctor.planted import RATE, found
from vocoder.errors import InputError
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import MelSpec, preset

SPEC = preset("22k")


def log_mel(wave: np.ndarray, spec: MelSpec = SPEC) -> np.ndarray:
    return LogMel(spec)(torch.from_numpy(wave)[None])[0].numpy()


@pytest.fixture
def given(planted):
    """A manifest of a few, and a function that writes a folder of mels for it."""
    for id in planted.ids[4:]:
        del planted.waves[id]
    path = planted.write()

    def write(mels: dict[str, np.ndarray], spec: MelSpec = SPEC):
        folder = planted.folder / "mels"
        folder.mkdir(exist_ok=True)
        (folder / "mels.json").write_text(json.dumps(spec.to_dict()))
        for id, mel in mels.items():
            np.save(folder / f"{id}.npy", mel)
        return folder

    return path, write


def right(planted, spec: MelSpec = SPEC) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)  # a drawn mel is not exactly that of the recording
    mels = {id: log_mel(wave, spec) for id, wave in planted.waves.items()}
    return {id: (mel + 0.3 * rng.standard_normal(mel.shape)).astype(np.float32) for id, mel in mels.items()}


def test_right_mels(planted, given):
    path, write = given
    assert found(examine([path], mels=write(right(planted)))) == {}


def test_mels_shifted_by_half_a_frame(planted, given):
    path, write = given
    mels = right(planted)
    for id in ("arctic_a0002", "arctic_a0004"):  # as librosa and torch make them, centred; one frame more
        wave = planted.waves[id]
        wave = np.pad(wave, (0, -len(wave) % SPEC.hop))
        power = librosa.feature.melspectrogram(y=wave, sr=RATE, n_fft=1024, hop_length=256, n_mels=80, power=1.0)
        mels[id] = np.log(np.maximum(power, 1e-5))[:, :-1].astype(np.float32)
    examined = examine([path], mels=write(mels))
    assert found(examined) == {"mel shift": ["arctic_a0002", "arctic_a0004"]}
    assert all(case.words.startswith("0.5") and case.words.endswith("late") for case in examined.findings[0].cases)


@pytest.mark.parametrize("offset", [-1.5, -0.5, 0.0, 0.25, 0.5, 1.0])
def test_the_offset_is_measured_in_parts_of_a_frame(planted, offset):
    wave = planted.waves["arctic_a0001"]
    moved = np.roll(wave, -round(offset * SPEC.hop))  # frame k shows what comes `offset` frames later: it is early
    assert find_offset(log_mel(moved), wave, SPEC)[0] == pytest.approx(offset, abs=0.03)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fmax": 8000.0}, "fmax 8000"),
        ({"log_base": "10"}, "log_base 10"),
        ({"mel_norm": "none"}, "mel_norm none"),
        ({"mel_scale": "htk"}, "mel_scale htk"),
    ],
)
def test_mels_of_another_kind_than_their_folder_says(planted, given, change, words):
    path, write = given
    folder = write(right(planted, dataclasses.replace(SPEC, **change)))
    (finding,) = examine([path], mels=folder).findings
    assert (finding.check, sorted(case.name for case in finding.cases)) == ("mel kind", planted.ids)
    assert words in finding.what


def test_powers_for_magnitudes(planted, given):
    path, write = given
    mels = right(planted)
    mels["arctic_a0003"] = 2 * mels["arctic_a0003"]
    (finding,) = examine([path], mels=write(mels)).findings
    assert [case.name for case in finding.cases] == ["arctic_a0003"]
    assert "powers" in finding.what


def test_a_missing_mel_one_that_is_too_long_and_one_of_another_recording(planted, given):
    path, write = given
    mels = right(planted)
    del mels["arctic_a0001"]
    mels["arctic_a0002"] = np.pad(mels["arctic_a0002"], ((0, 0), (0, 1)))
    frames = mels["arctic_a0004"].shape[1]
    mels["arctic_a0004"] = np.resize(mels["arctic_a0003"].T, (frames, 80)).T.copy()
    named = found(examine([path], mels=write(mels)))
    assert named == {"mels": ["arctic_a0001", "arctic_a0002"], "mel distance": ["arctic_a0004"]}


def test_a_folder_without_a_mel_spec_is_refused(planted, given, tmp_path):
    with pytest.raises(InputError, match="mels"):
        examine([given[0]], mels=tmp_path)
