"""A text of any length → the token numbers of its sentences, one after the other. No torch."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from specgan.text.lexicon import Lexicon
from specgan.text.phonemes import PUNCTUATION, phonemise
from specgan.text.symbols import Symbols, tokenise
from vocoder.errors import InputError

LONGEST = 500
"""Letters of IPA, about 35 s. A longer sentence is cut, at a mark if it has one, so that memory stays bounded."""

PAUSES = {"sentence": 0.35, "clause": 0.15, "cut": 0.0, "paragraph": 0.8}
"""Seconds added behind a sentence, to the 0.15 s or so that recordings keep at their ends."""

_PARAGRAPHS = re.compile(r"\n\s*\n")
_ENDS = re.compile(r"(?<=[.!?…])\s+")  # of sentences in IPA


class Sentence(NamedTuple):
    """What a voice reads in one go: token ids (L,) int64, and the kind of pause that follows."""

    phones: np.ndarray
    stress: np.ndarray
    pause: str


def read(text: str, symbols: Symbols, language: str, lexicon: Lexicon | None, phonemes: bool) -> Iterator[Sentence]:
    """The sentences of a text, or of IPA if `phonemes`; blank lines part paragraphs.

    Warns
    -----
    UserWarning
        Once for each phone that the voice lacks; it is left out.

    Raises
    ------
    InputError
        If nothing of the text can be spoken.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError("the text is not valid Unicode (a lone surrogate); give it as UTF-8") from None
    missing: set[str] = set()
    failure = InputError("the text has nothing to say; write at least one word")
    held: Sentence | None = None  # until it is known whether another one follows in its paragraph
    nothing = True
    for paragraph in filter(str.strip, _PARAGRAPHS.split(text)):
        if held:
            yield held._replace(pause="paragraph")
            held = None
        try:
            pieces = _ENDS.split(paragraph.strip()) if phonemes else _spoken(paragraph, language)
        except InputError as error:  # a row of asterisks among paragraphs is no loss
            pieces, failure = [], error
        for piece in pieces:
            try:
                numbered = list(_numbered(piece if phonemes else phonemise(piece, language, lexicon), symbols, missing))
            except InputError as error:
                numbered, failure = [], error
            for sentence in numbered:
                nothing = False
                if held:
                    yield held
                held = sentence
    if nothing:
        raise failure
    if held:
        yield held


def _spoken(paragraph: str, language: str) -> list[str]:
    from specgan.text.sentences import prepare_text  # here, because IPA does not need its rules

    return prepare_text(paragraph, language)


def _numbered(ipa: str, symbols: Symbols, missing: set[str]) -> Iterator[Sentence]:
    for part, pause in portions(ipa):
        tokens = tokenise(part)
        phones, stress, unknown = symbols.ids(tokens)
        for phone in unknown:
            if phone not in missing:
                warnings.warn(f"the voice has no phone {phone!r}; left out", stacklevel=2)
        missing.update(unknown)
        if len(phones) > sum(token.pause for token in tokens):
            yield Sentence(np.array(phones, np.int64), np.array(stress, np.int64), pause)


def portions(ipa: str, longest: int = LONGEST) -> Iterator[tuple[str, str]]:
    """Cut IPA into parts of at most `longest` letters, behind a mark if possible, else at a space.

    Yields
    ------
    part : str
        Ends in a punctuation mark.
    pause : str
        What `PAUSES` calls the pause behind it.
    """
    ipa = ipa.strip()
    while len(ipa) > longest:
        marks = [match.end() for match in re.finditer(rf"[{re.escape(PUNCTUATION)}](?=\s)", ipa[: longest + 1])]
        end = marks[-1] if marks else ipa.rfind(" ", 1, longest) if " " in ipa[1:longest] else longest
        yield (ipa[:end], "clause") if marks else (f"{ipa[:end]},", "cut")
        ipa = ipa[end:].lstrip()
    if ipa:
        yield ipa, "sentence" if ipa[-1] in ".!?…" or ipa[-1] not in PUNCTUATION else "clause"
