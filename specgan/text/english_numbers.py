"""English numbers as they are written, and what every rule for them shares. No torch."""

from __future__ import annotations

import re
from collections.abc import Callable

from specgan.text.numbers import spell, spell_digits, spell_integer

Said = Callable[[re.Match[str], str], str]  # (match, language) -> words
Rule = tuple[re.Pattern[str], Said]

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?![\d])|\d+)(?:\.\d+)?|(?<![\w.])\.\d+"
BEFORE = r"(?<![\w.,:/-])"  # nothing in front that could belong to the number
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_WORD = re.compile(r"[\s\"')\]}]*(\w*)")
# words that are more often the first of a sentence than a part of a name
_STARTERS = frozenset((
    "The", "A", "An", "In", "On", "At", "It", "He", "She", "We", "You", "They", "This", "That", "These", "Those",
    "There", "But", "And", "Or", "If", "When", "Then", "So", "As", "For", "To", "Of", "His", "Her", "Our", "Their",
    "My", "Your", "Its", "I", "What", "Who", "How", "Why", "Not", "No", "All", "Some", "Many", "Most", "After",
    "Before",
))  # fmt: skip


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
