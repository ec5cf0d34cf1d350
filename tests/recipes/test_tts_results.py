"""What the results of a voice are made of: harder sentences, other systems, mels at the true durations."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from specgan.evaluate.speech import Prompt
from specgan.evaluate.words import accepted, errors, normalised
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import Recording
from vocoder.signal.spec import preset

ROOT = Path(__file__).parents[2]
SENTENCES = ROOT / "recipes" / "tts" / "kathleen" / "hard_sentences.txt"
WAV = ROOT / "tests" / "fixtures" / "kathleen" / "wavs" / "arctic_a0008.flac"


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "recipes" / "lib" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


tts_peers = module("tts_peers")
tts_results = module("tts_results")


class TestSentences:
    def test_twenty_of_many_lengths(self) -> None:
        prompts = tts_results.hard_prompts(SENTENCES)
        lengths = sorted(len(prompt.text.split()) for prompt in prompts)
        assert len(prompts) == len({prompt.id for prompt in prompts}) == 20
        assert lengths[-1] >= 60 and sum(30 <= length <= 40 for length in lengths) == 2
        assert not any("\t" in prompt.text or "{" in prompt.text for prompt in prompts)

    def test_what_may_be_heard_is_what_is_typed(self) -> None:
        for prompt in tts_results.hard_prompts(SENTENCES):
            # abbreviations that nobody would write on hearing them (St., p., tsp., min.) are all that may differ
            assert errors(prompt.accepted, prompt.text).word_edits <= 2, prompt.text
            assert len({normalised(text) for text in accepted(prompt.accepted)}) <= 60

    def test_comments_and_blank_lines_are_passed_over(self, tmp_path: Path) -> None:
        (tmp_path / "some.txt").write_text("# why\n\nAt 5.\tAt { 5 / five }.\nNo.\n")
        assert tts_results.hard_prompts(tmp_path / "some.txt") == [
            Prompt("sentence 1", "At 5.", "At { 5 / five }."),
            Prompt("sentence 2", "No.", "No."),
        ]


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


class Model:
    """coarse is the text and the pitch of each frame; the drawn mel adds a tenth of the noise."""

    spec = preset("22k")

    def run(self, function: str, *inputs: np.ndarray) -> list[np.ndarray]:
        if function == "encode":
            phones = inputs[0]
            return [phones[:, None].astype(np.float32), np.ones(phones.shape, np.float32)]
        text, pitch, energy, _, noise = inputs
        assert text.shape[2] % 4 == 0 and noise.shape[1:] == (80, text.shape[2])
        assert all(plane.dtype == np.float32 for plane in inputs if plane is not inputs[3])
        coarse = text + pitch[:, None] + energy[:, None] + np.zeros((1, 80, 1), np.float32)
        return [coarse + 0.1 * noise, coarse]


def test_true_durations_repeat_what_the_encoder_says(monkeypatch: pytest.MonkeyPatch) -> None:
    real = np.random.default_rng(0).standard_normal((1, 80, 6)).astype(np.float32)
    batch = SimpleNamespace(
        phones=torch.tensor([[10, 20, 30]]),
        stress=torch.zeros(1, 3, dtype=torch.int64),
        speaker=torch.tensor([0]),
        language=torch.tensor([0]),
        durations=torch.tensor([[2, 1, 3]]),
        pitch=torch.tensor([[1.0, 0.0, 0.5]]),
        energy=torch.tensor([[0.0, 0.0, 0.25]]),
        mel=torch.from_numpy(real),
        voiced=torch.tensor([[True, True, True, False, False, True]]),
    )
    monkeypatch.setattr(tts_results, "Corpus", lambda rows, *rest: rows)
    monkeypatch.setattr(tts_results, "AlignedCorpus", lambda *given: SimpleNamespace(batch=lambda index: batch))
    config = SimpleNamespace(symbols=None, speakers=("a",), languages=("en",), pitch={"a": (5.0, 0.2)}, multiple=4)
    voice = SimpleNamespace(model=Model(), config=config)
    (found,) = tts_results.at_true_durations(voice, [Recording("one", WAV)], Path("anywhere"))
    # the last token is lengthened from three frames to five for the model, and cut again
    assert found.coarse[0].tolist() == [11, 11, 20, 30.75, 30.75, 30.75]
    assert found.real.shape == found.coarse.shape == found.drawn.shape == (80, 6)
    assert 0.05 < np.std(found.drawn - found.coarse) < 0.15
    assert found.voiced.tolist() == [True, True, True, False, False, True]


def test_smoothing_section_and_its_picture(tmp_path: Path) -> None:
    time = np.arange(100) / preset("22k").frame_rate
    real = np.sin(2 * np.pi * 10 * time)[None] * np.ones((80, 1))
    mels = [tts_results.Aligned("one", real, 0.25 * real, 0.9 * real, np.ones(100, bool))]
    section = tts_results.smoothing_section(mels, preset("22k").frame_rate, tmp_path / "mels.png")
    assert "| real | 1.000 | 1.000 | 1.000 | 0.000 |" in section
    assert "| coarse: without GAN | 0.250 | 0.062 | 0.250 | 0.000 |" in section
    assert "| drawn by the GAN | 0.900 | 0.810 | 0.900 | 0.000 |" in section
    assert "](mels.png)" in section
    with Image.open(tmp_path / "mels.png") as picture:
        assert picture.size == (3 * 100, 3 * (3 * 80 + 2 * 2))


def test_a_prompt_without_text_is_an_error_that_names_it() -> None:
    with pytest.raises(InputError, match="mute: has no text"):
        tts_results.prompts_of([Recording("mute", WAV)])
    (prompt,) = tts_results.prompts_of([Recording("said", WAV, text="Gad.")])
    assert prompt.text == prompt.accepted == "Gad."
    assert len(prompt.recording) == len(audio.read_mono(WAV, 22_050))
