"""A text of any length in pieces that are short enough to be spoken one by one. No torch."""

from __future__ import annotations

import re

from specgan.text.normalise import normalise

LONGEST_WORDS = 60
LONGEST_CHARACTERS = 400

_END = re.compile(r"(?<=[.!?…])\s+(?=(\S))")
# where a sentence that is too long is cut, the best first: behind a mark, before a conjunction, between words
_CUTS = [
    re.compile(pattern)
    for pattern in (
        r"(?<=[.!?…])\s",
        r"(?<=[;:—])\s",
        r"(?<=,)\s",
        r"\s(?=(?:and|or|but|which|that|who|because|while|when|und|oder|aber|dass|weil|et|ou|mais|que|y|e|o|en|of|maar|и|или|но)\s)",
        r"\s",
    )
]
_IDEOGRAPH = r"\u3040-\u30ff\u3400-\u9fff"  # each is counted as a word
_WORD = re.compile(rf"[{_IDEOGRAPH}]|[^\s{_IDEOGRAPH}]+")


def prepare_text(text: str, language: str) -> list[str]:
    """Normalised sentences of a text, each short enough for one pass through a model.

    Parameters
    ----------
    text : str
        As people write it; see `specgan.text.normalise.normalise`.
    language : str
        ISO 639-1, or the name of an espeak-ng voice ("en-gb").

    Returns
    -------
    list of str
        At least one; every word of the normalised text once, in its order.

    Raises
    ------
    InputError
        If the text has no words.
    """
    return sentences(normalise(text, language))


def sentences(text: str) -> list[str]:
    """Cut a **normalised** text at the ends of sentences.

    In a text as people write it a full stop may as well be an abbreviation's, an initial's, a decimal point or the dot
    of an address, and a paragraph may end without one. Normalisation settles all that, so it has to come first.

    Parameters
    ----------
    text : str
        From `specgan.text.normalise.normalise`.

    Returns
    -------
    list of str
        None of more than 60 words or 400 characters: a longer sentence is cut further, behind punctuation if there is
        some, else before a conjunction or a word; such a cut within a clause gets a comma.
    """
    pieces: list[str] = []
    start = 0
    for match in _END.finditer(text):
        # "Stop! he said" is one sentence, but every full stop ends one
        if text[match.start() - 1] == "." or not match[1].islower():
            pieces += _short(text[start : match.start()])
            start = match.end()
    return pieces + _short(text[start:])


def _short(sentence: str) -> list[str]:
    pieces: list[str] = []
    sentence = sentence.strip()
    while sentence and len(sentence) > (limit := _limit(sentence)):
        cut, mark = _cut(sentence, limit)
        pieces.append(sentence[:cut].rstrip() + mark)
        sentence = sentence[cut:].lstrip()
    return [*pieces, sentence] if sentence else pieces


def _limit(sentence: str) -> int:
    """The number of characters that are not too much."""
    for words, match in enumerate(_WORD.finditer(sentence, 0, LONGEST_CHARACTERS + 1)):
        if words == LONGEST_WORDS:
            return match.start()
    return LONGEST_CHARACTERS


def _cut(sentence: str, limit: int) -> tuple[int, str]:
    """Where to cut, at most `limit`, and the mark that the piece before needs."""
    for pattern in _CUTS:
        places = [match.start() for match in pattern.finditer(sentence, 0, limit + 2) if match.start() <= limit]
        if places and places[-1] >= limit // 4:
            return places[-1], "" if sentence[places[-1] - 1] in ".!?…;:—," else ","
    return limit, ""
