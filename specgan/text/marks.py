"""The punctuation that a voice is given: eight marks, apostrophes, and hyphens within words. No torch."""

from __future__ import annotations

import re

from specgan.text.characters import KEPT

MARKS = ".,;:!?…—"
_RANK = "?!….;:—,"  # of several marks in a row the first of these stays

_NO_LETTER = re.escape("".join(sorted(KEPT)))
_LETTER = rf"[^{_NO_LETTER}\s\d]"  # with the marks on it, which \w is not
_SOUND = rf"[^{_NO_LETTER}\s]"
_CLASS = re.escape(MARKS)

_PLURAL = re.compile(rf"(?<={_LETTER})\((e?s)\)")
_LAST_BRACKET = re.compile(r"[)\]}|\s]+$")
_BRACKET = re.compile(r"[()\[\]{}|]")
_DASH = re.compile(r"\s[-–]+(?=\s)|—+|[-–]{2,}")
_BETWEEN = re.compile(rf"(?<={_SOUND})–(?={_SOUND})")
_PERCENT = re.compile(r"(?<!\d)%")
_LOOSE_HYPHEN = re.compile(rf"(?<!{_SOUND})-+|-+(?!{_SOUND})")
_RUN = re.compile(rf"\s*([{_CLASS}][{_CLASS}\s]*)")
_EDGE = re.compile(rf"'+(?={_SOUND})|(?<={_SOUND})'+|'+")
_ELIDED = re.compile(rf"(?:em|tis|twas|twere|til|till|cause|bout|round|cos|neath|s|t|n|k|m)(?!{_SOUND})", re.IGNORECASE)


def settle(text: str) -> str:
    """Fold everything that is no word into the eight marks; the result settles to itself."""
    text = _PLURAL.sub(r"\1", text)
    text = _LAST_BRACKET.sub("", text)
    text = _BRACKET.sub(" , ", text)
    text = _DASH.sub(" — ", text)
    text = _BETWEEN.sub("-", text)
    text = "".join(" " if c in KEPT and c not in "'-%" and c not in MARKS else c for c in text)
    text = _apostrophes(text)
    text = _LOOSE_HYPHEN.sub(" ", _PERCENT.sub(" ", text))
    text = _RUN.sub(_strongest, text)
    return " ".join(text.lstrip(MARKS + " ").split())


def _strongest(match: re.Match[str]) -> str:
    run, text = match[0], match.string
    if (
        run in (".", ",", ":")
        and text[max(0, match.start() - 1) : match.start()].isdigit()
        and text[match.end() : match.end() + 1].isdigit()
    ):
        return run  # within a number of a language whose figures stay
    return next(mark for mark in _RANK if mark in run) + " "


def _apostrophes(text: str) -> str:
    """Leave out single quotation marks; keep the apostrophes of don't, 'em and the dogs'."""
    opened = False

    def kept(match: re.Match[str]) -> str:
        nonlocal opened
        before, after = text[max(0, match.start() - 1) : match.start()], text[match.end() : match.end() + 1]
        inner, outer = bool(before) and _is_sound(before), bool(after) and _is_sound(after)
        if inner and outer:
            return "'"
        if outer:
            if _ELIDED.match(text, match.end()):
                return "'"
            opened = True
            return " "
        if inner and not opened:
            return "'"
        opened = False
        return " "

    return _EDGE.sub(kept, text)


def _is_sound(character: str) -> bool:
    return character not in KEPT and not character.isspace()
