"""Levels, pauses, noise, band width and a fingerprint of a recording, from its short-time spectrum. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

WINDOW = 0.032  # seconds, rounded to a power of two of samples; half of it apart
BAND = 250.0  # Hz
BLOCK = 1024  # frames transformed at once
FLOOR = 1e-15

LIVE = 55.0
"""dB below the strongest band down to which a band has sound, not rests of a filter. The highest bands of full-band
voices lie 20 to 50 below it (kathleen, ljspeech, flemishguy), what a resampler or a codec leaves above its cut-off 60
and more."""
UNDER = 3.5
"""dB by which the 5 % quietest moments of even noise lie below its mean, in bands of this width."""
ON = 0.35
"""Share of the range between the quietest and the loudest frames (in dB) above which there is sound, not pause."""
RANGE = 10.0
"""dB between the quietest and the loudest frames from which pauses can be told from sound at all."""

CELLS, TONES = 32, 12  # of a fingerprint: pieces of time, and mel bands up to 3.4 kHz, which telephones keep
CEPSTRA = 13


@dataclass(frozen=True)
class Spectrum:
    """What the short-time spectrum of a recording says.

    Attributes
    ----------
    loud, quiet : float
        dBFS of the frames that only 5 % are louder, 2 % are quieter than.
    noise : float
        dBFS of the noise floor, told from the 5 % quietest moments of each band.
    snr : float
        dB by which sound (the frames up to 20 dB below `loud`) lies above `noise`.
    cutoff : float
        Hz up to which there is sound.
    lead, trail, inside : float
        Seconds of the pauses at the beginning, at the end and of the longest between.
    fingerprint : (CELLS · TONES,) float32
        Of norm 1; how alike two recordings are is their product.
    cepstra : (T, 26) float32
        Of frames 12.5 ms apart; empty unless asked for.
    """

    loud: float
    quiet: float
    noise: float
    snr: float
    cutoff: float
    lead: float
    trail: float
    inside: float
    fingerprint: np.ndarray = field(repr=False)
    cepstra: np.ndarray = field(repr=False)


def analyse(wave: np.ndarray, rate: int, *, cepstra: bool = False) -> Spectrum:
    """Measure a wave.

    Parameters
    ----------
    wave : (N,) float32
        Not silent, without direct current.
    rate : int
        Hz.
    cepstra : bool
    """
    size = 2 ** max(4, round(np.log2(WINDOW * rate)))
    hop = size // 2
    power = _power(wave, size, hop)
    frequencies = np.arange(power.shape[1]) * rate / size
    level = _db(power.sum(1))
    quiet, loud = np.percentile(level, [2, 95])
    edges = np.arange(0, rate / 2 + BAND, BAND)
    first = np.unique(np.searchsorted(frequencies, edges[:-1]))
    bands = np.add.reduceat(power, first, axis=1)  # (T, B)
    noise = float(_db(np.percentile(bands, 5, axis=0).sum())) + UNDER
    sound = float(_db(power.sum(1)[level >= loud - 20].mean()))
    top = _db(np.percentile(bands[level >= level.max() - 40], 95, axis=0))
    last = int(np.flatnonzero(top >= top.max() - LIVE)[-1])
    upper = [*frequencies[first[1:]], rate / 2]
    on = _sounding(level, float(quiet), float(loud))
    seconds = hop / rate
    gaps = np.diff(on) - 1
    return Spectrum(
        float(loud),
        float(quiet),
        noise,
        sound - noise,
        float(upper[last]),
        float(on[0] * seconds),
        float((len(level) - 1 - on[-1]) * seconds),
        int(gaps.max(initial=0)) * seconds,
        _fingerprint(power[on[0] : on[-1] + 1], frequencies),
        _cepstra(wave, rate) if cepstra else np.zeros((0, 2 * CEPSTRA), np.float32),
    )


def _power(wave: np.ndarray, size: int, hop: int) -> np.ndarray:
    """(T, bins) whose sum over bins is the mean square of a frame."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(wave, (0, max(0, size - len(wave)))), size)[::hop]
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    scale = np.float32(2 / size / np.square(window).sum())
    parts = []
    for start in range(0, len(frames), BLOCK):
        found = np.fft.rfft(frames[start : start + BLOCK] * window, axis=1)
        parts.append(((found.real**2 + found.imag**2) * scale).astype(np.float32))
    return np.concatenate(parts)


def _db(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.maximum(power, FLOOR))


def _sounding(level: np.ndarray, quiet: float, loud: float) -> np.ndarray:
    """Numbers of the frames with sound, in which single frames do not count; all where there are no pauses."""
    if loud - quiet < RANGE:
        return np.arange(len(level))
    on = level > quiet + ON * (loud - quiet)
    near = np.pad(on, 1)
    kept = np.flatnonzero(on & (near[:-2] | near[2:]))
    return kept if len(kept) else np.flatnonzero(on)


def _fingerprint(power: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Log-energies of pieces of time and mel bands, less the mean of each band: neither level nor equaliser matters."""
    filters = _mel_filters(frequencies, 100.0, 3400.0, TONES)
    tones = power @ filters.T
    edges = np.linspace(0, len(tones), CELLS + 1)
    cells = np.stack([tones[int(a) : max(int(np.ceil(b)), int(a) + 1)].mean(0) for a, b in pairwise(edges)])
    # 45 dB below the loudest cell noise begins to speak
    log = np.log(np.maximum(cells, cells.max() * 10**-4.5 + FLOOR))
    log -= log.mean(0)
    return (log / max(float(np.linalg.norm(log)), 1e-9)).ravel().astype(np.float32)


def _cepstra(wave: np.ndarray, rate: int) -> np.ndarray:
    """Mel cepstra and their slopes, less the mean of the recording, 12.5 ms apart (Davis & Mermelstein 1980)."""
    size = 2 ** round(np.log2(0.025 * rate))
    power = _power(wave, size, max(1, round(0.0125 * rate)))
    # the same bands at any rate, or a phone would have other cepstra there; bands that a rate lacks are constant
    filters = _mel_filters(np.arange(power.shape[1]) * rate / size, 80.0, 8000.0, 24)
    log = np.log(power @ filters.T + 1e-12)
    turn = np.cos(np.pi * np.arange(CEPSTRA)[:, None] * (np.arange(24) + 0.5) / 24)
    cepstra = log @ turn.T.astype(np.float32)
    cepstra -= cepstra.mean(0)
    slopes = np.gradient(cepstra, axis=0) if len(cepstra) > 1 else np.zeros_like(cepstra)
    return np.concatenate([cepstra, slopes], axis=1).astype(np.float32)


def _mel_filters(frequencies: np.ndarray, low: float, high: float, count: int) -> np.ndarray:
    """Triangles (count, bins) on the HTK scale."""
    first, last = np.log10(1 + np.array([low, high]) / 700)
    corners = 700 * (10 ** np.linspace(first, last, count + 2) - 1)
    rising = (frequencies - corners[:-2, None]) / np.diff(corners)[:-1, None]
    falling = (corners[2:, None] - frequencies) / np.diff(corners)[1:, None]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
