"""Settings of a run of voice conversion."""

from __future__ import annotations

from dataclasses import dataclass, field

from specgan.networks.converter import ConverterConfig
from specgan.tasks.alignment import SpeechData
from vocoder.engine.schedule import OptimizerConfig, TrainConfig


@dataclass(frozen=True)
class ConversionWeights:
    """Weights of the converter's losses.

    Parameters
    ----------
    coarse, l1, ssim : float
        Of the distances of an utterance in its own speaker's style: of the coarse mel, and of the drawn one.
    identity_end : float
        Those of the drawn one fall to this share until the end.
    adversarial : float
    content : float
        Of what the aligner hears in a converted utterance instead of what it heard in the source, in nats. Small: what
        it hears also tells who speaks, so more of it draws conversions back to the source.
    style : float
        Of the distance of the style that is heard in it from the one that was asked for.
    cycle, cycle_end : float
        Of the L1 of what is converted back; falls from the one to the other.
    """

    coarse: float = 5.0
    l1: float = 10.0
    ssim: float = 1.0
    identity_end: float = 0.5
    adversarial: float = 2.0
    content: float = 0.5
    style: float = 5.0
    cycle: float = 5.0
    cycle_end: float = 2.5


@dataclass(frozen=True)
class ConversionCritics:
    """The critics' game: which objective, from which step on, with how many channels."""

    objective: str = "lsgan"
    start: int = 6_000
    width: int = 24
    optimizer: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(lr=2e-4, betas=(0.5, 0.9), clip=1.0))


@dataclass(frozen=True)
class ConversionRun:
    """A whole run.

    Parameters
    ----------
    recogniser : str
        What hears the content: run of an aligner, or of a conversion, or a packed model with its weights.
    vocoder : str
        Folder with generator.safetensors of the vocoder that validation listens through; empty for none.
    window, converted : int
        Frames of a crop, and of the part of it, at most half, that is converted to another speaker; multiples of 4.
    hide : int
        Most frames in a row whose content and energy are withheld, to be filled in.
    perturb : float
        By how much formants of what the aligner hears are moved at random, so that they cannot tell who speaks (0.15
        is 15 %).
    picture : int
        Step from which the fine mel is drawn; before, only the coarse one is learned, which is fast.
    initial : str or None
        Run, or packed model with its weights, to start from: the networks are then of its sizes, and speakers of
        the same names keep their styles.
    """

    task: str = "conversion"
    spec: str = "22k"
    data: SpeechData = field(default_factory=lambda: SpeechData(batch=8))
    recogniser: str = ""
    vocoder: str = ""
    model: ConverterConfig = field(default_factory=ConverterConfig)
    window: int = 128
    converted: int = 64
    hide: int = 25
    perturb: float = 0.15
    picture: int = 2_000
    weights: ConversionWeights = field(default_factory=ConversionWeights)
    critics: ConversionCritics = field(default_factory=ConversionCritics)
    optimizer: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(lr=5e-4, betas=(0.8, 0.95), clip=1.0))
    train: TrainConfig = field(default_factory=lambda: TrainConfig(steps=20_000))
    initial: str | None = None
