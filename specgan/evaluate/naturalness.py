"""Predicted mean opinion scores: how natural and clean listeners would find a wave, without its recording."""

from __future__ import annotations

import contextlib
import functools
import io
from pathlib import Path
from typing import Any

import numpy as np

from specgan.evaluate.errors import NotMeasurable, needs
from vocoder.signal.audio import resample

RATE = 16_000  # Hz, what both predictors listen at
SHORTEST = 0.4  # seconds: below, there is nothing to judge
WINDOW = round(9.01 * RATE)  # samples that DNSMOS listens to at once


def _ready(wave: np.ndarray, rate: int) -> np.ndarray:
    if len(wave) < SHORTEST * rate:
        raise NotMeasurable(f"shorter than {SHORTEST:g} s")
    if not np.any(wave):
        raise NotMeasurable("silent")
    return np.clip(resample(wave, rate, RATE), -1.0, 1.0)


@functools.lru_cache(maxsize=1)
def _distilled() -> Any:
    with needs("distillmos"):
        from distillmos import ConvTransformerSQAModel
    with contextlib.redirect_stdout(io.StringIO()):  # it says where its weights lie
        return ConvTransformerSQAModel().eval()


def distilled_mos(wave: np.ndarray, rate: int) -> float:
    """Overall quality, 1 to 5, by distillMOS (Stahl and Gamper 2025, arXiv:2502.05356), higher is better.

    Parameters
    ----------
    wave : (N,) float in [-1, 1]
    rate : int
        Hz; it listens at 16 kHz and hears nothing above 8 kHz.

    Raises
    ------
    NotMeasurable
        If the wave is silent or shorter than 0.4 s.
    InputError
        If distillmos is not installed.
    """
    sound, model = _ready(wave, rate), _distilled()
    import torch

    with torch.inference_mode():
        return float(model(torch.from_numpy(sound)[None]).item())


def dnsmos(wave: np.ndarray, rate: int) -> float:
    """DNSMOS P.835, overall (the column `ovrl_mos` of speechmos), 1 to 5, higher is better.

    Made for noise suppression (Reddy 2022, arXiv:2110.01763): it hears hiss and buzz rather than prosody. A wave below
    9.01 s is repeated to exactly that, one window; its authors repeat it by doubling and hear the same sound several
    times over.

    Parameters and errors as `distilled_mos`.
    """
    sound = _ready(wave, rate)
    return float(_p835()(np.resize(sound, max(len(sound), WINDOW)), RATE, False)["ovrl_mos"])


@functools.lru_cache(maxsize=1)
def _p835() -> Any:
    """The predictor with sessions of one thread: its own take all cores and spin while they wait."""
    with needs("speechmos"):
        from speechmos import dnsmos as package
    import onnxruntime

    models = Path(package.__file__).parent / "dnsmos_models"
    predictor = package.DNSMOS(*(str(models / name) for name in ("sig_bak_ovr.onnx", "model_v8.onnx")))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    for name, file in (("onnx_sess", "sig_bak_ovr.onnx"), ("p808_onnx_sess", "model_v8.onnx")):
        setattr(predictor, name, onnxruntime.InferenceSession(str(models / file), options))
    return predictor
