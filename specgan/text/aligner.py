"""Which frames belong to which phoneme, learned from recordings and transcripts alone.

A network says for every frame how probable each phone of the inventory is. At first the likelihood of the transcript
is raised, summed over all monotonic paths through its tokens (Badlani 2021, arXiv:2108.10447, eq. 3: the forward sum of
CTC) under a prior that tokens are spread evenly over the time that is spoken. Then every frame learns the phone that
the best path gives it, as hidden Markov models are trained by Viterbi's algorithm (Jelinek 1976): boundaries become
sharp where a sum over paths leaves them vague.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from specgan.text.symbols import PAUSES, Symbols
from vocoder.errors import InputError
from vocoder.generators import Block
from vocoder.precision import in_float32

MEL_MEAN, MEL_STD = -5.5, 2.3
"""Of the log-mel of speech at about −23 dBFS: brings what networks see near zero mean and unit variance."""

IMPOSSIBLE = -1e4
LOUD = 4.0
"""A pause at a frame that is not quiet counts e^−4 of what the network says: between two words that touch there is
none, but its token would take their transition, which sounds the same in all places where words touch."""
QUIET = 0.3
"""Up to this share of the range between the quietest and the loudest frames of an utterance a frame is quiet."""


class Aligner(nn.Module):
    """Log-mel → how likely each phone is at each frame, from few frames around it, or boundaries would blur.

    It needs no text: its posteriors tell what is said, and little of who says it.

    Parameters
    ----------
    bands : int
    symbols : Symbols
    width : int
        Channels.
    """

    pauses: Tensor  # (phones,) bool, which phones are pauses

    def __init__(self, bands: int, symbols: Symbols, width: int = 192) -> None:
        super().__init__()
        self.embed = nn.Conv1d(bands, width, 5, padding=2)
        self.blocks = nn.Sequential(*(Block(width, kernel=5, scale=0.3) for _ in range(3)))
        self.norm = nn.LayerNorm(width)
        self.recognise = nn.Linear(width, len(symbols.phones))
        pauses = [bool(phone) and phone in PAUSES for phone in symbols.phones]
        self.register_buffer("pauses", torch.tensor(pauses), persistent=False)

    def forward(self, mel: Tensor) -> Tensor:
        """Log-mel (B, M, T) → logits (B, T, phones)."""
        frames = self.norm(self.blocks(self.embed((mel - MEL_MEAN) / MEL_STD)).transpose(1, 2))
        return self.recognise(frames).float()

    def scores(self, logits: Tensor, mel: Tensor, mask: Tensor, phones: Tensor, spoken: Tensor) -> Tensor:
        """Scores (B, T, L) of each token at each frame: the log-probability of its phone among all of the inventory.

        Among the tokens of the transcript alone, as Badlani has it, phones need not become unlike those of other
        sentences: in recordings of ten seconds and a hundred tokens nothing was learned.

        Parameters
        ----------
        logits : (B, T, phones) tensor
            Of `forward`.
        mel : (B, M, T) tensor
        mask : (B, 1, T) bool tensor
            True on frames that have sound.
        phones : (B, L) int64 tensor
        spoken : (B, 1, L) bool tensor
            True on tokens, false behind the end.
        """
        posteriors = F.log_softmax(logits, dim=2)
        scores = posteriors.gather(2, phones[:, None].expand(-1, logits.shape[1], -1))
        loud = ~quiet(mel, mask)
        scores = scores - LOUD * (loud[:, :, None] & self.pauses[phones][:, None])
        return scores.masked_fill(~spoken, IMPOSSIBLE)


def quiet(mel: Tensor, mask: Tensor) -> Tensor:
    """Which frames (B, T) of a log-mel (B, M, T) are quiet beside the others of their utterance."""
    level = mel.mean(1).masked_fill(~mask[:, 0], float("nan"))
    low, high = (level.nanquantile(share, dim=1, keepdim=True) for share in (0.02, 0.95))
    return level < low + QUIET * (high - low)


SILENT = 0.1
"""What a quiet frame, and a pause among the tokens, counts beside others when spoken time is measured."""
BREADTH = 1.5
"""How unsteadily people speak: of the standard deviation below. Half and twice as much align as well."""


def even_prior(mel: Tensor, mask: Tensor, phones: Tensor, spoken: Tensor, pauses: Tensor) -> Tensor:
    """Log of a prior that tokens follow each other evenly in the time that is spoken, up to a constant a frame.

    A frame stands at the share c of what is spoken of the recording, a token at the share d of the transcript's phones;
    ln p = −½ ((c − d)·T / s)², s = 3 + BREADTH·√(c (1 − c) T) frames: the deviation of a random walk that begins and
    ends on the diagonal, as a beta-binomial has it (Shih 2021, RAD-TTS, section 3). Without regard to pauses the
    diagonal of a long recording misses by many phones.

    Parameters
    ----------
    mel : (B, M, T) tensor
        Log-mel.
    mask : (B, 1, T) bool tensor
        True on frames that have sound.
    phones : (B, L) int64 tensor
    spoken : (B, 1, L) bool tensor
        True on tokens.
    pauses : (phones,) bool tensor
        Which phones are pauses.

    Returns
    -------
    Tensor
        (B, T, L); −1e4 behind the last token.
    """
    share = _middles(torch.where(quiet(mel, mask), SILENT, 1.0) * mask[:, 0])[:, :, None]
    place = _middles(torch.where(pauses[phones], SILENT, 1.0) * spoken[:, 0])[:, None]
    frames = mask.sum(2)[:, :, None]
    deviation = 3 + BREADTH * (share * (1 - share) * frames).clamp_min(0).sqrt()
    return (-0.5 * ((share - place) * frames / deviation) ** 2).masked_fill(~spoken, IMPOSSIBLE)


def _middles(weights: Tensor) -> Tensor:
    """Where the middle of each of the weights (B, N) lies in their sum, 0 to 1."""
    return (weights.cumsum(1) - weights / 2) / weights.sum(1, keepdim=True)


@in_float32
def forward_sum(scores: Tensor, frames: Tensor, tokens: Tensor, least: Tensor | None = None) -> Tensor:
    """−log of the sum over all monotonic paths, per frame (Badlani 2021, eq. 3; CTC of Graves 2006).

    Parameters
    ----------
    scores : (B, T, L) tensor
        Log-probability of each token at each frame; they need not sum to one.
    frames, tokens : (B,) int tensors
        Lengths.
    least : (B, L) int64 tensor, optional
        Least number of frames of each token, 0 behind the end; 1 if None. A token of n has n states in a row, each of
        a frame or more, so that a path counts once for every way to part its durations among them.
    """
    if least is not None:
        states = least.sum(1)
        index = torch.zeros(len(least), int(states.max()), dtype=torch.int64, device=least.device)
        for row, counts in enumerate(least):
            index[row, : states[row]] = torch.arange(len(counts), device=least.device).repeat_interleave(counts)
        scores, tokens = scores.gather(2, index[:, None].expand(-1, scores.shape[1], -1)), states
    # The blank of CTC is all but forbidden: where it may take frames (e^−1 in the paper's own code), tokens keep only
    # the few frames that show them best, and nobody learns where they begin and end.
    padded = F.pad(scores, (1, 0), value=IMPOSSIBLE)
    targets = torch.arange(1, scores.shape[2] + 1, device=tokens.device).expand(len(tokens), -1)
    loss = F.ctc_loss(padded.transpose(0, 1), targets, frames, tokens, reduction="none", zero_infinity=True)
    return (loss / frames).mean()


def shortest(phones: Tensor, frames: Tensor, pauses: Tensor) -> Tensor:
    """Least number of frames of each token: two of a phone, so that no neighbour swallows it, one of a pause.

    Parameters
    ----------
    phones : (B, L) int64 tensor
        0 behind the end.
    frames : (B,) int tensor
        Of the recordings; one that is too short for that is given one a token.
    pauses : (phones,) bool tensor
        Which phones are pauses.

    Returns
    -------
    (B, L) int64 tensor
        0 behind the end.
    """
    one = (phones > 0).long()
    least = one + (one.bool() & ~pauses[phones]).long()
    return torch.where((least.sum(1) > frames)[:, None], one, least)


def best_path(scores: np.ndarray, least: np.ndarray | None = None) -> np.ndarray:
    """Durations of the tokens on the best monotonic path (Kim 2020, arXiv:2005.11129, eq. 4).

    Parameters
    ----------
    scores : (T, L) array
        Log-probability of each token at each frame; −inf where it is not allowed.
    least : (L,) int array, optional
        Least number of frames of each token; 1 if None.

    Returns
    -------
    (L,) int64 array
        Frames of each token; they sum to T.

    Raises
    ------
    InputError
        If there are fewer frames than tokens, or no path is allowed.
    """
    if least is not None:
        durations = best_path(np.repeat(scores, least, axis=1))
        return np.add.reduceat(durations, np.cumsum(least) - least)
    frames, tokens = scores.shape
    if frames < tokens:
        raise InputError(
            f"{frames} frames are too few for {tokens} phonemes; the transcript does not fit the recording"
        )
    best = np.full(tokens, -np.inf)
    best[0] = scores[0, 0]
    moved = np.zeros((frames, tokens), dtype=bool)  # whether the best path into (t, l) comes from token l − 1
    for t in range(1, frames):
        from_left = np.concatenate([[-np.inf], best[:-1]])
        moved[t] = from_left > best
        best = np.maximum(from_left, best) + scores[t]
    if not np.isfinite(best[-1]):
        raise InputError("no alignment is possible within the given limits; the transcript does not fit the recording")
    durations = np.zeros(tokens, dtype=np.int64)
    token = tokens - 1
    for t in range(frames - 1, -1, -1):
        durations[token] += 1
        token -= int(moved[t, token])
    return durations


UNSURE = -100
"""Label of frames that teach nothing: padding, and the one frame that a pause gets where there is none."""


def path_labels(scores: Tensor, frames: Tensor, phones: Tensor, pauses: Tensor) -> Tensor:
    """The phone of every frame on the best path.

    Parameters
    ----------
    scores : (B, T, L) tensor
    frames : (B,) int tensor
        Lengths.
    phones : (B, L) int64 tensor
    pauses : (phones,) bool tensor
        Which phones are pauses.

    Returns
    -------
    (B, T) int64 tensor
        Ids, or UNSURE.
    """
    labels = torch.full(scores.shape[:2], UNSURE, dtype=torch.int64)
    numbers = scores.detach().double().cpu().numpy()
    least = shortest(phones, frames, pauses).cpu().numpy()
    for row, t in enumerate(frames.tolist()):
        count = int((least[row] > 0).sum())
        durations = torch.from_numpy(best_path(numbers[row, :t, :count], least[row, :count]))
        ids = phones[row, :count].cpu()
        ids = ids.masked_fill(pauses.cpu()[ids] & (durations == 1), UNSURE)
        labels[row, :t] = ids.repeat_interleave(durations)
    return labels.to(scores.device)
