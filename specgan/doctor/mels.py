"""Whether given mels fit their recordings: frame by frame, and of the MelSpec that they claim."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from specgan.doctor.finding import Case, Finding, finding, percent
from specgan.doctor.measure import Measured
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.mel import LogMel
from vocoder.signal.mels import SPEC, read_mel, read_spec
from vocoder.signal.spec import MelSpec

PARTS = 8  # of a hop, in which offsets are tried
REACH = 2  # hops to either side
SHIFTED, ALL_SHIFTED = 0.35, 0.2
"""Hops, of one mel and of the median of all. Of mels that a voice of few steps drew at true durations, those of learned
recordings were within 0.08 of them, those of unseen ones within 0.3, and both medians within 0.05."""
OTHER = 0.7
"""A mel is of another kind if the best other kind leaves less than this share of the distance to the claimed one."""
DRAWN = 0.6
"""Mean distance in ln up to which a mel is of its recording and its kind: drawn ones have 0.2 to 0.6."""
FAR = 1.0
"""Mean distance in ln from which a mel hardly is of its recording: drawn ones have 0.2 to 0.6, those of other
recordings 1.5 and more."""


def check_mels(
    measured: Sequence[Measured], folder: Path, progress: Callable[[Iterable[Any], int], Iterable[Any]]
) -> list[Finding]:
    """Compare the mels of a folder with those of their recordings.

    Parameters
    ----------
    measured : sequence of Measured
    folder : Path
        `<id>.npy` for each recording, and mels.json with their MelSpec; see `vocoder.signal.mels`.
    progress : callable

    Raises
    ------
    InputError
        If mels.json is missing or damaged.
    """
    spec = read_spec(folder / SPEC)
    unit = math.log(10.0) if spec.log_base == "10" else 1.0  # what a value of the mel is in ln
    compared = [one for one in measured if not one.error]
    damaged: list[Case] = []
    offsets: list[tuple[Measured, float]] = []
    other: list[Case] = []
    far: list[Case] = []
    kinds: set[str] = set()
    for one in progress(compared, len(compared)):
        row = one.row
        wave = audio.read_mono(row.audio, spec.sample_rate, offset=row.start, duration=row.duration)
        try:
            mel = read_mel(folder / f"{row.id}.npy", row.id, len(wave), spec)
        except InputError as error:
            damaged.append(Case(row.id, str(error), 0.0, one.set))
            continue
        offset, distance = find_offset(mel, wave, spec)
        kind, least = ("", distance) if distance * unit <= DRAWN else _nearest_kind(mel, wave, spec, offset)
        if least < OTHER * distance:
            kinds.add(kind)
            words = f"{least * unit:.2f} in ln from a mel of {kind}, {distance * unit:.2f} from one of {SPEC}"
            other.append(Case(row.id, words, distance, one.set))
        elif distance * unit > FAR:
            far.append(Case(row.id, f"{distance * unit:.2f} in ln from the mel of the recording", distance, one.set))
        else:
            offsets.append((one, offset))
    of, shifted = len(compared), _shifted(offsets)
    return [
        *finding(
            "mels",
            f"{percent(len(damaged), of)} have no mel that can be used",
            "Draw them again; leave what was not drawn out of the manifest.",
            damaged,
            serious=True,
        ),
        *finding(
            "mel shift",
            f"{percent(len(shifted), of)} have a mel that is shifted against the wave",
            "Compute them without centring: frame k belongs to samples k·hop to (k + 1)·hop − 1, with (n_fft − hop)/2 "
            "samples reflected at both ends. Half a frame is what `center=True` of librosa and torch makes.",
            shifted,
            serious=True,
        ),
        *finding(
            "mel kind",
            f"{percent(len(other), of)} have a mel of another kind than {SPEC} says: {', '.join(sorted(kinds))}",
            "Correct that file or compute the mels again; a vocoder takes mels of its own MelSpec only.",
            other,
            serious=True,
        ),
        *finding(
            "mel distance",
            f"{percent(len(far), of)} have a mel that is far from their recording",
            "See whether they belong to it: another recording, level or durations.",
            far,
            serious=True,
        ),
    ]


def _shifted(offsets: Sequence[tuple[Measured, float]]) -> list[Case]:
    """Mels that are far from their place; the nearer ones too if all tend to one side."""
    middle = float(np.median([offset for _, offset in offsets])) if offsets else 0.0
    limit = ALL_SHIFTED if abs(middle) > ALL_SHIFTED else SHIFTED
    return [
        Case(one.row.id, f"{abs(offset):.2f} frames {'late' if offset < 0 else 'early'}", abs(offset), one.set)
        for one, offset in offsets
        if abs(offset) > limit
    ]


def find_offset(mel: np.ndarray, wave: np.ndarray, spec: MelSpec) -> tuple[float, float]:
    """By how many frames a mel is early, and its mean distance from the mel of the wave at that place.

    Frame k of the mel is compared with the mel of the wave around frame k + offset, for offsets in eighths of a frame;
    a parabola through the least distance and its neighbours gives the parts between.

    Parameters
    ----------
    mel : (bands, T) array
    wave : (N,) array
    spec : MelSpec
    """
    parts = [_mel_at(wave, spec, part * spec.hop // PARTS) for part in range(PARTS)]
    steps = range(-REACH * PARTS, REACH * PARTS + 1)
    distances = np.array([_distance(mel, parts[step % PARTS], step // PARTS) for step in steps])
    best = int(distances.argmin())
    if not 0 < best < len(steps) - 1:
        return float(steps[best] / PARTS), float(distances[best])
    before, at, after = distances[best - 1 : best + 2]
    bend = before - 2 * at + after
    part = 0.5 * (before - after) / bend if bend > 0 else 0.0
    return float((steps[best] + part) / PARTS), float(at)


def _mel_at(wave: np.ndarray, spec: MelSpec, shift: int) -> np.ndarray:
    """The mel of a wave from sample `shift` on; as many frames as the wave has, silence beyond its ends."""
    length = spec.frames(len(wave)) * spec.hop
    moved = np.zeros(length, np.float32)
    source = wave[max(shift, 0) : max(shift, 0) + length - max(-shift, 0)]
    moved[max(-shift, 0) : max(-shift, 0) + len(source)] = source
    return _log_mel(moved, spec)


_layer = functools.lru_cache(maxsize=32)(LogMel)


@torch.inference_mode()
def _log_mel(wave: np.ndarray, spec: MelSpec) -> np.ndarray:
    return _layer(spec)(torch.from_numpy(np.ascontiguousarray(wave, np.float32))[None])[0].numpy()


def _distance(mel: np.ndarray, other: np.ndarray, frames: int = 0) -> float:
    """Mean distance of frame k of a mel from frame k + `frames` of another, away from the ends of the wave."""
    count = mel.shape[1]
    edge = REACH + 1 if count > 4 * REACH else 0
    first, last = max(edge, -frames), min(count - edge, count - frames)
    return float(np.abs(mel[:, first:last] - other[:, first + frames : last + frames]).mean())


def _nearest_kind(mel: np.ndarray, wave: np.ndarray, spec: MelSpec, offset: float) -> tuple[str, float]:
    """Which other kind of mel it is nearest to, in words, and how near: other fields, powers, decibels."""
    shift = round(offset * spec.hop)
    kinds = _other_specs(spec).items()
    found = {words: _distance(mel, _mel_at(wave, kind, shift)) for words, kind in kinds}
    own = _mel_at(wave, spec, shift)
    found["powers, not magnitudes"] = _distance(mel, 2 * own)
    found["decibels"] = _distance(mel, own * (20 / math.log(10.0) if spec.log_base == "e" else 20.0))
    best = min(found, key=lambda words: found[words])
    return best, found[best]


def _other_specs(spec: MelSpec) -> dict[str, MelSpec]:
    """The MelSpecs that differ in one field, as other toolkits have them."""
    changes: dict[str, list[Any]] = {
        "fmax": [8000.0, spec.sample_rate / 2, 7600.0],
        "fmin": [0.0, 20.0, 55.0, 80.0, 125.0],
        "log_base": ["e", "10"],
        "mel_scale": ["slaney", "htk"],
        "mel_norm": ["slaney", "none"],
        "n_fft": [spec.n_fft * 2, spec.n_fft // 2, 800 if spec.n_fft == 1024 else spec.n_fft],
    }
    found = {}
    for name, values in changes.items():
        for value in values:
            if value == getattr(spec, name):
                continue
            try:
                found[f"{name} {value if isinstance(value, str) else f'{value:g}'}"] = dataclasses.replace(
                    spec, **{name: value}
                )
            except InputError:  # an n_fft below two hops
                continue
    return found
