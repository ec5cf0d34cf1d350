"""What stands beside a voice in its results: harder sentences, other systems."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from specgan.evaluate.prompts import read_sentences
from specgan.evaluate.systems.base import Prompt
from specgan.evaluate.words import accepted, errors, normalised
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import Recording

ROOT = Path(__file__).parents[2]
SENTENCES = ROOT / "recipes" / "tts" / "kathleen" / "hard_sentences.txt"
WAV = ROOT / "tests" / "fixtures" / "kathleen" / "wavs" / "arctic_a0008.flac"


def module(name: str) -> ModuleType:
    if str(ROOT / "recipes" / "lib") not in sys.path:  # where a script finds what it shares with others
        sys.path.append(str(ROOT / "recipes" / "lib"))
    spec = importlib.util.spec_from_file_location(name, ROOT / "recipes" / "lib" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


tts_peers = module("tts_peers")


class TestSentences:
    def test_twenty_of_many_lengths(self) -> None:
        prompts = read_sentences(SENTENCES)
        lengths = sorted(len(prompt.text.split()) for prompt in prompts)
        assert len(prompts) == len({prompt.id for prompt in prompts}) == 20
        assert lengths[-1] >= 60 and sum(30 <= length <= 40 for length in lengths) == 2
        assert not any("\t" in prompt.text or "{" in prompt.text for prompt in prompts)

    def test_what_may_be_heard_is_what_is_typed(self) -> None:
        for prompt in read_sentences(SENTENCES):
            # abbreviations that nobody would write on hearing them (St., p., tsp., min.) are all that may differ
            assert errors(prompt.accepted, prompt.text).word_edits <= 2, prompt.text
            assert len({normalised(text) for text in accepted(prompt.accepted)}) <= 60

    def test_comments_and_blank_lines_are_passed_over(self, tmp_path: Path) -> None:
        (tmp_path / "some.txt").write_text("# why\n\nAt 5.\tAt { 5 / five }.\nNo.\n")
        assert read_sentences(tmp_path / "some.txt") == [
            Prompt("sentence-01", "At 5.", "At { 5 / five }."),
            Prompt("sentence-02", "No.", "No."),
        ]

    def test_they_are_spoken_as_the_recordings_are(self) -> None:
        like = Recording("a", WAV, speaker="anna", language="de")
        assert {(one.speaker, one.language) for one in read_sentences(SENTENCES, like)} == {("anna", "de")}

    def test_what_is_no_list_of_sentences_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "none.txt").write_text("# only a remark\n")
        with pytest.raises(InputError, match="has no sentence"):
            read_sentences(tmp_path / "none.txt")
        with pytest.raises(InputError, match="cannot be read"):
            read_sentences(tmp_path / "nowhere.txt")


class TestPeers:
    def program(self, tmp_path: Path, body: str) -> str:
        path = tmp_path / "talker"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return str(path)

    def test_a_program_gets_the_text_and_its_wav_is_read(self, tmp_path: Path) -> None:
        audio.write(tmp_path / "a.wav", np.linspace(-0.5, 0.5, 800), 8_000)
        body = f'cp "$1" {tmp_path}/said; cp {tmp_path}/a.wav "$2"'
        wave, rate = tts_peers.command(self.program(tmp_path, body), "{text}", "{out}")(Prompt("p", "- Grüße", ""))
        assert (tmp_path / "said").read_text() == "- Grüße\n"
        assert rate == 8_000
        assert wave == pytest.approx(np.linspace(-0.5, 0.5, 800), abs=1e-4)

    def test_a_program_that_fails_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"talker failed on p \(no voice\)"):
            tts_peers.command(self.program(tmp_path, "echo no voice >&2; exit 1"), "{out}")(Prompt("p", "a", "a"))

    def test_what_is_not_installed_is_left_out_with_a_word(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", os.devnull)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        systems, missing = tts_peers.peers()
        assert systems == {}
        assert [sentence.split()[0] for sentence in missing] == ["espeak-ng", "flite", "piper"]

    def test_what_is_said_lies_beside_its_seconds(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        said: list[str] = []

        def say(prompt: Prompt) -> tuple[np.ndarray, int]:
            said.append(prompt.text)
            return np.full(400, 0.5), 8_000

        monkeypatch.setattr(tts_peers, "peers", lambda: ({"a voice": say}, ["piper is not installed."]))
        sentences = tmp_path / "some.txt"
        sentences.write_text("No.\nYes.\n")
        assert tts_peers.main(["--sentences", str(sentences), "--out", str(tmp_path / "out")]) == 0
        assert said == ["No.", "No.", "Yes."]  # warm
        folder = tmp_path / "out/a voice"
        assert json.loads((folder / "seconds.json").read_text()).keys() == {"sentence-01", "sentence-02"}
        wave, rate = audio.read(folder / "sentence-02.wav")
        assert rate == 8_000 and wave[0] == pytest.approx(np.full(400, 0.5), abs=1e-4)
