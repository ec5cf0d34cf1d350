"""Given mels: every frame beside its samples, and what does not belong to a recording is refused."""

from __future__ import annotations

import json
import math
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.dataset import Crops, CropSampler, Recordings, utterances
from vocoder.signal.manifest import Recording
from vocoder.signal.mel import LogMel
from vocoder.signal.mels import Mels
from vocoder.signal.spec import MelSpec, preset

SPEECH = Path(__file__).parents[2] / "fixtures" / "kathleen" / "wavs"
SPEC = preset("22k")
RATE, HOP = SPEC.sample_rate, SPEC.hop
LENGTHS = {"long": 60 * HOP, "ragged": 37 * HOP + 100, "sharp": 20 * HOP - 1, "short": 5 * HOP + 1, "nested/dot": 9}
FRAMES = 16  # of a crop


def write_mels(folder: Path, mels: dict[str, np.ndarray], spec: MelSpec = SPEC) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "mels.json").write_text(json.dumps(spec.to_dict()))
    for id, mel in mels.items():
        (folder / f"{id}.npy").parent.mkdir(exist_ok=True)
        np.save(folder / f"{id}.npy", mel)
    return folder


def number(recording: int, frame: np.ndarray) -> np.ndarray:
    """The level of all samples of a frame, and of its mel: no two frames of the set share one."""
    return (1000 * (recording + 1) + frame + 1) / 32768


