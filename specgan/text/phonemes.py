"""Text → phonemes by espeak-ng, called through ctypes under a lock. No torch.

espeak-ng comes with its data in the wheel `espeakng-loader` (GPL-3, a separate package): nothing has to be installed
on the system. Its library keeps one global state, hence the lock.
"""

from __future__ import annotations

import ctypes
import functools
import re
import threading
from typing import Any

from specgan.text.lexicon import Lexicon
from vocoder.errors import InputError

PUNCTUATION = ".,;:!?…—"
ALIASES = {"en": "en-us", "zh": "cmn", "no": "nb"}  # ISO 639-1 → what espeak-ng calls it
_CLAUSES = re.compile(rf"([{re.escape(PUNCTUATION)}]+)")
_FOREIGN = re.compile(r"\([a-z-]+\)")  # marks where espeak-ng goes over to another language and back
_RETROFLEX = {"s.": "ʂ", "z.": "ʐ", "i.": "ɨ"}  # the Mandarin voice writes a point, which would be a full stop
_LOCK = threading.Lock()

_SYNCHRONOUS, _UTF8, _IPA = 2, 1, 2  # of espeak-ng/speak_lib.h


def phonemise(text: str, language: str, lexicon: Lexicon | None = None) -> str:
    """IPA of a normalised text, with stress, word boundaries and punctuation.

    Parameters
    ----------
    text : str
        As `specgan.text.normalise.normalise` leaves it.
    language : str
        ISO 639-1, or any name of an espeak-ng voice ("en-gb").
    lexicon : Lexicon, optional
        Its words are pronounced as it says.

    Returns
    -------
    str
        "həlˈoʊ, wˈɜːld.": words with one space between them, punctuation straight behind a word.

    Raises
    ------
    InputError
        If espeak-ng does not speak the language, or the text has nothing to say.
    """
    pieces: list[str] = []
    for index, part in enumerate(_CLAUSES.split(text)):
        if index % 2:
            if pieces:  # punctuation before the first word separates nothing
                pieces.append(_strongest(part) + " ")
        else:
            pieces.append(_clause(part, language, lexicon))
    ipa = re.sub(rf" +(?=[{re.escape(PUNCTUATION)}])", "", " ".join("".join(pieces).split()))
    if not ipa.strip(PUNCTUATION + " "):
        raise InputError(f"the text {text[:40]!r} has no words to speak in {language!r}")
    return ipa


def _strongest(marks: str) -> str:
    """Of several marks in a row ("?!", "...") the one that the voice is to hear."""
    for mark in "?!.…;:—,":
        if mark in marks:
            return "…" if marks.count(".") > 1 else mark
    raise AssertionError(marks)


def _clause(text: str, language: str, lexicon: Lexicon | None) -> str:
    spoken = []
    for words, phonemes in lexicon.split(text) if lexicon else [(text, None)]:
        spoken.append(_espeak(words, language) if phonemes is None else phonemes)
    return " ".join(filter(None, spoken))


def _espeak(text: str, language: str) -> str:
    if not any(character.isalnum() for character in text):
        return ""
    with _LOCK:
        library = _library()
        _set_voice(library, language)
        left = ctypes.c_char_p(text.encode())
        parts = []
        while left:  # the library moves the pointer behind each clause, and to NULL in the end
            found = library.espeak_TextToPhonemes(ctypes.byref(left), _UTF8, _IPA)
            parts.append(found.decode() if found else "")
    ipa = _FOREIGN.sub("", " ".join(parts))
    for written, letter in _RETROFLEX.items():
        ipa = ipa.replace(written, letter)
    return " ".join(ipa.replace(".", "").split())


@functools.cache
def _library() -> Any:
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    if library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0) < 0:
        raise InputError("espeak-ng does not start; install the package espeakng-loader again")
    return library


_voice = ""


def _set_voice(library: Any, language: str) -> None:
    global _voice
    if language != _voice:
        if library.espeak_SetVoiceByName(ALIASES.get(language, language).encode()):
            raise InputError(f"espeak-ng does not speak the language {language!r}; give a code such as en, de, nl or ru")
        _voice = language
