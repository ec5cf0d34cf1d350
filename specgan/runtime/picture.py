"""A log-mel as a picture in a PNG file. No torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vocoder.errors import InputError
from vocoder.signal.files import replacing

RANGE = 11.5  # nepers below the loudest that are still shown: 100 dB
SCALE = 4  # pixels a frame and a band
WIDEST = 60_000  # pixels

# every 32nd colour of a dark-to-bright scale of even lightness steps: black, purple, red, orange, pale yellow
_COLOURS = np.array(
    [
        [0, 0, 4],
        [29, 17, 71],
        [81, 18, 124],
        [131, 38, 129],
        [182, 54, 121],
        [230, 81, 100],
        [251, 136, 97],
        [254, 194, 135],
        [252, 253, 191],
    ]
)


def coloured(mel: np.ndarray, loudest: float | None = None) -> np.ndarray:
    """A log-mel (bands, T) as colours (bands, T, 3) of uint8, the low bands in the last rows.

    Parameters
    ----------
    mel : (bands, T) float
        Natural logarithms of magnitudes.
    loudest : float, optional
        What is shown brightest, for pictures that are to be compared; the maximum of this one if None.
    """
    brightness = np.clip(1 + (mel[::-1] - (mel.max() if loudest is None else loudest)) / RANGE, 0, 1)
    knots = np.linspace(0, 1, len(_COLOURS))
    colours = np.stack([np.interp(brightness, knots, channel) for channel in _COLOURS.T], axis=-1)
    return np.rint(colours).astype(np.uint8)


def write_picture(path: Path, mel: np.ndarray, comment: str) -> None:
    """Write a log-mel (bands, T), time to the right, low bands at the bottom, loud is bright.

    Parameters
    ----------
    path : Path
        .png
    mel : (bands, T) float
        Natural logarithms of magnitudes.
    comment : str
        Goes into the metadata.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    try:
        from PIL import Image, PngImagePlugin
    except ModuleNotFoundError:
        raise InputError(f"{path}: pictures need the package pillow: pip install pillow") from None

    image = Image.fromarray(coloured(mel), "RGB")
    wide = max(1, min(SCALE, WIDEST // mel.shape[1]))
    image = image.resize((mel.shape[1] * wide, mel.shape[0] * SCALE), Image.Resampling.NEAREST)
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", comment)
    with replacing(path) as temporary:
        image.save(temporary, "PNG", pnginfo=text)
