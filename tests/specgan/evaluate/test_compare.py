"""Paired differences: what is better, and what is noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from specgan.cli import main
from specgan.evaluate.card import write_card
from specgan.evaluate.compare import compare, difference, pairs
from specgan.evaluate.report import Column, Results, Row, Scored
from vocoder.errors import InputError

HIGHER, LOWER, ONE = {"higher_is_better": True}, {"higher_is_better": False}, {"higher_is_better": None}


def system(values: dict[str, float | None], weights: dict[str, float] | None = None) -> dict:
    rows = [{"id": id, "values": {"m": value}, "weights": {}} for id, value in values.items()]
    for row in rows:
        if weights:
            row["weights"] = {"m": weights[row["id"]]}
    return {"kind": "model", "utterances": rows}


def many(values: np.ndarray) -> dict:
    return system({str(index): float(value) for index, value in enumerate(values)})


def test_pairing_sees_what_the_means_hide() -> None:
    hard = 3 * np.random.default_rng(0).standard_normal(40)  # utterances differ far more than systems do
    a, b = many(hard), many(hard + 0.1 + 0.02 * np.random.default_rng(1).standard_normal(40))
    found = difference(a, b, "m", HIGHER)
    assert found.difference == pytest.approx(0.1, abs=0.02)
    assert found.low > 0.08 and found.high < 0.12
    assert found.better == "B"
    assert difference(a, b, "m", LOWER).better == "A"


def test_noise_is_called_noise() -> None:
    random = np.random.default_rng(2)
    verdicts = [
        difference(many(random.standard_normal(30)), many(random.standard_normal(30)), "m", HIGHER).better
        for _ in range(60)
    ]
    assert verdicts.count(None) >= 52  # about 5 % are outside by chance


def test_only_what_has_a_value_in_both_counts_and_by_id() -> None:
    a = system({"x": 1.0, "y": None, "z": 3.0, "only a": 100.0})
    b = system({"z": 4.0, "y": 9.0, "x": 2.0})
    found = difference(a, b, "m", HIGHER)
    assert (found.a, found.b, found.difference, found.low, found.high, found.count) == (2, 3, 1, 1, 1, 2)
    assert difference(system({"x": 1.0}), system({"y": 1.0}), "m", HIGHER) is None
    alone = difference(system({"x": 1.0}), system({"x": 2.0}), "m", HIGHER)
    assert (alone.difference, alone.low, alone.better) == (1, None, None)


def test_weights_make_rates_of_the_whole() -> None:
    weights = {"x": 2.0, "y": 8.0}
    found = difference(system({"x": 50.0, "y": 0.0}, weights), system({"x": 0.0, "y": 25.0}, weights), "m", LOWER)
    assert (found.a, found.b) == (10, 20)


def test_nearer_to_one_is_better() -> None:
    values = 0.01 * np.random.default_rng(3).standard_normal(30)
    assert difference(many(1.3 + values), many(0.95 + values), "m", ONE).better == "B"
    assert difference(many(1.3 + values), many(0.5 + values), "m", ONE).better == "A"


def test_models_are_compared_in_order_and_others_by_name() -> None:
    one = {"real": {"kind": "bound"}, "old": {"kind": "model"}, "flite": {"kind": "beside"}}
    other = {"real": {"kind": "bound"}, "new": {"kind": "model"}, "piper": {"kind": "beside"}}
    assert pairs(one, other) == [("old", "new"), ("real", "real")]


def evaluation(folder: Path, offset: float, recogniser: str = "Whisper base") -> Path:
    columns = {"pesq": Column("PESQ", True, 2), "wer": Column("WER (%)", False, 1)}
    rows = [Row(str(n), {"pesq": 2 + n / 10 + offset, "wer": 5.0}) for n in range(10)]
    real = [Row(str(n), {"pesq": 4.64, "wer": 5.0}) for n in range(10)]
    systems = {"the recording": Scored("bound", real), "the vocoder": Scored("model", rows)}
    write_card(Results({"title": folder.name, "recogniser": recogniser}, 22_050, columns, systems), folder)
    return folder


def test_two_folders_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = evaluation(tmp_path / "a", 0.0), evaluation(tmp_path / "b", 0.25)
    assert main(["evaluate", "--compare", str(a), str(b)]) == 0
    said = capsys.readouterr().out
    assert "| PESQ | 2.45 | 2.70 | +0.25 [+0.25, +0.25] | 10 | B is better |" in said
    assert "the recording" not in said and "WER" not in said  # no difference at all
    assert main(["evaluate", "--compare", str(a), str(b), "--model", "x"]) == 2


def test_other_recognisers_are_not_compared(tmp_path: Path) -> None:
    a, b = evaluation(tmp_path / "a", 0.0), evaluation(tmp_path / "b", 0.25, "small")
    assert "the recognisers differ" in compare(a, b)


def test_what_is_no_evaluation_is_an_error(tmp_path: Path) -> None:
    a = evaluation(tmp_path / "a", 0.0)
    with pytest.raises(InputError, match=r"nowhere.*cannot be read"):
        compare(a, tmp_path / "nowhere")
    (tmp_path / "b.json").write_text("[]")
    with pytest.raises(InputError, match=r"b\.json: is no evaluation"):
        compare(a, tmp_path / "b.json")
