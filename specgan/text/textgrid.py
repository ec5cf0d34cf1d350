"""Praat TextGrids: durations of tokens to and from them, and word limits from a foreign aligner's. No torch.

Boundaries written here lie on whole frames, so that reading them back gives the same durations:

    phones   |     |h|ə  |l |ˈoʊ    |    |w|ɜː |…      an interval a token; pauses are empty
    words    |     |hello           |    |world …
    seconds  0     5·hop/rate …           T·hop/rate
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from praatio import textgrid as praat
from praatio.utilities.errors import PraatioException

from specgan.text.symbols import STRESSES, Token
from vocoder.errors import InputError
from vocoder.signal.files import replacing

SILENCES = ("", "sil", "sp", "<eps>")  # of words and phones; in any case
UNKNOWN = ("<unk>", "spn")  # a word that an aligner's dictionary lacks, and its only phone
SLACK = 3  # frames by which a TextGrid may be longer or shorter than its recording: aligners pad and round


@dataclass(frozen=True)
class Interval:
    """A stretch of an interval tier: seconds, `start` < `end`, and its label."""

    start: float
    end: float
    label: str


def read_textgrid(path: str | Path) -> dict[str, list[Interval]]:
    """Interval tiers by name, empty intervals among them; other tiers are passed over.

    Parameters
    ----------
    path : path
        Long or short text format, UTF-8 or UTF-16.

    Raises
    ------
    InputError
        If the file cannot be read, is no TextGrid, is cut off, or its intervals overlap.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(100)
        if b"ooTextFile" not in head.replace(b"\0", b""):
            raise InputError(f"{path}: is no TextGrid in text format; it begins with File type = 'ooTextFile'")
        grid = praat.openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="silence")
    except OSError as error:
        raise InputError(f"{path}: the TextGrid cannot be read: {error.strerror or error}") from error
    except InputError:
        raise
    except (ValueError, IndexError, PraatioException) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: the TextGrid is damaged: {reason}") from error
    tiers: dict[str, list[Interval]] = {}
    for tier in grid.tiers:
        if isinstance(tier, praat.IntervalTier):
            tiers[tier.name] = [Interval(float(start), float(end), label) for start, end, label in tier.entries]
            reached = tier.minTimestamp
            for interval in (*tiers[tier.name], Interval(tier.maxTimestamp, tier.maxTimestamp, "")):
                if interval.start - reached > 1e-3:
                    raise InputError(
                        f"{path}: the TextGrid is damaged: tier {tier.name!r} has no interval "
                        f"from {reached:g} to {interval.start:g} s"
                    )
                reached = interval.end
    return tiers


def write_textgrid(path: str | Path, tiers: Mapping[str, Sequence[Interval]], duration: float) -> None:
    """Write interval tiers of `duration` seconds (long format, UTF-8); gaps become empty intervals.

    Raises
    ------
    InputError
        If the file cannot be written.
    ValueError
        If intervals overlap or lie outside 0 … `duration`.
    """
    grid = praat.Textgrid(0.0, duration)
    try:
        for name, intervals in tiers.items():
            entries = [(interval.start, interval.end, interval.label) for interval in intervals]
            grid.addTier(praat.IntervalTier(name, entries, 0.0, duration), reportingMode="error")
        with replacing(Path(path)) as temporary:
            grid.save(str(temporary), "long_textgrid", True, 0.0, duration, None, reportingMode="error")
    except PraatioException as error:
        raise ValueError(f"{path}: {error}") from error


def label(token: Token) -> str:
    """How a token is written in a phones tier: stress, phone, tone; a pause is empty."""
    marks = "".join(mark for mark in token.stress if mark in STRESSES)
    return "" if token.pause else marks + token.phone + token.stress[len(marks) :]


