"""Word and character errors counted by hand, and texts that mean the same."""

from __future__ import annotations

import sys

import pytest

from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.words import Errors, accepted, errors, normalised
from vocoder.errors import InputError


def test_edits_by_hand() -> None:
    # one substitution (sat → sit), one deletion (on), one insertion (today) in six words;
    # "the cat sat on the mat" has 22 characters: a → i, − "on ", + " today"
    assert errors("The cat sat on the mat.", "the cat sit the mat today") == Errors(3, 6, 1 + 3 + 6, 22)
    assert errors("Good morning!", "good  morning") == Errors(0, 2, 0, 12)
    assert errors("Good morning!", "") == Errors(2, 2, 12, 12)


@pytest.mark.parametrize(
    "typed, heard",
    [
        ("Mr. Park visited Assoc. Prof. Kim Jr.", "mister park visited associate professor kim junior"),
        ("$20 million in 2026", "twenty million dollars in twenty twenty six"),
        ("Let's go, he's the third.", "let us go he is the 3rd"),
        ("The colour of 45% of them", "The color of forty-five percent of them"),
    ],
)
def test_numbers_titles_and_spelling_are_no_errors(typed: str, heard: str) -> None:
    assert errors(typed, heard).word_edits == 0


def test_other_languages_keep_their_words() -> None:
    assert normalised("Grüße, zwei Bücher!", "de") == "grüße zwei bücher"


def test_alternatives() -> None:
    assert accepted("a plain text") == ["a plain text"]
    assert accepted("at { 5:30 / half past five }, { Tom / Tim }") == [
        "at 5:30, Tom",
        "at 5:30, Tim",
        "at half past five, Tom",
        "at half past five, Tim",
    ]


def test_the_closest_alternative_counts_and_gives_the_length() -> None:
    text = "it begins at { 5:30 p.m. / half past five }"
    assert errors(text, "It begins at half past five.") == Errors(0, 6, 0, 24)  # "half past 5"
    assert errors(text, "It begins at 5.30 pm").word_edits > 0
    assert errors(text, "it begins at 5:30 p.m.").word_edits == 0
    assert errors(text, "it begins at half past four") == Errors(1, 6, 1, 24)


def test_without_a_word_there_is_no_rate() -> None:
    with pytest.raises(NotMeasurable, match="no word"):
        errors("…!", "hello")


def test_names_the_package_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jiwer", None)
    with pytest.raises(InputError, match=r'jiwer .*pip install "specgan\[eval\]"'):
        errors("a", "b")
