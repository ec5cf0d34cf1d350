"""A user's pronunciations: words of their own, read as the user writes them. No torch."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path

from specgan.text.symbols import PUNCTUATION, tokenise
from vocoder.errors import InputError


class Lexicon:
    """Pronunciations by word; capitals make no difference, an entry may be several words.

    Parameters
    ----------
    entries : mapping of str to str
        Words → phonemes in the notation of `specgan.text.phonemes.phonemise` (IPA, ˈ and ˌ straight before the vowel).
        The words as they stand after normalisation: "three-D" where the text has "3D".

    Raises
    ------
    InputError
        If the words are none, or the phonemes are no IPA.
    """

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._entries: dict[str, str] = {}
        for words, phonemes in entries.items():
            self._entries[_key(words)] = _checked(words, phonemes)
        self._longest = max((key.count(" ") + 1 for key in self._entries), default=0)

    @classmethod
    def read(cls, path: str | Path) -> Lexicon:
        """Read a lexicon file: `words<TAB>phonemes` a line, UTF-8. Blank lines and lines after # are passed over.

            # ours
            Gaither<TAB>ɡˈeɪðɚ
            New York<TAB>nuː jˈɔːɹk

        Raises
        ------
        InputError
            Beginning with `path:line:`, for a line without a tab, words that a normalised text cannot have, phonemes
            that are no IPA, or a second entry for the same words; also if the file cannot be read.
        """
        path = Path(path)
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise InputError(f"{path}: the lexicon cannot be read: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: the lexicon is not UTF-8 text: byte {error.start} cannot be read") from error
        entries: dict[str, str] = {}
        lines: dict[str, int] = {}
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            words, tab, phonemes = line.partition("\t")
            words, phonemes = words.strip(), phonemes.strip()
            if not tab:
                raise InputError(f"{path}:{number}: no tab; a line is word<TAB>phonemes, as in Anna<TAB>ˈænə")
            first = lines.setdefault(_key(words), number)
            if first != number:
                raise InputError(f"{path}:{number}: {words!r} stands already in line {first}; keep one of them")
            try:
                entries[words] = _checked(words, phonemes)
            except InputError as error:
                raise InputError(f"{path}:{number}: {error}") from error
        return cls(entries)

    def find(self, words: str) -> str | None:
        """The phonemes of one entry, or None."""
        return self._entries.get(_key(words))

    def split(self, text: str) -> list[tuple[str, str | None]]:
        """Cut words without punctuation into (words, phonemes): an entry with its phonemes, the rest with None.

        The longest entry is taken that begins at a word. The pieces, joined by a space, are the text again.
        """
        words = text.split()
        pieces: list[tuple[str, str | None]] = []
        rest: list[str] = []
        start = 0
        while start < len(words):
            for end in range(min(start + self._longest, len(words)), start, -1):
                phonemes = self.find(" ".join(words[start:end]))
                if phonemes is not None:
                    if rest:
                        pieces.append((" ".join(rest), None))
                        rest = []
                    pieces.append((" ".join(words[start:end]), phonemes))
                    start = end
                    break
            else:
                rest.append(words[start])
                start += 1
        if rest:
            pieces.append((" ".join(rest), None))
        return pieces


def _key(words: str) -> str:
    return " ".join(unicodedata.normalize("NFC", words).replace("’", "'").casefold().split())


def _checked(words: str, phonemes: str) -> str:
    if not any(letter.isalpha() for letter in words):
        raise InputError(f"{words!r} is no word; a line is word<TAB>phonemes, as in Anna<TAB>ˈænə")
    # a letter or a mark on one, as in Hindi
    odd = [c for c in words if not (c.isspace() or c in "'’-" or unicodedata.category(c)[0] in "LM")]
    if odd:
        raise InputError(f"{words!r} has {odd[0]!r}; write it as it is read, in letters: 'three-D' for 3D")
    wrong = [letter for letter in phonemes if letter in PUNCTUATION or "A" <= letter <= "Z" or not letter.isprintable()]
    if not phonemes or wrong:
        what = f"has {wrong[0]!r}" if wrong else "is empty"
        raise InputError(f"the pronunciation of {words!r} {what}; write IPA, as in həlˈoʊ")
    tokenise(phonemes)
    return " ".join(phonemes.split())
