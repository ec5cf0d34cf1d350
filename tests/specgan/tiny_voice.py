"""A voice so small that its numbers can be worked out by hand: the same functions as ONNX graphs and as torch modules.

encode   durations, pitch and energy stand in tables by phone; text is the phone's and the speaker's number
draw     coarse is text, pitch and energy in four bands; the mel adds noise, its mean over 5 frames and over blocks of 4
render   each frame's bands weigh four short tones
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from specgan.text.symbols import Symbols, tokenise
from vocoder.signal.spec import MelSpec

SPEC = MelSpec(sample_rate=8_000, n_fft=256, hop=64, bands=4, fmax=4_000.0)
PHONES = (
    "ðə kwˈɪk bɹˈaʊn fˈɑːks dʒˈʌmps ˌoʊvɚ ðə lˈeɪzi dˈɑːɡ, hˈɜː! tˈuː θˈɪŋ; vˈɔɪs: ʃiː ʒ æ ɛ ɐ ʊ ᵻ j? m iə ɔːɹ ɾ — …"
)
SYMBOLS = Symbols.of([tokenise(PHONES)])
COUNT = len(SYMBOLS.phones)

DURATIONS = (1.3 + np.arange(COUNT) % 7 * 0.55).astype(np.float32)
PITCH = np.where(np.arange(COUNT) % 3 == 0, 0, np.sin(np.arange(COUNT))).astype(np.float32)
ENERGY = np.cos(np.arange(COUNT)).astype(np.float32)
PHONE = (np.stack([np.arange(COUNT) % 11, np.arange(COUNT) % 4], axis=1) / 10).astype(np.float32)
STRESS = (np.arange(len(SYMBOLS.stresses))[:, None] * np.array([[0.1, 0.2]])).astype(np.float32)
SPEAKER = np.array([[0.0, 0.0], [0.5, -0.5]], np.float32)
LANGUAGE = np.array([[0.0, 0.0], [0.0, 0.3]], np.float32)
MIX = np.array([[1, 0], [0, 1], [0.5, 0.5], [-0.5, 1]], np.float32)  # text → bands
AROUND = np.full((4, 1, 5), 0.2, np.float32)
TONES = (0.02 * np.sin(2 * np.pi * np.outer([2, 5, 9, 20], np.arange(64)) / 64)).astype(np.float32)

CONFIG = {
    "format_version": 1,
    "task": "tts",
    "spec": SPEC.to_dict(),
    "receptive_field": 1,
    "draw": {"receptive_field": 5, "multiple": 4},  # 2 frames of the mean over 5, and 3 of a block of 4
    "phones": list(SYMBOLS.phones),
    "stresses": list(SYMBOLS.stresses),
    "speakers": ["anna", "ben"],
    "languages": ["en-us", "de"],
    "pitch": {"anna": [5.3, 0.25], "ben": [4.6, 0.2]},
    "energy": [-5.5, 2.0],
    "functions": {
        "encode": {
            "inputs": {"phones": [1, "L"], "stress": [1, "L"], "speaker": [1], "language": [1]},
            "outputs": {"text": [1, 2, "L"], "durations": [1, "L"], "pitch": [1, "L"], "energy": [1, "L"]},
        },
        "draw": {
            "inputs": {
                "text": [1, 2, "T"],
                "pitch": [1, "T"],
                "energy": [1, "T"],
                "speaker": [1],
                "noise": [1, 4, "T"],
            },
            "outputs": {"mel": [1, 4, "T"], "coarse": [1, 4, "T"]},
        },
        "render": {"inputs": {"mel": [1, 4, "T"]}, "outputs": {"wave": [1, "N"]}},
    },
}


def write(folder: Path, **changes: object) -> Path:
    """The model folder, with changes to its config.json."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({**CONFIG, **changes}))
    for function, nodes, weights in (
        (
            "encode",
            ENCODE,
            {"D": DURATIONS, "P": PITCH, "E": ENERGY, "a": PHONE, "b": STRESS, "c": SPEAKER, "d": LANGUAGE},
        ),
        (
            "draw",
            DRAW,
            {
                "mix": MIX[:, :, None],
                "around": AROUND,
                "blocks": np.array([1, 4, -1, 4]),
                "back": np.array([1, 4, -1]),
                "last": np.array([3]),
                "one": np.array([1]),
                "c": SPEAKER,
            },
        ),
        ("render", RENDER, {"near": NEAR, "tones": TONES[:, None], "flat": np.array([1, -1])}),
    ):
        (folder / f"{function}.onnx").write_bytes(_graph(function, nodes, weights))
    return folder


