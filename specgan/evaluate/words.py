"""Word and character errors between what was to be said and what was heard."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass

from specgan.evaluate.errors import NotMeasurable, needs

_CHOICE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Errors:
    """Substitutions, deletions and insertions against a text, and how long the text is.

    Attributes
    ----------
    word_edits, words : int
    character_edits, characters : int
        Spaces count as characters.
    """

    word_edits: int
    words: int
    character_edits: int
    characters: int


def accepted(text: str) -> list[str]:
    """All the texts that `text` stands for.

    Alternatives stand in braces, parted by " / ", as in the reference files of NIST's sclite:
    "at { 5:30 p.m. / half past five }" stands for two texts. A text without braces stands for itself.
    """
    pieces = _CHOICE.split(text)  # plain, choice, plain, choice, … plain
    options = [piece.split(" / ") if index % 2 else [piece] for index, piece in enumerate(pieces)]
    options[1::2] = [[choice.strip() for choice in choices] for choices in options[1::2]]
    return [" ".join("".join(chosen).split()) for chosen in itertools.product(*options)]


@functools.lru_cache(maxsize=2)
def _normaliser(english: bool) -> Callable[[str], str]:
    with needs("whisper-normalizer"):
        from whisper_normalizer.basic import BasicTextNormalizer
        from whisper_normalizer.english import EnglishTextNormalizer
    return EnglishTextNormalizer() if english else BasicTextNormalizer()


def normalised(text: str, language: str = "en") -> str:
    """Text as Whisper's authors compare it (Radford 2022, arXiv:2212.04356, appendix C).

    Lower case, no punctuation; English also with numbers as digits, contractions expanded, British spelling made
    American.
    """
    words = _normaliser(language == "en")(text.replace("…", " ")).split()
    return " ".join(word for word in words if any(map(str.isalnum, word)))


def errors(wanted: str, heard: str, language: str = "en") -> Errors:
    """Compare what was heard with what was to be said, both `normalised`.

    Parameters
    ----------
    wanted : str
        May hold alternatives, see `accepted`: the one with the fewest word edits counts.
    heard : str
    language : str
        ISO 639-1.

    Raises
    ------
    NotMeasurable
        If nothing of `wanted` is left after normalisation.
    InputError
        If a package is missing.
    """
    with needs("jiwer"):
        import jiwer
    found = normalised(heard, language)
    best: Errors | None = None
    for text in dict.fromkeys(normalised(choice, language) for choice in accepted(wanted)):
        if not text:
            continue
        by_word, by_character = jiwer.process_words(text, found), jiwer.process_characters(text, found)
        counted = Errors(
            by_word.substitutions + by_word.deletions + by_word.insertions,
            by_word.hits + by_word.substitutions + by_word.deletions,
            by_character.substitutions + by_character.deletions + by_character.insertions,
            by_character.hits + by_character.substitutions + by_character.deletions,
        )
        if best is None or (counted.word_edits, counted.character_edits) < (best.word_edits, best.character_edits):
            best = counted
    if best is None:
        raise NotMeasurable("no word to be said")
    return best
