"""English numbers as they are written, and what every rule for them shares. No torch."""

from __future__ import annotations

import re
from collections.abc import Callable

from specgan.text.numbers import spell, spell_digits, spell_integer

Rule = tuple[re.Pattern[str], Callable[[re.Match[str], str], str]]  # (match, language) -> words

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?![\d])|\d+)(?:\.\d+)?|(?<![\w.])\.\d+"
BEFORE = r"(?<![\w.,:/-])"  # nothing in front that could belong to the number
MONTHS = (
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
)  # fmt: skip
_WORD = re.compile(r"[\s\"')\]}]*(\w*)")
_SMALL = "the a an in on at it he she we you they this that these those there but and or if when then so as for to of his"
_STARTERS = {word.capitalize() for word in f"{_SMALL} her our their my your its i what who how why not no".split()}


def number(text: str, language: str) -> str:
    """A number as it is written ("1,234.5") in words."""
    whole, point, decimals = text.replace(",", "").partition(".")
    words = spell_integer(whole, language) if whole else ""
    return f"{words} point {spell_digits(decimals, language)}".strip() if point else words


def year(digits: str, language: str) -> str:
    """A year in words: nineteen eighty-four, two thousand five, ten sixty-six."""
    if int(digits) < 1000 or int(digits) % 1000 < 10:
        return spell(int(digits), language)
    return spell(int(digits), language, "year")


def is_one(text: str) -> bool:
    return text.replace(",", "") == "1"


def ends_sentence(text: str, position: int) -> bool:
    """Can a sentence end at `position`, behind the full stop of an abbreviation such as "p.m."."""
    word = _next_word(text, position)
    if not word:
        rest = text[position : position + 20].strip()
        return not rest or rest[0] not in ",;:-—–."
    return word[0].isupper() and not word.endswith("day") and word not in MONTHS


def starts_sentence(text: str, position: int) -> bool:
    """Is nothing at `position`, or a word that is more often the first of a sentence than a part of a name."""
    word = _next_word(text, position)
    return word in _STARTERS if word else ends_sentence(text, position)


def _next_word(text: str, position: int) -> str:
    following = _WORD.match(text, position)
    return following[1] if following else ""
