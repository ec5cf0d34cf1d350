"""Training data: the same items in memory and by seeking, a sampler that resumes anywhere, padding and masks."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.dataset import Crops, CropSampler, Recordings, utterances
from vocoder.signal.manifest import Recording
from vocoder.signal.spec import MelSpec, preset

FIXTURES = Path(__file__).parents[2] / "fixtures"
RATE = 22_050
PATHS = sorted((FIXTURES / "kathleen" / "wavs").glob("*.flac"))[:4]


def rows() -> list[Recording]:
    """Four whole files, two segments of one file, one of them shorter than a crop."""
    whole = [Recording(path.stem, path) for path in PATHS]
    return [*whole, Recording("middle", PATHS[0], 0.5, 1.5), Recording("short", PATHS[0], 1.0, 0.1)]


def sampler(recordings: Recordings, **changed) -> CropSampler:
    return CropSampler(recordings.lengths, **{"crop": 8192, "batch_size": 6, "seed": 0} | changed)


# recordings


def test_segments_lie_one_after_another(tmp_path):
    recordings = Recordings(rows(), RATE)
    files = [soundfile.read(path, dtype="float32")[0] for path in PATHS]
    expected = [*files, files[0][11_025:44_100], files[0][22_050:24_255]]
    assert recordings.lengths.tolist() == [len(wave) for wave in expected]
    np.testing.assert_array_equal(recordings.wave.numpy(), np.concatenate(expected))
    assert recordings.seconds == pytest.approx(sum(map(len, expected)) / RATE)
    assert recordings.ids[-2:] == ["middle", "short"] and len(recordings) == 6


def test_seeking_gives_the_same_items_bit_for_bit():
    memory = Recordings(rows(), RATE)
    seeking = Recordings(rows(), RATE, memory_limit=4 * memory.lengths.sum() - 1)
    assert seeking.wave is None
    assert Recordings(rows(), RATE, memory_limit=4 * memory.lengths.sum()).wave is not None
    np.testing.assert_array_equal(memory.lengths, seeking.lengths)
    pairs = zip(Crops(memory, sampler(memory), "cpu"), Crops(seeking, sampler(seeking), "cpu"), strict=False)
    for one, other in islice(pairs, 12):
        assert one.ids == other.ids and one.seconds == other.seconds
        assert torch.equal(one.wave, other.wave)
    for one, other in zip(utterances(memory, MelSpec(), 4), utterances(seeking, MelSpec(), 4), strict=True):
        assert one.ids == other.ids and torch.equal(one.wave, other.wave) and torch.equal(one.mask, other.mask)


def test_other_rates_and_channels_are_decoded_to_mono(tmp_path):
    speech = soundfile.read(PATHS[0], dtype="float32")[0]
    audio.write(tmp_path / "a.ogg", np.stack([speech, np.zeros_like(speech)]), RATE)
    recordings = Recordings([Recording("a", tmp_path / "a.ogg", 0.25, 1.0)], 16_000)
    assert recordings.lengths.tolist() == [16_000]
    expected = audio.read_mono(tmp_path / "a.ogg", 16_000, offset=0.25, duration=1.0)
    np.testing.assert_array_equal(recordings.wave.numpy(), expected)
    assert audio.level(expected) == pytest.approx(audio.level(speech[5512:27_562]) - 6.02, abs=0.5)


def test_what_cannot_be_sought_exactly_must_be_prepared(tmp_path):
    with pytest.raises(InputError, match=r"has 22050 Hz.*16000 Hz; run `specgan prepare`"):
        Recordings(rows(), 16_000, memory_limit=0)
    audio.write(tmp_path / "a.mp3", np.ones(1000) / 2, RATE)
    with pytest.raises(InputError, match=r"a\.mp3: is \.mp3.*run `specgan prepare`"):
        Recordings([Recording("a", tmp_path / "a.mp3")], RATE, memory_limit=0)


@pytest.mark.parametrize("limit", [4e9, 0])
def test_bad_recordings_are_refused(tmp_path, limit):
    def refused(row: Recording, message: str) -> None:
        with pytest.raises(InputError, match=message) as caught:
            Recordings([*rows(), row], RATE, memory_limit=limit)
        assert "\n" not in str(caught.value)

    refused(Recording("late", PATHS[0], 3.0, 1.0), "the segment from 3 s to 4 s is not inside the file")
    refused(Recording("later", PATHS[0], 60.0), "the segment from 60 s to the end is not inside")
    refused(Recording("gone", tmp_path / "gone.wav"), "gone.wav: no such file")
    (tmp_path / "cut.ogg").write_bytes(b"OggS" + bytes(100))
    refused(Recording("cut", tmp_path / "cut.ogg"), "cut.ogg: truncated")
    with pytest.raises(InputError, match="no recordings"):
        Recordings([], RATE, memory_limit=limit)


def test_a_file_that_breaks_while_decoding_stops_the_loading(tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(PATHS[0].read_bytes()[:-5000])
    with pytest.raises(InputError, match=r"a\.flac: truncated"):
        Recordings([*rows(), Recording("cut", path)], RATE)


# the sampler

shapes = st.fixed_dictionaries(
    {
        "lengths": st.lists(st.integers(1, 400), min_size=4, max_size=12),
        "crop": st.integers(1, 90),
        "batch_size": st.just(4),
        "seed": st.integers(0, 9),
    }
)


@given(shapes)
@settings(max_examples=60, deadline=None)
def test_crops_lie_inside_and_an_epoch_holds_each_recording_often_enough(shape):
    lengths, crop = shape["lengths"], shape["crop"]
    due = {index: -(-length // crop) for index, length in enumerate(lengths)}
    epochs = 4  # four epochs are a whole number of batches of four
    batches = sum(due.values())
    items = [item for batch in islice(CropSampler(**shape), batches) for item in batch]
    assert len(items) == epochs * batches
    for index, start in items:
        assert 0 <= start <= max(0, lengths[index] - crop)
    for epoch in range(epochs):
        assert Counter(index for index, _ in items[epoch * batches : (epoch + 1) * batches]) == due


@given(shapes, st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_crops_of_whole_hops_start_at_them_and_reach_every_frame(shape, hop):
    shape = shape | {"crop": hop * -(-shape["crop"] // hop)}
    lengths, crop = shape["lengths"], shape["crop"]
    plan = CropSampler(**shape, hop=hop)
    assert plan.items == CropSampler(**shape).items
    for index, start in [item for batch in islice(plan, plan.items) for item in batch]:
        frames = -(-lengths[index] // hop)
        assert start % hop == 0 and 0 <= start // hop <= max(0, frames - crop // hop)


def test_the_crops_of_a_seed_stay_what_they_were():
    """A run that began with an earlier version goes on with the same data."""
    first = list(islice(CropSampler([1000, 500, 90], crop=100, batch_size=4, seed=3), 5))
    assert first[0] == [(1, 294), (2, 0), (0, 29), (0, 102)]
    assert first[4] == [(0, 604), (1, 252), (0, 67), (0, 528)]


@given(shapes, st.integers(0, 60), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_it_resumes_at_any_position(shape, done, after):
    through = CropSampler(**shape)
    list(islice(through, done))
    state = through.state_dict()
    expected = list(islice(through, after))
    resumed = CropSampler(**shape)
    next(resumed)
    resumed.load_state_dict(state)
    assert resumed.state_dict() == state
    assert list(islice(resumed, after)) == expected


@given(shapes, st.sampled_from([1, 2, 4]))
@settings(max_examples=30, deadline=None)
def test_processes_share_every_batch(shape, world):
    ranks = [CropSampler(**shape, rank=rank, world=world) for rank in range(world)]
    for batch in islice(CropSampler(**shape), 20):
        parts = [next(rank) for rank in ranks]
        assert all(len(part) == 4 // world for part in parts)
        assert [parts[i % world][i // world] for i in range(4)] == batch
    assert all(rank.state_dict() == ranks[0].state_dict() for rank in ranks)


def test_starts_are_uniform_and_epochs_and_seeds_differ():
    one = CropSampler([1000], crop=1, batch_size=1000, seed=0)
    first, second = (np.array(next(one))[:, 1] for _ in range(2))
    other = np.array(next(CropSampler([1000], crop=1, batch_size=1000, seed=1)))[:, 1]
    assert (first != second).any() and (first != other).any()
    starts = np.array([next(one) for _ in range(50)])[..., 1]
    counts = np.bincount(starts.ravel() // 100, minlength=10)  # 5000 expected in each tenth, deviation 67
    assert starts.min() == 0 and starts.max() == 999 and np.abs(counts - 5000).max() < 350
    order = [index for batch in islice(CropSampler([10] * 50, 10, 10, seed=0), 5) for index, _ in batch]
    assert order != sorted(order)


def test_fewer_crops_than_a_batch_say_what_would_be_right():
    with pytest.raises(
        InputError,
        match="3 recordings give 4 crops of 100 samples, fewer than the batch of 5; take a batch of at most 4",
    ):
        CropSampler([100, 101, 7], crop=100, batch_size=5, seed=0)
    assert len(next(CropSampler([100, 101, 7], crop=100, batch_size=4, seed=0))) == 4


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(InputError, match="batch of 4 cannot be shared by 3 processes"):
        CropSampler([9, 9, 9, 9], crop=4, batch_size=4, seed=0, world=3)
    for wrong in ({"crop": 0, "batch_size": 1}, {"crop": 1, "batch_size": 0}):
        with pytest.raises(InputError, match="at least 1"):
            CropSampler([9], seed=0, **wrong)
    state = CropSampler([9, 9], crop=4, batch_size=2, seed=0).state_dict()
    with pytest.raises(InputError, match="the data give 3 crops an epoch, the run was started with 6"):
        CropSampler([9], crop=4, batch_size=2, seed=0).load_state_dict(state)


# batches


def test_crops_are_the_sampled_parts_and_zero_behind_the_end():
    recordings = Recordings(rows(), RATE)
    plan = sampler(recordings)
    crops = Crops(recordings, sampler(recordings), "cpu")
    shortened = 0
    for items, batch in islice(zip(plan, crops, strict=False), 12):
        assert batch.wave.shape == (6, 8192) and batch.wave.dtype == torch.float32 and batch.mask is None
        assert batch.ids == [recordings.ids[index] for index, _ in items]
        sound = 0
        for made, (index, start) in zip(batch.wave.numpy(), items, strict=True):
            first = recordings.offsets[index] + start
            part = recordings.wave[first : first + min(8192, recordings.lengths[index])].numpy()
            np.testing.assert_array_equal(made, np.pad(part, (0, 8192 - len(part))))
            sound += len(part)
            shortened += len(part) < 8192
        assert batch.seconds == pytest.approx(sound / RATE)
    assert shortened  # the recording "short" is the last of the long tensor: nothing is read behind it


def test_utterances_are_padded_to_whole_hops_with_their_masks():
    recordings, spec = Recordings(rows(), RATE), preset("22k")
    batches = list(utterances(recordings, spec, 4))
    assert [batch.ids for batch in batches] == [recordings.ids[:4], recordings.ids[4:]]
    for first, batch in zip((0, 4), batches, strict=True):
        lengths = recordings.lengths[first : first + 4]
        frames = np.ceil(lengths / 256).astype(int)
        assert batch.wave.shape == (len(lengths), 256 * frames.max())
        assert batch.mask.shape == (len(lengths), 1, frames.max()) and batch.mask.dtype == torch.bool
        assert batch.seconds == pytest.approx(lengths.sum() / RATE)
        for i, (length, count) in enumerate(zip(lengths, frames, strict=True)):
            np.testing.assert_array_equal(batch.wave[i, :length], recordings.read(first + i))
            assert not batch.wave[i, length:].any()
            assert batch.mask[i, 0].tolist() == [True] * count + [False] * (frames.max() - count)


def test_utterances_want_the_rate_of_the_mel():
    recordings = Recordings(rows(), RATE)
    with pytest.raises(InputError, match="22050 Hz do not fit a mel at 16000 Hz"):
        utterances(recordings, preset("16k"), 2)
    with pytest.raises(InputError, match="batch_size is 0"):
        utterances(recordings, preset("22k"), 0)
