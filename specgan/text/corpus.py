"""Recordings with their transcripts as batches of whole utterances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from specgan.text.phonemes import phonemise
from specgan.text.sentences import prepare_text
from specgan.text.symbols import Symbols, Token, tokenise
from vocoder.errors import InputError
from vocoder.signal.dataset import Recordings
from vocoder.signal.manifest import Recording
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import MelSpec


def tokens_of(row: Recording) -> list[Token]:
    """Tokens of a recording's transcript.

    Raises
    ------
    InputError
        If it has no text or no language, or nothing of the text can be spoken; it names the recording.
    """
    if not row.text:
        raise InputError(f"recording {row.id!r} has no text; speech synthesis needs transcripts")
    if not row.language:
        raise InputError(f"recording {row.id!r} has no language; prepare the corpus with --language")
    try:
        phonemes = " ".join(phonemise(text, row.language) for text in prepare_text(row.text, row.language))
        return tokenise(phonemes)
    except InputError as error:
        raise InputError(f"recording {row.id!r}: {error}") from error


@dataclass
class SpeechBatch:
    """Whole utterances, padded to the longest.

    Parameters
    ----------
    ids : list of str
    seconds : float
        Of sound, padding not counted.
    wave : (B, T·hop) float tensor in [−1, 1]
    mel : (B, M, T) float tensor
        Log-mel; the padding is the mel of silence.
    mask : (B, 1, T) bool tensor
        True on frames that have sound.
    phones, stress : (B, L) int64 tensors
        0 behind the end.
    spoken : (B, 1, L) bool tensor
        True on tokens.
    speaker, language : (B,) int64 tensors
    """

    ids: list[str]
    seconds: float
    wave: Tensor
    mel: Tensor
    mask: Tensor
    phones: Tensor
    stress: Tensor
    spoken: Tensor
    speaker: Tensor
    language: Tensor
    index: list[int]


class Corpus:
    """Transcribed recordings; batches of them on a device.

    Parameters
    ----------
    rows : sequence of Recording
        With text and language.
    spec : MelSpec
    symbols : Symbols, optional
        The inventory of a trained model; that of these transcripts if None. Phones that it lacks are passed over.
    speakers, languages : sequence of str, optional
        Those of a trained model; those of the rows if None.
    memory_limit : float
        See `Recordings`.

    Attributes
    ----------
    tokens : list of list of Token
        Of each recording, without those that are passed over.
    written : list of list of Token
        All that its transcript has.
    frames : (R,) int array
        Frames of each recording.

    Raises
    ------
    InputError
        If a transcript cannot be spoken, or a speaker or a language is not in the model.
    """

    def __init__(
        self,
        rows: Sequence[Recording],
        spec: MelSpec,
        symbols: Symbols | None = None,
        speakers: Sequence[str] | None = None,
        languages: Sequence[str] | None = None,
        memory_limit: float = 4e9,
    ) -> None:
        self.recordings = Recordings(rows, spec.sample_rate, memory_limit=memory_limit)
        self.rows, self.spec = self.recordings.rows, spec
        self.written = [tokens_of(row) for row in self.rows]
        self.symbols = symbols or Symbols.of(self.written)
        self.speakers = list(speakers) if speakers else sorted({row.speaker or "speaker" for row in self.rows})
        self.languages = list(languages) if languages else sorted({row.language or "" for row in self.rows})
        self.frames = np.array([spec.frames(int(length)) for length in self.recordings.lengths])
        self.tokens = [self.symbols.known(tokens) for tokens in self.written]
        self._ids = [self._numbers(row, tokens) for row, tokens in zip(self.rows, self.tokens, strict=True)]
        self._mel = LogMel(spec)

    def _numbers(self, row: Recording, tokens: list[Token]) -> tuple[list[int], list[int], int, int]:
        phones, stress, _ = self.symbols.ids(tokens)
        speaker, language = row.speaker or "speaker", row.language or ""
        for kind, name, known in (("speaker", speaker, self.speakers), ("language", language, self.languages)):
            if name not in known:
                raise InputError(f"recording {row.id!r}: no {kind} {name!r} in the model; it has {', '.join(known)}")
        return phones, stress, self.speakers.index(speaker), self.languages.index(language)

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, indices: Sequence[int], device: torch.device | str = "cpu") -> SpeechBatch:
        """The recordings of these numbers."""
        frames = torch.as_tensor(self.frames[list(indices)])
        longest = int(frames.max())
        wave = torch.zeros(len(indices), longest * self.spec.hop)
        for target, index in zip(wave, indices, strict=True):
            sound = self.recordings.read(index)
            target[: len(sound)] = torch.from_numpy(sound)
        mask = torch.arange(longest) < frames[:, None]
        numbers = [self._ids[index] for index in indices]
        wave = wave.to(device)
        return SpeechBatch(
            [self.rows[index].id for index in indices],
            sum(int(self.recordings.lengths[index]) for index in indices) / self.spec.sample_rate,
            wave,
            self._mel.to(wave.device)(wave),
            mask[:, None].to(device),
            padded([n[0] for n in numbers]).to(device),
            padded([n[1] for n in numbers]).to(device),
            (padded([[1] * len(n[0]) for n in numbers]) > 0)[:, None].to(device),
            torch.tensor([n[2] for n in numbers], device=device),
            torch.tensor([n[3] for n in numbers], device=device),
            list(indices),
        )


def padded(rows: Sequence[Sequence[Any]], dtype: torch.dtype = torch.int64) -> Tensor:
    """Rows of different lengths → (B, longest), 0 behind the end."""
    longest = max(len(row) for row in rows)
    return torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows], dtype=dtype)


class UtteranceSampler:
    """Endless batches of whole utterances of similar length; where it stands is two numbers.

    In an epoch every utterance appears once, but for a random few that would make an incomplete batch: they are
    shuffled, sorted by length within pools of sixteen batches so that little is padded, and the batches are shuffled.
    An epoch is a pure function of the seed and its number.

    Parameters
    ----------
    lengths : (R,) ints
        Frames of each utterance.
    batch_size : int
        Utterances a step, on all processes together.
    seed : int
    rank, world : int
        This process gets utterances rank, rank + world, … of every batch.

    Raises
    ------
    InputError
        If there are fewer utterances than a batch has, or the processes cannot share it equally.
    """

    POOL = 16

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int, rank: int = 0, world: int = 1) -> None:
        self.lengths, self.batch_size, self.seed = np.asarray(lengths), batch_size, seed
        self.rank, self.world = rank, world
        if not 1 <= batch_size <= len(self.lengths):
            raise InputError(f"a batch of {batch_size} utterances, must be from 1 to the {len(self.lengths)} there are")
        if batch_size % world:
            raise InputError(f"a batch of {batch_size} cannot be shared by {world} processes, must be a multiple of it")
        self.epoch = self.position = 0
        self._drawn: tuple[int, list[np.ndarray]] | None = None

    def __next__(self) -> list[int]:
        batches = self._epoch(self.epoch)
        batch = batches[self.position]
        self.position += 1
        if self.position == len(batches):
            self.epoch, self.position = self.epoch + 1, 0
        return [int(index) for index in batch[self.rank :: self.world]]

    def _epoch(self, epoch: int) -> list[np.ndarray]:
        if self._drawn is None or self._drawn[0] != epoch:
            random = np.random.default_rng([self.seed, epoch])
            whole = len(self.lengths) // self.batch_size
            # before they are sorted, or the longest would always be those left over
            order = random.permutation(len(self.lengths))[: whole * self.batch_size]
            pool = self.POOL * self.batch_size
            pools = [order[first : first + pool] for first in range(0, len(order), pool)]
            order = np.concatenate([part[np.argsort(self.lengths[part], kind="stable")] for part in pools])
            batches = np.split(order, whole)
            self._drawn = epoch, [batches[index] for index in random.permutation(whole)]
        return self._drawn[1]

    def state_dict(self) -> dict[str, int]:
        """Where the sampler stands: epoch, batches already given out in it, utterances."""
        return {"epoch": self.epoch, "position": self.position, "items": len(self.lengths)}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on where `state_dict` was taken; other recordings are an error."""
        if state["items"] != len(self.lengths):
            raise InputError(
                f"there are {len(self.lengths)} recordings, the run was started with {state['items']}; "
                "go on with the same, or start a new run"
            )
        self.epoch, self.position = state["epoch"], state["position"]


class Utterances:
    """Endless batches of a corpus; see `vocoder.engine.phases.Batches`."""

    def __init__(self, corpus: Any, sampler: UtteranceSampler, device: torch.device | str = "cpu") -> None:
        self.corpus, self.sampler, self.device = corpus, sampler, device
        self.state_dict, self.load_state_dict = sampler.state_dict, sampler.load_state_dict

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self.corpus.batch(next(self.sampler), self.device)
