"""Text as people write it → words and punctuation, which is all that a voice is given. No torch.

Everything that is read out becomes a word here: figures, symbols, abbreviations, addresses. English has rules of its
own (`specgan.text.english`), some other languages rules for their numbers (`specgan.text.languages`); for the rest
figures stay, because espeak-ng reads them in every language that it speaks.
"""

from __future__ import annotations

import warnings

from specgan.text import characters
from specgan.text.blocks import blocks
from specgan.text.marks import MARKS, settle
from vocoder.errors import InputError

_MOST_NAMED = 10


def normalise(text: str, language: str) -> str:
    """Words and punctuation of a text.

    Parameters
    ----------
    text : str
        Plain text, or Markdown, whose marks are left out. Blank lines, headings and list items end a sentence.
    language : str
        A code as espeak-ng takes it: "en" (American), "en-us", "en-gb" (dates day first, "a hundred and five"), "de"...

    Returns
    -------
    str
        Letters with their marks, apostrophes, hyphens within words, and ``. , ; : ! ? … —`` straight behind a word
        (figures too in a language for which there are no rules). Capitals are kept. The normalised text of a
        normalised text is itself.

    Raises
    ------
    InputError
        If there is nothing to say in it.

    Warns
    -----
    UserWarning
        Once for the whole text, if characters were left out that a voice of this language cannot speak: control
        characters, emoji, letters of other scripts.
    """
    language = language.lower().replace("_", "-")
    is_english = language.split("-")[0] == "en"
    folded = characters.fold(text)
    if is_english:
        from specgan.text.english import (  # patterns take time to compile, so only those of the language
            expand,
            name_greek,
        )

        language = "en-us" if language == "en" else language
        folded = name_greek(folded)
    else:
        from specgan.text.languages import expand
    kept, skipped = characters.strip_unspeakable(folded, language)
    if skipped:
        warnings.warn(f"characters that cannot be spoken are skipped: {_named(skipped)}", UserWarning, stacklevel=1)
    *firsts, last = blocks(kept) or [""]
    spoken = " ".join([*(block if block[-1] in MARKS else block + "." for block in firsts), last])
    before = None
    while spoken != before:  # one rule may make a case for another: until nothing changes
        before, spoken = spoken, settle(expand(spoken, language))
    if not any(character.isalnum() for character in spoken):
        raise InputError(f"the text has no words to speak: {text[:40]!r}")
    return spoken


def _named(characters: list[str]) -> str:
    named = [f"{c if c.isprintable() else ascii(c)} (U+{ord(c):04X})" for c in characters[:_MOST_NAMED]]
    more = len(characters) - _MOST_NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")