NEAR = np.zeros((4, 4, 3), np.float32)  # each band of a frame, and a tenth of its neighbours
NEAR[range(4), range(4)] = [0.1, 1, 0.1]

ENCODE = [
    helper.make_node("Gather", ["D", "phones"], ["durations"]),
    helper.make_node("Gather", ["P", "phones"], ["pitch"]),
    helper.make_node("Gather", ["E", "phones"], ["energy"]),
    helper.make_node("Gather", ["a", "phones"], ["x"]),
    helper.make_node("Gather", ["b", "stress"], ["y"]),
    helper.make_node("Gather", ["c", "speaker"], ["z"]),
    helper.make_node("Gather", ["d", "language"], ["w"]),
    helper.make_node("Sum", ["x", "y", "z", "w"], ["sum"]),
    helper.make_node("Transpose", ["sum"], ["text"], perm=[0, 2, 1]),
]
DRAW = [
    helper.make_node("Conv", ["text", "mix"], ["mixed"]),
    helper.make_node("Add", ["pitch", "energy"], ["prosody"]),
    helper.make_node("Unsqueeze", ["prosody", "one"], ["raised"]),
    helper.make_node("Gather", ["c", "speaker"], ["who"]),
    helper.make_node("ReduceSum", ["who"], ["bias"]),
    helper.make_node("Sum", ["mixed", "raised", "bias"], ["coarse"]),
    helper.make_node("Conv", ["coarse", "around"], ["smooth"], group=4, pads=[2, 2]),
    helper.make_node("Reshape", ["smooth", "blocks"], ["blocked"]),
    helper.make_node("ReduceMean", ["blocked", "last"], ["mean"]),
    helper.make_node("Add", ["blocked", "mean"], ["together"]),
    helper.make_node("Reshape", ["together", "back"], ["drawn"]),
    helper.make_node("Add", ["drawn", "noise"], ["mel"]),
]
RENDER = [
    helper.make_node("Conv", ["mel", "near"], ["mixed"], pads=[1, 1]),
    helper.make_node("ConvTranspose", ["mixed", "tones"], ["channel"], strides=[64]),
    helper.make_node("Reshape", ["channel", "flat"], ["wave"]),
]


def _graph(function: str, nodes: list, weights: dict[str, np.ndarray]) -> bytes:
    def described(table: dict[str, list]) -> list:
        whole = ("phones", "stress", "speaker", "language")
        return [
            helper.make_tensor_value_info(name, TensorProto.INT64 if name in whole else TensorProto.FLOAT, shape)
            for name, shape in table.items()
        ]

    facts = CONFIG["functions"][function]
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, function, described(facts["inputs"]), described(facts["outputs"]), constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return model.SerializeToString()


class Encode(nn.Module):
    def forward(self, phones: Tensor, stress: Tensor, speaker: Tensor, language: Tensor) -> tuple[Tensor, ...]:
        tables = [torch.from_numpy(table) for table in (PHONE, STRESS, SPEAKER, LANGUAGE)]
        text = sum(table[index] for table, index in zip(tables, (phones, stress, speaker, language), strict=True))
        return text.transpose(1, 2), *(torch.from_numpy(table)[phones] for table in (DURATIONS, PITCH, ENERGY))


class Draw(nn.Module):
    def forward(
        self, text: Tensor, pitch: Tensor, energy: Tensor, speaker: Tensor, noise: Tensor
    ) -> tuple[Tensor, ...]:
        coarse = torch.from_numpy(MIX) @ text + (pitch + energy)[:, None] + torch.from_numpy(SPEAKER)[speaker].sum()
        smooth = F.avg_pool1d(coarse, 5, 1, 2).unflatten(2, (-1, 4))
        return (smooth + smooth.mean(3, keepdim=True)).flatten(2) + noise, coarse


class Render(nn.Module):
    def forward(self, mel: Tensor) -> Tensor:
        near = F.conv1d(mel, torch.from_numpy(NEAR), padding=1)
        return F.conv_transpose1d(near, torch.from_numpy(TONES)[:, None], stride=64).flatten(1)


def modules() -> dict[str, nn.Module]:
    """The same functions by torch."""
    return {"encode": Encode(), "draw": Draw(), "render": Render()}
