"""English figures and symbols in words. No torch.

A rule is a pattern and what is said for it; they run from the most particular (web addresses) to the plain number.
"""

from __future__ import annotations

import re

from specgan.text import english_amounts, english_codes, english_dates
from specgan.text.english_numbers import BEFORE, NUMBER, Rule, Said, number, year
from specgan.text.numbers import spell, spell_integer

_REFERENCES = {
    "No": "number", "no": "number", "Nos": "numbers", "nos": "numbers", "p": "page", "pp": "pages", "Vol": "volume",
    "vol": "volume", "Ch": "chapter", "ch": "chapter", "Fig": "figure", "fig": "figure", "Figs": "figures",
    "figs": "figures", "Sec": "section", "sec": "section", "Eq": "equation", "eq": "equation", "Art": "article",
    "c": "circa", "ca": "circa", "Tel": "telephone", "tel": "telephone", "ext": "extension", "Ext": "extension",
    "approx": "approximately", "Rm": "room", "Apt": "apartment",
}  # fmt: skip
_SYMBOLS = {
    "&": "and", "@": "at", "+": "plus", "=": "equals", "%": "percent", "$": "dollars", "€": "euros", "£": "pounds",
    "¥": "yen", "₹": "rupees", "¢": "cents", "°": "degrees", "§": "section", "÷": "divided by", "±": "plus or minus",
    "≈": "about", "≠": "is not", "≤": "is at most", "≥": "is at least", "√": "the square root of", "∞": "infinity",
}  # fmt: skip


def expand_figures(text: str, language: str) -> str:
    """Numbers, dates, amounts, addresses and symbols of a paragraph in words."""
    for pattern, said in _RULES:
        text = _replaced(pattern, said, text, language)
    return text


def _replaced(pattern: re.Pattern[str], said: Said, text: str, language: str) -> str:
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


_LED = re.compile(r"\b(in|of|since|by|from|until|till|before|after|year|circa)\s$")


def _plain(match: re.Match[str], language: str) -> str:
    digits = match[0]
    led = _LED.search(match.string[max(0, match.start() - 8) : match.start()])
    if re.fullmatch(r"1[1-9]\d\d|20[1-9]\d", digits) or (led and re.fullmatch(r"10\d\d", digits)):
        return year(digits, language)
    return number(digits, language)


def _by(match: re.Match[str], language: str) -> str:
    return " times " if "=" in match.string[match.end() : match.end() + 20] else " by "


def _hashtag(match: re.Match[str], language: str) -> str:
    return " hashtag " + re.sub(r"(?<=[a-z])(?=[A-Z])", " ", match[1])


def _symbol(match: re.Match[str], language: str) -> str:
    return f" {_SYMBOLS[match[0]]} "


def _say(words: str) -> Said:
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
    (re.compile(r"\b([CF])#"), _say(r"\1 sharp")),
    (re.compile(r"(?<=\d)\s?[x×]\s?(?=\d)"), _by),
    (re.compile(r"(?<=\d[%°kKMBm])\s?[-–]\s?(?=[$£€]?\d)"), _say(" to ")),
    (re.compile(r"(?<![\w.,])(\d+)(?:[-–]\d+){2,}(?![\w-])"), _chain),
    (re.compile(r"(\d)\s*[-–]\s*(?=\d+(?:\.\d+)?\s*=)"), _say(r"\1 minus ")),
    (re.compile(rf"(?<![\w.,-])({_AMOUNT})\s?[-–—]\s?({_AMOUNT})(?![-–]?\d)"), _range),
    (re.compile(r"(?<![^\s(\[\"'=<>~≈±*/^])[-–](?=[$£€¥]?\.?\d)"), _say("minus ")),
]
_MATHS: list[Rule] = [
    (re.compile(r"(?<![\w.,])(\d[\d,]*)(?:st|nd|rd|th)\b"), _ordinal),
    (re.compile(r"(?<=\d)[x×](?!\w)"), _say(" times")),
    (re.compile(r"(?<=[\d)])\s?\*\s?(?=[\d(])|(?<=\w)\s[*×]\s(?=\w)|(?<=\b\w)[*×](?=\w\b)"), _say(" times ")),
    (re.compile(r"\b([A-DF])-(?=[.,;:!?)]|$|\s(?!and\b|or\b))"), _say(r"\1 minus")),
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
    (re.compile(NUMBER), _plain),
    (re.compile("|".join(map(re.escape, _SYMBOLS))), lambda match, language: f" {_SYMBOLS[match[0]]} "),
]
_RULES = (*english_codes.RULES, *english_dates.RULES, *_RANGES, *english_amounts.RULES, *_MATHS)
