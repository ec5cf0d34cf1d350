"""What is wrong with the channels of recordings, and with the sample rates of a set. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from specgan.doctor.finding import Finding, finding, percent
from specgan.doctor.measure import Measured, cases_of

ONE_SIDED = 40.0  # dB between two channels, of which the softer is only crosstalk
SAME_SOUND, INVERTED = 0.5, -0.5
"""Correlation of two channels. Microphones of one room give more than 0.5, two talkers about 0, a wrong polarity −1."""


def check_channels(sound: Sequence[Measured]) -> list[Finding]:
    """Sides that are silent, inverted or of different sound, and sets of mono and stereo."""
    several = [one for one in sound if one.channels.count > 1]
    counts = Counter(one.channels.count for one in sound)

    def apart(one: Measured) -> float:
        levels = one.channels.levels[:2]
        return abs(levels[0] - levels[1]) if np.isfinite(levels).all() else np.inf

    def levels(one: Measured) -> str:
        return " and ".join(f"{level:.0f}" for level in one.channels.levels) + " dBFS"

    def correlation(one: Measured) -> str:
        return f"correlation {one.channels.correlation:+.2f}"

    both = [one for one in several if apart(one) <= ONE_SIDED]
    found = finding(
        "one side",
        "{} have one side silent",
        "Take the other side alone: the mean of both is 6 dB softer.",
        cases_of(several, lambda one: apart(one) > ONE_SIDED, levels),
        serious=False,
    )
    found += finding(
        "inverted",
        "{} have one side inverted: the mean of both, which is what is learned, cancels out",
        "Invert one side or take one alone.",
        cases_of(both, lambda one: one.channels.correlation < INVERTED, correlation),
        serious=True,
        unusable=True,
    )
    found += finding(
        "two sides",
        "{} have different sounds on both sides, as two talkers have",
        "Split them into a recording a side; the mean of both is what is learned.",
        cases_of(both, lambda one: INVERTED <= one.channels.correlation < SAME_SOUND, correlation),
        serious=True,
        unusable=True,
    )
    found = [_fill(item, len(sound)) for item in found]
    if len(counts) > 1:
        most = counts.most_common(1)[0][0]
        what = "the recordings differ in channels: " + ", ".join(f"{many} have {n}" for n, many in counts.items())
        cases = cases_of(sound, lambda one: one.channels.count != most, lambda one: f"{one.channels.count} channels")
        found += finding("mixed channels", what, "Make all mono.", cases, serious=False)
    return found


def _fill(item: Finding, of: int) -> Finding:
    return Finding(
        item.check, item.what.format(percent(len(item.cases), of)), item.advice, item.serious, item.cases, item.unusable
    )


def check_rates(sound: Sequence[Measured]) -> list[Finding]:
    """Sets of several sample rates."""
    rates = Counter(one.rate for one in sound)
    if len(rates) < 2:
        return []
    most = rates.most_common(1)[0][0]
    cases = cases_of(sound, lambda one: one.rate != most, lambda one: f"{one.rate} Hz", lambda one: -one.rate)
    what = "the recordings differ in sample rate: " + ", ".join(f"{n} at {rate} Hz" for rate, n in rates.most_common())
    advice = f"Bring all to one rate (`specgan prepare --rate {most}`); those recorded lower stay without high bands."
    return finding("mixed rates", what, advice, cases, serious=False)