def from_durations(
    tokens: Sequence[Token], words: Sequence[str] | None, durations: Sequence[int] | np.ndarray, rate: int, hop: int
) -> dict[str, list[Interval]]:
    """Tiers "words" and "phones" of aligned tokens.

    Parameters
    ----------
    tokens : sequence of Token
    words : sequence of str, optional
        One for each run of phones between pauses. Without, a word is labelled with its phones.
    durations : (L,) int
        Frames of each token: at least 1 for a phone, at least 0 for a pause.
    rate, hop : int
        Hz, and samples a frame.

    Raises
    ------
    ValueError
        If the lengths differ, or a duration is too short.
    """
    ends = np.cumsum(durations)
    if len(ends) != len(tokens):
        raise ValueError(f"{len(ends)} durations for {len(tokens)} tokens")
    for token, duration in zip(tokens, durations, strict=True):
        if duration < (not token.pause):
            raise ValueError(f"{token} lasts {duration} frames")
    times = [0.0, *(int(end) * hop / rate for end in ends)]
    phones = [
        Interval(start, end, label(token))
        for token, start, end in zip(tokens, times[:-1], times[1:], strict=True)
        if end > start
    ]
    spoken = [list(run) for pause, run in groupby(range(len(tokens)), lambda i: tokens[i].pause) if not pause]
    if words is None:
        words = ["".join(label(tokens[index]) for index in run) for run in spoken]
    if len(words) != len(spoken):
        raise ValueError(f"{len(words)} words for {len(spoken)} runs of phones")
    named = [Interval(times[run[0]], times[run[-1] + 1], word) for run, word in zip(spoken, words, strict=True)]
    return {"words": named, "phones": phones}


def to_durations(
    tiers: Mapping[str, Sequence[Interval]],
    tokens: Sequence[Token],
    frames: int,
    rate: int,
    hop: int,
    name: str | Path = "TextGrid",
) -> np.ndarray:
    """Frames of each token from the tier "phones": the inverse of `from_durations`.

    Parameters
    ----------
    tiers : dict of str to list of Interval
        Its phones must be those of `tokens`. A pause without an interval lasts 0 frames.
    tokens : sequence of Token
    frames, rate, hop : int
        Frames of the recording; Hz; samples a frame.
    name : str or path
        For messages.

    Returns
    -------
    (L,) int
        Boundaries rounded to the nearest frame and moved no further than it takes to give each phone one; the sum is
        `frames` exactly.

    Raises
    ------
    InputError
        If there is no such tier, its phones are not those of `tokens`, its length is not that of the recording, or
        there are more phones than frames.
    """
    intervals = _joined(tier(tiers, "phones", name))
    _check_length(intervals, frames, rate, hop, name)
    ends, at, left = [], 0.0, list(reversed(intervals))
    for number, token in enumerate(tokens, 1):
        if left and left[-1].label == label(token):
            at = left.pop().end
        elif not token.pause:
            found = f"{left[-1].label!r} at {left[-1].start:g} s" if left else "the end"
            raise InputError(f"{name}: phone {label(token)!r} (token {number}) is expected, {found} found")
        ends.append(at)
    if left:
        raise InputError(f"{name}: the text ends before the phone {left[-1].label!r} at {left[-1].start:g} s")
    return np.diff(_edges(ends, [not token.pause for token in tokens], frames, rate, hop, name), prepend=0)