@pytest.fixture
def numbered(tmp_path):
    """Recordings in which all samples of a frame are its number, and mels in which all bands are."""
    rows, mels = [], {}
    for index, (id, length) in enumerate(LENGTHS.items()):
        path = tmp_path / f"{index}.wav"
        audio.write(path, number(index, np.arange(length) // HOP), RATE)
        rows.append(Recording(id, path))
        mels[id] = np.tile(number(index, np.arange(-(-length // HOP))).astype(np.float32), (SPEC.bands, 1))
    return rows, write_mels(tmp_path / "mels", mels)


def loaded(numbered, limit=4e9):
    rows, folder = numbered
    recordings = Recordings(rows, RATE, memory_limit=limit)
    return recordings, Mels(folder, recordings.ids, recordings.lengths, SPEC)


def crops(numbered, limit=4e9, seed=0):
    recordings, mels = loaded(numbered, limit)
    sampler = CropSampler(recordings.lengths, FRAMES * HOP, 6, seed, hop=HOP)
    return Crops(recordings, sampler, mels=mels)


@pytest.mark.parametrize("limit", [4e9, 0])
def test_frame_k_of_a_crop_belongs_to_its_samples(numbered, limit):
    made, ends = crops(numbered, limit), set()
    assert (made.recordings.wave is None) == (limit == 0)
    for batch in islice(made, 60):
        assert batch.wave.shape == (6, FRAMES * HOP)
        assert batch.mel.shape == (6, SPEC.bands, FRAMES) and batch.mel.dtype == torch.float32
        assert (batch.mel == batch.mel[:, :1]).all()
        for id, wave, mel in zip(batch.ids, batch.wave.view(6, FRAMES, HOP), batch.mel[:, 0], strict=True):
            index, length = list(LENGTHS).index(id), LENGTHS[id]
            first = round(mel[0].item() * 32768) - 1000 * (index + 1) - 1
            frames = min(FRAMES, -(-length // HOP) - first)
            assert frames == FRAMES or (first == 0 and length < FRAMES * HOP)
            expected = torch.from_numpy(number(index, first + np.arange(frames))).float()
            assert torch.equal(mel[:frames], expected)
            assert torch.equal(mel[frames:], torch.full((FRAMES - frames,), math.log(1e-5)))
            inside = (first * HOP + torch.arange(FRAMES * HOP) < length).view(FRAMES, HOP)
            assert torch.equal(wave[:frames], torch.where(inside[:frames], expected[:, None], 0.0))
            assert not wave[frames:].any()
            ends.add((id, first + frames))
    assert {(id, -(-length // HOP)) for id, length in LENGTHS.items()} <= ends  # incomplete last frames are drawn
    assert len(ends) > 40  # and the crops lie in many places


def test_a_given_mel_of_the_wave_is_the_mel_of_the_crop(tmp_path):
    """Away from its ends, where a crop has no neighbours, a mel cut from the whole is that of the crop."""
    paths = sorted(SPEECH.glob("*.flac"))[:2]
    recordings = Recordings([Recording(path.stem, path) for path in paths], RATE)
    log_mel = LogMel(SPEC)
    whole = {id: log_mel(torch.from_numpy(recordings.read(i))[None])[0].numpy() for i, id in enumerate(recordings.ids)}
    mels = Mels(write_mels(tmp_path / "mels", whole), recordings.ids, recordings.lengths, SPEC)
    sampler = CropSampler(recordings.lengths, 32 * HOP, 4, 0, hop=HOP)
    for batch in islice(Crops(recordings, sampler, mels=mels), 4):
        computed = log_mel(batch.wave)
        inner = (computed - batch.mel)[..., 2:-2].abs()
        shifted = (computed[..., 3:-1] - batch.mel[..., 2:-2]).abs()
        assert inner.max() < 1e-3 and shifted.mean() > 0.1


def test_whole_utterances_carry_their_mels(numbered):
    recordings, mels = loaded(numbered)
    batches = list(utterances(recordings, SPEC, 2, mels))
    assert [batch.mel.shape[2] for batch in batches] == [60, 20, 1]
    for batch in batches:
        assert batch.mel.shape[2] * HOP == batch.wave.shape[1]
        level = batch.wave.view(len(batch.ids), -1, HOP)[..., 0]  # the first sample of a frame is always sound
        real = batch.mask.expand_as(batch.mel)
        assert torch.equal(batch.mel[real], level[:, None].expand_as(batch.mel)[real])
        assert (batch.mel[~real] == math.log(1e-5)).all()
    assert next(utterances(recordings, SPEC, 2)).mel is None


def test_it_resumes_bit_for_bit(numbered):
    through = crops(numbered, seed=3)
    list(islice(through, 7))
    state = json.loads(json.dumps(through.state_dict()))
    resumed = crops(numbered, seed=3)
    resumed.load_state_dict(state)
    for one, other in islice(zip(through, resumed, strict=False), 9):
        assert one.ids == other.ids and torch.equal(one.wave, other.wave) and torch.equal(one.mel, other.mel)


def test_silence_is_the_floor_in_the_base_of_the_mel(tmp_path):
    spec = MelSpec(log_base="10", floor=1e-4)
    folder = write_mels(tmp_path / "mels", {"a": np.zeros((80, 2), np.float32)}, spec)
    assert Mels(folder, ["a"], [2 * HOP], spec).silence == pytest.approx(-4.0)


# what is refused


def refused(numbered, *words, folder=None, ids=None):
    rows, given = numbered
    recordings = Recordings(rows, RATE)
    with pytest.raises(InputError) as caught:
        Mels(folder or given, ids or recordings.ids, recordings.lengths, SPEC)
    assert "\n" not in str(caught.value)
    for word in words:
        assert str(word) in str(caught.value)


@pytest.mark.parametrize("change", [-1, 1])
def test_one_frame_off_is_refused_with_both_numbers(numbered, change):
    path = numbered[1] / "ragged.npy"
    mel = np.load(path)
    np.save(path, mel[:, :-1] if change < 0 else np.pad(mel, ((0, 0), (0, 1))))
    refused(numbered, path, f"has {38 + change} frames, must have 38", "9572 samples", "add up to 38")


def test_what_is_not_the_mel_of_a_recording_is_refused(numbered):
    path = numbered[1] / "nested" / "dot.npy"
    mel = np.load(path)
    path.unlink()
    refused(numbered, path, "cannot be read", "every recording needs its mel")
    for wrong, words in (
        (mel.T, "holds float32 (1, 80), must be float32 (80, frames)"),
        (mel[None], "(1, 80, 1)"),
        (mel.astype(np.float64), "holds float64 (80, 1), must be float32"),
        (np.full_like(mel, np.nan), "NaN or infinite"),
        (np.array([print], dtype=object), "not an array of numbers"),
    ):
        np.save(path, wrong, allow_pickle=True)
        refused(numbered, path, words)
    np.save(path, mel)
    path.write_bytes(path.read_bytes()[:-4])
    refused(numbered, path, "cut short")


def test_another_mel_is_refused(numbered, tmp_path):
    folder = numbered[1]
    (folder / "mels.json").write_text(json.dumps(MelSpec(fmax=8000.0).to_dict()))
    refused(numbered, folder, "fmax 8000.0 against 11025.0")
    for text, words in (("{}", "unknown or missing"), ("[]", "JSON object"), ("hop: 256", "not JSON")):
        (folder / "mels.json").write_text(text)
        refused(numbered, folder / "mels.json", words)
    (folder / "mels.json").unlink()
    refused(numbered, folder / "mels.json", "cannot be read")


def test_recordings_that_share_an_id_are_refused(numbered):
    refused(numbered, "2 recordings have the id 'long'", ids=["long", "ragged", "sharp", "short", "long"])


def test_crops_must_hold_whole_frames(numbered):
    recordings, mels = loaded(numbered)
    with pytest.raises(InputError, match="1000 samples does not hold whole frames, must be a multiple of 256"):
        CropSampler(recordings.lengths, 1000, 2, 0, hop=HOP)
    with pytest.raises(InputError, match="start at multiples of 1, the mels have a hop of 256"):
        Crops(recordings, CropSampler(recordings.lengths, 1024, 2, 0), mels=mels)
