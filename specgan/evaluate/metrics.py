"""Measures of a wave against its recording.

Those of waves are functions `(reference wave (N,), degraded wave (N,), rate in Hz) -> float` on float waves in [-1, 1]
that are aligned sample by sample; those of pitch compare two tracks (T,) frame by frame. All raise `NotMeasurable` with
the reason where a pair has no value (silence, too short), and `InputError` when an optional package is missing.
"""

from __future__ import annotations

import warnings

import numpy as np

from specgan.evaluate.errors import NotMeasurable, needs
from specgan.evaluate.pitch import Pitch
from vocoder.signal.audio import resample

# n_fft, hop, window in samples
PUBLISHED = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
LONG = ((1024, 256, 1024), (2048, 512, 2048), (4096, 1024, 4096))
FLOOR = 1e-4  # magnitudes below it count as it, so that a silent bin has a logarithm


def pesq(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    """Wide-band PESQ at 16 kHz as MOS-LQO, 1.04 to 4.64, higher is better (ITU-T P.862.2)."""
    return _pesq(reference, degraded, rate, 16_000, "wb")


def narrow_band_pesq(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    """PESQ of a telephone's band at 8 kHz as MOS-LQO, 1.02 to 4.55, higher is better (ITU-T P.862.1)."""
    return _pesq(reference, degraded, rate, 8_000, "nb")


def _pesq(reference: np.ndarray, degraded: np.ndarray, rate: int, hertz: int, mode: str) -> float:
    with needs("pesq"):
        from pesq import BufferTooShortError, NoUtterancesError
        from pesq import pesq as itu
    if not np.any(reference) or not np.any(degraded):
        raise NotMeasurable("silent")
    try:
        return float(itu(hertz, resample(reference, rate, hertz), resample(degraded, rate, hertz), mode))
    except BufferTooShortError:
        raise NotMeasurable("shorter than 1/4 s") from None
    except NoUtterancesError:
        raise NotMeasurable("no speech found") from None


def stoi(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    """Short-time objective intelligibility, up to 1, higher is better (Taal 2011), by pystoi.

    Hears up to 5 kHz. Not the extended measure.
    """
    with needs("pystoi"):
        from pystoi import stoi as taal
    if not np.any(reference) or not np.any(degraded):
        raise NotMeasurable("silent")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # it returns 1e-5 with a warning where there is no value
        try:
            return float(taal(reference, degraded, rate, extended=False))
        except RuntimeWarning:
            raise NotMeasurable("less than 0.4 s of sound") from None


def si_sdr(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    """Scale-invariant signal-to-distortion ratio in dB, higher is better (Le Roux 2019, arXiv:1811.02508).

    By torchmetrics, means subtracted. Counts every phase: what a vocoder makes anew is far from the recording sample by
    sample, however good it sounds. Only where phases are kept does it tell quality.
    """
    with needs("torchmetrics"):
        from torchmetrics.functional.audio import scale_invariant_signal_distortion_ratio as ratio
    import torch

    if not np.any(reference) or not np.any(degraded):
        raise NotMeasurable("silent")
    if np.array_equal(reference, degraded):
        raise NotMeasurable("no distortion at all, the ratio is infinite")
    found, wanted = (torch.from_numpy(np.asarray(wave, np.float64)) for wave in (degraded, reference))
    return float(ratio(found, wanted, zero_mean=True))


def _magnitude(wave: np.ndarray, n_fft: int, hop: int, window: int) -> np.ndarray:
    """Magnitudes (T, n_fft/2 + 1) of centred frames, T = 1 + N // hop, the ends reflected by half a transform."""
    padded = np.pad(wave.astype(np.float64), n_fft // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    middle = slice((n_fft - window) // 2, (n_fft + window) // 2)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    return np.maximum(np.abs(np.fft.rfft(frames[:, middle] * hann, n_fft)), FLOOR)


def multi_resolution_stft(
    reference: np.ndarray,
    degraded: np.ndarray,
    rate: int,
    resolutions: tuple[tuple[int, int, int], ...] = PUBLISHED,
) -> float:
    """Multi-resolution STFT distance, 0 for equal waves, lower is better.

    Spectral convergence ‖R − D‖ / ‖R‖ plus the mean |ln R − ln D| of the magnitudes R and D, averaged over three
    resolutions (Yamamoto 2020, Parallel WaveGAN, arXiv:1910.11480, with its Hann windows of 240, 600 and 1200
    samples); equal to `auraloss.freq.MultiResolutionSTFTLoss()`, which papers quote.
    Computed at the rate of the waves: figures at different rates do not compare.
    """
    longest = max(n_fft for n_fft, _, _ in resolutions)
    if len(reference) <= longest // 2:
        raise NotMeasurable(f"shorter than {longest // 2 + 1} samples")
    distances = []
    for resolution in resolutions:
        wanted, found = _magnitude(reference, *resolution), _magnitude(degraded, *resolution)
        if wanted.max() <= FLOOR:
            raise NotMeasurable("the reference is silent")
        convergence = np.linalg.norm(wanted - found) / np.linalg.norm(wanted)
        distances.append(convergence + np.abs(np.log(wanted / found)).mean())
    return float(np.mean(distances))


def long_window_stft(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    """The same over Hann windows of 1024, 2048 and 4096 samples and hops of a quarter.

    Long windows resolve single harmonics, so this one hears phases that do not fit together from frame to frame.
    """
    return multi_resolution_stft(reference, degraded, rate, LONG)


def voicing_f1(wanted: Pitch, found: Pitch) -> float:
    """F1 of the voiced/unvoiced decision per frame, 0 to 1, higher is better.

    As Morrison 2022 (CARGAN, arXiv:2110.10139), with the voicing of `pitch.track` in place of CREPE's: figures
    from CREPE do not compare.
    """
    return f1(wanted.voiced, found.voiced)


def f1(wanted: np.ndarray, found: np.ndarray) -> float:
    """Harmonic mean of precision and recall, 2·TP / (2·TP + FP + FN), of two arrays (T,) of bool."""
    positives = int(wanted.sum()) + int(found.sum())
    if positives == 0:
        raise NotMeasurable("no voiced frame")
    return float(2 * (wanted & found).sum() / positives)


def periodicity_error(wanted: Pitch, found: Pitch) -> float:
    """Root mean square difference of the periodicity per frame, 0 to 1, lower is better.

    As Morrison 2022 (CARGAN, arXiv:2110.10139), with the periodicity of `pitch.track` in place of CREPE's: figures
    from CREPE do not compare.
    """
    return float(np.sqrt(np.mean((wanted.periodicity - found.periodicity) ** 2)))


def f0_error(wanted: Pitch, found: Pitch) -> float:
    """Root mean square difference of the fundamental frequency in cents, over frames voiced in both.

    As Morrison 2022 (CARGAN, arXiv:2110.10139), with the pitch of `pitch.track` in place of CREPE's: figures
    from CREPE do not compare.
    """
    both = wanted.voiced & found.voiced
    if not both.any():
        raise NotMeasurable("no frame voiced in both")
    cents = 1200 * np.log2(found.frequency[both] / wanted.frequency[both])
    return float(np.sqrt(np.mean(cents**2)))
