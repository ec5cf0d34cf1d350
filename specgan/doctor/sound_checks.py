"""What is wrong with the sound of recordings, one by one and beside each other. No torch.

Every threshold was set between what clean corpora have (kathleen and ljspeech, 65 minutes in studio-like rooms) and
what those with the fault have: flemishguy (a noisy room), kerstin (band-limited), LibriSpeech, planted faults.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from specgan.doctor.channels import check_channels, check_rates
from specgan.doctor.finding import Finding, finding, percent
from specgan.doctor.measure import Measured, cases_of
from specgan.doctor.spectrum import Spectrum

OFFSET = 0.01
"""Of full scale, −40 dB: kathleen has 0.0015, which harms nothing; LibriSpeech has single files with up to 0.26."""
QUIET = -40.0
"""dBFS. The softest recordings of four corpora set to −23 dBFS, and of LibriSpeech, have −36."""
SPREAD = 12.0
"""dB from the median of the set. kathleen, ljspeech, flemishguy and kerstin stay within 8."""
OVER = 1.0  # of full scale
DULL, NOISY, DROWNED = 29.0, 21.0, 12.0
"""dB between sound and noise floor: what the median of a speaker should have, and single recordings. kathleen has a
median of 31, ljspeech and kerstin 42 to 44, flemishguy, in a noisy room, 27; single ones of the former three reach
down to 22."""
HEARD, ENOUGH = 0.15, 5
"""Seconds of pauses at both ends from which a noise floor can be told from speech (in recordings that are cut tightly
the quietest moments are the voice), and how many such recordings tell of a speaker."""
NARROW = 0.75
"""Of half the sample rate. Full-band voices reach 0.84 to 1; kerstin, cut off, 0.64 to 0.82."""
EDGE, INNER = 1.0, 2.0
"""Seconds of a pause. kathleen, ljspeech, flemishguy and kerstin have at most 0.33 at the ends and 0.74 inside."""
FLAT = 6.0
"""dB between loud and quiet moments, below which nothing in a recording is speech. The least of real speech is 15."""
RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # Hz


def check_sound(measured: Sequence[Measured]) -> list[Finding]:
    """Everything that needs no transcript.

    Parameters
    ----------
    measured : sequence of Measured
        All recordings of all manifests.
    """
    sound = [one for one in measured if not one.error and not one.silent]
    return [
        *_unreadable(measured),
        *_silent(measured),
        *_clipping(sound),
        *_over(sound),
        *_offset(sound),
        *_level(sound),
        *_noise(sound),
        *_bandwidth(sound),
        *_pauses(sound),
        *check_channels(sound),
        *check_rates(sound),
    ]


def _unreadable(measured: Sequence[Measured]) -> list[Finding]:
    cases = cases_of(measured, lambda one: bool(one.error), lambda one: one.error)
    what = f"{percent(len(cases), len(measured))} cannot be read"
    advice = "Fetch or export them again, or leave them out; training would stop at them."
    return finding("unreadable", what, advice, cases, serious=True, unusable=True)


def _silent(measured: Sequence[Measured]) -> list[Finding]:
    cases = cases_of(measured, lambda one: one.silent, lambda one: f"{one.seconds:.2f} s of silence")
    flat = cases_of(
        measured,
        lambda one: bool(one.row.text and one.spectrum and one.spectrum.loud - one.spectrum.quiet < FLAT),
        lambda one: f"loud and quiet moments are {_spectrum(one).loud - _spectrum(one).quiet:.1f} dB apart",
    )
    return [
        *finding(
            "silence",
            f"{percent(len(cases), len(measured))} are silent",
            "Record them again or leave them out.",
            cases,
            serious=True,
            unusable=True,
        ),
        *finding(
            "no speech",
            f"{percent(len(flat), len(measured))} have a text, but nothing in them rises above an even noise",
            "Listen to them; record them again or leave them out.",
            flat,
            serious=True,
            unusable=True,
        ),
    ]


def _clipping(sound: Sequence[Measured]) -> list[Finding]:
    cases = cases_of(
        sound,
        lambda one: one.clipping.runs > 0,
        lambda one: (
            f"{one.clipping.samples} samples in {one.clipping.runs} places, up to {one.clipping.longest} in a row, "
            f"at {one.clipping.level:.2f} of full scale"
        ),
        lambda one: one.clipping.samples / one.seconds,
    )
    what = f"{percent(len(cases), len(sound))} are clipped: their peaks are cut off flat"
    advice = "Record them again at a lower gain, or leave them out: a vocoder learns the crackle."
    return finding("clipping", what, advice, cases, serious=True, unusable=True)


def _over(sound: Sequence[Measured]) -> list[Finding]:
    cases = cases_of(
        sound, lambda one: one.peak > OVER, lambda one: f"reaches {one.peak:.3f} of full scale", lambda one: one.peak
    )
    what = f"{percent(len(cases), len(sound))} go beyond full scale and would be clipped when written with 16 bits"
    return finding("over full scale", what, "Scale the whole set down.", cases, serious=False)


def _offset(sound: Sequence[Measured]) -> list[Finding]:
    cases = cases_of(
        sound,
        lambda one: abs(one.offset) >= OFFSET,
        lambda one: f"mean {one.offset:+.3f} of full scale",
        lambda one: abs(one.offset),
    )
    what = f"{percent(len(cases), len(sound))} have a DC offset of {OFFSET:g} of full scale or more"
    return finding("DC offset", what, "Subtract the mean, or filter below 20 Hz.", cases, serious=False)


def _level(sound: Sequence[Measured]) -> list[Finding]:
    if not sound:
        return []
    middle = float(np.median([one.level for one in sound]))
    quiet = cases_of(sound, lambda one: one.level < QUIET, lambda one: f"{one.level:.1f} dBFS", lambda one: -one.level)
    spread = cases_of(
        sound,
        lambda one: one.level >= QUIET and abs(one.level - middle) > SPREAD,
        lambda one: f"{one.level:.1f} dBFS, the median is {middle:.1f}",
        lambda one: abs(one.level - middle),
    )
    return [
        *finding(
            "level",
            f"{percent(len(quiet), len(sound))} are softer than {QUIET:g} dBFS",
            "Scale them up (to about −23 dBFS); mels are learned at the level that they have.",
            quiet,
            serious=False,
        ),
        *finding(
            "level spread",
            f"{percent(len(spread), len(sound))} are more than {SPREAD:g} dB louder or softer than the median",
            "Bring all to one level, unless the difference is meant.",
            spread,
            serious=False,
        ),
    ]


def _noise(sound: Sequence[Measured]) -> list[Finding]:
    """Of speech with pauses alone: of a sound that lasts, the quietest moments are no noise."""
    speech = [one for one in sound if one.row.text and _has_pauses(one)]
    by_speaker: dict[str | None, list[float]] = {}
    for one in speech:
        by_speaker.setdefault(one.row.speaker, []).append(_spectrum(one).snr)
    enough = {speaker: values for speaker, values in by_speaker.items() if len(values) >= ENOUGH}
    medians = {speaker: float(np.median(values)) for speaker, values in enough.items()}

    def words(one: Measured) -> str:
        return f"{_spectrum(one).snr:.1f} dB, noise at {_spectrum(one).noise:.0f} dBFS"

    def worse(one: Measured) -> float:
        return -_spectrum(one).snr

    def noisy(one: Measured) -> bool:
        return DROWNED <= _spectrum(one).snr < (DULL if medians.get(one.row.speaker, np.inf) < DULL else NOISY)

    cases = cases_of(speech, noisy, words, worse)
    what = f"{percent(len(cases), len(speech))} of those with pauses are noisy"
    for speaker, value in medians.items():
        if value < DULL:
            what += f"; {speaker or 'the voice'} is {value:.0f} dB above the noise in the median, {DULL:g} are wanted"
    drowned = cases_of(speech, lambda one: _spectrum(one).snr < DROWNED, words, worse)
    return [
        *finding(
            "noise",
            what,
            "Listen: a model learns the noise with the voice. Clean them, or leave the worst out.",
            cases,
            serious=False,
        ),
        *finding(
            "drowned",
            f"{percent(len(drowned), len(speech))} of those with pauses are less than {DROWNED:g} dB above their noise",
            "Leave them out, or clean them first; the noise is as loud as soft phones.",
            drowned,
            serious=True,
            unusable=True,
        ),
    ]


def _has_pauses(one: Measured) -> bool:
    spectrum = _spectrum(one)
    return spectrum.lead + spectrum.trail >= HEARD


def _bandwidth(sound: Sequence[Measured]) -> list[Finding]:
    """Speech that is cut off is at fault; a door that slams may well have nothing high."""
    found: list[Finding] = []
    for speech in (True, False):
        part = [one for one in sound if bool(one.row.text) == speech]
        cases = cases_of(
            part,
            lambda one: _spectrum(one).cutoff < NARROW * one.rate / 2,
            lambda one: f"nothing above {_spectrum(one).cutoff / 1000:.1f} kHz at {one.rate} Hz",
            lambda one: -_spectrum(one).cutoff / one.rate,
        )
        if not cases:
            continue
        narrow = {(case.set, case.name) for case in cases}
        cutoffs = [_spectrum(one).cutoff for one in part if (one.set, one.row.id) in narrow]
        top = float(np.percentile(cutoffs, 95))
        rate = next((rate for rate in RATES if rate / 2 >= 0.97 * top), RATES[-1])
        what = (
            f"{percent(len(cases), len(part))} are band-limited: nothing above {min(cutoffs) / 1000:.1f} to "
            f"{max(cutoffs) / 1000:.1f} kHz, as in recordings at {rate} Hz or coded with losses"
        )
        advice = f"Find the originals; or prepare all at {rate} Hz (`specgan prepare --rate {rate}`): a model of "
        advice += "their rate learns to leave the upper bands empty."
        found += finding("band width", what, advice, cases, serious=speech)
    return found


def _pauses(sound: Sequence[Measured]) -> list[Finding]:
    def words(one: Measured) -> str:
        s = _spectrum(one)
        return f"{s.lead:.1f} s at the beginning, {s.trail:.1f} s at the end, up to {s.inside:.1f} s inside"

    cases = cases_of(
        [one for one in sound if one.row.text],
        lambda one: max(_spectrum(one).lead, _spectrum(one).trail) > EDGE or _spectrum(one).inside > INNER,
        words,
        lambda one: max(_spectrum(one).lead, _spectrum(one).trail, _spectrum(one).inside),
    )
    what = f"{percent(len(cases), len(sound))} have long pauses (over {EDGE:g} s at an end, {INNER:g} s inside)"
    advice = "Cut them to about 0.2 s at both ends; durations are learned from pauses too."
    return finding("pauses", what, advice, cases, serious=False)


def _spectrum(one: Measured) -> Spectrum:
    assert one.spectrum is not None  # `check_sound` gives only recordings that have one
    return one.spectrum
