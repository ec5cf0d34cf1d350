"""Networks on ONNX Runtime, for the scripts beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

# the exporter warns of packages that it does not need
logging.getLogger("torch.onnx").setLevel(logging.ERROR)


def export(module: nn.Module, example: Tensor, path: Path, *, step: int = 1) -> None:
    """Write a network from one tensor to one as ONNX, for any length of the last axis that is a multiple of `step`."""
    lengths = torch.export.Dim("length", min=8, max=1_000_000)
    torch.onnx.export(
        module.eval(),
        (example,),
        path,
        input_names=["input"],
        output_names=["output"],
        dynamic_shapes=({example.dim() - 1: step * lengths},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def load(path: Path, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """The function that a file holds, on so many threads of ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda values: session.run(None, {"input": values})[0]
