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
ALIASES = {  # what espeak-ng lists among its languages but does not take as a voice's name, and what we mean by "en"
    "en": "en-us", "en-gb": "gmw/en", "zh": "cmn", "zh-cmn": "cmn", "zh-yue": "yue", "no": "nb", "fr-fr": "fr",
    "pt-pt": "pt", "es-mx": "es-419", "hbs": "hr", "hy-arevela": "hy", "hy-arevmda": "hyw",
    "chr-us-qaaa-x-west": "iro/chr",
}  # fmt: skip
_MARK = re.escape(PUNCTUATION)
_CLAUSES = re.compile(rf"((?:(?<!\d)[{_MARK}]|[{_MARK}](?!\d))[{_MARK}]*)")  # a decimal point is no pause
_FOREIGN = re.compile(r"\([a-z-]+\)")  # marks where espeak-ng goes over to another language and back
# the Mandarin voice writes a point, which would be a full stop, and two letters for one sound
_MANDARIN = {"s.": "ʂ", "z.": "ʐ", "i.": "ɨ", "onɡ": "oŋ"}
_TONAL = ("cmn", "yue", "hak", "vi", "zh")
_LOCK = threading.Lock()

_SYNCHRONOUS, _UTF8, _NAMES, _IPA = 2, 1, 0, 2  # of espeak-ng/speak_lib.h
_BETWEEN = "\x1f"  # asked for between phonemes


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
            if any(pieces):  # punctuation before the first word separates nothing
                pieces.append(part)
        else:
            pieces.append(_clause(part, language, lexicon))
    ipa = re.sub(rf"\s*[{_MARK}][{_MARK}\s]*", lambda match: _strongest(match[0]) + " ", "".join(pieces))
    ipa = " ".join(ipa.split())
    if not ipa.strip(PUNCTUATION + " "):
        raise InputError(f"the text {text[:40]!r} has no words to speak in {language!r}")
    return ipa


def _strongest(marks: str) -> str:
    """Of several marks in a row ("?!", "...") the one that the voice is to hear."""
    for mark in "?!.…;:—,":
        if mark in marks:
            return "…" if "..." in marks else mark
    raise AssertionError(marks)


def _clause(text: str, language: str, lexicon: Lexicon | None) -> str:
    """One clause; the words around an entry of the lexicon are spoken as if espeak-ng had spoken the entry itself."""
    pieces = lexicon.split(text) if lexicon else []
    entries = {words.lower(): phonemes for words, phonemes in pieces if phonemes is not None}
    if not entries:
        return _espeak(text, language)
    ipa = _espeak(text, language)
    for words, phonemes in entries.items():
        alone = _espeak(words, language).replace("ˈ", "").replace("ˌ", "")
        spoken = re.compile(r"(?<!\S)" + "".join("[ˈˌ]?" + re.escape(letter) for letter in alone) + r"(?!\S)")
        times = sum(entry.lower() == words for entry, _ in pieces)
        if not alone or len(spoken.findall(ipa)) != times:  # a homophone, or run together with its neighbour
            return " ".join(filter(None, (_espeak(w, language) if p is None else p for w, p in pieces)))
        ipa = phonemes.join(spoken.split(ipa))
    return ipa


def _espeak(text: str, language: str) -> str:
    if not any(character.isalnum() for character in text):
        return ""
    language = language.lower().replace("_", "-")
    with _LOCK:
        library = _library()
        _set_voice(library, language)
        if language.split("-")[0] in _TONAL:
            ipa = _with_tones(_translated(library, text, _IPA), _translated(library, text, _NAMES))
        else:
            ipa = _translated(library, text, _IPA).replace(_BETWEEN, "")
    ipa = _FOREIGN.sub("", ipa)
    return " ".join(ipa.replace(".", "").split())


def _translated(library: Any, text: str, notation: int) -> str:
    left = ctypes.c_char_p(text.replace("\0", " ").encode("utf-8", "ignore"))
    parts = []
    while left:  # the library moves the pointer behind each clause, and to NULL in the end
        found = library.espeak_TextToPhonemes(ctypes.byref(left), _UTF8, notation | ord(_BETWEEN) << 8)
        parts.append(found.decode() if found else "")
    return " ".join(parts)


def _with_tones(ipa: str, names: str) -> str:
    """IPA with the tones of the phonemes' names.

    In IPA espeak-ng writes of a tone only the first digit, and 3 as ɜ: Mandarin's first and fourth are the same then.
    Their names have it in full: 55, 35, 214, 51, and 11 for none.
    """
    words = []
    for word, named in zip(ipa.split(" "), names.split(" "), strict=True):
        phonemes = word.split(_BETWEEN)
        for index, name in enumerate(named.split(_BETWEEN)[: len(phonemes)]):
            tone = re.search(r"\d+$", name)
            if tone:
                phonemes[index] = re.sub(r"-?[\dɜ]$", tone[0], phonemes[index])
        words.append("".join(phonemes))
    ipa = " ".join(words)
    for written, letter in _MANDARIN.items():
        ipa = ipa.replace(written, letter)
    return ipa


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
    if language == _voice:
        return
    _voice = ""
    for name in dict.fromkeys((ALIASES.get(language, language), language.split("-")[0])):  # "de-at" as "de"
        if library.espeak_SetVoiceByName(name.encode()) == 0:
            _voice = language
            return
    raise InputError(f"espeak-ng does not speak the language {language!r}; give a code such as en, de or ru")
