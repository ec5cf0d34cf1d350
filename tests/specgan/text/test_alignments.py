"""Alignments of real recordings: durations that add up and come back, words of foreign aligners, bad transcripts."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from specgan.runtime.f0 import fundamental_frequency
from specgan.text.aligner import Aligner
from specgan.text.alignments import (
    LEFT_OUT,
    PITCH,
    align,
    aligned_rows,
    fewest_changes,
    foreign_grid,
    group_labels,
    groups_of,
    limits,
    margin,
    read_aligner,
    read_durations,
    read_left_out,
    read_pitch,
    runs,
    write_pitch,
)
from specgan.text.corpus import Corpus
from specgan.text.phonemes import phonemise
from specgan.text.symbols import Symbols, is_vowel, tokenise
from specgan.text.textgrid import Interval, read_textgrid, write_textgrid
from tests.specgan.conftest import SPEC, recordings
from vocoder.engine.checkpoint import load_tensors, save_tensors
from vocoder.errors import InputError

ROWS = [*recordings("kathleen"), *recordings("ljspeech")]


@pytest.fixture(scope="module")
def corpus():
    return Corpus(ROWS, SPEC)


@pytest.fixture(scope="module")
def untrained(corpus):
    torch.manual_seed(0)
    return Aligner(SPEC.bands, corpus.symbols, 16).eval()


# -- real recordings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["learned", "untrained"])
def test_durations_of_every_recording_add_up_to_its_frames_exactly_and_come_back(which, learned, untrained, tmp_path):
    aligner, symbols, _ = read_aligner(learned.aligner) if which == "learned" else (untrained, None, None)
    corpus = Corpus(ROWS, SPEC, symbols)
    for index, result in enumerate(align(corpus, aligner, tmp_path)):
        assert isinstance(result, float)
        found = read_durations(corpus, index, tmp_path)
        assert found.sum() == corpus.frames[index] and len(found) == len(corpus.tokens[index])
        assert (found >= [1 if token.pause else 2 for token in corpus.tokens[index]]).all()
        tiers = read_textgrid(tmp_path / f"{ROWS[index].id}.TextGrid")
        ends = np.array([interval.end for interval in tiers["phones"]]) * SPEC.frame_rate
        np.testing.assert_allclose(np.diff(ends.round(), prepend=0), found)
        np.testing.assert_allclose(ends, ends.round(), atol=1e-6)


def test_a_learned_aligner_knows_better_than_even_spacing_which_frames_have_a_pitch(learned, corpus):
    """A tracker of pitch, which knows no text, says whether vowels and voiceless phones are where they should be."""
    right: dict[str, list[np.ndarray]] = {"learned": [], "even": []}
    for index, tokens in enumerate(corpus.tokens):
        voiced = read_pitch(learned.alignments)[ROWS[index].id].numpy() > 0
        kinds = np.array(
            [1 if is_vowel(t.phone[0]) else 0 if t.phone[0] in "ptkfsʃθ" or t.pause else -1 for t in tokens]
        )
        edges = np.linspace(0, corpus.frames[index], len(tokens) + 1).round().astype(int)
        durations = {"learned": read_durations(corpus, index, learned.alignments), "even": np.diff(edges)}
        for name, lengths in durations.items():
            told = np.repeat(kinds, lengths)
            right[name].append((told == voiced)[told >= 0])
    learned_share, even_share = (np.concatenate(right[name]).mean() for name in ("learned", "even"))
    assert learned_share > even_share + 0.1


def test_words_are_written_with_the_phones_they_are_spoken_as(learned):
    words = [interval.label for interval in read_textgrid(learned.alignments / "arctic_a0001.TextGrid")["words"]]
    assert [word for word in words if word][:6] == ["Author", "of the", "danger", "trail,", "Philip", "Steels,"]


def test_the_pitch_is_the_trackers_and_what_was_there_stays(corpus, tmp_path):
    save_tensors(tmp_path / PITCH, {"other": torch.ones(3)})
    write_pitch(corpus, tmp_path, [13])
    found = read_pitch(tmp_path)
    assert found.keys() == {"other", ROWS[13].id}
    wave = corpus.recordings.read(13)
    frequency, voiced = fundamental_frequency(wave, SPEC.sample_rate, SPEC.hop, int(corpus.frames[13]))
    np.testing.assert_allclose(found[ROWS[13].id], frequency, rtol=1e-6)
    assert voiced.mean() > 0.3 and load_tensors(tmp_path / PITCH)[1] == {"fingerprint": SPEC.fingerprint}


def test_frames_of_phones_that_a_model_lacks_go_to_the_token_before(learned, corpus):
    lacking = Symbols(tuple(p for p in corpus.symbols.phones if p not in ("v", "ð")), corpus.symbols.stresses)
    known = Corpus(ROWS[:1], SPEC, lacking)  # "Author of the danger trail": ʌvðə
    whole, less = read_durations(corpus, 0, learned.alignments), read_durations(known, 0, learned.alignments)
    at = [token.phone for token in corpus.tokens[0]].index("v")
    assert corpus.tokens[0][at + 1].phone == "ð" and less.sum() == whole.sum() == corpus.frames[0]
    expected = [*whole[: at - 1], whole[at - 1 : at + 2].sum(), *whole[at + 2 :]]
    np.testing.assert_array_equal(less[: len(expected[: at + 5])], expected[: at + 5])


# -- which transcripts fit --------------------------------------------------------------------------------------------


def test_the_margin_is_over_the_better_of_two_other_orders():
    """Four phones of two frames each between two silences, and one frame that fits no phone at all."""
    scores = np.full((12, 6), -4.0)
    durations = np.array([2, 2, 2, 2, 2, 2])
    scores[np.arange(12), np.repeat(np.arange(6), durations)] = -1.0
    scores[3] = -50.0
    least = np.array([1, 2, 2, 2, 2, 1])
    # the silences stay, and with the second half first one silence may reach on to where it waits for a phone it knows:
    # 3 4 | 1 2: the pair 3 4 is right at frames 6 to 9 if the first silence lasts, then 1 2 are wrong, or the other way
    own = (11 * -1.0 - 10.0) / 12
    orders = []
    for order in ([0, 4, 3, 2, 1, 5], [0, 3, 4, 1, 2, 5]):
        moved = scores[:, order].clip(-10)
        totals = []
        for cuts in itertools.combinations(range(1, 12), 5):
            lengths = np.diff([0, *cuts, 12])
            if (lengths >= least).all():
                totals.append(moved[np.arange(12), np.repeat(np.arange(6), lengths)].mean())
        orders.append(max(totals))
    assert margin(scores, durations, least) == pytest.approx(own - max(orders))
    assert own - max(orders) > 0.3


def test_an_aligner_that_knows_nothing_finds_no_order_better_than_another(untrained, corpus, tmp_path):
    results = list(align(corpus, untrained, tmp_path))
    assert np.abs(results).max() < 0.3


# -- what cannot be aligned -------------------------------------------------------------------------------------------


def test_what_cannot_be_aligned_is_said_and_the_rest_goes_on(untrained, corpus, tmp_path):
    long = " ".join(row.text for row in ROWS)
    rows = [replace(ROWS[13], text=long), ROWS[13]]
    first, second = align(Corpus(rows, SPEC, corpus.symbols), untrained, tmp_path)
    assert "LJ001-0008.flac: " in first and "frames are too few for" in first and "does not fit" in first
    assert isinstance(second, float)
    lacking = Symbols(tuple(p for p in corpus.symbols.phones if p not in ("s", "z")), corpus.symbols.stresses)
    torch.manual_seed(0)
    (reason,) = align(Corpus(ROWS[13:14], SPEC, lacking), Aligner(SPEC.bands, lacking, 16).eval(), tmp_path)
    assert reason.endswith("LJ001-0008.flac: the aligner does not know the phone s, z")


def test_what_is_left_out_is_not_trained_on(tmp_path):
    assert aligned_rows(ROWS, tmp_path) == ROWS
    (tmp_path / LEFT_OUT).write_text(f"{ROWS[2].id}\t…\twith a tab\u2028\nsomething else\tlong ago\n", encoding="utf-8")
    assert aligned_rows(ROWS, tmp_path) == [row for row in ROWS if row.id != "arctic_a0003"]
    assert read_left_out(tmp_path) == {"arctic_a0003": "…\twith a tab\u2028", "something else": "long ago"}


def test_a_folder_that_is_no_run_of_an_aligner_is_refused(tiny_voice, tmp_path):
    for folder in (tmp_path, tiny_voice.acoustic):
        with pytest.raises(InputError, match="is no run of an aligner; `specgan align` makes one"):
            read_aligner(folder)


def test_an_alignment_that_is_missing_or_of_another_text_is_refused(learned, tmp_path):
    with pytest.raises(InputError, match=r"arctic_a0001\.TextGrid: not there; align the corpus again"):
        read_durations(Corpus(ROWS[:1], SPEC), 0, tmp_path)
    other = Corpus([replace(ROWS[0], text="Something else.")], SPEC)
    with pytest.raises(InputError, match=r"arctic_a0001\.TextGrid: phone 's' \(token 2\) is expected"):
        read_durations(other, 0, learned.alignments)


# -- words and groups of phones ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("one of the well-known men, etc.", ["one", "of the", "well-known", "men,", "etc."]),
        ("of the, in the", ["of the,", "in the"]),
        ("a well known man — of a kind", ["a", "well", "known", "man", "of a", "kind"]),
        # words that change with what follows
        ("cities grew to be only memories", ["cities", "grew", "to be", "only", "memories"]),
        ("There is another virtue.", ["There", "is", "another", "virtue."]),
        ("like the crater of a volcano", ["like", "the", "crater", "of a", "volcano"]),
        ("Manuel had one sin.", ["Manuel", "had", "one", "sin."]),
    ],
)
def test_which_words_a_group_of_phones_is(text, labels):
    tokens = tokenise(phonemise(text, "en"))
    words = [word for word in text.split() if word != "—"]
    assert group_labels(words, groups_of(tokens, words, "en"), len(runs(tokens))) == labels


def test_a_word_may_be_several_groups_and_one_without_phones_none_of_its_own():
    tokens = tokenise("wˈʌn tˈuː ʌvðə")
    assert runs(tokens) == [(1, 3), (5, 6), (8, 11)]
    assert groups_of(tokens, ["one", "…", "two", "of", "the"], "en") == [(0, 0), (0, 0), (1, 1), (2, 2), (2, 2)]
    tokens = tokenise("twˈɛnti wˈʌn")
    assert groups_of(tokens, ["twenty-one"], "en") == [(0, 1)]
    assert group_labels(["twenty-one"], [(0, 1)], 2) == ["twenty-one", "twenty-one"]
    assert group_labels(["a", "b"], [(0, 0), (2, 2)], 3) is None


def test_fewest_changes_pair_what_belongs_together():
    assert fewest_changes("abc", "abc") == [(0, 0), (1, 1), (2, 2)]
    assert fewest_changes("tɛst", "tɛksts") == [(0, 0), (1, 1), (2, 3), (3, 4)]
    assert fewest_changes("ɹɐ", "eɪ") == [(1, 0)]  # a vowel stands for a vowel
    assert fewest_changes("", "ab") == []


# -- foreign TextGrids ------------------------------------------------------------------------------------------------


def foreign_words(learned, index):
    """Words of another aligner, which says "of" and "the" one by one, with intervals of its own."""
    tiers = read_textgrid(learned.alignments / f"{ROWS[index].id}.TextGrid")
    words = []
    for interval in tiers["words"]:
        parts = interval.label.lower().strip(".,").split()
        edges = np.linspace(interval.start, interval.end, len(parts) + 1)
        words += [Interval(float(a), float(b), part) for part, a, b in zip(parts, edges[:-1], edges[1:], strict=True)]
    return words, tiers["words"][-1].end


def test_phones_stay_inside_the_words_of_a_foreign_alignment(learned, untrained, corpus, tmp_path):
    """The Montreal Forced Aligner's words with its ARPAbet phones; the network itself has learned nothing."""
    (tmp_path / "kathleen").mkdir()
    expected = {}
    for index in range(3):
        words, end = foreign_words(learned, index)
        phones = [Interval(word.start, word.end, "AH0") for word in words]
        write_textgrid(tmp_path / f"kathleen/{ROWS[index].id}.TextGrid", {"words": words, "phones": phones}, end)
        expected[index] = words
    out = tmp_path / "out"
    results = list(align(Corpus(ROWS[:3], SPEC, corpus.symbols), untrained, out, tmp_path))
    assert all(isinstance(result, float) for result in results), results
    frame = SPEC.hop / SPEC.sample_rate
    for index, words in expected.items():
        made = [interval for interval in read_textgrid(out / f"{ROWS[index].id}.TextGrid")["words"] if interval.label]
        left = list(words)
        for group in made:  # "of the" lies within "of" and "the" together
            inside = [left.pop(0) for _ in group.label.split()]
            assert [word.label for word in inside] == group.label.lower().replace(",", "").replace(".", "").split()
            assert inside[0].start - 0.51 * frame <= group.start and group.end <= inside[-1].end + 0.51 * frame
        assert not left
        assert read_durations(corpus, index, out).sum() == corpus.frames[index]


