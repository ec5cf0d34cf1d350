"""Systems take turns, are warm, and what they make lies in files; memory is that of a process of its own."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.generate import generate, peak_memory
from specgan.evaluate.systems.base import Prompt, System, from_folder, recording
from vocoder.errors import InputError
from vocoder.signal import audio

RATE = 16_000
PROMPTS = [Prompt(id, recording=np.full(80, 0.25, np.float32)) for id in ("one", "sub/two")]
READ = [lambda: PROMPTS[0], lambda: PROMPTS[1]]


def test_systems_take_turns_and_are_warm(tmp_path: Path) -> None:
    calls: list[str] = []

    def system(name: str) -> System:
        def make(prompt: Prompt) -> tuple[np.ndarray, int]:
            if not any(call.startswith(name) for call in calls):
                time.sleep(0.3)  # loading
            calls.append(f"{name} {prompt.id}")
            return prompt.wanted / 2, 8_000

        return System(name, "model", make)

    made = generate([recording(RATE), system("a"), system("b")], READ, tmp_path)
    assert calls == ["a one", "b one", "a one", "b one", "a sub/two", "b sub/two"]
    assert all(made["the recording"][prompt.id].seconds is None for prompt in PROMPTS)
    assert all(0 <= made[name][prompt.id].seconds < 0.2 for name in "ab" for prompt in PROMPTS)
    path = made["b"]["sub/two"].path
    assert path == tmp_path / "b" / "sub/two.flac"
    wave, rate = audio.read(path)
    assert rate == 8_000 and wave[0] == pytest.approx(np.full(80, 0.125), abs=1e-4)


@pytest.mark.parametrize("wave", [np.zeros(0, np.float32), np.array([0.0, np.nan]), np.zeros((2, 5))])
def test_no_sound_is_an_error_that_names_system_and_prompt(tmp_path: Path, wave: np.ndarray) -> None:
    with pytest.raises(InputError, match="broken: one: made no sound"):
        generate([System("broken", "model", lambda prompt: (wave, RATE))], READ, tmp_path)


def test_ids_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="leads out"):
        generate([recording(RATE)], [lambda: Prompt("../../x", recording=np.ones(9, np.float32))], tmp_path / "sounds")
    assert not list(tmp_path.rglob("*.flac"))


def test_sounds_of_another_program(tmp_path: Path) -> None:
    folder = tmp_path / "peer"
    (folder / "sub").mkdir(parents=True)
    audio.write(folder / "one.wav", np.array([[0.5, 0.5], [0.0, 0.5]]), 8_000)
    audio.write(folder / "sub/two.ogg", np.full(500, 0.1), 8_000)
    made = generate([from_folder("peer", folder, True, {"one": 0.5})], READ, tmp_path / "sounds")
    assert made["peer"]["one"].seconds == 0.5 and made["peer"]["sub/two"].seconds is None
    assert audio.read(made["peer"]["one"].path)[0][0].tolist() == [0.25, 0.5]
    (folder / "one.wav").unlink()
    with pytest.raises(InputError, match="has no sound one"):
        generate([from_folder("peer", folder, True, None)], READ, tmp_path / "sounds")


def test_memory_of_a_command_is_its_own_and_not_ours(tmp_path: Path) -> None:
    ballast = np.ones(60_000_000, np.float32)  # 240 MB in this process

    def command(megabytes: int) -> System:
        code = f"import sys; kept = b'x' * {megabytes * 10**6}; assert open(sys.argv[1], 'rb').read(4) == b'RIFF'"
        return System(
            "it",
            "model",
            lambda prompt: (prompt.wanted, RATE),
            command=lambda prompt, source, out: [sys.executable, "-c", code, str(source)],
        )

    small, large = (peak_memory(command(megabytes), PROMPTS[0], RATE) for megabytes in (1, 101))
    assert ballast.all()
    assert small < 60
    assert large - small == pytest.approx(100, abs=10)


def test_memory_that_cannot_be_measured_has_a_reason() -> None:
    with pytest.raises(NotMeasurable, match="no command"):
        peak_memory(recording(RATE), PROMPTS[0], RATE)
    words = [sys.executable, "-c", "raise SystemExit('broken')"]
    failing = System("it", "model", lambda prompt: (prompt.wanted, RATE), command=lambda *given: words)
    with pytest.raises(NotMeasurable, match="its command failed: broken"):
        peak_memory(failing, PROMPTS[0], RATE)
