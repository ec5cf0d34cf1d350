"""One way to write each character, and which of them a voice can speak. No torch."""

from __future__ import annotations

import functools
import re
import unicodedata

# the script's name begins the Unicode name of its letters; Latin letters are read in every language
_SCRIPTS = {
    "CYRILLIC": "ru uk be bg mk sr kk ky tt ba cv kaa mn tg udm",
    "GREEK": "el grc",
    "CJK": "zh cmn yue hak ja ko nan wuu",
    "IDEOGRAPHIC": "ja",
    "BOPOMOFO": "zh cmn",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "KATAKANA-HIRAGANA": "ja",
    "HANGUL": "ko",
    "ARABIC": "ar fa ur sd ug ckb ku ps",
    "HEBREW": "he yi",
    "DEVANAGARI": "hi mr ne kok bho sa",
    "BENGALI": "bn as bpy",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "ORIYA": "or",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "SINHALA": "si",
    "THAI": "th",
    "LAO": "lo",
    "MYANMAR": "my shn",
    "KHMER": "km",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy hyw",
    "ETHIOPIC": "am ti",
    "CHEROKEE": "chr",
    "TIBETAN": "bo",
}
_ALWAYS = {"LATIN", "MODIFIER", "COMBINING"}
_CASED = {"CYRILLIC", "GREEK"}  # of the scripts above those that, like Latin, need no joiners

_INVISIBLE = dict.fromkeys(
    (
        *(0xAD, 0x61C, 0x180E, 0xFEFF),
        *(*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)),
        *(*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)),
    )
)
_JOINERS = "\u200c\u200d"

# punctuation of all scripts → the marks that are kept
_FOLDED = str.maketrans(
    dict.fromkeys("“”„‟«»「」『』〝〞〟＂″❝❞❮❯‹›", '"')
    | dict.fromkeys("’‘‛‚ʼʹ′´`＇＇ʻ", "'")
    | dict.fromkeys("‐‑⁃﹣－", "-")
    | dict.fromkeys("‒―⸺⸻", "—")
    | {"−": "-", "⁄": "/", "∕": "/", "∶": ":", "∙": "·", "⋅": "·"}
    | dict.fromkeys("。．｡", ". ")
    | dict.fromkeys("，、､،՝﹐﹑", ", ")
    | dict.fromkeys("；؛﹔", "; ")
    | dict.fromkeys("：﹕", ": ")
    | dict.fromkeys("！﹗՜", "! ")
    | dict.fromkeys("？؟﹖՞", "? ")
    | dict.fromkeys("।॥։۔።᙮၊။།໌", ". ")
    | dict.fromkeys("【〔〖《〈⟨（［｛﹙", "(")
    | dict.fromkeys("】〕〗》〉⟩）］｝﹚", ")")
    | {
        "~": "~",
        "〜": "~",
        "～": "~",
        "¿": "",
        "¡": "",
        "…": "…",
        "‥": "…",
        "⋯": "…",
        "\t": " ",
        "№": "No. ",
        "℃": "°C",
    }
    | {"º": "°", "²": "^2", "³": "^3", "\r": "\n", "\x0b": "\n", "\x0c": "\n\n", "\x85": "\n", "\u2028": "\n"}
    | {"\u2029": "\n\n", "©": " copyright ", "®": "", "™": "", "℠": "", "⅓": " 1/3", "⅔": " 2/3"}
)
_FRACTION = re.compile("[¼½¾⅐-⅞]")
KEPT = set(" \n.,;:!?…—–'\"-()[]{}<>/\\|_*#&@+=~^%$€£¥₹₽₩₴₺¢°§·•‣◦▪●○×÷±≈≠≤≥√∞→µ")


def fold(text: str) -> str:
    """NFKC with one way to write each mark: quotes, dashes, full stops of all scripts, digits, fractions, line ends."""
    text = text.replace("\r\n", "\n")
    if text.isascii():
        return text.translate(_FOLDED).replace("...", "…")
    text = _FRACTION.sub(lambda match: " " + unicodedata.normalize("NFKC", match[0]), text)
    text = text.translate(_FOLDED)
    # letter by letter, because in Thai and Lao the compatible form of AM is not how it is written
    text = "".join(c if c in "\u0e33\u0eb3" or c.isascii() else unicodedata.normalize("NFKC", c) for c in text)
    text = unicodedata.normalize("NFC", text).translate(_FOLDED).replace("...", "…")
    return "".join(str(unicodedata.digit(c)) if c.isdecimal() and not c.isascii() else c for c in text)


def strip_unspeakable(text: str, language: str) -> tuple[str, list[str]]:
    """Leave out what a voice of the language cannot speak.

    Returns
    -------
    text : str
        Letters of the language's scripts with their marks, digits, and the symbols that the rules know.
    skipped : list of str
        Each character that was left out, once, in the order of the text. What has neither a sound nor a form
        (soft hyphens, variation selectors, marks of direction) is left out without a word.
    """
    base = language.split("-")[0].lower()
    scripts = _scripts(base)
    joiners = "" if scripts <= {*_ALWAYS, *_CASED} else _JOINERS
    kept: list[str] = []
    skipped: dict[str, None] = {}
    letter = False  # is there a letter that a mark can stand on
    for c in text:
        if c.isascii():
            speakable = c.isalnum() or c in KEPT
            letter = c.isalpha()
        elif ord(c) in _INVISIBLE:
            if c in joiners and letter:
                kept.append(c)
            continue
        elif unicodedata.category(c)[0] == "M":
            speakable = letter
        else:
            letter = c.isalpha() and _script(c) in scripts
            speakable = letter or c in KEPT
        if speakable:
            kept.append(c)
        else:
            kept.append(" ")
            if not c.isspace():
                skipped[c] = None
    return "".join(kept), list(skipped)


@functools.cache
def _scripts(base: str) -> set[str]:
    known = {script for script, languages in _SCRIPTS.items() if base in languages.split()}
    return known | _ALWAYS


@functools.lru_cache(4096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").split(" ")[0]
