"""Means, intervals, tables and files of an evaluation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from specgan.evaluate.card import card, write_card
from specgan.evaluate.report import Column, Results, Row, Scored, summarise

RATE = 22_050
COLUMNS = {
    "distance": Column("distance", False, 2, "Close", "How far it is."),
    "speed": Column("speed", None, 1, "Cost", median=True),
}


def rows(*values: float | None) -> list[Row]:
    return [
        Row(id, {"distance": value, "speed": None}, {} if value is not None else {"distance": "silent"})
        for id, value in zip("abc", values, strict=True)
    ]


@pytest.fixture
def results() -> Results:
    facts = {"title": "it on them", "command": "specgan evaluate --model it", "recogniser": "Whisper base"}
    systems = {"real": Scored("bound", rows(0.0, None, 0.0)), "it": Scored("model", rows(1.0, None, 2.0))}
    systems["it"].rows[0].values["speed"] = 3.0
    return Results(facts, RATE, COLUMNS, systems, {"a": "Ah."}, ["WER left out: none."], ["## More\n"])


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


def test_tables_by_group_and_what_was_left_out(results: Results) -> None:
    assert results.markdown().splitlines() == [
        "## Close",
        "",
        "| system | distance ↓ |",
        "|---|---|",
        "| real | 0.00 [0.00, 0.00] |",
        "| **it** | 1.50 [1.00, 2.00] |",
        "",
        "## Cost",
        "",
        "| system | speed → 1 |",
        "|---|---|",
        "| **it** | 3.0 |",
        "",
        "Mean over 3 utterances [95 % bootstrap interval]; of the speed the median.  ",
        "WER left out: none.  ",
        "real: distance left out for 1 of 3 (silent).  ",
        "it: distance left out for 1 of 3 (silent).",
    ]


def test_a_card_says_how_it_is_made_again_and_what_figures_are(results: Results) -> None:
    lines = card(results).splitlines()
    assert lines[0] == "# it on them"
    assert lines[2:5] == ["```bash", "specgan evaluate --model it", "```"]
    assert "- distance: How far it is." in lines and "- The recogniser is Whisper base." in lines
    assert lines.index("## Close") < lines.index("## More") < lines.index("## What the figures are")


def test_files_hold_every_utterance(results: Results, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    write_card(results, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["card.md", "evaluation.json"]
    found = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    assert found["bounds"] == ["real"] and found["texts"] == {"a": "Ah."} and found["rate"] == RATE
    assert found["metrics"]["speed"]["median"] and found["metrics"]["speed"]["higher_is_better"] is None
    it = found["systems"]["it"]
    assert it["kind"] == "model"
    assert it["summary"]["distance"] == {"mean": 1.5, "low": 1.0, "high": 2.0, "count": 2}
    assert it["utterances"][1] == {
        "id": "b",
        "values": {"distance": None, "speed": None},
        "left_out": {"distance": "silent"},
    }
