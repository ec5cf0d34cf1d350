"""Transcripts that do not fit their sound: too long, too short, exchanged. No torch."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from specgan.doctor.finding import Case, Finding, finding, percent
from specgan.doctor.measure import Measured
from specgan.doctor.phones import STATES, PhoneModels, align, states_of
from specgan.text.phonemes import phonemise
from specgan.text.sentences import prepare_text
from specgan.text.symbols import tokenise
from vocoder.errors import InputError

LEAST_GROUP = 10
"""Recordings of a speaker and a language from which on they are compared with each other."""
USUAL = (4.0, 22.0)
"""Phones a second between the pauses at both ends, of single recordings: those of four corpora have 4.2 to 18.9."""
DEVIATIONS, LEAST_RATIO, LEAST_SECONDS = 6.0, 1.6, 0.8
"""How far a length is from what its phones let expect: in robust standard deviations of its group, as a ratio, and in
seconds (of four words one may speak in half the time). None of 1 631 recordings of four corpora is."""
TELLS = 0.9
"""Median of the margins from which on models of phones have learned enough to tell. A dozen short recordings reach 1.2,
hundreds 3 to 4."""
MISFIT, SUSPECT = 0.35, 0.65
"""Shares of that median: below the first a transcript does not fit; below the second it is tried on other recordings.
With 66 transcripts exchanged in four corpora, 61 had less than 0.35 and none of 1 467 right ones."""
MOST_SUSPECTS = 60
PAUSE = "_"


@dataclass(frozen=True)
class Spoken:
    """A recording, and the phones of its transcript; one pause for several, and one at both ends."""

    measured: Measured
    phones: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Without the pauses at both ends."""
        spectrum = self.measured.spectrum
        assert spectrum is not None  # `spoken` takes none without sound
        return self.measured.seconds - spectrum.lead - spectrum.trail

    @property
    def count(self) -> int:
        """Phones, pauses not counted."""
        return sum(phone != PAUSE for phone in self.phones)

    def case(self, words: str, worse: float) -> Case:
        return Case(self.measured.row.id, words, worse, self.measured.set)


def spoken(measured: Sequence[Measured]) -> tuple[list[Spoken], list[Finding]]:
    """Recordings with the phones of their transcripts, and what is wrong with transcripts as such."""
    found, mute, written = [], [], [one for one in measured if one.row.text is not None]
    without = sum(one.row.language is None for one in written)
    for one in written:
        if one.row.language is None or one.error or one.silent:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # characters that nobody can speak
                texts = prepare_text(one.row.text or "", one.row.language)
                tokens = tokenise(" ".join(phonemise(text, one.row.language) for text in texts))
        except InputError as error:
            mute.append(Case(one.row.id, str(error), 0.0, one.set))
            continue
        phones = [PAUSE, *(PAUSE if token.pause else token.phone for token in tokens), PAUSE]
        kept = [phone for phone, group in groupby(phones) for phone in ([PAUSE] if phone == PAUSE else group)]
        found.append(Spoken(one, tuple(kept)))
    findings = finding(
        "no words",
        f"{percent(len(mute), len(written))} have a transcript that cannot be spoken",
        "Write what is said, or leave them out.",
        mute,
        serious=True,
        unusable=True,
    )
    if without:
        what = f"{percent(without, len(written))} with a text have no language, so their transcripts were not checked"
        findings.append(Finding("language", what, "Prepare the corpus with --language.", False))
    return found, findings


def groups(rows: Sequence[Spoken]) -> list[list[Spoken]]:
    """Recordings by speaker and language."""
    found: dict[tuple[str | None, str | None], list[Spoken]] = {}
    for one in rows:
        found.setdefault((one.measured.row.speaker, one.measured.row.language), []).append(one)
    return list(found.values())


# -- lengths ----------------------------------------------------------------------------------------------------------


def check_lengths(rows: Sequence[Spoken]) -> list[Finding]:
    """Recordings that last much longer or shorter than the phones of their transcript let expect.

    What a whole group has in common is not found here but as the wrong rate.
    """
    cases = []
    for group in groups(rows):
        if len(group) < LEAST_GROUP:
            cases += [
                one.case(f"{one.count / one.seconds:.1f} phones a second", abs(np.log(one.count / one.seconds / 11)))
                for one in group
                if not USUAL[0] <= one.count / one.seconds <= USUAL[1]
            ]
            continue
        seconds, counts = (np.array([getattr(one, name) for one in group]) for name in ("seconds", "count"))
        expected = _line(counts, seconds)
        ratio = np.log(seconds / expected)
        deviation = 1.4826 * float(np.median(np.abs(ratio - np.median(ratio))))
        limit = max(float(np.log(LEAST_RATIO)), DEVIATIONS * deviation)
        for one, own, usual in zip(group, ratio, expected, strict=True):
            if abs(own) > limit and abs(one.seconds - usual) > LEAST_SECONDS:
                words = f"{one.seconds:.1f} s of sound where the text lets expect {usual:.1f} s"
                cases.append(one.case(words, abs(own)))
    what = f"{percent(len(cases), len(rows))} are much longer or shorter than their transcript"
    advice = "Compare text and sound: one of them lacks something, or they do not belong together."
    return finding("length", what, advice, cases, serious=True, unusable=True)


