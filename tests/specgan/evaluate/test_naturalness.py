"""Predicted opinion scores fall when sound gets worse, and are those of the packages' own interfaces."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from distillmos import ConvTransformerSQAModel

from specgan.evaluate import naturalness
from specgan.evaluate.errors import NotMeasurable
from vocoder.errors import InputError
from vocoder.signal import audio

SPEECH = Path(__file__).parents[2] / "fixtures" / "kathleen" / "wavs" / "arctic_a0001.flac"
RATE = 22_050


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return audio.read_mono(SPEECH, RATE)


@pytest.mark.parametrize("predict", [naturalness.distilled_mos, naturalness.dnsmos])
def test_noise_is_heard(speech: np.ndarray, predict) -> None:
    noise = 0.03 * np.random.default_rng(0).standard_normal(len(speech)).astype(np.float32)
    clean, noisy = predict(speech, RATE), predict(speech + noise, RATE)
    assert 3 < clean <= 5
    assert 1 <= noisy < clean - 0.7


def test_listens_at_16_khz(speech: np.ndarray) -> None:
    with torch.inference_mode():
        expected = ConvTransformerSQAModel().eval()(torch.from_numpy(audio.read_mono(SPEECH, 16_000))[None])
    assert naturalness.distilled_mos(speech, RATE) == pytest.approx(expected.item(), abs=0.02)


@pytest.mark.parametrize("predict", [naturalness.distilled_mos, naturalness.dnsmos])
def test_does_not_guess(predict) -> None:
    with pytest.raises(NotMeasurable, match=r"0\.4 s"):
        predict(np.ones(8000, np.float32), RATE)
    with pytest.raises(NotMeasurable, match="silent"):
        predict(np.zeros(RATE, np.float32), RATE)


def test_names_the_package_and_how_to_get_it(speech: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    naturalness._p835.cache_clear()  # other tests may have loaded it
    monkeypatch.setitem(sys.modules, "speechmos", None)
    with pytest.raises(InputError, match=r'speechmos .*pip install "specgan\[eval\]"'):
        naturalness.dnsmos(speech, RATE)
