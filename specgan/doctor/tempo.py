"""Recordings whose file names a wrong sample rate: all of a speaker too fast and too high, or too slow and too low."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from specgan.doctor.finding import Finding, finding
from specgan.doctor.sound_checks import RATES
from specgan.doctor.transcripts import Spoken, groups
from specgan.runtime.f0 import track
from vocoder.signal import audio

PACE = 11.5
"""Phones a second of read speech: medians of kathleen, ljspeech, flemishguy, kerstin are 12.0, 11.1, 8.6, 13.2."""
USUAL = (6.5, 20.0)
"""Medians of what people can read. A rate that is wrong by less than a factor of about 1.7 hides within."""
HEARD = 8  # recordings of a speaker whose pitch is tracked
LONGEST = 10.0  # seconds of each


def check_tempo(rows: Sequence[Spoken]) -> list[Finding]:
    """Speakers who seem to speak faster or slower than anybody does.

    The pitch is measured for those only, and told with it: 8 kHz labelled as 22 kHz sounds 2.76 times as high.
    """
    found = []
    for group in groups(rows):
        rates = np.array([one.count / one.seconds for one in group])
        middle = float(np.median(rates))
        if USUAL[0] <= middle <= USUAL[1]:
            continue
        labelled = int(np.median([one.measured.rate for one in group]))
        true = min(RATES, key=lambda rate: abs(np.log(labelled / rate * PACE / middle)))
        who = group[0].measured.row.speaker or "whoever speaks"
        what = f"{who} speaks {middle:.0f} phones a second (people read {PACE:g})"
        pitch = _pitch(group)
        if pitch is not None:
            what += f", at a pitch of {pitch:.0f} Hz"
        what += f": the files say {labelled} Hz, but seem to have been recorded at about {true} Hz"
        heard = "fast and high" if middle > PACE else "slow and low"
        advice = f"Listen to one. If it is {heard}, write the true rate into the files' headers; do not resample."
        cases = [
            one.case(f"{rate:.1f} phones a second", abs(np.log(rate / PACE)))
            for one, rate in zip(group, rates, strict=True)
        ]
        found += finding("wrong rate", what, advice, cases, serious=True, unusable=True)
    return found


def _pitch(group: Sequence[Spoken]) -> float | None:
    """Median fundamental frequency (Hz) of some recordings of a group; None if nothing in them is voiced."""
    values = []
    for one in group[:: max(1, len(group) // HEARD)][:HEARD]:
        row = one.measured.row
        wave = audio.read_mono(row.audio, one.measured.rate, offset=row.start, duration=row.duration)
        wave = wave[: round(LONGEST * one.measured.rate)]
        if len(wave) / one.measured.rate < 0.1:
            continue
        found = track(wave, one.measured.rate)
        values.append(found.frequency[found.voiced])
    heard = np.concatenate(values) if values else np.zeros(0)
    return float(np.median(heard)) if len(heard) else None


def explained(rows: Sequence[Spoken], findings: Sequence[Finding]) -> list[Spoken]:
    """The recordings that are not in these findings."""
    named = {(case.set, case.name) for found in findings for case in found.cases}
    return [one for one in rows if (one.measured.set, one.measured.row.id) not in named]
