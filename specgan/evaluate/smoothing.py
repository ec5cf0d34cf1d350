"""The over-smoothing index: how much of the recordings' movement a generated mel has, on voiced frames."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from specgan.evaluate.errors import NotMeasurable

SLOW = 4.0  # Hz: syllables and phrases move below it; what a regression smooths away lies above
FAST = 32.0  # Hz: speech seen through a window of 46 ms hardly moves above it, noise from frame to frame does
SHORTEST = 12  # frames: shorter voiced stretches have no movement above 4 Hz to speak of
TRANSFORM = 512  # frames: stretches are padded with zeros to one transform (longer ones are cut)


@dataclass(frozen=True)
class Smoothing:
    """Generated against real; 1 is as the recordings, below is smoother, above is rougher.

    Attributes
    ----------
    deviation : float
        Ratio of the standard deviations of a mel band over voiced frames, mean over bands.
    modulation : float
        Ratio of the modulation energies above 4 Hz of a band, mean over bands.
    index : float
        (deviation + √modulation) / 2, as both are ratios of amplitudes then.
    noise : float
        Root mean square, in units of the log-mel, of the white noise that was found and taken out of the other three.
    """

    deviation: float
    modulation: float
    index: float
    noise: float


class _Moments:
    """Sums over voiced frames from which variance and modulation spectrum of every band follow."""

    def __init__(self, bands: int) -> None:
        self.count = 0
        self.sum, self.square = np.zeros(bands), np.zeros(bands)
        self.spectrum = np.zeros((bands, TRANSFORM // 2 + 1))
        self.weight = 0.0  # what white noise of variance 1 adds to every bin of the spectrum

    def add(self, mel: np.ndarray, voiced: np.ndarray) -> None:
        frames = mel[:, voiced].astype(np.float64)
        self.count += frames.shape[1]
        self.sum += frames.sum(axis=1)
        self.square += np.square(frames).sum(axis=1)
        for first, last in stretches(voiced):
            window = np.hanning(last - first + 2)[1:-1]
            stretch = mel[:, first:last].astype(np.float64)
            centred = stretch - (stretch @ window / window.sum())[:, None]
            self.spectrum += np.abs(np.fft.rfft(centred * window, TRANSFORM)) ** 2
            self.weight += float(np.square(window).sum())

    @property
    def variance(self) -> np.ndarray:
        return self.square / self.count - np.square(self.sum / self.count)


def stretches(voiced: np.ndarray) -> list[tuple[int, int]]:
    """First frame and the one after the last of every voiced stretch of 12 to 512 frames of a mask (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], voiced.astype(np.int8), [0]])))
    pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [(first, min(last, first + TRANSFORM)) for first, last in pairs if last - first >= SHORTEST]


def over_smoothing(utterances: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]], frame_rate: float) -> Smoothing:
    """Compare generated mels with those of the recordings at the true durations, frame by frame.

    For band b, σ_b is the standard deviation of the log-mel over all voiced frames, and E_b the energy of its
    movement above 4 Hz: every voiced stretch of at least 12 frames is centred, weighted with a Hann window of its
    length and transformed along time, and the squared magnitudes above 4 Hz are added up. Both are gathered over all
    utterances before the ratio generated / real is taken, and the ratios are averaged over bands. Modulation spectra
    as a measure of over-smoothing: Takamichi 2014 ("A postfilter to modify the modulation spectrum in HMM-based speech
    synthesis").

    Noise that is independent from frame to frame would raise both, and must not pass for detail. It has the same
    energy at every modulation frequency, while speech has about a hundredth of its energy above 32 Hz. So what a
    band of the generated mel has above 32 Hz beyond what the recordings have there is taken for noise, and as much
    is subtracted at all frequencies and from the variance.

    Parameters
    ----------
    utterances : iterable of (real (M, T), generated (M, T), voiced (T,) bool)
        Natural logarithms of mel magnitudes, of the same frames.
    frame_rate : float
        Frames per second.

    Raises
    ------
    NotMeasurable
        If there is no voiced stretch of at least 12 frames, or a band of the recordings does not move at all.
    """
    real = made = None
    for wanted, found, voiced in utterances:
        if wanted.shape != found.shape or voiced.shape != wanted.shape[1:]:
            raise ValueError(f"shapes {wanted.shape}, {found.shape} and {voiced.shape} must be (M, T), (M, T), (T,)")
        if real is None or made is None:
            real, made = _Moments(len(wanted)), _Moments(len(wanted))
        real.add(wanted, voiced)
        made.add(found, voiced)
    if real is None or made is None or not real.weight:
        raise NotMeasurable(f"no voiced stretch of {SHORTEST} frames")
    frequency = np.fft.rfftfreq(TRANSFORM, 1.0 / frame_rate)
    moving, fast = frequency >= SLOW, frequency >= FAST
    energy = real.spectrum[:, moving].sum(axis=1)
    if not energy.all() or not real.variance.all():
        raise NotMeasurable("a band of the recordings does not move")
    excess = np.maximum(0.0, (made.spectrum - real.spectrum)[:, fast].mean(axis=1))  # per bin
    variance = np.maximum(0.0, made.variance - excess / made.weight)
    deviation = float(np.sqrt(variance / real.variance).mean())
    left = np.maximum(0.0, made.spectrum[:, moving].sum(axis=1) - excess * moving.sum())
    modulation = float((left / energy).mean())
    noise = float(np.sqrt((excess / made.weight).mean()))
    return Smoothing(deviation, modulation, (deviation + np.sqrt(modulation)) / 2.0, noise)
