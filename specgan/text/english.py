"""English: everything that is no word becomes words. No torch."""

from __future__ import annotations

import re

from specgan.text.english_words import expand_words

_GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "omicron", "pi", "rho", "sigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
)  # fmt: skip
_LONE_GREEK = re.compile(r"(?<![Ͱ-Ͽ])[α-ωΑ-ΡΣ-Ω](?![Ͱ-Ͽ])")
# what the rules of numbers and symbols are for; a point within a word may be an address's
_NOT_WORDS = re.compile(r"[^\w\s.,;:!?…—'\"()-]|\d|_|\w\.\w")


def name_greek(text: str) -> str:
    """The names of Greek letters that stand alone, as in formulas, before what English cannot read is left out."""
    if text.isascii():
        return text
    text = re.sub(r"(?<=\d)\s?Ω", " ohms", text.replace("kΩ", "kiloohms").replace("MΩ", "megaohms"))
    text = re.sub(r"μ(?=[msg]\b)", "µ", text)
    return _LONE_GREEK.sub(lambda match: f" {_GREEK[ord(match[0].lower()) - ord('α')]} ", text)


def expand(text: str, language: str) -> str:
    """A text in words: letters, apostrophes, hyphens and punctuation are what remains."""
    if _NOT_WORDS.search(text):
        from specgan.text.english_rules import expand_figures  # its patterns take long to compile

        text = expand_figures(text, language)
    return expand_words(text)
