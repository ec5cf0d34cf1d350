"""Decoding: how long vocoders take to turn a mel into a second of sound.

The Fourier vocoder on ONNX Runtime and in torch, beside Vocos (Siuzdak 2023, arXiv:2306.00814) from its package and
HiFi-GAN (Kong 2020, arXiv:2010.05646) with its weight normalisation folded. Weights are random: they do not change the
work. Every model decodes at the rate and hop that it was published with.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import exported
import numpy as np
import torch
from timing import Cost, Spread, cost, count, interleaved, parser, print_machine, print_table
from torch import Tensor, nn
from vocos import Vocos
from vocos.feature_extractors import MelSpectrogramFeatures
from vocos.heads import ISTFTHead
from vocos.models import VocosBackbone

from specgan.export import export
from specgan.runtime import model as runtime
from vocoder.generators import FourierVocoder
from vocoder.hifigan import HiFiGAN, HiFiGANConfig
from vocoder.signal.spec import preset
from vocoder.signal.stft import ExportableSTFT
from vocoder.task import GeneratorConfig

SPEC = preset("22k")
SHIPPED = GeneratorConfig().projections
RUNTIMES = ("torch", "ONNX Runtime")
VOCOS_RATE, VOCOS_BANDS, VOCOS_FFT, VOCOS_HOP = 24_000, 100, 1024, 256  # of charactr/vocos-mel-24khz


@dataclass(frozen=True)
class Model:
    """A vocoder and what it decodes.

    Parameters
    ----------
    name : str
    rate, hop : int
        Hz, samples.
    bands : int
    network : nn.Module
        Log-mel (1, bands, T) → wave.
    exportable : nn.Module or None
        What takes its place in an ONNX file; None if it is one of those that become model folders.
    """

    name: str
    rate: int
    hop: int
    bands: int
    network: nn.Module
    exportable: nn.Module | None = None

    def mel(self, seconds: float) -> Tensor:
        """A log-mel of at least so many seconds, (1, bands, T); about as loud as speech."""
        frames = math.ceil(seconds * self.rate / self.hop)
        return torch.randn(1, self.bands, frames, generator=torch.Generator().manual_seed(0)) * 2 - 5

    def export(self, path: Path) -> None:
        """Write what ONNX Runtime loads: a model folder as it is shipped, or a file."""
        if self.exportable is None:
            export(self.network, SPEC, path, "# Benchmark\n")
        else:
            exported.export(self.exportable, self.mel(1.0), path)


class ExportableVocos(nn.Module):
    """Vocos with our inverse STFT in place of its own, which does not export (gemelo-ai/vocos#38)."""

    def __init__(self, vocos: Vocos) -> None:
        super().__init__()
        self.backbone, self.out = vocos.backbone, vocos.head.out
        self.stft = ExportableSTFT(VOCOS_FFT, VOCOS_HOP)

    def forward(self, mel: Tensor) -> Tensor:
        magnitude, phase = self.out(self.backbone(mel)).transpose(1, 2).chunk(2, dim=1)
        magnitude = magnitude.exp().clamp_max(1e2)
        return self.stft.inverse(magnitude * phase.cos(), magnitude * phase.sin())


class VocosDecoder(nn.Module):
    """The part of Vocos behind its features."""

    def __init__(self, vocos: Vocos) -> None:
        super().__init__()
        self.vocos = vocos

    def forward(self, mel: Tensor) -> Tensor:
        return self.vocos.decode(mel)


def vocos() -> Model:
    """Vocos with the published sizes."""
    model = Vocos(
        MelSpectrogramFeatures(VOCOS_RATE, VOCOS_FFT, VOCOS_HOP, VOCOS_BANDS, padding="center"),
        VocosBackbone(input_channels=VOCOS_BANDS, dim=512, intermediate_dim=1536, num_layers=8),
        ISTFTHead(dim=512, n_fft=VOCOS_FFT, hop_length=VOCOS_HOP, padding="center"),
    )
    return Model("Vocos", VOCOS_RATE, VOCOS_HOP, VOCOS_BANDS, VocosDecoder(model), ExportableVocos(model))


def fourier(size: str, projections: int) -> Model:
    """The Fourier vocoder."""
    name = f"Fourier vocoder `{size}`, {projections} projection{'' if projections == 1 else 's'}"
    return Model(name, SPEC.sample_rate, SPEC.hop, SPEC.bands, FourierVocoder(SPEC, size, projections))


def hifigan(name: str) -> Model:
    """HiFi-GAN as it is used: folded."""
    generator = HiFiGAN(HiFiGANConfig.version(name)).fold()
    return Model(f"HiFi-GAN {name.upper()}", SPEC.sample_rate, generator.hop, SPEC.bands, generator)


def models(mini: bool) -> Iterator[Model]:
    """Everything that is compared."""
    torch.manual_seed(0)
    if mini:
        yield from (fourier("tiny", 0), vocos(), hifigan("v2"))
        return
    yield fourier("tiny", SHIPPED)
    yield from (fourier("small", projections) for projections in sorted({0, 1, 2, 4, 6, 8, SHIPPED}))
    yield fourier("base", SHIPPED)
    yield vocos()
    yield from (hifigan(name) for name in ("v1", "v2", "v3"))


def in_torch(model: Model, mel: Tensor) -> Callable[[], Tensor]:
    module = model.network.eval()

    def run() -> Tensor:
        with torch.inference_mode():
            return module(mel)

    return run


def on_onnx_runtime(model: Model, path: Path, mel: Tensor, threads: int) -> Callable[[], np.ndarray]:
    if model.exportable is not None:
        return partial(exported.load(path, threads), mel.numpy())
    functions = runtime.load(path, threads)
    return lambda: functions.run("render", mel.numpy())[0]


def measure(entries: Sequence[tuple[Model, Path]], seconds: float, threads: int, repeats: int) -> None:
    """Print the table for one number of threads."""
    torch.set_num_threads(threads)
    variants: dict[tuple[str, str], Callable[[], Cost]] = {}
    sound: dict[tuple[str, str], float] = {}
    for model, path in entries:
        mel = model.mel(seconds)
        for where in RUNTIMES:
            run = in_torch(model, mel) if where == "torch" else on_onnx_runtime(model, path, mel, threads)
            sound[model.name, where] = run().shape[-1] / model.rate
            variants[model.name, where] = partial(cost, run)
    times = {
        key: Spread.of(1000 * figure.wall / sound[key] for figure in figures)
        for key, figures in interleaved(variants, repeats).items()
    }
    faster = min(RUNTIMES, key=lambda where: times["HiFi-GAN V2", where].median)
    vocos, hifigan = times["Vocos", "torch"].median, times["HiFi-GAN V2", faster].median
    print_table(
        [
            count(threads),
            "runtime",
            "ms per second of sound: median (least to greatest)",
            "times real time",
            "speed / Vocos (torch)",
            f"speed / HiFi-GAN V2 ({faster})",
        ],
        (
            (
                name,
                where,
                ms.text(2),
                f"{1000 / ms.median:.0f}",
                f"{vocos / ms.median:.2f}",
                f"{hifigan / ms.median:.2f}",
            )
            for (name, where), ms in times.items()
        ),
    )


def main() -> None:
    """Export once, then a table for each number of threads."""
    arguments = parser(__doc__, threads=(1, 2), repeats=7, seconds=10.0).parse_args()
    print_machine(torch=torch.__version__, **{name: version(name) for name in ("onnxruntime", "vocos")})
    with tempfile.TemporaryDirectory() as folder:
        entries = [(model, Path(folder) / str(index)) for index, model in enumerate(models(arguments.mini))]
        for model, path in entries:
            model.export(path)
        if arguments.mini:
            measure(entries, 0.3, threads=1, repeats=1)
            return
        for threads in arguments.threads:
            measure(entries, arguments.seconds, threads, arguments.repeats)


if __name__ == "__main__":
    main()
