"""Subfolders as classes of sounds."""

import numpy as np
import pytest

from specgan.prepare import prepare
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import read_manifest


def test_every_class_that_is_large_enough_is_in_every_set(tmp_path):
    for label, many in (("door", 25), ("rain", 4), ("rare", 3)):
        for number in range(many):
            path = tmp_path / "sounds" / label / "takes" / f"{number}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            audio.write(path, np.random.default_rng(number).uniform(-0.1, 0.1, 4000), 8000)
    prepare(tmp_path / "sounds", tmp_path / "data", labels=True)
    sets = {name: read_manifest(tmp_path / "data" / f"{name}.jsonl") for name in ("train", "validation", "test")}
    labels = {name: [row.label for row in rows] for name, rows in sets.items()}
    assert all(row.id.startswith(f"{row.label}/takes/") for rows in sets.values() for row in rows)
    # eight or more give two; four give one to the set that is drawn first, and three are never split
    assert sorted(labels["validation"]) == ["door", "door", "rain"] and labels["test"] == ["door", "door"]
    assert [labels["train"].count(label) for label in ("door", "rain", "rare")] == [21, 3, 3]


def test_a_recording_outside_of_all_classes_is_refused(tmp_path):
    for place in ("rain/a.wav", "b.wav"):
        (tmp_path / "sounds" / place).parent.mkdir(parents=True, exist_ok=True)
        audio.write(tmp_path / "sounds" / place, np.full(4000, 0.1), 8000)
    with pytest.raises(InputError, match=r"b\.wav: lies in no subfolder"):
        prepare(tmp_path / "sounds", tmp_path / "data", labels=True)
