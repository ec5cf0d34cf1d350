"""From a network to an ONNX file: traced, checked, large weights in half precision."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

OPSET = 20
TRACED = 64
"""Frames of the examples that functions of mels are traced with."""
LARGE = 1024
"""Weights of at least as many numbers are stored in half precision."""


def graph(
    module: nn.Module,
    examples: tuple[Tensor, ...],
    shapes: tuple[dict[int, Any], ...],
    given: Sequence[str],
    returned: Sequence[str],
) -> bytes:
    """The ONNX file of a function.

    Parameters
    ----------
    module : nn.Module
    examples : tuple of Tensor
        Inputs to trace it with.
    shapes : tuple of dict
        For each input, which axes vary, and by which `torch.export.Dim`.
    given, returned : sequence of str
        Names of inputs and outputs.
    """
    chatter = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    before = [logger.level for logger in chatter]
    for logger in chatter:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the exporter's own affairs
            program = torch.onnx.export(
                module.eval(),
                examples,
                dynamo=True,
                dynamic_shapes=shapes,
                input_names=list(given),
                output_names=list(returned),
                opset_version=OPSET,
                verbose=False,
            )
    finally:
        for logger, level in zip(chatter, before, strict=True):
            logger.setLevel(level)
    assert program is not None  # only without dynamo
    model = program.model_proto
    for item in (model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output):
        del item.metadata_props[:]  # where on this disk each operation was traced
        item.doc_string = ""
    _store_in_half(model.graph)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _store_in_half(graph: onnx.GraphProto) -> None:
    """Store in half precision whatever loses nothing by it, and cast it back when the file is loaded.

    Those are the weights, rounded before; DFT kernels and mel filters do lose and stay as they are.
    """
    for weight in list(graph.initializer):
        value = onnx.numpy_helper.to_array(weight)
        if value.dtype != np.float32 or value.size < LARGE:
            continue
        half = value.astype(np.float16)
        if np.array_equal(half.astype(np.float32), value):
            name = weight.name
            weight.CopyFrom(onnx.numpy_helper.from_array(half, f"{name}.half"))
            graph.node.insert(0, onnx.helper.make_node("Cast", [weight.name], [name], to=onnx.TensorProto.FLOAT))
