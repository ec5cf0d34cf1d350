"""A model folder: named functions from arrays to arrays, on ONNX Runtime. No torch.

config.json        what the model is, and which functions it has
<function>.onnx    one file a function
README.md          the card
generator.safetensors  weights in float32, for fine-tuning
"""

from __future__ import annotations

import contextlib
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np

from specgan.zoo import find
from vocoder.errors import InputError
from vocoder.signal.spec import MelSpec

FORMAT_VERSION = 1


class Model:
    """The functions of a model folder, each loaded when it is first run.

    Parameters
    ----------
    folder : Path
    threads : int, optional
        Of ONNX Runtime; one a core if None.

    Attributes
    ----------
    name : str
        That of the folder.
    task : str
        What the model is for, such as "vocoder".
    spec : MelSpec
        The mel that the model reads or draws.
    receptive_field : int
        Frames on each side of a frame on which what is rendered of it depends.
    functions : dict
        Name → {"inputs": {name: shape}, "outputs": {name: shape}}; a length that may vary is a word.
    config : dict
        All of config.json.

    Raises
    ------
    InputError
        If config.json is missing, damaged or of a newer format.
    """

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        self.folder, self.threads = folder, threads
        self.name = folder.resolve().name
        self.config = read_config(folder)
        self.task: str = self.config["task"]
        self.spec = MelSpec.from_dict(self.config["spec"], str(folder / "config.json"))
        self.receptive_field: int = self.config["receptive_field"]
        self.functions: dict[str, Any] = self.config["functions"]
        self._sessions: dict[str, Any] = {}
        self._loading: dict[str, threading.Thread] = {}

    def preload(self, *functions: str) -> None:
        """Begin to load functions in the background, each in a thread; what goes wrong is said when one is run."""

        def load(function: str) -> None:
            with contextlib.suppress(InputError):
                self._sessions[function] = self._load(function)

        for function in self.functions.keys() & functions:
            thread = threading.Thread(target=load, args=(function,))
            self._loading[function] = thread
            thread.start()

    def run(self, function: str, *inputs: np.ndarray) -> list[np.ndarray]:
        """Apply a function; inputs and outputs stand in the order of `functions`.

        Raises
        ------
        InputError
            If the model has no such function, or its file is missing or damaged.
        """
        if thread := self._loading.pop(function, None):
            thread.join()
        if function not in self._sessions:
            self._sessions[function] = self._load(function)
        names = self.functions[function]["inputs"]
        return self._sessions[function].run(None, dict(zip(names, inputs, strict=True)))

    def _load(self, function: str) -> Any:
        if function not in self.functions:
            has = ", ".join(self.functions)
            raise InputError(f"the model {self.name} ({self.task}) has no function {function!r}; it has {has}")
        path = self.folder / f"{function}.onnx"
        if not path.is_file():
            raise InputError(f"{self.folder}: lacks {path.name}; export or fetch the model again")

        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads or 0
        options.log_severity_level = 3
        # threads that spin while they wait would take the processor from the next function's
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_mem_pattern = False  # it keeps memory for every length that it met
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions have no common class; a damaged file raises one of a dozen
            reason = " ".join(str(error).split())[:160]
            raise InputError(f"{path}: damaged or not an ONNX file ({reason}); export or fetch it again") from error
        found = [entry.name for entry in session.get_inputs()]
        if found != list(self.functions[function]["inputs"]):
            raise InputError(f"{path}: takes {', '.join(found)}, which is not what config.json says; export it again")
        return session


def read_config(folder: Path) -> dict[str, Any]:
    """The checked config.json of a model folder.

    Raises
    ------
    InputError
        If it is missing, not valid JSON, lacks a field, or is of a newer format.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder}: is no model folder, it has no config.json") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({' '.join(str(error).split())[:100]})") from None
    version = config.get("format_version") if isinstance(config, dict) else None
    if type(version) is not int or version < 1:
        raise InputError(f"{path}: format_version is {version!r}, must be a whole number: not a model of specgan")
    if version > FORMAT_VERSION:
        raise InputError(
            f"{path}: has format_version {version}, this specgan reads up to {FORMAT_VERSION}; install a newer specgan"
        )
    for name, kind in {"task": str, "spec": dict, "functions": dict, "receptive_field": int}.items():
        if not isinstance(config.get(name), kind):
            raise InputError(f"{path}: {name} is {config.get(name)!r}, must be a {kind.__name__}")
    for name, function in config["functions"].items():
        if not isinstance(function, dict) or not all(isinstance(function.get(k), dict) for k in ("inputs", "outputs")):
            raise InputError(f"{path}: the function {name} must have inputs and outputs, each a table of shapes")
    return config


def load(name_or_folder: str | Path, threads: int | None = None) -> Model:
    """Load a model folder, or a shipped model by its name, on ONNX Runtime.

    Raises
    ------
    InputError
        If there is no such model (the message lists the shipped ones), or it is damaged or of a newer format.
    """
    return Model(find(name_or_folder), threads)
