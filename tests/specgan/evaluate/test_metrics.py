"""The metrics on values worked out by hand, on synthetic sound and against other libraries."""

from __future__ import annotations

import sys
from pathlib import Path

import auraloss
import numpy as np
import pytest
import soxr
import torch
from pesq import pesq as pesq_itself

from specgan.evaluate import metrics, pitch
from specgan.evaluate.errors import NotMeasurable
from vocoder.errors import InputError
from vocoder.signal import audio

RATE = 22_050
SPEECH = Path(__file__).parents[2] / "fixtures" / "kathleen" / "wavs" / "arctic_a0001.flac"


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return audio.read_mono(SPEECH, RATE)


def noise(seconds: float, level: float = 0.1, seed: int = 0) -> np.ndarray:
    return level * np.random.default_rng(seed).standard_normal(round(seconds * RATE)).astype(np.float32)


def buzz(frequency: float, seconds: float = 1.0) -> np.ndarray:
    """Twenty harmonics falling by 1/k, as a voice has them."""
    time = np.arange(round(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * k * frequency * time) / k for k in range(1, 21))
    return (0.2 * wave).astype(np.float32)


def frames(
    voiced: list[int], frequency: float | list[float] = 100.0, periodicity: float | list[float] = 1.0
) -> pitch.Pitch:
    shape = len(voiced)
    return pitch.Pitch(
        np.broadcast_to(np.array(frequency, float), shape),
        np.broadcast_to(np.array(periodicity, float), shape),
        np.array(voiced, bool),
    )


