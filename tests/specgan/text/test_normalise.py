import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from specgan.text.normalise import normalise
from vocoder.errors import InputError

TABLE = Path(__file__).with_name("english.txt").read_text(encoding="utf-8")
CASES = [line.split(" | ") for line in TABLE.splitlines() if " | " in line and not line.startswith("# What")]
LANGUAGES = ["en", "en-gb", "de", "nl", "fr", "es", "it", "pt", "ru", "uk", "pl", "cs", "sv", "fi", "cmn", "ja", "el", "hi"]

# text that the rules are about, which blind letters would seldom hit upon
PIECES = st.sampled_from(
    "Dr. St. Mr. Henry VIII I X V. J. R. U.S.A. e.g. i.e. etc. No. 5 7 12 1984 2,000 3.14 0 00 1/2 May 3rd 1st 90s '90s 's "
    "am p.m. 14:30 $ £ € ¢ % ° C km m/s ^2 - – — + = & @ # * _ ** ( ) [ ] \" ' ’ “ ” … ... . , ; : ! ? / \\ | < > ~ \n \n\n "
    "www. .com a.b x@y.z well-known don't 'em dogs' the Chapter IV. é ß Ω µ ½ ² 好 я \u0301 \u200d 😀 \x07 1. - 2) > 3 a)".split(" ")
)
ANYTHING = st.one_of(st.text(max_size=40), st.lists(st.one_of(PIECES, st.just(" "), st.characters()), max_size=12).map("".join))


def quietly(text, language):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return normalise(text, language)


def test_the_table_is_long_enough():
    assert len(CASES) >= 120 and all(len(case) == 2 for case in CASES)


@pytest.mark.parametrize(("written", "said"), CASES)
def test_what_is_written_and_what_is_said(written, said):
    assert normalise(written.replace("\\n", "\n"), "en") == said


@pytest.mark.parametrize(("written", "said"), CASES)
def test_what_is_said_stays(written, said):
    assert normalise(said, "en") == said


@given(ANYTHING, st.sampled_from(LANGUAGES))
@settings(max_examples=400, deadline=None)
def test_any_text_becomes_words_and_marks_and_stays_so(text, language):
    try:
        said = quietly(text, language)
    except InputError:
        return
    assert normalise(said, language) == said  # and warns of nothing
    assert not re.search(r"[^\S ]|  |^ | $", said)
    if language.startswith("en"):
        assert not re.search(r"[^\w\s.,;:!?…—'\-\u0300-\u036f]|\d|_", said)
    assert not re.search(r"(?<!\w)[.,;:!?…—]|(?<![\w\u0300-\u0fff])-", said.replace("'", "a")) or language == "hi"
