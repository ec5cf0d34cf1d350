"""Everything that a log-mel spectrogram depends on, in one frozen record. No torch."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from vocoder.errors import InputError


@dataclass(frozen=True)
class MelSpec:
    """The contract between a generator of mels and the vocoder that renders them.

    The frames of a wave are not centred: with `pad` samples reflected at both ends a wave of
    exactly T·hop samples has exactly T frames.

    Parameters
    ----------
    sample_rate : int
        Hz.
    n_fft : int
        Length of the Fourier transform and of the periodic Hann window, in samples.
    hop : int
        Samples between frames, at most n_fft/2, or no window covers the joints; n_fft − hop must be even.
    bands : int
        Mel bands.
    fmin, fmax : float
        Edges of the filter bank in Hz, 0 ≤ fmin < fmax ≤ sample_rate / 2.
    window : {"hann"}
    mel_scale : {"slaney", "htk"}
    mel_norm : {"slaney", "none"}
        "slaney" gives every filter unit area.
    log_base : {"e", "10"}
    floor : float
        Magnitudes below it are raised to it before the logarithm.
    padding : {"reflect", "constant"}
        How both ends are extended.

    Raises
    ------
    InputError
        If a value is outside its range.
    """

    sample_rate: int = 22_050
    n_fft: int = 1024
    hop: int = 256
    bands: int = 80
    fmin: float = 0.0
    fmax: float = 11_025.0
    window: str = "hann"
    mel_scale: str = "slaney"
    mel_norm: str = "slaney"
    log_base: str = "e"
    floor: float = 1e-5
    padding: str = "reflect"

    def __post_init__(self) -> None:
        choices = {
            "window": ("hann",),
            "mel_scale": ("slaney", "htk"),
            "mel_norm": ("slaney", "none"),
            "log_base": ("e", "10"),
            "padding": ("reflect", "constant"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise InputError(f"MelSpec: {name} is {getattr(self, name)!r}, must be one of {allowed}")
        for name in ("sample_rate", "n_fft", "hop", "bands", "floor"):
            if not getattr(self, name) > 0:
                raise InputError(f"MelSpec: {name} is {getattr(self, name)}, must be above 0")
        if 2 * self.hop > self.n_fft or (self.n_fft - self.hop) % 2:
            half = self.n_fft // 2
            raise InputError(f"MelSpec: hop is {self.hop}, must be at most n_fft/2 ({half}) and n_fft − hop even")
        if not 0 <= self.fmin < self.fmax <= self.sample_rate / 2:
            edges = f"fmin {self.fmin} and fmax {self.fmax} Hz"
            raise InputError(f"MelSpec: {edges} must satisfy 0 ≤ fmin < fmax ≤ {self.sample_rate / 2}")

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop

    @property
    def bins(self) -> int:
        """Frequencies of a one-sided spectrum."""
        return self.n_fft // 2 + 1

    @property
    def pad(self) -> int:
        """Samples by which both ends are extended."""
        return (self.n_fft - self.hop) // 2

    def frames(self, samples: int) -> int:
        """Frames of a wave: its length in hops, rounded up."""
        return -(-samples // self.hop)

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that differ when any field differs."""
        fields = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return hashlib.sha256(fields.encode()).hexdigest()[:12]

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any], where: str = "MelSpec") -> MelSpec:
        """Read what `to_dict` wrote; an unknown or missing field or a wrong type is an error."""
        kinds = {field.name: type(field.default) for field in dataclasses.fields(cls)}
        if fields.keys() != kinds.keys():
            differing = ", ".join(sorted(fields.keys() ^ kinds.keys()))
            raise InputError(f"{where}: fields of the MelSpec are unknown or missing: {differing}")
        values: dict[str, Any] = {}
        for name, value in fields.items():
            if kinds[name] is float and type(value) is int:
                value = float(value)
            if type(value) is not kinds[name]:
                raise InputError(f"{where}: {name} of the MelSpec is {value!r}, must be a {kinds[name].__name__}")
            values[name] = value
        return cls(**values)

    def require(self, other: MelSpec, mine: str, theirs: str) -> None:
        """Raise unless `other` is equal, naming every field that differs and both values.

        Parameters
        ----------
        other : MelSpec
        mine, theirs : str
            What the two belong to, for the message ("the model vocoder-22k", a path).

        Raises
        ------
        InputError
        """
        if self == other:
            return
        differing = ", ".join(
            f"{field.name} {getattr(self, field.name)} against {getattr(other, field.name)}"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != getattr(other, field.name)
        )
        raise InputError(f"the mel of {mine} is not the mel of {theirs}: {differing}; both must be of one MelSpec")


PRESETS: dict[str, MelSpec] = {
    "22k": MelSpec(),
    "22k-8k": MelSpec(fmax=8_000.0),
    "16k": MelSpec(sample_rate=16_000, n_fft=512, hop=128, fmax=8_000.0),
    "44k": MelSpec(sample_rate=44_100, n_fft=2048, hop=512, bands=128, fmax=22_050.0),
}


def preset(name: str) -> MelSpec:
    """The MelSpec of that name; an unknown one is an error that lists them."""
    if name not in PRESETS:
        raise InputError(f"there is no mel preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]