class TestPesq:
    def test_identity_reaches_the_top_of_the_scale(self, speech: np.ndarray) -> None:
        # P.862.2: 0.999 + 4 / (1 + exp(−1.3669·4.5 + 3.8224)), raw PESQ of equal signals being 4.5
        assert metrics.pesq(speech, speech, RATE) == pytest.approx(4.644, abs=1e-3)

    def test_falls_as_noise_rises(self, speech: np.ndarray) -> None:
        scores = [metrics.pesq(speech, speech + noise(len(speech) / RATE, level), RATE) for level in (0.001, 0.01, 0.1)]
        assert scores == sorted(scores, reverse=True)
        assert scores[0] - scores[2] > 1

    def test_is_wide_band_at_16_khz_with_the_recording_first(self, speech: np.ndarray) -> None:
        degraded = np.tanh(5 * speech)
        expected = pesq_itself(16_000, soxr.resample(speech, RATE, 16_000), soxr.resample(degraded, RATE, 16_000), "wb")
        assert metrics.pesq(speech, degraded, RATE) == pytest.approx(expected, abs=0.01)

    def test_does_not_guess(self, speech: np.ndarray) -> None:
        with pytest.raises(NotMeasurable, match="silent"):
            metrics.pesq(np.zeros_like(speech), speech, RATE)
        with pytest.raises(NotMeasurable, match="silent"):
            metrics.pesq(speech, np.zeros_like(speech), RATE)
        with pytest.raises(NotMeasurable, match="silent"):
            metrics.pesq(speech[:0], speech[:0], RATE)
        with pytest.raises(NotMeasurable, match="1/4 s"):
            metrics.pesq(speech[:5000], speech[:5000], RATE)
        burst = np.zeros(RATE, np.float32)
        burst[10_000:10_400] = buzz(300, 1.0)[:400]  # 18 ms
        with pytest.raises(NotMeasurable, match="no speech"):
            metrics.pesq(burst, burst, RATE)

    def test_names_the_package_and_how_to_get_it(self, speech: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pesq", None)
        with pytest.raises(InputError, match=r'pesq .*pip install "specgan\[eval\]"'):
            metrics.pesq(speech, speech, RATE)


class TestMultiResolutionStft:
    @pytest.mark.parametrize("gain, convergence", [(2.0, 1.0), (0.5, 0.5)])
    def test_of_a_scaled_wave(self, gain: float, convergence: float) -> None:
        # ‖R − g·R‖ / ‖R‖ = |1 − g| and |ln R − ln g·R| = |ln g| at every bin
        wave = noise(0.5)
        assert metrics.multi_resolution_stft(wave, gain * wave, RATE) == pytest.approx(
            convergence + np.log(2), abs=1e-3
        )

    def test_of_equal_waves_is_zero(self) -> None:
        assert metrics.multi_resolution_stft(noise(0.2), noise(0.2), RATE) == 0

    @pytest.mark.parametrize("samples", [2049, 11_025, 14_003])
    def test_is_that_of_auraloss(self, speech: np.ndarray, samples: int) -> None:
        reference = speech[10_000 : 10_000 + samples]
        degraded = 0.8 * reference + noise(samples / RATE, 0.003)
        # auraloss takes the degraded wave first
        waves = [torch.from_numpy(wave)[None, None] for wave in (degraded, reference)]
        published = auraloss.freq.MultiResolutionSTFTLoss()
        assert metrics.multi_resolution_stft(reference, degraded, RATE) == pytest.approx(
            float(published(*waves)), rel=1e-4
        )
        windows, hops = [1024, 2048, 4096], [256, 512, 1024]
        long = auraloss.freq.MultiResolutionSTFTLoss(fft_sizes=windows, hop_sizes=hops, win_lengths=windows)
        assert metrics.long_window_stft(reference, degraded, RATE) == pytest.approx(float(long(*waves)), rel=1e-4)

    def test_does_not_guess(self) -> None:
        with pytest.raises(NotMeasurable, match="1025"):
            metrics.multi_resolution_stft(noise(1)[:1024], noise(1)[:1024], RATE)
        with pytest.raises(NotMeasurable, match="silent"):
            metrics.multi_resolution_stft(np.zeros(RATE), noise(1), RATE)

    def test_a_silent_rendering_has_a_value(self) -> None:
        wave = noise(0.2)
        assert metrics.multi_resolution_stft(wave, np.zeros_like(wave), RATE) > 1


class TestNarrowBand:
    def test_is_that_of_a_telephone_at_8_khz(self, speech: np.ndarray) -> None:
        # P.862.1: 0.999 + 4 / (1 + exp(−1.4945·4.5 + 4.6607))
        assert metrics.narrow_band_pesq(speech, speech, RATE) == pytest.approx(4.549, abs=1e-3)
        degraded = speech + noise(len(speech) / RATE, 0.01)
        expected = pesq_itself(8_000, soxr.resample(speech, RATE, 8_000), soxr.resample(degraded, RATE, 8_000), "nb")
        assert metrics.narrow_band_pesq(speech, degraded, RATE) == pytest.approx(expected, abs=0.01)

    def test_does_not_hear_what_is_above_4_khz(self, speech: np.ndarray) -> None:
        hiss = np.diff(noise(len(speech) / RATE, 0.02), prepend=0.0, n=1)
        high = hiss - audio.resample(audio.resample(hiss.astype(np.float32), RATE, 8_000), 8_000, RATE)[: len(hiss)]
        assert metrics.narrow_band_pesq(speech, speech + high, RATE) > 4.3
        assert metrics.pesq(speech, speech + high, RATE) < 4


class TestStoi:
    def test_falls_as_noise_rises_and_does_not_hear_gain(self, speech: np.ndarray) -> None:
        scores = [metrics.stoi(speech, speech + noise(len(speech) / RATE, level), RATE) for level in (0.001, 0.1, 1)]
        assert scores[0] > 0.99 and scores == sorted(scores, reverse=True) and scores[2] < 0.5
        assert metrics.stoi(speech, 0.3 * speech, RATE) == pytest.approx(1, abs=1e-6)

    def test_does_not_guess(self, speech: np.ndarray) -> None:
        with pytest.raises(NotMeasurable, match="silent"):
            metrics.stoi(speech, np.zeros_like(speech), RATE)
        with pytest.raises(NotMeasurable, match=r"0\.4 s"):
            metrics.stoi(speech[:4000], speech[:4000], RATE)


class TestSiSdr:
    def test_by_hand(self) -> None:
        time = np.arange(22_050) / RATE
        reference = np.sin(2 * np.pi * 100 * time)
        # orthogonal noise of a tenth of the amplitude is 20 dB below; the gain and the offset do not count
        degraded = 3 * (reference + 0.1 * np.sin(2 * np.pi * 200 * time)) + 0.5
        assert metrics.si_sdr(reference, degraded, RATE) == pytest.approx(20, abs=1e-3)

    def test_of_equal_waves_is_infinite_and_no_value(self) -> None:
        with pytest.raises(NotMeasurable, match="infinite"):
            metrics.si_sdr(noise(1), noise(1), RATE)
        with pytest.raises(NotMeasurable, match="silent"):
            metrics.si_sdr(noise(1), np.zeros(RATE), RATE)


class TestVoicing:
    def test_f1_by_hand(self) -> None:
        wanted = np.array([1, 1, 1, 1, 0, 0, 0], bool)
        found = np.array([1, 1, 0, 0, 1, 0, 0], bool)
        # precision 2/3, recall 1/2
        assert metrics.f1(wanted, found) == pytest.approx(4 / 7)
        assert metrics.f1(wanted, wanted) == 1
        assert metrics.f1(wanted, ~wanted) == 0

    def test_f1_without_a_voiced_frame_has_no_value(self) -> None:
        with pytest.raises(NotMeasurable, match="no voiced frame"):
            metrics.f1(np.zeros(5, bool), np.zeros(5, bool))

    def test_finds_the_half_that_lost_its_voice(self) -> None:
        reference = pitch.track(buzz(150, 2.0), RATE)
        degraded = pitch.track(np.concatenate([buzz(150, 1.0), noise(1.0)]), RATE)
        # recall 1/2, precision 1
        assert metrics.voicing_f1(reference, degraded) == pytest.approx(2 / 3, abs=0.03)
        assert metrics.voicing_f1(reference, reference) == 1


class TestPeriodicity:
    def test_by_hand(self) -> None:
        wanted = frames([1, 0, 1, 1], periodicity=[1.0, 0.0, 0.5, 0.7])
        found = frames([1, 0, 1, 1], periodicity=[0.2, 0.6, 0.5, 0.7])
        # √((0.64 + 0.36) / 4): unvoiced frames count too
        assert metrics.periodicity_error(wanted, found) == pytest.approx(0.5)

    def test_of_a_buzz_against_noise(self) -> None:
        tracks = [pitch.track(wave, RATE) for wave in (buzz(150), noise(1.0))]
        assert metrics.periodicity_error(*tracks) > 0.6


class TestF0:
    def test_two_buzzes_a_semitone_apart(self) -> None:
        low, high = (pitch.track(buzz(frequency), RATE) for frequency in (220, 220 * 2 ** (1 / 12)))
        assert metrics.f0_error(low, high) == pytest.approx(100, abs=5)
        assert metrics.f0_error(low, low) == 0

    def test_by_hand_on_frames_voiced_in_both(self) -> None:
        wanted, found = frames([1, 1, 1, 0], [100, 100, 100, 100]), frames([1, 1, 0, 1], [200, 100, 400, 400])
        # 1200 and 0 cents in the first two frames
        assert metrics.f0_error(wanted, found) == pytest.approx(1200 / np.sqrt(2))

    def test_without_a_frame_voiced_in_both_has_no_value(self) -> None:
        with pytest.raises(NotMeasurable, match="voiced in both"):
            metrics.f0_error(frames([1, 0]), frames([0, 1]))
