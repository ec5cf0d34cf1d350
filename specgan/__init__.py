"""Sound made or changed as a picture: a 2-D GAN on log-mels and a vocoder that renders them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__version__ = "0.1.0"
DEFAULT_VOICE = "kathleen"

_FUNCTIONS = {
    "tts": ("encode", "draw", "render"),
    "enhancement": ("mel", "enhance", "gain"),
    "generation": ("draw", "render"),
    "conversion": ("mel", "content", "convert", "render"),
}


def load(
    name_or_folder: str | Path = DEFAULT_VOICE,
    *,
    threads: int | None = None,
    backend: str = "onnx",
    device: str = "cpu",
) -> Any:  # the model folder says which class; a union would make every caller ask
    """Load a model as what it can do: `specgan.load("kathleen").speak("Good morning.")`.

    Parameters
    ----------
    name_or_folder : str or Path
        A shipped model by its name, or a model folder; with `backend` "torch" also the folder of a run.
    threads : int, optional
        Of ONNX Runtime; one a core if None.
    backend : {"onnx", "torch"}
        What computes; "torch" needs `pip install "specgan[train]"`.
    device : str
        Of torch: "cpu", "cuda", "cuda:1".

    Returns
    -------
    specgan.runtime.speech.Voice, specgan.runtime.enhancer.Enhancer, specgan.runtime.converter.Converter or
    specgan.runtime.sounds.Sounds
        Of a model for the task "tts", text → speech; "enhancement", recording → recording; "conversion", recording and
        speaker → recording; or "generation", class and seed → sound.

    Raises
    ------
    InputError
        If there is no such model, it is damaged or of a newer format, or it is for another task.
    """
    from vocoder.errors import InputError

    if backend not in ("onnx", "torch"):
        raise InputError(f"the backend is {backend!r}, must be onnx or torch")
    model: Any
    if backend == "onnx":
        if device != "cpu":
            raise InputError(f"the device {device} needs the backend torch; ONNX Runtime computes on the CPU")
        if (Path(name_or_folder) / "checkpoints").is_dir():
            raise InputError(f"{name_or_folder}: is a run, which needs the backend torch; or pack it")
        from specgan.runtime.model import load as load_functions

        model = load_functions(name_or_folder, threads)
        if model.task not in _FUNCTIONS:
            raise InputError(
                f"the model {model.name} is for the task {model.task}; speaking needs one for tts, enhancing one for "
                "enhancement, conversion one for conversion, making sounds one for generation"
            )
        model.preload(*_FUNCTIONS[model.task])  # while the text front end is imported
    else:
        from specgan.torch_backend import load_by_task
        from specgan.zoo import find

        model = load_by_task(find(name_or_folder), device)
    if model.task == "enhancement":
        from specgan.runtime.enhancer import Enhancer

        return Enhancer(model)
    if model.task == "conversion":
        from specgan.runtime.converter import Converter

        return Converter(model)
    if model.task == "generation":
        from specgan.runtime.sounds import Sounds

        return Sounds(model)
    from specgan.runtime.speech import Voice

    return Voice(model)
