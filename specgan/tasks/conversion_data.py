"""Recordings of several speakers as training data of voice conversion: crops with their melody and energy, no text."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from specgan.runtime import prosody
from specgan.runtime.f0 import fundamental_frequency
from specgan.runtime.prosody import LOUDNESS, Range
from vocoder.engine.checkpoint import load_tensors, save_tensors
from vocoder.errors import InputError
from vocoder.signal.dataset import Recordings
from vocoder.signal.manifest import Recording
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import MelSpec

PITCH = "pitch.safetensors"
EDGE = 2
"""Frames of sound beside a crop that its mel reaches into: windows of four hops."""


@dataclass
class ConversionBatch:
    """Crops of one length, each as loud as all others where it is voiced.

    Parameters
    ----------
    ids : list of str
    seconds : float
    step : int
        How many batches there were before it.
    mel : (B, M, T) tensor
        Log-mel.
    pitch, voiced, energy : (B, T) tensors
        ln F0 (Hz) of every frame; 1 where it is voiced; energy as networks see it.
    speaker : (B,) int64 tensor
    """

    ids: list[str]
    seconds: float
    step: int
    mel: Tensor
    pitch: Tensor
    voiced: Tensor
    energy: Tensor
    speaker: Tensor


class ConversionCorpus:
    """Recordings with the melody of each.

    Parameters
    ----------
    recordings : Recordings
        Each with a speaker.
    spec : MelSpec
    pitch : mapping
        Id → F0 (T,) in Hz, 0 where unvoiced; see `tracked`.
    speakers : sequence of str, optional
        Those of a trained model; those of the recordings if None.

    Raises
    ------
    InputError
        If a recording has no speaker, or one that the model has not, or a speaker is never voiced.
    """

    def __init__(
        self,
        recordings: Recordings,
        spec: MelSpec,
        pitch: Mapping[str, Tensor],
        speakers: Sequence[str] | None = None,
    ) -> None:
        self.recordings, self.spec = recordings, spec
        self.rows = recordings.rows
        named = speaker_names(self.rows)
        self.speakers = list(speakers) if speakers else sorted(set(named))
        for row, name in zip(self.rows, named, strict=True):
            if name not in self.speakers:
                raise InputError(f"recording {row.id!r}: no speaker {name!r}; there are {', '.join(self.speakers)}")
        self.speaker = np.array([self.speakers.index(name) for name in named])
        self.frames = np.array([spec.frames(int(length)) for length in recordings.lengths])
        self._mel = LogMel(spec)
        self._frequency = [pitch[row.id].numpy() for row in self.rows]
        self._loud = [self._level(index) for index in range(len(self.rows))]

    def _level(self, index: int) -> float:
        mel = self._mel(torch.from_numpy(self.recordings.read(index))[None])[0].numpy()
        return prosody.reference(prosody.loudness(mel), self._frequency[index] > 0)

    def ranges(self) -> dict[str, Range]:
        """Speaker → range of pitch."""
        found: dict[str, Range] = {}
        for number, name in enumerate(self.speakers):
            lines = [self._frequency[index] for index in np.flatnonzero(self.speaker == number)]
            known = prosody.pitch_range(np.concatenate(lines)) if lines else None
            if known is None:
                raise InputError(f"the speaker {name!r} has no voiced frame, so there is no pitch to convert to")
            found[name] = Range(round(known.mean, 4), round(max(known.deviation, 0.01), 4))
        return found

    def batch(
        self, crops: Sequence[tuple[int, int, int]], step: int = 0, device: torch.device | str = "cpu"
    ) -> ConversionBatch:
        """Crops (recording, first frame, frames), all with the same number of frames."""
        hop, count = self.spec.hop, crops[0][2]
        waves = np.zeros((len(crops), (count + 2 * EDGE) * hop), np.float32)
        lines = np.zeros((3, len(crops), count), np.float32)
        for row, (index, first, _) in enumerate(crops):
            # silence beyond both ends, instead of what reflecting would put there
            start, stop = (first - EDGE) * hop, min((first + count + EDGE) * hop, int(self.recordings.lengths[index]))
            sound = self.recordings.read(index, max(start, 0), stop - max(start, 0))
            begin = max(-start, 0)
            waves[row, begin : begin + len(sound)] = sound * np.exp(LOUDNESS - self._loud[index])
            frequency = self._frequency[index]
            lines[0, row] = prosody.continuous(frequency)[first : first + count]
            lines[1, row] = frequency[first : first + count] > 0
        mel = self._mel(torch.from_numpy(waves))[..., EDGE : EDGE + count]
        for row in range(len(crops)):
            lines[2, row] = prosody.energy(prosody.loudness(mel[row].numpy()), LOUDNESS)
        pitch, voiced, energy = torch.from_numpy(lines).to(device)
        numbers = [index for index, _, _ in crops]
        return ConversionBatch(
            [self.rows[index].id for index in numbers],
            len(crops) * count / self.spec.frame_rate,
            step,
            mel.to(device),
            pitch,
            voiced,
            energy,
            torch.from_numpy(self.speaker[numbers]).to(device),
        )

    def whole(self, index: int, multiple: int, device: torch.device | str = "cpu") -> ConversionBatch:
        """A whole recording, but for what is left over of a multiple of frames."""
        frames = int(self.frames[index])
        return self.batch([(index, 0, frames - frames % multiple)], device=device)


def speaker_names(rows: Sequence[Recording]) -> list[str]:
    """Who speaks in each recording.

    Raises
    ------
    InputError
        If that is not known of one.
    """
    for row in rows:
        if not row.speaker:
            raise InputError(f"recording {row.id!r} has no speaker; prepare each speaker's folder with --speaker NAME")
    return [str(row.speaker) for row in rows]


def tracked(recordings: Recordings, spec: MelSpec, folder: Path) -> dict[str, Tensor]:
    """F0 of every recording, as kept in `pitch.safetensors` of a folder; what it lacks is tracked and added.

    Returns
    -------
    dict
        Id → (T,) Hz, 0 where unvoiced.
    """
    path = folder / PITCH
    known: dict[str, Tensor] = {}
    if path.is_file():
        known, facts = load_tensors(path)
        if facts.get("fingerprint") != spec.fingerprint:
            known = {}
    frames = [spec.frames(int(length)) for length in recordings.lengths]
    missing = [i for i, id in enumerate(recordings.ids) if id not in known or len(known[id]) != frames[i]]
    for index in missing:
        frequency, _ = fundamental_frequency(recordings.read(index), spec.sample_rate, spec.hop, frames[index])
        known[recordings.ids[index]] = torch.from_numpy(frequency.astype(np.float32))
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        save_tensors(path, known, {"fingerprint": spec.fingerprint})
    return known


class BalancedCrops:
    """Endless batches of random crops in which every speaker has the same share; see `vocoder.engine.phases.Batches`.

    A batch is a pure function of the seed and its number.

    Parameters
    ----------
    corpus : ConversionCorpus
    window : int
        Frames of a crop; shorter recordings are passed over.
    batch_size : int
        Crops a step, on all processes together.
    seed : int
    rank, world : int
        This process gets crops rank, rank + world, … of every batch.

    Raises
    ------
    InputError
        If a speaker has no recording that is long enough, or the processes cannot share a batch equally.
    """

    def __init__(
        self,
        corpus: ConversionCorpus,
        window: int,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
        device: torch.device | str = "cpu",
    ) -> None:
        if batch_size < 1 or batch_size % world:
            raise InputError(f"a batch of {batch_size}, must be a multiple of the {world} processes that share it")
        self.corpus, self.window, self.batch_size, self.seed = corpus, window, batch_size, seed
        self.rank, self.world, self.device, self.position = rank, world, device, 0
        long = corpus.frames >= window
        if short := int((~long).sum()):
            seconds = window / corpus.spec.frame_rate
            warnings.warn(
                f"{short} recordings of {len(long)} are shorter than {seconds:.2g} s, passed over", stacklevel=2
            )
        self._of = [np.flatnonzero(long & (corpus.speaker == number)) for number in range(len(corpus.speakers))]
        for name, numbers in zip(corpus.speakers, self._of, strict=True):
            if not len(numbers):
                raise InputError(f"the speaker {name!r} has no recording of {window} frames; shorten `window`")

    def __iter__(self) -> Iterator[ConversionBatch]:
        return self

    def __next__(self) -> ConversionBatch:
        crops = self.crops(self.position)
        self.position += 1
        return self.corpus.batch(crops[self.rank :: self.world], self.position - 1, self.device)

    def crops(self, number: int) -> list[tuple[int, int, int]]:
        """Recording, first frame and frames of each crop of a batch, of all processes."""
        random = np.random.default_rng([self.seed, number])
        frames, crops = self.corpus.frames, []
        for speaker in np.resize(random.permutation(len(self._of)), self.batch_size):
            mine = self._of[speaker]
            index = int(random.choice(mine, p=frames[mine] / frames[mine].sum()))
            crops.append((index, int(random.integers(frames[index] - self.window + 1)), self.window))
        return crops

    def state_dict(self) -> dict[str, int]:
        """Batches given out, and recordings."""
        return {"position": self.position, "items": len(self.corpus.rows)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken; other recordings are an error."""
        if state["items"] != len(self.corpus.rows):
            raise InputError(
                f"there are {len(self.corpus.rows)} recordings, the run was started with {state['items']}; "
                "go on with the same, or start a new run"
            )
        self.position = state["position"]