def word_intervals(
    tiers: Mapping[str, Sequence[Interval]],
    words: Sequence[str],
    frames: int,
    rate: int,
    hop: int,
    name: str | Path = "TextGrid",
) -> list[tuple[str, int, int]]:
    """Where the words of a transcript lie by the tier "words", whatever its phones.

    Case and everything but letters and digits are ignored. A word may be cut into several intervals ("it" "'s",
    "well" "known"), and one unknown to the aligner fits any word.

    Parameters
    ----------
    tiers, frames, rate, hop, name
        As `to_durations`.
    words : sequence of str
        Of the transcript. Those without a letter or digit are passed over.

    Returns
    -------
    list of (word, first, end)
        Frames first … end - 1; at least one for each word, in order, none in two words.

    Raises
    ------
    InputError
        If there is no such tier, a word differs (the first is named), or the length is not that of the recording.
    """
    intervals = tier(tiers, "words", name)
    _check_length(intervals, frames, rate, hop, name)
    left = [each for each in reversed(intervals) if each.label.lower() not in SILENCES and _letters(each.label)]
    bounds: list[tuple[str, float, float]] = []
    for word in words:
        wanted = _letters(word)
        if not wanted:
            continue
        if not left:
            raise InputError(f"{name}: ends before {word!r}, word {len(bounds) + 1} of the transcript")
        first = last = left.pop()
        got = _letters(first.label)
        if first.label.lower() in UNKNOWN:
            if left and left[-1].label[:1] in "'’" and wanted.endswith(_letters(left[-1].label)):
                last = left.pop()
        else:
            while got != wanted and wanted.startswith(got) and left:
                last = left.pop()
                got += _letters(last.label)
            if got != wanted:
                raise InputError(
                    f"{name}: has {first.label!r} at {first.start:g} s where the transcript has {word!r} "
                    f"(word {len(bounds) + 1})"
                )
        bounds.append((word, first.start, last.end))
    if left:
        raise InputError(f"{name}: has {left[-1].label!r} at {left[-1].start:g} s, after the transcript's last word")
    if not bounds:
        return []
    ends = [time for _, start, end in bounds for time in (start, end)]
    edges = _edges([*ends, frames * hop / rate], [False, True] * len(bounds) + [False], frames, rate, hop, name)
    return [(word, int(edges[2 * i]), int(edges[2 * i + 1])) for i, (word, _, _) in enumerate(bounds)]


def tier(tiers: Mapping[str, Sequence[Interval]], kind: str, name: str | Path) -> Sequence[Interval]:
    """The tier called `kind`, or "SPEAKER - kind" if there is one speaker.

    Raises
    ------
    InputError
        If there is none, or several.
    """
    fitting = [key for key in tiers if key.lower() == kind or key.lower().endswith(f" - {kind}")]
    if len(fitting) != 1:
        there = ", ".join(map(repr, fitting or tiers)) or "none"
        raise InputError(f"{name}: must have one interval tier {kind!r}, or one called 'SPEAKER - {kind}'; has {there}")
    return tiers[fitting[0]]


def _joined(intervals: Sequence[Interval]) -> list[Interval]:
    """Neighbouring silences as one, with the empty label."""
    joined: list[Interval] = []
    for interval in intervals:
        silent = interval.label.lower() in SILENCES
        if silent and joined and not joined[-1].label:
            joined[-1] = Interval(joined[-1].start, interval.end, "")
        else:
            joined.append(Interval(interval.start, interval.end, "" if silent else interval.label))
    return joined


def _check_length(intervals: Sequence[Interval], frames: int, rate: int, hop: int, name: str | Path) -> None:
    end = intervals[-1].end if intervals else 0.0
    if abs(end * rate / hop - frames) > SLACK:
        raise InputError(f"{name}: lasts {end:g} s, its recording {frames * hop / rate:g} s; they must belong together")


def _edges(
    ends: Sequence[float], least: Sequence[bool], frames: int, rate: int, hop: int, name: str | Path
) -> np.ndarray:
    """Seconds → frames that never fall, the last `frames`; spans with `least` get a frame or more."""
    edges = [min(round(end * rate / hop), frames) for end in ends]
    edges[-1] = frames
    for i in range(1, len(edges)):
        edges[i] = max(edges[i], edges[i - 1] + least[i])
    edges[-1] = frames
    for i in reversed(range(len(edges) - 1)):
        edges[i] = min(edges[i], edges[i + 1] - least[i + 1])
    if edges[0] < least[0]:
        raise InputError(f"{name}: has {sum(least)} phones or words for {frames} frames, too few")
    return np.array(edges, dtype=np.int64)


def _letters(word: str) -> str:
    """Letters and digits, without case and the ways to encode an accent."""
    return "".join(c for c in unicodedata.normalize("NFKC", word).casefold() if c.isalnum())
