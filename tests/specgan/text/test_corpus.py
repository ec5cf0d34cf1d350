"""Batches of whole utterances: what is in them, and which make up an epoch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from specgan.text.corpus import Corpus, Utterances, UtteranceSampler, padded, tokens_of
from specgan.text.symbols import Symbols, tokenise
from specgan.train import rows_of
from tests.specgan.conftest import SPEC, recordings
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import write_manifest
from vocoder.signal.mel import LogMel

ROWS = [*recordings("kathleen")[:3], *recordings("ljspeech")]


@pytest.fixture(scope="module")
def corpus():
    return Corpus(ROWS, SPEC)


# -- batches ----------------------------------------------------------------------------------------------------------


def test_a_batch_holds_the_samples_frames_and_tokens_of_each_recording(corpus):
    batch = corpus.batch([4, 0])
    assert batch.ids == [ROWS[4].id, ROWS[0].id] and batch.index == [4, 0]
    frames = [int(count) for count in batch.mask.sum((1, 2))]
    assert batch.wave.shape == (2, max(frames) * SPEC.hop) and batch.mel.shape == (2, SPEC.bands, max(frames))
    seconds = 0.0
    for row, index in enumerate((4, 0)):
        sound = audio.read_mono(ROWS[index].audio, SPEC.sample_rate)
        seconds += len(sound) / SPEC.sample_rate
        assert frames[row] == -(-len(sound) // SPEC.hop) == corpus.frames[index]
        np.testing.assert_array_equal(batch.wave[row, : len(sound)], sound)
        assert not batch.wave[row, len(sound) :].any()
        assert batch.mask[row, 0, : frames[row]].all() and not batch.mask[row, 0, frames[row] :].any()
        count = int(batch.spoken[row].sum())
        assert batch.spoken[row, 0, :count].all() and count == len(tokens_of(ROWS[index]))
        phones, stress, unknown = corpus.symbols.ids(tokens_of(ROWS[index]))
        assert batch.phones[row].tolist() == phones + [0] * (batch.phones.shape[1] - count) and not unknown
        assert batch.stress[row, :count].tolist() == stress and not batch.stress[row, count:].any()
    assert batch.seconds == pytest.approx(seconds)
    assert [corpus.speakers[speaker] for speaker in batch.speaker] == ["ljspeech", "kathleen"]
    assert [corpus.languages[language] for language in batch.language] == ["en", "en"]


def test_the_mel_of_a_padded_recording_is_its_own_and_silence_behind_it(corpus):
    batch = corpus.batch([0, 1, 2])
    shortest = int(np.argmin(corpus.frames[:3]))
    frames = int(corpus.frames[shortest])
    alone = LogMel(SPEC)(batch.wave[shortest : shortest + 1, : frames * SPEC.hop])[0]
    # the last frames see the padding, where alone they see their own reflection
    torch.testing.assert_close(batch.mel[shortest, :, : frames - 2], alone[:, :-2])
    assert frames + 2 < batch.mel.shape[2]
    assert (batch.mel[shortest, :, frames + 2 :] == np.log(np.float32(1e-5))).all()


def test_rows_of_different_lengths_are_padded_with_zeros():
    assert padded([[3, 4, 5], [6]]).tolist() == [[3, 4, 5], [6, 0, 0]]
    assert padded([[0.5], [1.5, 2.0]], torch.float32).dtype == torch.float32


# -- inventory --------------------------------------------------------------------------------------------------------


def test_phones_that_a_trained_model_lacks_are_passed_over(corpus):
    lacking = Symbols(tuple(phone for phone in corpus.symbols.phones if phone != "v"), corpus.symbols.stresses)
    known = Corpus(ROWS[:1], SPEC, lacking, ["anna", "kathleen"], ["de", "en"])  # "Author of the danger trail …"
    with_v, without = [token.phone for token in corpus.written[0]], [token.phone for token in known.tokens[0]]
    assert "v" in with_v and without == [phone for phone in with_v if phone != "v"]
    assert known.written[0] == corpus.written[0]
    batch = known.batch([0])
    assert [lacking.phones[phone] for phone in batch.phones[0]] == without
    assert batch.speaker.tolist() == [1] and batch.language.tolist() == [1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"text": None}, "has no text; speech synthesis needs transcripts"),
        ({"text": ""}, "has no text"),
        ({"language": None}, "has no language; prepare the corpus with --language"),
        ({"text": "…"}, "arctic_a0001"),
        ({"language": "xx-nowhere"}, "does not speak the language 'xx-nowhere'"),
        ({"speaker": "ben"}, "no speaker 'ben' in the model; it has kathleen"),
        ({"language": "de"}, "no language 'de' in the model; it has en"),
    ],
)
def test_a_recording_that_cannot_be_spoken_is_named_in_one_line(changes, words):
    row = replace(ROWS[0], **changes)
    with pytest.raises(InputError) as caught:
        Corpus([row], SPEC, Symbols.of([tokenise("a")]), ["kathleen"], ["en"])
    message = str(caught.value)
    assert words in message and repr(row.id) in message and "\n" not in message


def test_two_recordings_of_one_id_are_refused(tmp_path):
    for name in ("one", "two"):
        write_manifest(tmp_path / f"{name}.jsonl", ROWS[:2] if name == "one" else ROWS[1:3])
    with pytest.raises(InputError, match=r"data\.train: 2 recordings have the id 'arctic_a0002'; ids must be unique"):
        rows_of([str(tmp_path / "one.jsonl"), str(tmp_path / "two.jsonl")], "data.train")
    assert [row.id for row in rows_of([str(tmp_path / "two.jsonl")], "data.train")] == [row.id for row in ROWS[1:3]]
    with pytest.raises(InputError, match=r"data\.validation names no manifest"):
        rows_of([], "data.validation")


# -- which utterances -------------------------------------------------------------------------------------------------


def epoch(sampler):
    """The batches up to the end of the sampler's epoch."""
    number, batches = sampler.epoch, []
    while sampler.epoch == number:
        batches.append(next(sampler))
    return batches


