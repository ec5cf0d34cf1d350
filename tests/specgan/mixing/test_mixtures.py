"""Mixtures: SNR, level, what the target is, and that a number says all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from specgan.mixing.batches import Mixtures
from specgan.mixing.levels import active_power, power
from specgan.mixing.mixtures import MixConfig, Mixer, crop, fixed
from specgan.mixing.noises import Synthesised
from vocoder.errors import InputError
from vocoder.signal.manifest import Recording

RATE = 16_000
COUNT = RATE
NOTHING = MixConfig(
    clean=0, noise_only=0, synthesised=0, babble=0, second=0, room=0, band_limit=0, equaliser=0, speed=(1, 1),
    noise_speed=(1, 1),
)  # fmt: skip
"""Recorded noise and nothing else."""


class Waves:
    """Sounds in memory."""

    sample_rate = RATE

    def __init__(self, **waves: np.ndarray) -> None:
        self.waves = [wave.astype(np.float32) for wave in waves.values()]
        self.rows = [Recording(name, Path("-"), speaker=name) for name in waves]
        self.lengths = np.array([len(wave) for wave in self.waves])

    def read(self, index: int, start: int = 0, count: int | None = None) -> np.ndarray:
        return self.waves[index][start:] if count is None else self.waves[index][start : start + count]


def voice(frequency: float, seconds: float = 3.0) -> np.ndarray:
    """A tone that comes and goes, as syllables do."""
    time = np.arange(round(seconds * RATE)) / RATE
    return 0.3 * np.sin(2 * np.pi * frequency * time) * (np.sin(2 * np.pi * 3 * time) > -0.3)


@pytest.fixture(scope="module")
def speech():
    return Waves(anna=voice(220), ben=voice(130), carla=voice(310, 0.5))


@pytest.fixture(scope="module")
def noise():
    return Waves(hiss=0.1 * np.random.default_rng(0).normal(size=2 * RATE), short=np.ones(700) * 0.01)


@pytest.mark.parametrize("snr", [-5.0, 0.0, 12.5])
def test_snr_and_level(speech, noise, snr):
    mixer = Mixer(speech, noise, replace(NOTHING, snr=(snr, snr), level=(-30, -30)), COUNT)
    for number in range(12):
        noisy, clean, _ = mixer(number)
        loud = active_power(clean, RATE)
        assert 10 * np.log10(loud) == pytest.approx(-30, abs=0.01)
        assert 10 * np.log10(loud / power(noisy - clean)) == pytest.approx(snr, abs=0.02)


def test_a_number_says_all(speech, noise):
    config = replace(MixConfig(), room=0.5, band_limit=0.5)
    first, again = (Mixer(speech, noise, config, COUNT, 7) for _ in range(2))
    for number in (3, 0, 11):  # in any order
        for one, other in zip(first(number)[:2], again(number)[:2], strict=True):
            assert np.array_equal(one, other)
    assert not np.array_equal(first(3).noisy, first(4).noisy)
    assert not np.array_equal(first(3).noisy, Mixer(speech, noise, config, COUNT, 8)(3).noisy)


def test_any_mixture_is_sound(speech, noise):
    for sounds in (noise, None):
        for number in range(60):
            noisy, clean, name = Mixer(speech, sounds, MixConfig(), COUNT)(number)
            assert noisy.dtype == clean.dtype == np.float32 and noisy.shape == clean.shape == (COUNT,)
            assert np.isfinite(noisy).all() and np.isfinite(clean).all()
            assert 1e-4 < np.abs(noisy).max() <= 1 and name


def test_clean_and_noise_alone(speech, noise):
    noisy, clean, name = Mixer(speech, noise, replace(NOTHING, clean=1), COUNT)(0)
    assert np.array_equal(noisy, clean) and clean.any() and name in {"anna", "ben", "carla"}
    noisy, clean, name = Mixer(speech, noise, replace(NOTHING, noise_only=1, level=(-20, -20)), COUNT)(0)
    assert not clean.any() and name in {"hiss", "short"}
    assert 10 * np.log10(power(noisy)) == pytest.approx(-20, abs=0.01)


def test_in_a_room_the_target_is_the_early_part(speech, noise):
    """What the target lacks of the noise-free room is its tail: later and quieter than the target."""
    config = replace(NOTHING, clean=1, room=1, t60=(0.5, 0.5), direct=(3.0, 3.0), level=(-30, -30))
    dry = replace(config, room=0)
    for number in range(5):
        noisy, clean, _ = Mixer(speech, noise, config, COUNT)(number)
        tail = noisy - clean
        assert 0 < power(tail) < power(clean)
        # nothing of the tail comes within 50 ms of the beginning of the sound
        begin = np.flatnonzero(np.abs(clean) > 1e-6)[0]
        assert np.abs(tail[: begin + round(0.05 * RATE)]).max() < 1e-5
        assert not np.allclose(clean, Mixer(speech, noise, dry, COUNT)(number).clean, atol=1e-3)


def test_band_limits_are_those_of_the_target_as_well(speech, noise):
    hiss = Waves(a=np.random.default_rng(2).normal(size=3 * RATE), b=np.random.default_rng(3).normal(size=3 * RATE))
    mixer = Mixer(hiss, noise, replace(NOTHING, band_limit=1, snr=(0, 0)), COUNT)
    above = {True: 0, False: 0}
    for number in range(24):
        spectra = [np.abs(np.fft.rfft(wave)) ** 2 for wave in mixer(number)[:2]]
        edge = np.flatnonzero(spectra[1] > 1e-4 * spectra[1].max())[-1]
        assert 3200 < edge < 8001
        if edge < 7000:
            above[bool(spectra[0][edge + 200 :].mean() > 1e-3 * spectra[0].mean())] += 1
    assert above[True] > 2 and above[False] > 2  # of the speech alone, and of all that is heard


def test_speakers_and_noises_count_by_the_root_of_their_length():
    speech = Waves(long=voice(200, 9.0), short=voice(200, 1.0))
    noise = Waves(short=voice(100, 1.0), long=voice(100, 4.0))
    names = [Mixer(speech, noise, NOTHING, 8000, 1)(number).name.split(" + ") for number in range(400)]
    assert sum(name[0] == "long" for name in names) / 400 == pytest.approx(3 / 4, abs=0.07)
    assert sum(name[1] == "long" for name in names) / 400 == pytest.approx(2 / 3, abs=0.07)


def test_babble_is_of_others(speech):
    mixer = Mixer(speech, None, replace(NOTHING, babble=1, snr=(0, 0)), COUNT)
    for number in range(10):
        noisy, clean, name = mixer(number)
        assert name.endswith("+ babble")
        if name.startswith("anna"):  # 220 Hz: the others have 130 and 310
            spectrum = np.abs(np.fft.rfft((noisy - clean) * np.hanning(COUNT)))
            assert spectrum[210:230].max() < 0.1 * max(spectrum[120:140].max(), spectrum[300:320].max())


def test_a_crop_at_a_speed():
    sounds = Waves(tone=np.sin(2 * np.pi * 500 * np.arange(4 * RATE) / RATE))
    wave = crop(np.random.default_rng(0), sounds, 0, RATE, 1.2)
    assert np.argmax(np.abs(np.fft.rfft(wave))) == pytest.approx(600, abs=1)
    short = crop(np.random.default_rng(0), Waves(one=np.ones(100)), 0, 1000, 1.0)
    assert short.sum() == 100 and np.ptp(np.flatnonzero(short)) == 99
    assert (crop(np.random.default_rng(0), Waves(one=np.ones(100)), 0, 1000, 1.0, loop=True) == 1).all()


def test_fixed_mixtures(speech, noise):
    made = list(fixed(speech, noise, [0.0, 10.0], seed=3))
    assert [(index, snr) for index, snr, _ in made] == [(i, s) for i in range(3) for s in (0.0, 10.0)]
    for index, snr, (noisy, clean, _) in made:
        assert len(noisy) == len(clean) == speech.lengths[index]
        assert 10 * np.log10(active_power(clean, RATE) / power(noisy - clean)) == pytest.approx(snr, abs=0.02)
    # the same noise at both
    residues = [noisy - clean for _, _, (noisy, clean, _) in made[:2]]
    assert np.corrcoef(*residues)[0, 1] == pytest.approx(1, abs=1e-4)
    for one, other in zip(made, fixed(speech, noise, [0.0, 10.0], seed=3), strict=True):
        assert np.array_equal(one[2].noisy, other[2].noisy)
    assert not np.array_equal(made[0][2].noisy, next(fixed(speech, Synthesised(RATE), [0.0], seed=4))[2].noisy)


def test_batches_are_shared_and_resumed(speech, noise):
    def batches(rank: int = 0, world: int = 1) -> Mixtures:
        return Mixtures(Mixer(speech, noise, MixConfig(), 4000), 4, rank, world)

    whole = batches()
    first, second = next(whole), next(whole)
    assert first.noisy.shape == (4, 4000) and first.seconds == 1.0 and len(first.ids) == 4
    for rank in range(2):
        part = batches(rank, 2)
        assert next(part).noisy.equal(first.noisy[rank::2]) and next(part).clean.equal(second.clean[rank::2])
    later = batches()
    next(later)
    state = later.state_dict()
    again = batches()
    again.load_state_dict(state)
    assert next(again).noisy.equal(second.noisy)
    with pytest.raises(InputError, match="the run was started with 5"):
        Mixtures(Mixer(speech, None, MixConfig(), 4000), 4).load_state_dict(state)
    with pytest.raises(InputError, match="multiple of it"):
        batches(0, 3)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"room": 1.5}, "mix.room is 1.5, must be a share from 0 to 1"),
        ({"snr": (5.0, 0.0)}, r"mix.snr is \[5.0, 0.0\], must be \[low, high\]"),
        ({"speed": (0.0, 1.0)}, "must be above 0"),
    ],
)
def test_wrong_settings(fields, said):
    with pytest.raises(InputError, match=said):
        MixConfig(**fields)
