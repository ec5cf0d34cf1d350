"""Web and e-mail addresses, telephone and version numbers, read as English. No torch."""

from __future__ import annotations

import re

from specgan.text.english_numbers import BEFORE, Rule, starts_sentence
from specgan.text.numbers import spell_digits, spell_integer

_ENDINGS = (
    "com|org|net|edu|gov|mil|int|io|ai|co|uk|us|de|fr|nl|eu|info|dev|app|ru|cn|jp|ca|au|tv|ly|xyz|"
    "txt|py|md|pdf|jpe?g|png|gif|csv|json|wav|mp[34]|html?|zip|exe|docx?|xlsx?|js|css|cpp|ya?ml"
)
_SIGNS = {".": "dot", "/": "slash", "@": "at", "_": "underscore", "-": "dash", ":": "colon", "?": "question mark"}
_SIGNS |= {"=": "equals", "&": "and", "#": "hash", "%": "percent", "+": "plus", "~": "tilde", ",": "comma"}


def _web(match: re.Match[str], language: str) -> str:
    address = re.sub(r"^[a-zA-Z]+://", "", match[0])
    end = re.search(r"[.,;:!?)\]'\"/]*$", address)
    stop = end[0].lstrip("/") if end else ""
    address = address[: end.start()] if end else address
    address = re.sub(r"\bwww(?=\.)", "w-w-w", address, flags=re.IGNORECASE)
    words = []
    for part in re.findall(r"w-w-w|[^\W\d_]+|\d+|.", address):
        if part.isdecimal():
            words.append(spell_integer(part, language))
        elif part[0].isalpha():
            words.append(part)
        else:
            words.append(_SIGNS.get(part, ""))
    return f"{' '.join(filter(None, words))}{stop}"


def _telephone(match: re.Match[str], language: str) -> str:
    groups = re.findall(r"\d+", match[0])
    plus = "plus " if match[0].startswith("+") else ""
    return plus + ", ".join(spell_digits(group, language) for group in groups)


def _address(match: re.Match[str], language: str) -> str:
    ends = match[3] and starts_sentence(match.string, match.end())
    return f"{match[1]}{_STREETS[match[2]]}{'.' if ends else ''}"


_STREETS = {"St": "Street", "Dr": "Drive", "Ave": "Avenue", "Rd": "Road", "Blvd": "Boulevard", "Ln": "Lane"}

RULES: list[Rule] = [
    (re.compile(rf"\b(\d+ (?:[A-Z][a-z]+ |\d+(?:st|nd|rd|th) ){{1,3}})({'|'.join(_STREETS)})\b(\.?)"), _address),
    (re.compile(r"</?[a-zA-Z][^<>]{0,200}>"), lambda match, language: " "),
    (re.compile(r"\b[a-zA-Z]{2,10}://[^\s<>\"]+|\bwww\.[^\s<>\"]+"), _web),
    (re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@\w[\w-]{0,62}(?:\.\w[\w-]{0,62})+"), _web),
    (
        re.compile(rf"(?<![\w@.-])\w[\w-]{{0,62}}(?:\.\w[\w-]{{0,62}}){{0,4}}\.(?:{_ENDINGS})(?!\w)(?:/[^\s<>\"]*)?"),
        _web,
    ),
    (re.compile(r"(?<!\w)\+\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){2,6}(?!\w)"), _telephone),
    (re.compile(r"\(\d{3,5}\) ?\d{3,4}[ .-]\d{3,4}(?!\w)"), _telephone),
    (re.compile(rf"{BEFORE}(?:1[-. ])?\d{{3}}([-. ])\d{{3}}\1\d{{4}}(?![\w-])"), _telephone),
    (re.compile(rf"{BEFORE}0\d{{2,4}} \d{{3,6}}(?: \d{{3,4}})?(?![\w-])"), _telephone),
    (re.compile(rf"{BEFORE}555-\d{{4}}(?![\w-])"), _telephone),
    (re.compile(r"(?<=[Cc]all )[1-9]\d\d(?:-\d{4})?(?![\w-]|[.,]\d)"), _telephone),
    (re.compile(r"(?<=[Dd]ial )[1-9]\d\d(?:-\d{4})?(?![\w-]|[.,]\d)"), _telephone),
    (re.compile(rf"{BEFORE}\d{{4}}([- ])\d{{4}}\1\d{{4}}\1\d{{4}}(?![\w-])"), _telephone),
]
