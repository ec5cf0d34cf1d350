"""Numbers in words, by num2words, which is imported when the first number is met. No torch."""

from __future__ import annotations

import functools

_LONGEST = 15  # digits; what is longer is an identifier, and read digit by digit


@functools.lru_cache(1024)
def spell(number: int, language: str, kind: str = "cardinal") -> str:
    """A whole number in words.

    Parameters
    ----------
    number : int
        0 or more.
    language : str
        One that num2words speaks; "en-us" leaves out the "and" of "one hundred and five".
    kind : "cardinal", "ordinal" or "year"
    """
    from num2words import num2words

    words = str(num2words(number, lang=language.split("-")[0], to=kind)).replace(",", "")
    return words.replace(" and ", " ") if language == "en-us" else words


def spell_digits(digits: str, language: str) -> str:
    """Every digit on its own; what is no digit is passed over."""
    return " ".join(spell(int(digit), language) for digit in digits if digit.isdecimal())


def spell_integer(digits: str, language: str) -> str:
    """A row of digits as a number, or digit by digit if it begins with a nought or is too long for a number."""
    if len(digits) > _LONGEST or (len(digits) > 1 and digits[0] == "0"):
        return spell_digits(digits, language)
    return spell(int(digits), language)
