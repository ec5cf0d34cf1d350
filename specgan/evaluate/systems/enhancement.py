"""A network that takes noise away, between the clean recordings, the best of all gains, and the noise as it is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from specgan.evaluate.systems.base import Bench, Prompt, System, recording
from specgan.networks.gain import GainRenderer
from specgan.runtime.enhancer import Enhancer
from specgan.runtime.model import load
from vocoder.errors import InputError
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import MelSpec

MEASURES = (
    "pesq",
    "narrow_band_pesq",
    "stoi",
    "si_sdr",
    "multi_resolution_stft",
    "wer",
    "cer",
    "mos",
    "dnsmos",
    "real_time_factor",
    "peak_memory",
)


def open_model(folder: Path) -> Bench:
    """See `systems.open_bench`. Prompts have the noisy recording as their `source`."""
    functions = _load(folder)
    rate = functions.spec.sample_rate

    def command(prompt: Prompt, source: Path, out: Path) -> list[str]:
        words = ["infer", "--audio", str(source), "-o", str(out), "--model", str(folder)]
        return [sys.executable, "-m", "specgan", *words]

    def by(renderer: str) -> Callable[[Prompt], tuple[np.ndarray, int]]:
        enhancer = Enhancer(functions, renderer)
        return lambda prompt: (np.clip(enhancer.enhance(_noisy(prompt), rate), -1.0, 1.0), rate)

    systems = [
        recording(rate),
        System("the noisy recording", "bound", lambda prompt: (_noisy(prompt), rate), timed=False),
        oracle(functions.spec),
        *(
            System(f"the model, renderer {name}", "model", by(name), name == "gain", command=command)
            for name in functions.config["renderers"]
        ),
    ]
    return Bench("enhancement", functions.name, rate, systems, MEASURES)


def oracle(spec: MelSpec) -> System:
    """The bound of the gain renderer: in each band the gain that the clean recording would ask for, at most 1."""
    log_mel, renderer = LogMel(spec), GainRenderer(spec)

    @torch.inference_mode()
    def make(prompt: Prompt) -> tuple[np.ndarray, int]:
        count = len(prompt.wanted)
        noisy, clean = (
            F.pad(torch.from_numpy(np.asarray(wave, np.float32))[None], (0, -count % spec.hop))
            for wave in (_noisy(prompt), prompt.wanted)
        )
        gain = (log_mel(clean) - log_mel(noisy)).clamp_max(0).exp()
        return renderer(noisy, gain)[0, :count].clamp(-1, 1).numpy(), spec.sample_rate

    return System("the best gain", "bound", make, timed=False)


def _noisy(prompt: Prompt) -> np.ndarray:
    if prompt.source is None or len(prompt.source) != len(prompt.wanted):
        raise InputError(f"{prompt.id}: has no noisy recording of the same length; its row needs a `source`")
    return prompt.source


def _load(folder: Path):  # type: ignore[no-untyped-def]  # a Model or a TorchModel, which have no common class
    if (folder / "checkpoints").is_dir():
        from specgan.torch_backend import load_enhancer

        return load_enhancer(folder)
    return load(folder, threads=1)
