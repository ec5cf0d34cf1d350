"""An enhancer so small that numpy can do the same: its functions as ONNX graphs, and `reference`.

mel      the spectrum's magnitudes in four bands, the logarithm
enhance  the louder a band, the more of it stays: its mean over 5 frames and over blocks of 4
gain     gains of bands bent to bins, on the spectrum of the wave
render   each frame's bands, and a tenth of its neighbours', weigh four short tones
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from vocoder.signal.mel import mel_filters
from vocoder.signal.spec import MelSpec

SPEC = MelSpec(sample_rate=8_000, n_fft=256, hop=64, bands=4, fmax=4_000.0)
PAD, MULTIPLE = 96, 4

WINDOW = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 256)
FILTERS = mel_filters(SPEC)
CENTRES = FILTERS @ np.arange(129) / FILTERS.sum(axis=1)
BEND = np.stack([np.interp(np.arange(129), CENTRES, one) for one in np.eye(4)], axis=1)  # (bins, bands)
TONES = 0.02 * np.sin(2 * np.pi * np.outer([2, 5, 9, 20], np.arange(64)) / 64)

CONFIG = {
    "format_version": 1,
    "task": "enhancement",
    "spec": SPEC.to_dict(),
    "receptive_field": 8,  # 2 frames of the mean over 5, and 3 of a block of 4
    "multiple": MULTIPLE,
    "renderers": ["gain", "vocoder"],
    "render_receptive_field": 1,
    "functions": {
        "mel": {"inputs": {"wave": [1, "N"]}, "outputs": {"mel": [1, 4, "T"]}},
        "enhance": {"inputs": {"mel": [1, 4, "T"]}, "outputs": {"gain": [1, 4, "T"]}},
        "gain": {"inputs": {"wave": [1, "N"], "gain": [1, 4, "T"]}, "outputs": {"enhanced": [1, "N"]}},
        "render": {"inputs": {"mel": [1, 4, "T"]}, "outputs": {"wave": [1, "N"]}},
    },
}


def reference(wave: np.ndarray, renderer: str = "gain") -> np.ndarray:
    """What the enhancer makes of a wave (N,) as a whole, by numpy's Fourier transform."""
    frames = max(-(-len(wave) // 256) * 4, 8)
    padded = np.pad(np.pad(wave.astype(np.float64), (0, frames * 64 - len(wave))), PAD, mode="reflect")
    spectrum = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, 256)[::64] * WINDOW).T
    mel = np.log(np.maximum(FILTERS @ np.abs(spectrum), 1e-5))
    loud = (mel + 4) / 2
    around = np.stack([np.convolve(band, np.full(5, 0.2), "same") for band in loud])
    blocks = around.reshape(4, -1, 4)
    gain = 1 / (1 + np.exp(-(blocks + blocks.mean(axis=2, keepdims=True)).reshape(4, -1)))
    if renderer == "vocoder":
        clean = np.maximum(mel + np.log(gain), np.log(1e-5))
        near = clean + 0.1 * (np.pad(clean, ((0, 0), (1, 1)))[:, 2:] + np.pad(clean, ((0, 0), (1, 1)))[:, :-2])
        return (near.T @ TONES).ravel()[: len(wave)]
    pieces = np.fft.irfft((spectrum * (BEND @ gain)).T, 256) * WINDOW
    made, weight = np.zeros(len(padded)), np.zeros(len(padded))
    for frame, piece in enumerate(pieces):
        made[64 * frame : 64 * frame + 256] += piece
        weight[64 * frame : 64 * frame + 256] += WINDOW**2
    return (made[PAD:-PAD] / weight[PAD:-PAD])[: len(wave)]


