"""Mel-cepstral distance over a time-warped path."""

from __future__ import annotations

import numpy as np

from specgan.evaluate.errors import needs

COEFFICIENTS = 13  # c₁ … c₁₃


def mel_cepstrum(mel: np.ndarray) -> np.ndarray:
    """Cepstrum c₁ … c₁₃ of a log-mel by the discrete cosine transform.

    Scaled so that ln|H(ω)| = c₀ + Σ c_m cos(mω) on the mel axis, as in SPTK: c_m = 2/M Σ_b ln X_b cos(π m (b + ½) / M).
    c₀, the level, is left out.

    Parameters
    ----------
    mel : (M, T) float
        Natural logarithm of magnitudes.

    Returns
    -------
    (13, T) float64
    """
    with needs("scipy"):
        from scipy.fft import dct
    return 2.0 * dct(mel.astype(np.float64), type=2, norm="forward", axis=0)[1 : COEFFICIENTS + 1]


def warping_path(reference: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Dynamic time warping of two cepstra (D, T₁), (D, T₂) by their Euclidean distance → pairs of frames (P, 2).

    Steps (1, 1), (1, 0), (0, 1) of equal weight, from the first pair to the last (Sakoe and Chiba 1978).
    """
    with needs("librosa"):
        from librosa.sequence import dtw
    _, path = dtw(X=reference, Y=other, metric="euclidean")
    return path[::-1]


def mel_cepstral_distance(reference: np.ndarray, other: np.ndarray, path: np.ndarray) -> float:
    """Mel-cepstral distance in dB, lower is better: the mean over the path of 10/ln 10 · √(2 Σ_{m=1}^{13} Δc_m²).

    The formula is that of Kubichek (1993); 13 coefficients of the 80-band mel without c₀ as in Skerry-Ryan (2018,
    arXiv:1803.09047), the mean over a path of time warping as in Battenberg (2020, arXiv:1910.10288). With the scale of
    `mel_cepstrum` it is the root mean square difference of the smoothed envelopes in dB over the mel axis. Figures
    from the mel-cepstra of SPTK or WORLD, and those without the factor, do not compare.

    Parameters
    ----------
    reference, other : (13, T₁), (13, T₂) float
        See `mel_cepstrum`.
    path : (P, 2) int
        See `warping_path`.
    """
    difference = reference[:, path[:, 0]] - other[:, path[:, 1]]
    return float(10.0 / np.log(10.0) * np.sqrt(2.0 * np.square(difference).sum(axis=0)).mean())
