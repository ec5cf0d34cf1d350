"""What validation hears during training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from specgan.evaluate import judges
from vocoder.engine.monitor import Monitor
from vocoder.signal import audio

RATE = 22_050
SPEECH = Path(__file__).parents[2] / "fixtures" / "kathleen" / "wavs" / "arctic_a0009.flac"


@pytest.fixture(scope="module")
def recording() -> np.ndarray:
    return audio.read_mono(SPEECH, RATE)


def better(monitor: Monitor, one: dict[str, float], other: dict[str, float]) -> bool:
    return monitor.improves(one, other)


def test_every_figure_prefers_less_noise_and_says_which_way_is_better(recording: np.ndarray) -> None:
    judge = judges.fidelity()
    noise = np.random.default_rng(0).standard_normal(len(recording)).astype(np.float32)
    same, some, much = (judge.compare(recording, recording + level * noise, RATE) for level in (0.0, 0.01, 0.1))
    assert set(same) == {"pesq", "multi_resolution_stft", "voicing_f1", "periodicity_error"}
    for monitor in judge.monitors:
        assert monitor.improves(same, some) and monitor.improves(some, much), monitor.name
    assert same["multi_resolution_stft"] == 0 and same["voicing_f1"] == 1 and same["periodicity_error"] == 0


def test_a_listener_prefers_speech_without_noise(recording: np.ndarray) -> None:
    judge = judges.listener()
    assert judge is not None
    noise = 0.05 * np.random.default_rng(0).standard_normal(len(recording)).astype(np.float32)
    clean, noisy = (judge.compare(recording, wave, RATE) for wave in (recording, recording + noise))
    assert judge.monitors[0].improves(clean, noisy)


def test_what_has_no_value_is_left_out() -> None:
    silence = np.zeros(RATE, np.float32)
    assert judges.fidelity().compare(silence, silence, RATE).keys() == {"periodicity_error"}
    listener = judges.listener()
    assert listener is not None and listener.compare(silence, silence, RATE) == {}


def test_without_their_packages_pesq_and_mos_are_not_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judges, "missing", list)  # none of what is asked for is installed
    assert [monitor.name for monitor in judges.fidelity().monitors] == [
        "multi_resolution_stft",
        "voicing_f1",
        "periodicity_error",
    ]
    assert judges.listener() is None


def test_mel_cepstral_distance_by_hand() -> None:
    mel = np.random.default_rng(0).standard_normal((80, 7))
    assert judges.mel_cepstral_distance(mel, mel + 3.0) == pytest.approx(0.0, abs=1e-9)  # the level does not count
    # 0.1 · cos(π (b + ½) / 80), added to every frame, is 0.1 in c₁ alone: 10 / ln 10 · √2 · 0.1 dB
    bent = mel + 0.1 * np.cos(np.pi * (np.arange(80) + 0.5) / 80)[:, None]
    assert judges.mel_cepstral_distance(mel, bent) == pytest.approx(10 / np.log(10) * np.sqrt(2) * 0.1)
