"""Mel extraction: how long a minute of sound takes.

Our LogMel, in torch and as exported for ONNX Runtime, beside librosa and torchaudio with the same settings: all give
the same log-mel. librosa builds its filters anew at each call; a row with filters that are kept shows what that costs.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import exported
import librosa
import numpy as np
import torch
import torchaudio
from threadpoolctl import threadpool_limits
from timing import Spread, cost, count, interleaved, parser, print_machine, print_table

from vocoder.signal.mel import LogMel
from vocoder.signal.spec import preset

SPEC = preset("22k")
PAD = (SPEC.n_fft - SPEC.hop) // 2
OURS = "LogMel, torch"
Extract = Callable[[np.ndarray], np.ndarray]  # wave (N,) → log-mel (bands, T)


def in_torch() -> Extract:
    module = LogMel(SPEC)
    return lambda wave: module(torch.from_numpy(wave)[None])[0].numpy()


def on_onnx_runtime(path: Path, threads: int) -> Extract:
    function = exported.load(path, threads)
    return lambda wave: function(wave[None])[0]


def in_librosa() -> Extract:
    def extract(wave: np.ndarray) -> np.ndarray:
        mel = librosa.feature.melspectrogram(
            y=np.pad(wave, PAD, mode="reflect"),
            sr=SPEC.sample_rate,
            n_fft=SPEC.n_fft,
            hop_length=SPEC.hop,
            center=False,
            power=1.0,
            n_mels=SPEC.bands,
            fmin=SPEC.fmin,
            fmax=SPEC.fmax,
        )
        return np.log(np.maximum(mel, SPEC.floor))

    return extract


def in_librosa_with_filters_kept() -> Extract:
    filters = librosa.filters.mel(
        sr=SPEC.sample_rate, n_fft=SPEC.n_fft, n_mels=SPEC.bands, fmin=SPEC.fmin, fmax=SPEC.fmax
    )

    def extract(wave: np.ndarray) -> np.ndarray:
        padded = np.pad(wave, PAD, mode="reflect")
        magnitude = np.abs(librosa.stft(padded, n_fft=SPEC.n_fft, hop_length=SPEC.hop, center=False))
        return np.log(np.maximum(filters @ magnitude, SPEC.floor))

    return extract


def in_torchaudio() -> Extract:
    module = torchaudio.transforms.MelSpectrogram(
        sample_rate=SPEC.sample_rate,
        n_fft=SPEC.n_fft,
        hop_length=SPEC.hop,
        center=False,
        power=1.0,
        n_mels=SPEC.bands,
        f_min=SPEC.fmin,
        f_max=SPEC.fmax,
        norm=SPEC.mel_norm,
        mel_scale=SPEC.mel_scale,
    )

    def extract(wave: np.ndarray) -> np.ndarray:
        padded = torch.nn.functional.pad(torch.from_numpy(wave)[None], (PAD, PAD), mode="reflect")
        return module(padded).clamp_min(SPEC.floor).log()[0].numpy()

    return extract


def first(make: Callable[[], Extract], wave: np.ndarray) -> tuple[float, Extract, np.ndarray]:
    """Milliseconds of building an extractor and calling it once; the extractor; its mel."""
    began = time.perf_counter()
    extract = make()
    mel = extract(wave)
    return 1000 * (time.perf_counter() - began), extract, mel


def measure(path: Path, seconds: float, threads: int, repeats: int) -> None:
    """Print the table for one number of threads."""
    torch.set_num_threads(threads)
    frames = round(seconds * SPEC.frame_rate)
    wave = np.random.default_rng(0).normal(0, 0.1, frames * SPEC.hop).astype(np.float32)
    makers: dict[str, Callable[[], Extract]] = {
        OURS: in_torch,
        "LogMel, ONNX Runtime": lambda: on_onnx_runtime(path, threads),
        "librosa": in_librosa,
        "librosa, filters kept": in_librosa_with_filters_kept,
        "torchaudio": in_torchaudio,
    }
    with torch.inference_mode(), threadpool_limits(threads):
        begun = {name: first(make, wave) for name, make in makers.items()}
        variants = {name: partial(cost, partial(extract, wave)) for name, (_, extract, _) in begun.items()}
        times = {
            name: Spread.of(1000 * figure.wall for figure in figures)
            for name, figures in interleaved(variants, repeats).items()
        }
    ours, reference = times[OURS].median, begun[OURS][2]
    print_table(
        [
            f"{count(threads)}, {seconds:g} s of sound",
            "ms: median (least to greatest)",
            "first call, ms",
            "times real time",
            "speed / LogMel in torch",
            "largest difference from LogMel in torch",
        ],
        (
            (
                name,
                ms.text(1),
                f"{begun[name][0]:,.1f}",
                f"{1000 * len(wave) / SPEC.sample_rate / ms.median:,.0f}",
                f"{ours / ms.median:.2f}",
                f"{np.abs(begun[name][2] - reference).max():.1e}",
            )
            for name, ms in times.items()
        ),
    )


def main() -> None:
    """Export once, then a table for each number of threads."""
    arguments = parser(__doc__, threads=(1,), repeats=7, seconds=60.0).parse_args()
    print_machine(**{name: version(name) for name in ("torch", "onnxruntime", "librosa", "torchaudio")})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mel.onnx"
        exported.export(LogMel(SPEC, exportable=True), torch.zeros(1, 64 * SPEC.hop), path, step=SPEC.hop)
        if arguments.mini:
            measure(path, 1.0, threads=1, repeats=1)
            return
        for threads in arguments.threads:
            measure(path, arguments.seconds, threads, arguments.repeats)


if __name__ == "__main__":
    main()