def test_limits_by_hand():
    tokens = tokenise("wˈʌn, tˈuː.")  # ^ w ʌ n , t uː .
    intervals = [("one", 2, 6), ("two", 6, 9)]
    allowed = limits(tokens, ["one,", "two."], "en", intervals, 10)
    assert set(np.unique(allowed)) == {-np.inf, 0.0}
    frames = [np.flatnonzero(column == 0).tolist() for column in allowed.T]
    assert frames[0] == [0, 1, 2]  # the start, and a frame of the first word if need be
    assert frames[1] == frames[2] == frames[3] == [2, 3, 4, 5]
    assert frames[4] == [5, 6]  # the words touch: the pause takes a frame of one of them
    assert frames[5] == frames[6] == [6, 7, 8]
    assert frames[7] == [8, 9]


def test_a_foreign_alignment_that_is_missing_or_of_another_text_is_said(untrained, corpus, tmp_path):
    frames = int(corpus.frames[0]) * SPEC.hop / SPEC.sample_rate
    write_textgrid(tmp_path / f"{ROWS[0].id}.TextGrid", {"words": [Interval(0, 1, "writer")]}, frames)
    first, second = align(Corpus(ROWS[:2], SPEC, corpus.symbols), untrained, tmp_path / "out", tmp_path)
    assert "has 'writer' at 0 s where the transcript has 'Author' (word 1)" in first
    assert "no TextGrid of the recording 'arctic_a0002'" in second
    assert foreign_grid(tmp_path, ROWS[0].id, None) == tmp_path / "arctic_a0001.TextGrid"
