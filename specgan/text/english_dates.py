"""English dates, times, decades and eras in words. No torch."""

from __future__ import annotations

import re

from specgan.text.english_numbers import BEFORE, MONTHS, Rule, ends_sentence, year
from specgan.text.numbers import spell

_MONTH = "|".join(f"{name}|{name[:4]}\\.|{name[:3]}\\.?" for name in MONTHS) + "|Sept"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_DAY_NAMES = {
    name[:3]: name for name in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
}  # fmt: skip
_DAYS = "|".join(_DAY_NAMES)
_ERA = r"(A\.D\.|B\.C\.E\.|B\.C\.|C\.E\.|(?:AD|BCE|BC|CE)\b)"


def _month(name: str) -> str:
    return next(month for month in MONTHS if month.startswith(name[:3]))


def _day_month(match: re.Match[str], language: str) -> str:
    the, day, last, month, comma, when = match.groups()
    if not 1 <= int(day) <= 31:
        return match[0]
    words = (the or "the ") + spell(int(day), language, "ordinal")
    if last:
        words += f" to {spell(int(last), language, 'ordinal')}"
    words += f" of {_month(month)}"
    if when:
        return f"{words}{comma or ''} {year(when, language)}"
    return words + ("." if month.endswith(".") and ends_sentence(match.string, match.end()) else "")


def _month_day(match: re.Match[str], language: str) -> str:
    month, day, last, comma, when = match.groups()
    if not 1 <= int(day) <= 31:
        return match[0]
    words = f"{_month(month)} {spell(int(day), language, 'ordinal')}"
    if last:
        words += f" to {spell(int(last), language, 'ordinal')}"
    return f"{words}{comma or ''} {year(when, language)}" if when else words


def _in_figures(day: str, month: str, when: str, language: str, day_first: bool) -> str | None:
    if not (1 <= int(day) <= 31 and 1 <= int(month) <= 12):
        return None
    if len(when) == 2:
        when = ("20" if int(when) < 50 else "19") + when
    ordinal, name = spell(int(day), language, "ordinal"), MONTHS[int(month) - 1]
    if day_first:
        return f"the {ordinal} of {name} {year(when, language)}"
    return f"{name} {ordinal}, {year(when, language)}"


def _iso(match: re.Match[str], language: str) -> str:
    return _in_figures(match[3], match[2], match[1], language, language == "en-gb") or match[0]


def _slashes(match: re.Match[str], language: str) -> str:
    first, second, when = match.groups()
    if language == "en-gb" or int(first) > 12:
        return _in_figures(first, second, when, language, True) or match[0]
    return _in_figures(second, first, when, language, False) or match[0]


def _points(match: re.Match[str], language: str) -> str:
    return _in_figures(match[1], match[2], match[3], language, True) or match[0]


def _clock(match: re.Match[str], language: str) -> str:
    hour, minute, second, half = match.groups()
    if int(hour) > 24 or int(minute) > 59:
        return match[0]
    words = spell(int(hour), language)
    if int(minute):
        words += f" {'oh ' if minute[0] == '0' else ''}{spell(int(minute), language)}"
    elif not half and not second:
        words += " o'clock" if hour[0] != "0" and int(hour) <= 12 else " hundred"
    if second:
        words += f" and {spell(int(second), language)} second{'' if int(second) == 1 else 's'}"
    return words + (_half_day(half, match) if half else "")


def _hour(match: re.Match[str], language: str) -> str:
    return spell(int(match[1]), language) + _half_day(match[2], match) if int(match[1]) <= 12 else match[0]


def _half_day(half: str, match: re.Match[str]) -> str:
    """am or pm as letters; the full stop of "p.m." stays if a sentence ends with it."""
    stop = "." if half.endswith(".") and ends_sentence(match.string, match.end()) else ""
    return f" {half[0].upper()}-M{stop}"


def _decade(match: re.Match[str], language: str) -> str:
    words = year(match[1], language)
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


