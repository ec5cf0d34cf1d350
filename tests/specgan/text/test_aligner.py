import itertools
import math

import numpy as np
import pytest
import torch

from specgan.text.aligner import UNSURE, Aligner, best_path, even_prior, forward_sum, path_labels, quiet, shortest
from specgan.text.symbols import Symbols, Token
from vocoder.errors import InputError


def paths(frames, tokens):
    """Every way to cut `frames` frames into `tokens` durations of at least one."""
    for cuts in itertools.combinations(range(1, frames), tokens - 1):
        yield np.diff([0, *cuts, frames])


def value(scores, durations):
    return scores[np.arange(len(scores)), np.repeat(np.arange(len(durations)), durations)].sum()


@pytest.mark.parametrize("seed", range(5))
def test_best_path_is_the_best_of_all_paths(seed):
    scores = np.random.default_rng(seed).normal(size=(9, 4))
    best = max(paths(9, 4), key=lambda durations: value(scores, durations))
    np.testing.assert_array_equal(best_path(scores), best)


def test_best_path_keeps_to_what_is_allowed_and_says_when_nothing_is():
    scores = np.zeros((6, 3))
    scores[:4, 1:] = -np.inf
    np.testing.assert_array_equal(best_path(scores), [4, 1, 1])
    scores[4, 1] = -np.inf
    with pytest.raises(InputError, match="limits"):
        best_path(scores)
    with pytest.raises(InputError, match="2 frames are too few for 3"):
        best_path(np.zeros((2, 3)))


LEAST = [1, 2, 3, 1]


@pytest.mark.parametrize("seed", range(5))
def test_best_path_keeps_to_the_least_durations(seed):
    scores = np.random.default_rng(seed).normal(size=(11, 4))
    allowed = [durations for durations in paths(11, 4) if (durations >= LEAST).all()]
    best = max(allowed, key=lambda durations: value(scores, durations))
    np.testing.assert_array_equal(best_path(scores, np.array(LEAST)), best)


def test_least_durations_that_fill_all_frames_leave_one_path_and_more_leave_none():
    np.testing.assert_array_equal(best_path(np.zeros((7, 4)), np.array(LEAST)), LEAST)
    with pytest.raises(InputError, match="6 frames are too few"):
        best_path(np.zeros((6, 4)), np.array(LEAST))


def test_phones_last_two_frames_or_more_but_where_there_is_no_room():
    pauses = torch.tensor([False, True, True, False, False, False])  # padding, two pauses, three phones
    phones = torch.tensor([[1, 3, 4, 2, 5, 2], [1, 5, 2, 0, 0, 0], [1, 5, 2, 0, 0, 0]])
    least = shortest(phones, torch.tensor([9, 4, 3]), pauses)
    assert least.tolist() == [[1, 2, 2, 1, 2, 1], [1, 2, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0]]


def test_forward_sum_is_the_sum_over_all_paths():
    scores = torch.randn(1, 7, 3, generator=torch.Generator().manual_seed(0))
    log = scores[0].double().numpy()
    total = np.logaddexp.reduce([value(log, durations) for durations in paths(7, 3)])
    found = forward_sum(scores, torch.tensor([7]), torch.tensor([3]))
    assert found.item() == pytest.approx(-total / 7, rel=1e-4)


def test_forward_sum_over_paths_that_keep_to_the_least_durations():
    """A token of at least n frames is n states in a row; a path through them counts once for each way to part them."""
    scores = torch.randn(2, 10, 4, generator=torch.Generator().manual_seed(1))
    least = torch.tensor([LEAST, [2, 2, 1, 0]])
    scores[1, :, 3] = -1e4
    found = forward_sum(scores, torch.tensor([10, 8]), torch.tensor([4, 3]), least)
    sums = []
    for row, (frames, wanted) in enumerate(((10, LEAST), (8, [2, 2, 1]))):
        log = scores[row].double().numpy()[:frames]
        allowed = [durations for durations in paths(frames, len(wanted)) if (durations >= wanted).all()]
        ways = [math.prod(math.comb(d - 1, n - 1) for d, n in zip(each, wanted, strict=True)) for each in allowed]
        sums.append(
            np.logaddexp.reduce([value(log, each) + math.log(n) for each, n in zip(allowed, ways, strict=True)])
        )
    assert len(allowed) == 10 and max(ways) > 1  # 8 frames, 3 of them free
    assert found.item() == pytest.approx(-(sums[0] / 10 + sums[1] / 8) / 2, rel=1e-4)


def test_forward_sum_of_a_padded_batch_is_the_mean_of_its_rows():
    generator = torch.Generator().manual_seed(0)
    long, short = torch.randn(1, 12, 5, generator=generator), torch.randn(1, 6, 3, generator=generator)
    padded = torch.full((1, 12, 5), -1e4)
    padded[:, :6, :3] = short
    together = forward_sum(torch.cat([long, padded]), torch.tensor([12, 6]), torch.tensor([5, 3]))
    apart = [forward_sum(x, torch.tensor([x.shape[1]]), torch.tensor([x.shape[2]])) for x in (long, short)]
    torch.testing.assert_close(together, torch.stack(apart).mean(), rtol=1e-4, atol=1e-5)