def write(folder: Path, **changes: object) -> Path:
    """The model folder, with changes to its config.json."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({**CONFIG, **changes}))
    for function, (nodes, weights) in GRAPHS.items():
        (folder / f"{function}.onnx").write_bytes(_graph(function, nodes, weights))
    return folder


def _graph(function: str, nodes: list, weights: dict[str, np.ndarray]) -> bytes:
    facts = CONFIG["functions"][function]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in facts[side].items()]
        for side in ("inputs", "outputs")
    ]
    constants = [
        numpy_helper.from_array(value.astype(np.float32) if value.dtype.kind == "f" else value, name)
        for name, value in weights.items()
    ]
    graph = helper.make_graph(nodes, function, *ends, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()


TURNS = 2 * np.pi * np.outer(np.arange(129), np.arange(256)) / 256
TWICE = np.where(np.arange(129) % 128, 2, 1)[:, None] / 256
SPECTRUM = [
    helper.make_node("Unsqueeze", ["wave", "one"], ["line"]),
    helper.make_node("Pad", ["line", "pads"], ["padded"], mode="reflect"),
    helper.make_node("Conv", ["padded", "cosine"], ["real"], strides=[64]),
    helper.make_node("Conv", ["padded", "sine"], ["imag"], strides=[64]),
]
ANALYSIS = {
    "one": np.array([1]),
    "pads": np.array([0, 0, PAD, 0, 0, PAD]),
    "cosine": (np.cos(TURNS) * WINDOW)[:, None],
    "sine": (-np.sin(TURNS) * WINDOW)[:, None],
}
MEL = [
    *SPECTRUM,
    helper.make_node("Mul", ["real", "real"], ["a"]),
    helper.make_node("Mul", ["imag", "imag"], ["b"]),
    helper.make_node("Add", ["a", "b"], ["power"]),
    helper.make_node("Sqrt", ["power"], ["magnitude"]),
    helper.make_node("MatMul", ["filters", "magnitude"], ["bands"]),
    helper.make_node("Max", ["bands", "floor"], ["floored"]),
    helper.make_node("Log", ["floored"], ["mel"]),
]
ENHANCE = [
    helper.make_node("Mul", ["mel", "half"], ["halved"]),
    helper.make_node("Add", ["halved", "two"], ["loud"]),
    helper.make_node("Conv", ["loud", "around"], ["smooth"], group=4, pads=[2, 2]),
    helper.make_node("Reshape", ["smooth", "blocks"], ["blocked"]),
    helper.make_node("ReduceMean", ["blocked", "last"], ["mean"]),
    helper.make_node("Add", ["blocked", "mean"], ["together"]),
    helper.make_node("Reshape", ["together", "back"], ["score"]),
    helper.make_node("Sigmoid", ["score"], ["gain"]),
]
GAIN = [
    *SPECTRUM,
    helper.make_node("MatMul", ["bend", "gain"], ["factor"]),
    helper.make_node("Mul", ["real", "factor"], ["a"]),
    helper.make_node("Mul", ["imag", "factor"], ["b"]),
    helper.make_node("ConvTranspose", ["a", "back_cosine"], ["c"], strides=[64]),
    helper.make_node("ConvTranspose", ["b", "back_sine"], ["d"], strides=[64]),
    helper.make_node("Add", ["c", "d"], ["summed"]),
    helper.make_node("Gather", ["gain", "first"], ["some"], axis=1),
    helper.make_node("Mul", ["some", "zero"], ["none"]),
    helper.make_node("Add", ["none", "unit"], ["ones"]),
    helper.make_node("ConvTranspose", ["ones", "squared"], ["weight"], strides=[64]),
    helper.make_node("Slice", ["summed", "begin", "end", "axis"], ["made"]),
    helper.make_node("Slice", ["weight", "begin", "end", "axis"], ["weighed"]),
    helper.make_node("Div", ["made", "weighed"], ["divided"]),
    helper.make_node("Reshape", ["divided", "flat"], ["enhanced"]),
]
RENDER = [
    helper.make_node("Conv", ["mel", "near"], ["mixed"], pads=[1, 1]),
    helper.make_node("ConvTranspose", ["mixed", "tones"], ["channel"], strides=[64]),
    helper.make_node("Reshape", ["channel", "flat"], ["wave"]),
]
NEAR = np.zeros((4, 4, 3))
NEAR[range(4), range(4)] = [0.1, 1, 0.1]
GRAPHS: dict[str, tuple[list, dict[str, np.ndarray]]] = {
    "mel": (MEL, {**ANALYSIS, "filters": FILTERS, "floor": np.array(1e-5)}),
    "enhance": (
        ENHANCE,
        {
            "half": np.array(0.5),
            "two": np.array(2.0),
            "around": np.full((4, 1, 5), 0.2),
            "blocks": np.array([1, 4, -1, 4]),
            "back": np.array([1, 4, -1]),
            "last": np.array([3]),
        },
    ),
    "gain": (
        GAIN,
        {
            **ANALYSIS,
            "bend": BEND,
            "back_cosine": (np.cos(TURNS) * TWICE * WINDOW)[:, None],
            "back_sine": (-np.sin(TURNS) * TWICE * WINDOW)[:, None],
            "squared": (WINDOW**2)[None, None],
            "first": np.array([0]),
            "zero": np.array(0.0),
            "unit": np.array(1.0),
            "begin": np.array([PAD]),
            "end": np.array([-PAD]),
            "axis": np.array([2]),
            "flat": np.array([1, -1]),
        },
    ),
    "render": (RENDER, {"near": NEAR, "tones": TONES[:, None], "flat": np.array([1, -1])}),
}
