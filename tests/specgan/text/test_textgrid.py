"""TextGrids: what Praat and the Montreal Forced Aligner write is read, and durations come back exactly."""

from __future__ import annotations

import codecs

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specgan.text.symbols import Token, tokenise
from specgan.text.textgrid import (
    Interval,
    from_durations,
    read_textgrid,
    to_durations,
    word_intervals,
    write_textgrid,
)
from vocoder.errors import InputError

LONG = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.5
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "IntervalTier"
        name = "ann - words"
        xmin = 0
        xmax = 1.5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.25
            text = ""
        intervals [2]:
            xmin = 0.25
            xmax = 1
            text = "say ""hé"""
        intervals [3]:
            xmin = 1
            xmax = 1.5
            text = ""
    item [2]:
        class = "TextTier"
        name = "marks"
        xmin = 0
        xmax = 1.5
        points: size = 1
        points [1]:
            number = 0.5
            mark = "here"
    item [3]:
        class = "IntervalTier"
        name = "ann - phones"
        xmin = 0
        xmax = 1.5
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = 0.7312345
            text = "AH0"
        intervals [2]:
            xmin = 0.7312345
            xmax = 1.5
            text = "sil"
'''
SHORT = '''File type = "ooTextFile"
Object class = "TextGrid"

0
1.5
<exists>
3
"IntervalTier"
"ann - words"
0
1.5
3
0
0.25
""
0.25
1
"say ""hé"""
1
1.5
""
"TextTier"
"marks"
0
1.5
1
0.5
"here"
"IntervalTier"
"ann - phones"
0
1.5
2
0
0.7312345
"AH0"
0.7312345
1.5
"sil"
'''
TIERS = {
    "ann - words": [Interval(0, 0.25, ""), Interval(0.25, 1, 'say "hé"'), Interval(1, 1.5, "")],
    "ann - phones": [Interval(0, 0.7312345, "AH0"), Interval(0.7312345, 1.5, "sil")],
}


@pytest.mark.parametrize("text", [LONG.replace("\n", " \n"), SHORT], ids=["long", "short"])  # as Praat writes lines
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
    ],
    ids=["utf-8", "utf-8 with a mark", "utf-16 big", "utf-16 little"],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["unix", "dos"])
def test_both_formats_in_each_encoding(tmp_path, text, mark, encoding, newline):
    path = tmp_path / "a.TextGrid"
    path.write_bytes(mark + text.replace("\n", newline).encode(encoding))
    assert read_textgrid(path) == TIERS


def test_what_is_written_is_what_praat_writes_and_gaps_are_filled(tmp_path):
    path = tmp_path / "a.TextGrid"
    write_textgrid(path, {"ann - words": TIERS["ann - words"][1:2], "ann - phones": TIERS["ann - phones"]}, 1.5)
    first, rest = LONG.split("    item [2]:")
    phones = rest.partition("    item [3]:")[2]
    wanted = first.replace("size = 3\nitem", "size = 2\nitem") + "    item [2]:" + phones
    assert path.read_text().split() == wanted.split()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no TextGrid"),
        ("RIFFxxxxWAVE", "is no TextGrid"),
        (LONG[:900], "damaged"),
        (LONG[: LONG.index("        intervals [2]:")], "'ann - words' has no interval from 0.25 to 1.5 s"),
        (SHORT[: SHORT.index("1\n1.5\n")], "damaged: tier 'ann - words' has no interval from 1 to 1.5 s"),
        (LONG.replace("xmin = 0.25", "xmin = 0.2"), "overlap"),
        (LONG.replace("xmax = 0.25", "xmax = x"), "damaged"),
    ],
)
def test_damaged_files(tmp_path, text, words):
    path = tmp_path / "a.TextGrid"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_textgrid(path)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_textgrid(tmp_path / "none.TextGrid")


def test_nothing_is_written_when_intervals_do_not_fit(tmp_path):
    for intervals in ([Interval(0, 2, "a")], [Interval(0, 1, "a"), Interval(0.5, 1.5, "b")], [Interval(1, 1, "a")]):
        with pytest.raises(ValueError, match=r"a\.TextGrid"):
            write_textgrid(tmp_path / "a.TextGrid", {"words": intervals}, 1.5)
    assert list(tmp_path.iterdir()) == []


# -- durations --------------------------------------------------------------------------------------------------------

HELLO = tokenise("həlˈoʊ, wˈɜːld.")  # ^ h ə l ˈo ʊ , w ˈɜː l d .
DURATIONS = [5, 3, 2, 4, 6, 1, 0, 4, 8, 2, 3, 7]


def test_durations_become_tiers():
    tiers = from_durations(HELLO, ["Hello", "world"], DURATIONS, rate=1000, hop=10)
    assert tiers["words"] == [Interval(0.05, 0.21, "Hello"), Interval(0.21, 0.38, "world")]
    assert [each.label for each in tiers["phones"]] == ["", "h", "ə", "l", "ˈo", "ʊ", "w", "ˈɜː", "l", "d", ""]
    assert tiers["phones"][1] == Interval(0.05, 0.08, "h")
    assert from_durations(HELLO, None, DURATIONS, 1000, 10)["words"][1].label == "wˈɜːld"
    assert [each.label for each in from_durations([Token("^"), Token("a", "ˈ5")], None, [0, 1], 9, 1)["phones"]] == [
        "ˈa5"
    ]


def test_durations_of_real_length_survive_the_file(tmp_path):
    frames = sum(DURATIONS)
    write_textgrid(tmp_path / "a", from_durations(HELLO, None, DURATIONS, 22_050, 256), frames * 256 / 22_050)
    assert to_durations(read_textgrid(tmp_path / "a"), HELLO, frames, 22_050, 256).tolist() == DURATIONS


PHONES = st.sampled_from(["a", "ə", "tʲ", "iː"]).map(Token) | st.just(Token("a", "ˈ"))
WORDS = st.lists(st.lists(PHONES, min_size=1, max_size=4), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(
    words=WORDS,
    marks=st.lists(st.sampled_from(" ,.—"), min_size=5, max_size=5),
    rate=st.sampled_from([16_000, 22_050, 44_100]),
    hop=st.sampled_from([1, 240, 256]),
    data=st.data(),
)
def test_any_durations_come_back_exactly(words, marks, rate, hop, data):
    tokens = [Token("^")]
    for word, mark in zip(words, marks, strict=False):
        tokens += [*word, Token(mark)]
    durations = [data.draw(st.integers(not token.pause, 50)) for token in tokens]
    tiers = from_durations(tokens, None, durations, rate, hop)
    back = to_durations(tiers, tokens, sum(durations), rate, hop)
    assert back.dtype == np.int64
    assert back.tolist() == durations


@settings(max_examples=60, deadline=None)
@given(words=WORDS, extra=st.integers(0, 30), data=st.data())
def test_whatever_the_times_the_sum_is_the_frames_and_no_phone_is_lost(words, extra, data):
    tokens = [Token("^"), *(token for word in words for token in (*word, Token(" ")))]
    least = [not token.pause for token in tokens]
    frames = sum(least) + extra
    weights = data.draw(st.lists(st.floats(1e-3, 1), min_size=len(tokens), max_size=len(tokens)))
    times = np.concatenate([[0], np.cumsum(weights)]) * frames * 256 / 22_050 / sum(weights)
    tiers = {
        "phones": [
            Interval(float(start), float(end), "sp" if token.pause else token.stress + token.phone)
            for token, start, end in zip(tokens, times[:-1], times[1:], strict=True)
        ]
    }
    found = to_durations(tiers, tokens, frames, 22_050, 256)
    assert found.sum() == frames
    assert np.all(found >= least)


def test_silences_of_other_aligners_are_pauses_and_neighbours_join():
    tiers = {"phones": [Interval(0, 1, "sil"), Interval(1, 2, "SP"), Interval(2, 3, "a"), Interval(3, 4, "")]}
    assert to_durations(tiers, tokenise("a."), 4, 1, 1).tolist() == [2, 1, 1]


@pytest.mark.parametrize(
    ("ipa", "frames", "words"),
    [
        ("ab.", 4, ("'b' (token 3)", "'c' at 2 s")),
        ("acd.", 4, ("'d' (token 4)", "the end")),
        ("a.", 4, ("before the phone 'c' at 2 s",)),
        ("ac.", 8, ("4 s", "8 s", "belong together")),
        ("ac.", 1, ("2 phones", "1 frames")),
    ],
)
def test_phones_that_are_not_the_texts(ipa, frames, words):
    tiers = {"phones": [Interval(0, 1, ""), Interval(1, 2, "a"), Interval(2, 4, "c")]}
    with pytest.raises(InputError) as caught:
        to_durations(tiers, tokenise(ipa), frames, 1, 1, "x.TextGrid")
    for word in ("x.TextGrid", *words):
        assert word in str(caught.value)


def test_durations_that_no_alignment_has():
    for durations in ([1, 0, 1], [1, 1], [-1, 1, 1]):
        with pytest.raises(ValueError, match=r"durations for|lasts"):
            from_durations(tokenise("a."), None, durations, 22_050, 256)
    with pytest.raises(ValueError, match="1 words for 2 runs"):
        from_durations(HELLO, ["hello"], DURATIONS, 22_050, 256)


# -- words of a foreign aligner ---------------------------------------------------------------------------------------


def spaced(*labels: str, name: str = "words") -> dict[str, list[Interval]]:
    """A second for each label."""
    return {name: [Interval(start, start + 1, label) for start, label in enumerate(labels)]}


@pytest.mark.parametrize("name", ["words", "ann - words", "Words"])
def test_words_are_found_whatever_case_punctuation_and_silences(name):
    tiers = spaced("", "well", "sil", "don't", "café", "", name=name)
    words = word_intervals(tiers, ["“Well,", "—", "don’t…", "CAFE\u0301!"], 12, 2, 1)
    assert words == [("“Well,", 2, 4), ("don’t…", 6, 8), ("CAFE\u0301!", 8, 10)]


def test_words_cut_by_the_aligner_are_joined_and_unknown_ones_fit_any():
    tiers = spaced("it", "'s", "", "well", "known", "<unk>", "<unk>", "'s", "spn", "")
    words = word_intervals(tiers, ["It's", "well-known:", "Zyx", "Zyx's", "end"], 10, 1, 1)
    assert words == [("It's", 0, 2), ("well-known:", 3, 5), ("Zyx", 5, 6), ("Zyx's", 6, 8), ("end", 8, 9)]


def test_short_words_get_a_frame_each():
    tiers = {"words": [Interval(0, 2.9, "a"), Interval(2.9, 2.95, "b"), Interval(2.95, 3, "c")]}
    assert word_intervals(tiers, ["a", "b", "c"], 3, 1, 1) == [("a", 0, 1), ("b", 1, 2), ("c", 2, 3)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["one", "three"], "has 'two' at 1 s where the transcript has 'three' (word 2)"),
        (["one", "twofold"], "has 'two' at 1 s where the transcript has 'twofold' (word 2)"),
        (["one"], "has 'two' at 1 s, after the transcript's last word"),
        (["one", "two", "three"], "ends before 'three', word 3"),
    ],
)
def test_the_first_word_that_differs_is_named(words, message):
    with pytest.raises(InputError, match=r"^x\.TextGrid: ") as caught:
        word_intervals(spaced("one", "two"), words, 2, 1, 1, "x.TextGrid")
    assert message in str(caught.value)


def test_the_tier_of_words_must_be_one():
    with pytest.raises(InputError, match=r"'words'.*has 'phones'"):
        word_intervals(spaced("a", name="phones"), ["a"], 1, 1, 1)
    with pytest.raises(InputError, match=r"has 'ann - words', 'bob - words'"):
        word_intervals({**spaced("a", name="ann - words"), **spaced("b", name="bob - words")}, ["a"], 1, 1, 1)