def _line(counts: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Seconds that so many phones last, by the median of the slopes between pairs (Theil 1950, Sen 1968)."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(len(counts), size=(2, 4000))
    differing = counts[a] != counts[b]
    if not differing.any():
        return np.full(len(seconds), np.median(seconds))
    slope = float(np.median((seconds[a] - seconds[b])[differing] / (counts[a] - counts[b])[differing]))
    slope = slope if slope > 0 else float(np.median(seconds / counts))
    offset = float(np.median(seconds - slope * counts))
    return np.maximum(offset + slope * counts, 0.25 * slope * counts)


# -- exchanged --------------------------------------------------------------------------------------------------------


def check_fit(rows: Sequence[Spoken]) -> list[Finding]:
    """Transcripts that do not fit by models of phones which learn from the set itself, and those that were exchanged.

    How well a transcript fits is how much better it does than its own phones backwards or with the second half first,
    as in `specgan.text.alignments`; a recording is judged by models that have not learned from it.
    """
    found: list[Finding] = []
    for language in sorted({one.measured.row.language or "" for one in rows}):
        group = [one for one in rows if one.measured.row.language == language and _long_enough(one)]
        if len(group) < LEAST_GROUP:
            continue
        numbers = {phone: i for i, phone in enumerate(sorted({phone for one in group for phone in one.phones}))}
        phones = [np.array([numbers[phone] for phone in one.phones]) for one in group]
        models = PhoneModels([_cepstra(one) for one in group], phones, len(numbers))
        margins = _margins(models, phones)
        middle = float(np.median(margins))
        if middle < TELLS:
            what = f"whether the {len(group)} transcripts in {language!r} fit cannot be told (they do by {middle:.1f} "
            what += f"in the median, must be {TELLS}): there are too few to learn from, or most do not fit"
            found.append(Finding("transcripts", what, "Listen to some; or give a trained --aligner.", False))
            continue
        pairs = _exchanged(models, phones, np.flatnonzero(margins < SUSPECT * middle))
        partner = {i: j for pair in pairs for i, j in (pair, pair[::-1])}
        swapped = [
            one.case(f"its text fits the sound of {group[partner[i]].measured.row.id}, and the reverse", -margins[i])
            for i, one in enumerate(group)
            if i in partner
        ]
        misfits = [
            one.case(
                f"fits by {margins[i]:.1f}, the median is {middle:.1f}: {(one.measured.row.text or '')[:50]!r}",
                -margins[i],
            )
            for i, one in enumerate(group)
            if i not in partner and margins[i] < MISFIT * middle
        ]
        found += finding(
            "swapped",
            f"{percent(len(swapped), len(group))} have the transcript of another recording",
            "Exchange them back.",
            swapped,
            serious=True,
            unusable=True,
        )
        found += finding(
            "transcripts",
            f"{percent(len(misfits), len(group))} have a transcript that does not seem to fit what is said",
            "Listen; correct the text or leave them out. Very short ones may be right.",
            misfits,
            serious=True,
            unusable=True,
        )
    return found


def _cepstra(one: Spoken) -> np.ndarray:
    assert one.measured.spectrum is not None  # `spoken` takes none without sound
    return one.measured.spectrum.cepstra


def _long_enough(one: Spoken) -> bool:
    return one.count >= 4 and len(_cepstra(one)) >= STATES * len(one.phones)


def _margins(models: PhoneModels, phones: Sequence[np.ndarray]) -> np.ndarray:
    fits = []
    for first in range(0, len(phones), 64):  # a score for every frame and state takes memory
        scores = []
        for index in range(first, min(first + 64, len(phones))):
            own, inner = models.scores(index), phones[index][1:-1]
            ends = phones[index][[0, -1]]
            for middle in (inner, inner[::-1], np.roll(inner, len(inner) // 2)):
                scores.append(own[:, states_of(np.r_[ends[0], middle, ends[1]])])
        fits += [fit for _, fit in align(scores)]
    table = np.array(fits).reshape(-1, 3)
    return table[:, 0] - table[:, 1:].max(axis=1)


def _exchanged(models: PhoneModels, phones: Sequence[np.ndarray], suspects: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of suspects each of which fits the other's sound better than its own; the best pairs first."""
    suspects = suspects[:MOST_SUSPECTS]
    gains: dict[tuple[int, int], float] = {}
    for i in suspects:
        scores = models.scores(i)
        fitting = [j for j in suspects if len(scores) >= STATES * len(phones[j])]
        fits = align([scores[:, states_of(phones[j])] for j in fitting])
        own = next(fit for j, (_, fit) in zip(fitting, fits, strict=True) if j == i)
        gains |= {(int(i), int(j)): fit - own for j, (_, fit) in zip(fitting, fits, strict=True)}
    both = {
        (i, j): gain + gains[j, i] for (i, j), gain in gains.items() if i < j and gain > 0 and gains.get((j, i), 0) > 0
    }
    pairs: list[tuple[int, int]] = []
    for pair in sorted(both, key=lambda pair: -both[pair]):
        if not any(set(pair) & set(other) for other in pairs):
            pairs.append(pair)
    return pairs
