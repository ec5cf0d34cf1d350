import dataclasses

import numpy as np
import pytest
import torch

from specgan.soundset import SoundBatches, SoundSet
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import Recording
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import preset

SPEC = preset("22k")
CELL = 16 * SPEC.hop  # samples


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Four short ramps of class a, one of them long; two sounds of class b."""
    folder = tmp_path_factory.mktemp("sounds")
    made = []
    for name in ("a0", "a1", "a2", "a3", "b0", "b1"):
        length = 4 * CELL if name == "a3" else CELL
        wave = np.linspace(-0.5, 0.5, length, dtype=np.float32)
        audio.write(folder / f"{name}.wav", wave, SPEC.sample_rate, subtype="FLOAT")
        made.append(Recording(name, folder / f"{name}.wav", label=name[0]))
    return made


def test_sounds_come_to_one_length_of_whole_cells(rows):
    assert SoundSet(rows, SPEC).frames == 32  # three quarters have one cell; the network needs two
    assert SoundSet(rows, SPEC, 33 / SPEC.frame_rate).frames == 48
    long = [dataclasses.replace(row, id=f"{row.id}-{n}") for n in range(9) for row in rows if row.id == "a3"]
    assert SoundSet(long, SPEC).frames == 64


def test_short_ones_are_followed_by_silence_or_by_themselves_and_long_ones_are_cut(rows):
    ramp = np.linspace(-0.5, 0.5, CELL, dtype=np.float32)
    silence, loop = (SoundSet(rows, SPEC, fill=fill) for fill in ("silence", "loop"))
    assert np.array_equal(silence.wave(0), np.concatenate([ramp, np.zeros(CELL, np.float32)]))
    assert np.array_equal(loop.wave(0), np.concatenate([ramp, ramp]))
    long = np.linspace(-0.5, 0.5, 4 * CELL, dtype=np.float32)
    for place, start in ((0.0, 0), (0.5, CELL), (1.0, 2 * CELL)):
        assert np.array_equal(silence.wave(3, place), long[start : start + 2 * CELL])
    expected = LogMel(SPEC)(torch.from_numpy(long[None, CELL : 3 * CELL]))
    assert torch.equal(silence.mels([3], [0.5]), expected)


def test_classes_are_drawn_equally_often_and_every_sound_comes(rows):
    sounds = SoundSet(rows, SPEC)
    batches = SoundBatches(sounds, 6, seed=1)
    taken = [next(batches) for _ in range(12)]
    assert all(batch.label.bincount().tolist() == [3, 3] for batch in taken)
    assert {name for batch in taken for name in batch.ids} == {row.id for row in rows}
    for batch in taken:
        assert batch.mel.shape == (6, 80, 32)
        assert [sounds.classes[label] for label in batch.label] == [name[0] for name in batch.ids]


def test_batches_go_on_where_they_stopped_and_processes_share_them(rows):
    sounds = SoundSet(rows, SPEC)
    straight, again = SoundBatches(sounds, 4, seed=2), SoundBatches(sounds, 4, seed=2)
    for _ in range(3):
        next(straight)
    again.load_state_dict({**straight.state_dict()})
    halves = [SoundBatches(sounds, 4, 2, rank, 2) for rank in (0, 1)]
    for half in halves:
        half.load_state_dict(straight.state_dict())
    whole, same, parts = next(straight), next(again), [next(half) for half in halves]
    assert whole.ids == same.ids and torch.equal(whole.mel, same.mel)
    assert [parts[0].ids[0], parts[1].ids[0], parts[0].ids[1], parts[1].ids[1]] == whole.ids
    with pytest.raises(InputError, match="started with 6"):
        SoundBatches(SoundSet(rows[:5], SPEC, classes=["a", "b"]), 4, 2).load_state_dict(straight.state_dict())
    with pytest.raises(InputError, match="multiple of 3 processes"):
        SoundBatches(sounds, 4, 0, 0, 3)


def test_without_labels_all_are_of_one_class(rows):
    assert SoundSet([dataclasses.replace(row, label=None) for row in rows], SPEC).classes == ["sound"]


def test_it_refuses_what_cannot_be_meant(rows):
    half = [rows[0], dataclasses.replace(rows[1], label=None)]
    for arguments, said in (
        ((half, SPEC), "a1: has no class"),
        ((rows[:5], SPEC), "'b' has one recording"),
        ((rows, SPEC, 0.0), "0 s"),
        ((rows, SPEC, None, "echo"), "silence, loop"),
        ((rows, SPEC, None, "loop", ["a"]), "b0: the class 'b' is not among"),
    ):
        with pytest.raises(InputError, match=said):
            SoundSet(*arguments)
