import re
import time
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specgan.text.normalise import normalise
from specgan.text.sentences import LONGEST_CHARACTERS, LONGEST_WORDS, prepare_text, sentences
from vocoder.errors import InputError


def words(text):
    return re.findall(r"[^\s.,;:!?…—]+", text)


@pytest.mark.parametrize(
    ("text", "language", "pieces"),
    [
        ("One. Two! Three? Four… Five", "en", ["One.", "Two!", "Three?", "Four…", "Five"]),
        ("Dr. Smith met J. R. R. Tolkien. He left.", "en", ["Doctor Smith met J-R-R Tolkien.", "He left."]),
        (
            "It costs $3.50. Buy 3.5 kg.",
            "en",
            ["It costs three dollars and fifty cents.", "Buy three point five kilograms."],
        ),
        ("I was there at 5 p.m. She was late.", "en", ["I was there at five P-M.", "She was late."]),
        ("Apples, etc. are sold, e.g. here.", "en", ["Apples, et cetera are sold, for example, here."]),
        ("See example.com. It works.", "en", ["See example dot com.", "It works."]),
        ("“Stop!” he said. “Why?”", "en", ["Stop! he said.", "Why?"]),
        ("all in small letters. like this", "en", ["all in small letters.", "like this"]),
        ("A title\n\nA paragraph that\nis wrapped.", "en", ["A title.", "A paragraph that is wrapped."]),
        ("- milk\n- eggs", "en", ["milk.", "eggs"]),
        ("你好。世界！你在吗？在", "cmn", ["你好.", "世界!", "你在吗?", "在"]),
        ("Das ist z. B. Dr. Müller. Er geht.", "de", ["Das ist zum Beispiel Doktor Müller.", "Er geht."]),
        ("Привет! Как дела? Это т. е. всё.", "ru", ["Привет!", "Как дела?", "Это то есть всё."]),
        ("नमस्ते। आप कैसे हैं?", "hi", ["नमस्ते.", "आप कैसे हैं?"]),
    ],
)
def test_ends_of_sentences(text, language, pieces):
    assert prepare_text(text, language) == pieces


def test_a_long_sentence_is_cut_where_it_hurts_least():
    clause = " ".join(["word"] * 25)
    assert sentences(f"{clause}, {clause}; {clause}, {clause}.") == [f"{clause}, {clause};", f"{clause}, {clause}."]
    assert sentences(f"{clause} {clause} and {clause}.") == [f"{clause} {clause},", f"and {clause}."]
    assert sentences(" ".join(["word"] * 70)) == [" ".join(["word"] * 60) + ",", " ".join(["word"] * 10)]


def test_a_sentence_that_is_long_enough_stays_whole():
    whole = "; ".join(["word " * 9 + "word"] * 6) + "."
    assert len(words(whole)) == LONGEST_WORDS and sentences(whole) == [whole]


def test_ideographs_are_words():
    pieces = sentences("我" * 150 + ", " + "你" * 20)
    assert max(map(len, pieces)) <= 61 and "".join(words("".join(pieces))) == "我" * 150 + "你" * 20


def test_one_endless_word_is_cut_too():
    assert [len(piece) for piece in sentences("a" * 1000)] == [400, 400, 200]


PIECES = st.sampled_from(
    ["word", "a", "and", "die", "x" * 30, "好", "я", "don't", "A", ".", ",", ";", "!", "…", "—", "Dr.", "5"]
)


@given(st.lists(PIECES, min_size=1, max_size=250).map(" ".join), st.sampled_from(["en", "de", "cmn", "el"]))
@settings(max_examples=120, deadline=None)
def test_no_word_is_lost_and_none_is_too_long(text, language):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            whole = normalise(text, language)
        except InputError:
            return
        pieces = prepare_text(text, language)
    assert [word for piece in pieces for word in words(piece)] == words(whole)
    assert all(len(piece) <= LONGEST_CHARACTERS + 1 and words(piece) for piece in pieces)
    assert all(len(piece.split()) <= LONGEST_WORDS for piece in pieces)


def test_a_book_takes_time_in_proportion_to_its_length():
    page = "On 3 May 1984, Dr. Smith paid $3.50 for 5 kg (of tea); he never said why... " * 8

    def seconds(text):
        start = time.process_time()
        assert len(prepare_text(text, "en")) >= text.count("Dr.") // 2
        return time.process_time() - start

    seconds(page)
    assert seconds(page * 16) < 40 * seconds(page * 2)  # 8 times as long; a square would take 64 times


@pytest.mark.parametrize("text", ["", " \n", "...", "—", "?!", "- \n- ", "# ", "***", "😀"])
def test_a_text_without_words_is_refused(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(InputError, match="the text has no words"):
            prepare_text(text, "en")
