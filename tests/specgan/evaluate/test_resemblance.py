import numpy as np
import pytest

from specgan.evaluate.resemblance import GROUPS, Measure, described

RANDOM = np.random.default_rng(0)


def test_scores_by_hand():
    # one dimension; the deviation of 0 and 2 is 1, so distances stay as they are
    measure = Measure([np.array([[0.0], [2.0]])])
    found = measure.compare(0, np.array([[1.0], [4.0]]), np.array([[3.0]]))
    # spread 2; |1−3| and |4−3| have the mean 1.5, |1−4| = 3: (2 · 1.5 − 3) / 2
    assert found.score == pytest.approx(0.0)
    assert found.diversity == pytest.approx(1.5)
    # nearest known: 1 and 2, mean 1.5; of the held-out one 1
    assert found.novelty == pytest.approx(1.5)
    assert measure.diversity(0, np.array([[1.0], [4.0]])) == pytest.approx(1.5)


def samples(count: int, mean: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return mean + scale * RANDOM.standard_normal((count, 5))


def test_the_same_distribution_scores_best():
    known, held_out = samples(200), samples(200)
    measure = Measure([known])
    right = measure.compare(0, samples(200), held_out)
    assert right.score == pytest.approx(1, abs=0.1) and right.diversity == pytest.approx(1, abs=0.1)
    assert right.novelty == pytest.approx(1, abs=0.1)
    for wrong in (samples(200, mean=1.0), samples(200, scale=0.1), samples(200, scale=3.0)):
        assert measure.compare(0, wrong, held_out).score > right.score + 0.1
    assert measure.diversity(0, samples(50, scale=0.01)) < 0.05
    assert measure.compare(0, known, held_out).novelty == 0
    assert measure.bound(0, held_out) == pytest.approx(measure.compare(0, known, held_out))


def test_classes_are_kept_apart():
    measure = Measure([samples(50), samples(50, mean=5.0)])
    made, held_out = samples(50, mean=5.0), samples(20, mean=5.0)
    assert measure.compare(1, made, held_out).score < 0.5 * measure.compare(1, samples(50), held_out).score


def test_a_description_knows_level_spread_and_restlessness_but_not_when():
    mel = RANDOM.standard_normal((80, 60))
    base = described(mel)
    assert base.shape == (3 * GROUPS,)
    assert described(np.roll(mel, 20, axis=1))[: 2 * GROUPS] == pytest.approx(base[: 2 * GROUPS])
    louder = described(mel + 2.0)
    assert louder[:GROUPS] == pytest.approx(base[:GROUPS] + 2) and louder[GROUPS:] == pytest.approx(base[GROUPS:])
    assert described(2 * mel)[GROUPS:] == pytest.approx(2 * base[GROUPS:])
    slow = described(np.repeat(mel, 2, axis=1))
    assert slow[: 2 * GROUPS] == pytest.approx(base[: 2 * GROUPS])
    assert (slow[2 * GROUPS :] < 0.6 * base[2 * GROUPS :]).all()