@given(st.integers(1, 200), st.integers(1, 9), st.integers(0, 5))
def test_an_epoch_has_every_utterance_once_but_for_less_than_a_batch(count, batch_size, seed):
    batch_size = min(batch_size, count)
    sampler = UtteranceSampler(np.random.default_rng(seed).integers(50, 900, count), batch_size, seed)
    for _ in range(2):
        batches = epoch(sampler)
        given_out = [index for batch in batches for index in batch]
        assert all(len(batch) == batch_size for batch in batches) and len(set(given_out)) == len(given_out)
        assert count - len(given_out) < batch_size


def test_what_is_left_over_is_not_always_the_longest():
    sampler = UtteranceSampler(range(100, 111), 4, seed=0)  # 11 utterances, 8 of them in an epoch
    seen = [sum(index in {i for batch in epoch(sampler) for i in batch} for _ in range(100)) for index in range(11)]
    assert all(55 < count < 90 for count in seen)  # 8/11 of 100 epochs each


def test_batches_are_of_similar_length_and_differ_from_epoch_to_epoch():
    lengths = np.random.default_rng(0).integers(100, 1000, 320)
    sampler = UtteranceSampler(lengths, 8, seed=1)
    first, second = epoch(sampler), epoch(sampler)
    assert sorted(map(sorted, first)) != sorted(map(sorted, second))
    spans = [np.ptp(lengths[batch]) for batch in first]
    assert np.mean(spans) < 0.2 * np.ptp(lengths)  # at random it is 7/9 of it
    assert [int(lengths[batch].mean()) for batch in first] != sorted(int(lengths[batch].mean()) for batch in first)
    again, other = UtteranceSampler(lengths, 8, seed=1), UtteranceSampler(lengths, 8, seed=2)
    assert epoch(again) == first and epoch(other) != first


def test_it_goes_on_in_the_middle_of_an_epoch_and_refuses_other_recordings():
    sampler = UtteranceSampler(range(50, 73), 3, seed=5)
    for _ in range(10):  # three batches into the second epoch
        next(sampler)
    resumed = UtteranceSampler(range(50, 73), 3, seed=5)
    resumed.load_state_dict(sampler.state_dict())
    assert sampler.state_dict() == {"epoch": 1, "position": 3, "items": 23}
    assert [next(resumed) for _ in range(20)] == [next(sampler) for _ in range(20)]
    with pytest.raises(InputError, match="there are 22 recordings, the run was started with 23"):
        UtteranceSampler(range(50, 72), 3, seed=5).load_state_dict(sampler.state_dict())


def test_processes_share_every_batch():
    whole = UtteranceSampler(range(40, 70), 6, seed=3)
    ranks = [UtteranceSampler(range(40, 70), 6, seed=3, rank=rank, world=3) for rank in range(3)]
    for _ in range(7):
        batch, parts = next(whole), [next(rank) for rank in ranks]
        assert parts == [batch[0::3], batch[1::3], batch[2::3]]


@pytest.mark.parametrize(
    ("batch_size", "world", "words"),
    [(6, 1, "a batch of 6 utterances, must be from 1 to the 5"), (0, 1, "from 1 to"), (3, 2, "shared by 2 processes")],
)
def test_batches_that_cannot_be_are_refused(batch_size, world, words):
    with pytest.raises(InputError, match=words):
        UtteranceSampler(range(5), batch_size, seed=0, world=world)


def test_utterances_are_the_batches_of_a_corpus(corpus):
    batches = Utterances(corpus, UtteranceSampler(corpus.frames, 2, seed=0))
    seen = []
    for _ in range(3):
        seen += next(batches).index
    state = batches.state_dict()
    assert sorted(seen) == list(range(6)) and state == {"epoch": 1, "position": 0, "items": 6}
    following = next(batches).ids
    batches.load_state_dict(state)
    assert next(iter(batches)).ids == following
