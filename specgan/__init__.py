"""Sound made or changed as a picture: a 2-D GAN on log-mels and a vocoder that renders them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specgan.runtime.speech import SpeechFunctions, Voice

__version__ = "0.1.0"
DEFAULT_VOICE = "kathleen"


def load(
    name_or_folder: str | Path = DEFAULT_VOICE,
    *,
    threads: int | None = None,
    backend: str = "onnx",
    device: str = "cpu",
) -> Voice:
    """Load a voice: `specgan.load("kathleen").speak("Good morning.")`.

    Parameters
    ----------
    name_or_folder : str or Path
        A shipped voice by its name, or a model folder; with `backend` "torch" also the folder of a run.
    threads : int, optional
        Of ONNX Runtime; one a core if None.
    backend : {"onnx", "torch"}
        What computes; "torch" needs `pip install "specgan[train]"`.
    device : str
        Of torch: "cpu", "cuda", "cuda:1".

    Raises
    ------
    InputError
        If there is no such model, it is damaged or of a newer format, or it is for another task than speech.
    """
    from vocoder.errors import InputError

    if backend not in ("onnx", "torch"):
        raise InputError(f"the backend is {backend!r}, must be onnx or torch")
    functions: SpeechFunctions
    if backend == "onnx":
        if device != "cpu":
            raise InputError(f"the device {device} needs the backend torch; ONNX Runtime computes on the CPU")
        if (Path(name_or_folder) / "checkpoints").is_dir():
            raise InputError(f"{name_or_folder}: is a run, which needs the backend torch; or pack it")
        from specgan.runtime import model

        functions = model.load(name_or_folder, threads)
        functions.preload("encode", "draw", "render")  # while the text front end is imported
    else:
        from specgan.torch_backend import load_voice
        from specgan.zoo import find

        functions = load_voice(find(name_or_folder), device)
    from specgan.runtime.speech import Voice

    return Voice(functions)
