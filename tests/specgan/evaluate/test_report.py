"""Means, intervals, tables and files of the evaluation."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.metrics import VOCODER, Metric
from specgan.evaluate.report import Results, Row, evaluate, evaluate_vocoder, summarise, write
from vocoder.errors import InputError

RATE = 22_050


def mean_difference(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    if not reference.any():
        raise NotMeasurable("silent")
    return float(np.mean(degraded - reference))


METRICS = {"difference": Metric("difference", mean_difference, higher_is_better=False, digits=2)}
RECORDINGS = [("a", np.ones(4)), ("b", np.zeros(4)), ("c", np.full(4, 2.0))]


@pytest.fixture
def results() -> Results:
    return evaluate_vocoder({"same": lambda w: w, "double": lambda w: 2 * w}, RECORDINGS, RATE, METRICS)


class TestSummarise:
    def test_two_values_by_hand(self) -> None:
        # resampled means are 0, 1/2, 1 with probability 1/4, 1/2, 1/4: both tails beyond 2.5 %
        found = summarise([0.0, 1.0])
        assert (found.mean, found.low, found.high, found.count) == (0.5, 0.0, 1.0, 2)

    def test_is_the_normal_interval_for_many_normal_values(self) -> None:
        values = 3 + 2 * np.random.default_rng(1).standard_normal(400)
        found = summarise(values.tolist())
        half = 1.96 * values.std() / 20
        assert found.mean == pytest.approx(values.mean())
        assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
        assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)

    def test_is_the_same_every_time_and_another_with_another_seed(self) -> None:
        values = np.random.default_rng(2).standard_normal(30).tolist()
        assert summarise(values) == summarise(values)
        assert summarise(values, seed=1) != summarise(values)

    def test_leaves_none_out_and_claims_no_interval_from_one(self) -> None:
        assert summarise([None, 4.0, None, 2.0]).mean == 3
        one = summarise([None, 4.0])
        assert (one.mean, one.low, one.high, one.count) == (4.0, None, None, 1)
        nothing = summarise([None])
        assert (nothing.mean, nothing.low, nothing.high, nothing.count) == (None, None, None, 0)

    def test_weights_make_it_the_rate_of_the_whole(self) -> None:
        # 1 error in 2 words and 0 in 8 are 1 in 10; resampled rates are 1/2, 1/10 and 0
        found = summarise([0.5, 0.0], [2.0, 8.0])
        assert (found.mean, found.low, found.high) == (pytest.approx(0.1), 0.0, 0.5)
        assert summarise([None, 0.5], [3.0, 2.0]).mean == 0.5
        values = np.random.default_rng(3).standard_normal(30).tolist()
        assert summarise(values, [7.0] * 30).low == pytest.approx(summarise(values).low)

    def test_median(self) -> None:
        found = summarise([1.0, 2.0, 90.0], median=True)
        assert (found.mean, found.low, found.high) == (2.0, 1.0, 90.0)


class TestEvaluate:
    def test_a_value_or_a_reason_for_every_utterance(self, results: Results) -> None:
        rows = results.systems["double"]
        assert [row.id for row in rows] == ["a", "b", "c"]
        assert [row.values["difference"] for row in rows] == [1.0, None, 2.0]
        assert [row.left_out for row in rows] == [{}, {"difference": "silent"}, {}]
        assert results.summary("double", "difference").mean == 1.5

    def test_waves_of_two_lengths_are_an_error_that_names_system_and_utterance(self) -> None:
        with pytest.raises(InputError, match=r"cut: a: shapes \(4,\) and \(3,\)"):
            evaluate_vocoder({"cut": lambda w: w[:-1]}, RECORDINGS, RATE, METRICS)

    def test_samples_that_are_not_finite_are_an_error(self) -> None:
        with pytest.raises(InputError, match="a: samples that are not finite"):
            evaluate([("a", np.ones(4), np.array([0, np.nan, 0, 0]))], RATE, METRICS)

    def test_every_vocoder_metric_leaves_silence_and_crumbs_out(self) -> None:
        silence, crumb = np.zeros(RATE, np.float32), np.full(100, 0.1, np.float32)
        for row in evaluate([("silence", silence, silence), ("crumb", crumb, crumb)], RATE, VOCODER):
            measured = {name for name, value in row.values.items() if value is not None}
            # two silent waves are equally aperiodic; everything else has no value
            assert measured == ({"periodicity_error"} if row.id == "silence" else set())
            assert measured | set(row.left_out) == set(VOCODER)


class TestReport:
    def test_table(self, results: Results) -> None:
        assert results.markdown().splitlines() == [
            "| system | difference ↓ |",
            "|---|---|",
            "| same | 0.00 [0.00, 0.00] |",
            "| double | 1.50 [1.00, 2.00] |",
            "",
            "Mean over 3 utterances [95 % bootstrap interval].  ",
            "same: difference left out for 1 of 3 (silent).  ",
            "double: difference left out for 1 of 3 (silent).",
        ]

    def test_weights_medians_and_details(self) -> None:
        rows = [
            Row("a", {"difference": 1.0}, {}, {"difference": 3.0}, {"heard": "so"}),
            Row("b", {"difference": 2.0}, {}, {"difference": 1.0}),
        ]
        results = Results(RATE, METRICS, {"it": rows})
        assert results.summary("it", "difference").mean == 1.25
        found = results.to_dict()["systems"]["it"]["utterances"]
        assert found[0]["weights"] == {"difference": 3.0} and found[0]["details"] == {"heard": "so"}
        assert "details" not in found[1]
        medians = Results(RATE, METRICS, {"it": rows}, frozenset({"difference"}))
        assert medians.summary("it", "difference").mean == 1.5
        assert "[95 % bootstrap interval]; of difference the median." in medians.markdown()

    def test_nothing_measured_is_a_dash(self) -> None:
        results = evaluate_vocoder({"same": lambda w: w}, RECORDINGS[1:2], RATE, METRICS)
        assert "| same | – |" in results.markdown()

    def test_files_hold_every_utterance_and_the_table(self, results: Results, tmp_path: Path) -> None:
        write(results, tmp_path / "new" / "folder")
        folder = tmp_path / "new" / "folder"
        assert sorted(path.name for path in folder.iterdir()) == ["evaluation.json", "evaluation.md"]
        found = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
        double = found["systems"]["double"]
        assert double["summary"]["difference"] == {"mean": 1.5, "low": 1.0, "high": 2.0, "count": 2}
        assert double["utterances"][1] == {
            "id": "b",
            "values": {"difference": None},
            "left_out": {"difference": "silent"},
        }
        assert (folder / "evaluation.md").read_text(encoding="utf-8") == results.markdown()

    def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(self, results: Results, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        with pytest.raises(InputError, match="file"):
            write(results, tmp_path / "file")


def test_needs_no_torch() -> None:
    program = (
        "import sys, numpy as np\n"
        "from specgan.evaluate.report import evaluate_vocoder\n"
        "evaluate_vocoder({'same': lambda w: w}, [('a', np.ones(22050, np.float32))], 22050)\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
