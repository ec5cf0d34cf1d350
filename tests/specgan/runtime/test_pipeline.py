import json

import numpy as np
import pytest

from specgan.runtime.pipeline import Vocoder
from vocoder.errors import InputError
from vocoder.signal.spec import MelSpec

SPEC = MelSpec(sample_rate=8000, n_fft=16, hop=4, bands=2, fmax=4000.0)  # 6 samples of padding: two hops of context


class Toy:
    """A frame's mel is the sum of the 16 samples around it, and minus it; its samples sum 5 frames."""

    name, task, spec, receptive_field = "toy", "vocoder", SPEC, 2

    def __init__(self):
        self.lengths = []

    def run(self, function, x):
        assert x.dtype == np.float32 and x.shape[0] == 1
        self.lengths.append(x.shape[-1])
        return [getattr(self, function)(x)]

    def mel(self, wave):
        assert wave.shape[1] % 4 == 0
        frames = np.lib.stride_tricks.sliding_window_view(np.pad(wave[0], 6), 16)[::4].sum(axis=1)
        return np.stack([frames, -frames])[None]

    def render(self, mel):
        total = np.convolve(mel[0, 0], np.ones(5), "full")[2:-2]
        return np.repeat(total, 4)[None]


def whole_numbers(*shape):
    return np.random.default_rng(0).integers(-9, 9, shape).astype(np.float32)  # sums of these are exact


@pytest.mark.parametrize("samples", [1, 3, 4, 5, 39, 40, 41, 403])
@pytest.mark.parametrize("chunk", [1, 3, 10])
def test_pieces_give_exactly_the_mel_and_the_wave_of_the_whole(samples, chunk):
    wave = whole_numbers(samples)
    whole, pieces = Vocoder(Toy(), chunk=1000), Vocoder(Toy(), chunk=chunk)
    mel = whole.analyse(wave)
    assert mel.shape == (2, -(-samples // 4))
    assert np.array_equal(pieces.analyse(wave), mel)
    assert np.array_equal(pieces.render(mel), whole.render(mel)) and len(pieces.render(mel)) == 4 * mel.shape[1]
    assert pieces.resynthesise(wave).shape == (samples,)


def test_no_more_than_a_piece_and_its_context_is_computed_at_a_time():
    toy = Toy()
    vocoder = Vocoder(toy, chunk=10)
    mel = vocoder.analyse(whole_numbers(4000))
    assert max(toy.lengths) == (10 + 2 * 2) * 4
    toy.lengths.clear()
    stream = vocoder.stream(mel)
    assert toy.lengths == [] and len(next(stream)) == 40 and toy.lengths == [12]
    assert sum(map(len, stream)) == 3960 and max(toy.lengths) == 14


def test_a_recording_may_stay_on_the_disk(tmp_path):
    wave = np.memmap(tmp_path / "wave", np.float32, "w+", shape=(1003,))
    wave[:] = whole_numbers(1003)
    assert np.array_equal(Vocoder(Toy(), 10).analyse(wave), Vocoder(Toy()).analyse(np.array(wave)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value):
    vocoder = Vocoder(Toy(), chunk=10)
    wave, mel = whole_numbers(400), whole_numbers(2, 100)
    wave[399] = mel[1, 70] = value
    with pytest.raises(InputError, match="wave has samples that are NaN or infinite"):
        vocoder.analyse(wave)
    with pytest.raises(InputError, match="mel has values that are NaN or infinite"):
        vocoder.render(mel)


@pytest.mark.parametrize("shape", [(3, 10), (2,), (1, 2, 10), (2, 0)])
def test_mels_of_another_shape_are_refused_at_once(shape):
    with pytest.raises(InputError, match="2, frames"):
        Vocoder(Toy()).stream(np.zeros(shape, np.float32))


@pytest.mark.parametrize("shape", [(0,), (2, 100)])
def test_waves_of_another_shape_are_refused(shape):
    with pytest.raises(InputError, match="one axis and at least one sample"):
        Vocoder(Toy()).analyse(np.zeros(shape, np.float32))


def test_other_models_are_refused(tmp_path):
    config = {"format_version": 1, "task": "tts", "functions": {}, "spec": SPEC.to_dict(), "receptive_field": 1}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="is for the task tts; a vocoder is needed here"):
        Vocoder.load(tmp_path)