def _era(match: re.Match[str], language: str) -> str:
    letters = "-".join(match[2].replace(".", ""))
    stop = "." if match[2].endswith(".") and ends_sentence(match.string, match.end()) else ""
    return f"{year(match[1], language)} {letters}{stop}"


def _days(match: re.Match[str], language: str) -> str:
    return f"{_DAY_NAMES[match[1]]} to {_DAY_NAMES[match[2]]}"


def _to(match: re.Match[str], language: str) -> str:
    return " to "


def _round(match: re.Match[str], language: str) -> str:
    return "hundreds" if match[1] == "100" else "thousands"


RULES: list[Rule] = [
    (re.compile(rf"{BEFORE}(\d{{4}})-(\d\d)-(\d\d)(?![\d-])"), _iso),
    (re.compile(rf"{BEFORE}(\d{{1,2}})/(\d{{1,2}})/(\d{{4}}|\d\d)(?![\d/])"), _slashes),
    (re.compile(rf"{BEFORE}(\d{{1,2}})\.(\d{{1,2}})\.(\d{{4}})(?!\d)"), _points),
    (
        re.compile(rf"\b({_DAYS})\.?\s?[-–]\s?({_DAYS})\b\.?"),
        _days,
    ),
    (
        re.compile(r"(?<=\d[ap]m)\s?[-–—]\s?(?=\d)|(?<=[ap]\.m\.)\s?[-–—]\s?(?=\d)", re.IGNORECASE),
        _to,
    ),
    (re.compile(r"(?<=\d)\s?[-–—]\s?(?=\d{1,2}:\d\d)"), _to),
    (re.compile(r"(?<=\d)\s?[-–—]\s?(?=\d{1,2}\s?[ap]\.?m\b)", re.IGNORECASE), _to),
    (re.compile(rf"{BEFORE}(\d{{1,2}}):(\d\d)(?::(\d\d))?(?![\d:])(?:\s?([ap]\.m\.|[ap]m\b))?", re.IGNORECASE), _clock),
    (re.compile(rf"{BEFORE}(\d{{1,2}})\s?([ap]\.m\.|[ap]m\b)", re.IGNORECASE), _hour),
    (
        re.compile(
            rf"{BEFORE}\b(the\s)?{_DAY}(?:\s?[-–]\s?{_DAY})?(?:\sof)?\s({_MONTH})(?!\w)(?:(,)?\s(\d{{4}})(?![\w]|,\d))?"
        ),
        _day_month,
    ),
    (
        re.compile(rf"\b({_MONTH})\s{_DAY}(?:\s?[-–]\s?{_DAY})?(?![\w:%/]|[.,]\d)(?:(,)?\s(\d{{4}})(?![\w]|,\d))?"),
        _month_day,
    ),
    (re.compile(rf"\b({_MONTH}),?\s(?=(?:1\d|20)\d\d\b)"), lambda match, language: _month(match[1]) + " "),
    (re.compile(rf"(?<![\w.,])(\d{{1,4}})\s?{_ERA}"), _era),
    (re.compile(r"\bAD\s(\d{1,4})\b"), lambda match, language: f"A-D {year(match[1], language)}"),
    (re.compile(r"(?<![\w.,'])'?([1-9]\d(?:00|[1-9]0))'?s\b"), _decade),
    (
        re.compile(r"(?<![\w.,])(100|1000)s\b"),
        _round,
    ),
    (re.compile(r"(?<!\w)'([1-9]0)s\b"), _decade),
    (re.compile(r"(?<=\b[Tt]he )([1-9]0)s\b"), _decade),
    (re.compile(r"(?<=\b(?:[Hh]is|[Hh]er|[Oo]ur|mid) )([1-9]0)s\b"), _decade),
    (re.compile(r"(?<=\b(?:their|early|in my) )([1-9]0)s\b"), _decade),
    (re.compile(r"(?<=\b(?:late|your) )([1-9]0)s\b"), _decade),
]