def test_the_prior_is_highest_on_the_diagonal_of_what_is_spoken():
    """Thirty loud frames, thirty quiet, thirty loud; two phones, a pause, two phones: quiet is for the pause."""
    mel = torch.full((2, 80, 120), -4.0)
    mel[:, :, 30:60] = -11.0
    mask = torch.ones(2, 1, 120, dtype=torch.bool)
    mask[:, :, 90:] = False
    pauses = torch.tensor([False, True, False, False])
    phones = torch.tensor([[2, 3, 1, 2, 3], [2, 3, 0, 0, 0]])
    prior = even_prior(mel, mask, phones, (phones > 0)[:, None], pauses)
    likeliest = prior.argmax(2)
    assert likeliest[0, [7, 22, 45, 67, 82]].tolist() == [0, 1, 2, 3, 4]
    assert likeliest[1, [15, 75]].tolist() == [0, 1]
    assert (prior[1, :, 2:] == -1e4).all()
    # a frame in the middle of the first word: 7.5 of 63 spoken frames, a token at 0.5 of 4.1 phones
    share, place = 7.5 / 63, 0.5 / 4.1
    deviation = 3 + 1.5 * (share * (1 - share) * 90) ** 0.5
    assert prior[0, 7, 0].item() == pytest.approx(-0.5 * ((share - place) * 90 / deviation) ** 2, abs=1e-5)


def test_quiet_frames_are_those_near_the_floor_of_their_utterance():
    mel = torch.full((2, 80, 50), -4.0)
    mel[0, :, 10:20] = -8.0
    mel[1] -= 3.0  # another level, the same shape
    mel[1, :, 30:35] = -11.0
    found = quiet(mel, torch.ones(2, 1, 50, dtype=torch.bool))
    assert found[0].nonzero().flatten().tolist() == list(range(10, 20))
    assert found[1].nonzero().flatten().tolist() == list(range(30, 35))


def test_labels_leave_out_padding_and_pauses_that_are_none():
    scores = torch.full((2, 6, 3), -1.0)
    for frame, token in enumerate([0, 1, 1, 1, 2, 2]):
        scores[0, frame, token] = 0.0
    for frame, token in enumerate([0, 0, 1, 1, 2]):
        scores[1, frame, token] = 0.0
    phones = torch.tensor([[1, 5, 2], [1, 6, 2]])
    pauses = torch.tensor([False, True, True, False, False, False, False])
    labels = path_labels(scores, torch.tensor([6, 5]), phones, pauses)
    assert labels.tolist() == [[UNSURE, 5, 5, 5, 2, 2], [1, 1, 6, 6, UNSURE, UNSURE]]


def test_an_aligner_finds_the_boundaries_of_sounds_that_it_was_never_told():
    """Seven "phones" with a spectrum each, cut at random places: after a hundred steps boundaries are found again."""
    random = np.random.default_rng(0)
    letters = "abcdefg"
    symbols = Symbols.of([[Token(letter) for letter in letters]])
    spectra = random.normal(0, 2.0, size=(len(symbols.phones), 20))
    spectra -= spectra.mean(axis=1, keepdims=True) + 5.5  # one as loud as the other

    def example():
        ids = [symbols.phones.index(letter) for letter in random.permutation(list(letters))]
        durations = random.integers(3, 15, size=len(ids))
        mel = np.repeat(spectra[ids], durations, axis=0) + random.normal(0, 0.5, size=(durations.sum(), 20))
        return ids, durations, torch.tensor(mel.T[None], dtype=torch.float32)

    torch.manual_seed(0)
    aligner = Aligner(20, symbols, width=32)
    optimizer = torch.optim.AdamW(aligner.parameters(), 3e-3)

    def scores(ids, mel):
        spoken, mask = torch.ones(1, 1, len(ids), dtype=torch.bool), torch.ones(1, 1, mel.shape[2], dtype=torch.bool)
        found = aligner.scores(aligner(mel), mel, mask, torch.tensor([ids]), spoken)
        return found, even_prior(mel, mask, torch.tensor([ids]), spoken, aligner.pauses)

    for step in range(100):
        ids, _, mel = example()
        frames, led = torch.tensor([mel.shape[2]]), sum(scores(ids, mel))
        optimizer.zero_grad()
        if step < 60:
            forward_sum(led, frames, torch.tensor([len(ids)])).backward()
        else:
            labels = path_labels(led, frames, torch.tensor([ids]), aligner.pauses)
            torch.nn.functional.cross_entropy(aligner(mel)[0], labels[0]).backward()
        optimizer.step()
    errors, uniform = [], []
    for _ in range(10):
        ids, durations, mel = example()
        truth = durations.cumsum()[:-1]
        with torch.no_grad():
            errors.append(np.abs(best_path(scores(ids, mel)[0][0].double().numpy()).cumsum()[:-1] - truth))
        uniform.append(np.abs(np.arange(1, len(ids)) * mel.shape[2] / len(ids) - truth))
    assert np.concatenate(errors).mean() < 0.5 < 2 < np.concatenate(uniform).mean()
