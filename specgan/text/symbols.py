"""Phonemes as numbers: an IPA string → tokens → ids of a model's inventory. No torch.

^ hə l ˈoʊ ,  w ˈɜː l d .        tokens of "həlˈoʊ, wˈɜːld."
a phone is a letter with its modifiers, its stress (or tone) a number of its own
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vocoder.errors import InputError

START, SPACE = "^", " "
PUNCTUATION = ".,;:!?…—"
PAUSES = START + SPACE + PUNCTUATION
STRESSES = "ˈˌ"
TONES = "0123456789˥˦˧˨˩"
_JOINERS = "ːˑʰʲʷˠˤʼ˞ⁿˡ̩"  # modifiers that Unicode counts as letters, and the syllabic mark
_IGNORED = "‿\u0361\u035c-|‖_'\u200d"  # ties, hyphens


@dataclass(frozen=True)
class Token:
    """One phone or pause: `stress` is ˈ or ˌ on a vowel behind that mark, a tone's digits, or empty."""

    phone: str
    stress: str = ""

    @property
    def pause(self) -> bool:
        return self.phone in PAUSES


def tokenise(ipa: str) -> list[Token]:
    """Tokens of an IPA string (see `specgan.text.phonemes.phonemise`).

    The first is the start "^", the last a punctuation mark; between two words stands a space or a mark, never both.

    Raises
    ------
    InputError
        If there is no phone in it.
    """
    tokens = [Token(START)]
    stress = ""
    for letter in unicodedata.normalize("NFD", ipa.strip()).replace("c\u0327", "ç"):  # ã is a phone and its modifier
        if letter in _IGNORED:
            continue
        if letter in STRESSES:
            stress = letter
        elif letter in PUNCTUATION or letter.isspace():
            _pause(tokens, SPACE if letter.isspace() else letter)
            stress = ""
        elif tokens[-1].pause is False and _modifies(letter):
            tokens[-1] = Token(tokens[-1].phone + letter, tokens[-1].stress)
        elif letter in TONES:
            _tone(tokens, letter)
        elif not _modifies(letter):
            vowel = bool(stress) and is_vowel(letter)
            tokens.append(Token(letter, stress if vowel else ""))
            stress = "" if vowel else stress
    if all(token.pause for token in tokens):
        raise InputError(f"{ipa[:40]!r} has no phoneme; write IPA, as in həlˈoʊ wˈɜːld.")
    if tokens[-1].phone == SPACE:
        tokens.pop()
    if not tokens[-1].pause:
        tokens.append(Token("."))
    return tokens


def _pause(tokens: list[Token], mark: str) -> None:
    if not tokens[-1].pause:
        tokens.append(Token(mark))
    elif tokens[-1].phone == SPACE and mark != SPACE:
        tokens[-1] = Token(mark)


def _tone(tokens: list[Token], tone: str) -> None:
    """A tone stands behind its syllable and belongs to the vowel, the last phone that is no coda consonant."""
    for index in range(len(tokens) - 1, 0, -1):
        if tokens[index].pause:
            return
        if is_vowel(tokens[index].phone[0]):
            tokens[index] = Token(tokens[index].phone, tokens[index].stress + tone)
            return


def _modifies(letter: str) -> bool:
    return letter in _JOINERS or unicodedata.category(letter) in ("Mn", "Lm", "Sk")


def is_vowel(letter: str) -> bool:
    """Whether a letter of IPA is a vowel's."""
    return letter in "aeiouyæøœɐɑɒɔɘəɛɜɞɤɨɪɯɵɶʉʊʌʏɚɝᵻᵊ"


@dataclass(frozen=True)
class Symbols:
    """The inventory of a model: id 0 of `phones` is the padding, id 0 of `stresses` is none.

    Parameters
    ----------
    phones, stresses : tuple of str
    """

    phones: tuple[str, ...]
    stresses: tuple[str, ...]

    @classmethod
    def of(cls, texts: Iterable[Sequence[Token]]) -> Symbols:
        """The inventory of a corpus, with all pauses, in the order of code points."""
        phones, stresses = set(PAUSES), set(STRESSES)
        for tokens in texts:
            phones |= {token.phone for token in tokens}
            stresses |= {token.stress for token in tokens}
        return cls(("", *sorted(phones)), ("", *sorted(stresses - {""})))

    def known(self, tokens: Sequence[Token]) -> list[Token]:
        """The tokens without those whose phone has no id, not even without its modifiers."""
        return [token for token in tokens if token.phone in self.phones or token.phone[0] in self.phones]

    def ids(self, tokens: Sequence[Token]) -> tuple[list[int], list[int], list[str]]:
        """Ids of phones and of stresses, and the phones that were left out because the model has none like them.

        A phone that the inventory lacks is read without its modifiers.
        """
        phones, stresses, unknown = [], [], []
        for token in tokens:
            phone = token.phone if token.phone in self.phones else token.phone[0]
            if phone in self.phones:
                phones.append(self.phones.index(phone))
                stresses.append(self.stresses.index(token.stress) if token.stress in self.stresses else 0)
            elif token.phone not in unknown:
                unknown.append(token.phone)
        return phones, stresses, unknown
