"""English: everything that is no word becomes words. No torch.

A rule is a pattern and what is said for it; they run from the most particular (web addresses) to the plain number.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from specgan.text import english_amounts, english_codes, english_dates
from specgan.text.english_numbers import BEFORE, NUMBER, Rule, number, year
from specgan.text.english_words import expand_words
from specgan.text.numbers import spell, spell_integer

_REFERENCES = {
    "No": "number", "no": "number", "Nos": "numbers", "nos": "numbers", "p": "page", "pp": "pages", "Vol": "volume",
    "vol": "volume", "Ch": "chapter", "ch": "chapter", "Fig": "figure", "fig": "figure", "Figs": "figures", "figs": "figures",
    "Sec": "section", "sec": "section", "Eq": "equation", "eq": "equation", "Art": "article", "c": "circa", "ca": "circa",
    "Tel": "telephone", "tel": "telephone", "ext": "extension", "Ext": "extension", "approx": "approximately", "Rm": "room",
    "Apt": "apartment",
}  # fmt: skip
_SYMBOLS = {
    "&": "and", "@": "at", "+": "plus", "=": "equals", "%": "percent", "$": "dollars", "€": "euros", "£": "pounds",
    "¥": "yen", "₹": "rupees", "¢": "cents", "°": "degrees", "§": "section", "÷": "divided by", "±": "plus or minus",
    "≈": "about", "≠": "is not", "≤": "is at most", "≥": "is at least", "√": "the square root of", "∞": "infinity",
}  # fmt: skip
_GREEK = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"]
_NOT_WORDS = re.compile(r"[^\w\s,;:!?…—'\"()-]|\d|_")  # what the rules of numbers and symbols are for; a point may be a dot
_LONE_GREEK = re.compile(r"(?<![Ͱ-Ͽ])[α-ωΑ-ΡΣ-Ω](?![Ͱ-Ͽ])")


def greek(text: str) -> str:
    """The names of Greek letters that stand alone, as in formulas, before what English cannot read is left out."""
    text = re.sub(r"(?<=\d)\s?Ω", " ohms", text.replace("kΩ", "kiloohms").replace("MΩ", "megaohms"))
    text = re.sub(r"μ(?=[msg]\b)", "µ", text)
    return _LONE_GREEK.sub(lambda match: f" {_GREEK[ord(match[0].lower()) - ord('α')]} ", text)


def expand(text: str, language: str) -> str:
    """A paragraph in words: letters, apostrophes, hyphens and punctuation are what remains."""
    if _NOT_WORDS.search(text):
        for rule in _RULES:
            text = _applied(rule, text, language)
    return expand_words(text)


def _applied(rule: Rule, text: str, language: str) -> str:
    pattern, said = rule
    return pattern.sub(lambda match: said(match, language), text)


def _chain(match: re.Match[str], language: str) -> str:
    return " ".join(spell_integer(part, language) for part in re.findall(r"\d+", match[0]))


def _dotted(match: re.Match[str], language: str) -> str:
    parts = match[0].split(".")
    return (" dot " if len(parts) == 4 else " point ").join(spell_integer(part, language) for part in parts)


def _range(match: re.Match[str], language: str) -> str:
    return f"{match[1]} {match[2]}" if match[1] == match[2] else f"{match[1]} to {match[2]}"


def _ordinal(match: re.Match[str], language: str) -> str:
    return spell(int(match[1].replace(",", "")[:15]), language, "ordinal")


def _plain(match: re.Match[str], language: str) -> str:
    digits = match[0]
    led = re.search(r"\b(in|of|since|by|from|until|till|before|after|year|circa)\s$", match.string[: match.start()][-8:])
    if re.fullmatch(r"1[1-9]\d\d|20[1-9]\d", digits) or (led and re.fullmatch(r"10\d\d", digits)):
        return year(digits, language)
    return number(digits, language)


def _by(match: re.Match[str], language: str) -> str:
    return " times " if "=" in match.string[match.end() : match.end() + 20] else " by "


def _hashtag(match: re.Match[str], language: str) -> str:
    return " hashtag " + re.sub(r"(?<=[a-z])(?=[A-Z])", " ", match[1])


def _symbol(match: re.Match[str], language: str) -> str:
    return f" {_SYMBOLS[match[0]]} "


def _say(words: str) -> Callable[[re.Match[str], str], str]:
    return lambda match, language: match.expand(words)


_AMOUNT = english_amounts.SIGN_OR_NUMBER
_RANGES: list[Rule] = [
    (re.compile(rf"{BEFORE}\d+(?:\.\d+){{2,}}(?!\w)"), _dotted),
    (re.compile(r"\b(?:v|ver\.|V)\s?(?=\d+(?:\.\d+)*\b)"), _say("version ")),
    (
        re.compile(rf"\b({'|'.join(_REFERENCES)})\.\s?(?=\d)"),
        lambda match, language: _REFERENCES[match[1]] + " ",
    ),
    (re.compile(r"#\s?(?=\d)"), _say("number ")),
    (re.compile(rf"(?<![\w.,])(\d+)(?:[-–]\d+){{2,}}(?![\w-])"), _chain),
    (re.compile(r"(\d)\s*[-–]\s*(?=\d+(?:\.\d+)?\s*=)"), _say(r"\1 minus ")),
    (re.compile(rf"(?<![\w.,-])({_AMOUNT})\s?[-–—]\s?({_AMOUNT})(?![-–]?\d)"), _range),
    (re.compile(r"(?<![^\s(\[\"'=<>~≈±*/^])[-–](?=[$£€¥]?\.?\d)"), _say("minus ")),
]
_MATHS: list[Rule] = [
    (re.compile(rf"(?<![\w.,])(\d[\d,]*)(?:st|nd|rd|th)\b"), _ordinal),
    (re.compile(rf"(?<=\d)\s?[x×]\s?(?=\d)"), _by),
    (re.compile(r"(?<=\d)[x×](?!\w)"), _say(" times")),
    (re.compile(r"(?<=[\w)])\s?\*\s?(?=[\w(])|\s×\s"), _say(" times ")),
    (re.compile(r"\^2(?!\d)"), _say(" squared ")),
    (re.compile(r"\^3(?!\d)"), _say(" cubed ")),
    (re.compile(r"(?<=\w)\^(?=\w)"), _say(" to the ")),
    (re.compile(r"(?<=\d):(?=\d)"), _say(" to ")),
    (re.compile(r"[-=]+>|→"), _say(", ")),
    (re.compile(r"<=(?=\s?\d)"), _say(" is at most ")),
    (re.compile(r">=(?=\s?\d)"), _say(" is at least ")),
    (re.compile(r"<(?=\s?[\d.])"), _say(" less than ")),
    (re.compile(r">(?=\s?[\d.])"), _say(" greater than ")),
    (re.compile(r"[~≈](?=\s?\d)"), _say("about ")),
    (re.compile(r"={1,3}"), _say("=")),
    (re.compile(r"\bw/o\b"), _say("without")),
    (re.compile(r"\bw/(?=\s|\w)"), _say("with ")),
    (re.compile(r"\bc/o\b"), _say("care of")),
    (re.compile(r"\b([A-Z]{1,3})&([A-Z])\b"), lambda match, language: f"{'-'.join(match[1])} and {match[2]}"),
    (re.compile(r"#(\w*[^\W\d_]\w*)"), _hashtag),
    (re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])"), _say("-")),
    (re.compile(rf"{NUMBER}"), _plain),
    (re.compile("|".join(map(re.escape, _SYMBOLS))), lambda match, language: f" {_SYMBOLS[match[0]]} "),
]
_RULES = (*english_codes.RULES, *english_dates.RULES, *_RANGES, *english_amounts.RULES, *_MATHS)
