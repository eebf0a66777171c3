"""The episodes of an iteration as arrays: prompt and response behind one another in a row, padded at the right.

A row is causal, so that what lies behind a response changes nothing before it: no mask and no padding id is needed, and
a token with the id of any padding, or of the end of a text, is a token like any other. Where a response stands follows
from `starts` and `lengths` alone.

B episodes   T tokens of a prompt with its response   R tokens of a response
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

AT_ONCE = 8192  # tokens of a forward pass that keeps nothing for a backward


class Sampled(NamedTuple):
    """A response as it was sampled: its ids, the end included, their log-probabilities, and whether it has ended."""

    ids: list[int]
    logprobs: list[float]
    ended: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Episodes:
    """Prompts with their responses."""

    ids: Tensor  # (B, T)
    starts: Tensor  # (B,), where the response begins
    lengths: Tensor  # (B,), of the response, its end included
    ended: Tensor  # (B,)
    sampled: Tensor  # (B, R), the log-probabilities that the sampler told; 0 after the end

    def answers(self) -> list[tuple[list[int], list[int]]]:
        """Each prompt and its response, without padding."""
        rows = zip(self.ids.tolist(), self.starts.tolist(), self.lengths.tolist(), strict=True)
        return [(row[:start], row[start : start + length]) for row, start, length in rows]


def episodes_of(prompts: Sequence[Sequence[int]], responses: Sequence[Sampled], device: str = "cpu") -> Episodes:
    """The arrays of prompts and the responses to them."""
    rows = [[*prompt, *one.ids] for prompt, one in zip(prompts, responses, strict=True)]
    return Episodes(
        ids=padded(rows, 0, torch.int64).to(device),
        starts=torch.tensor([len(prompt) for prompt in prompts], device=device),
        lengths=torch.tensor([len(one.ids) for one in responses], device=device),
        ended=torch.tensor([one.ended for one in responses], device=device),
        sampled=padded([one.logprobs for one in responses], 0.0, torch.float32).to(device),
    )


def padded(rows: Sequence[Sequence[float]], pad: float, dtype: torch.dtype) -> Tensor:  # -> (B, T)
    """Rows of any lengths as one tensor."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows], dtype=dtype)


def in_pieces(totals: Sequence[int], at_once: int = AT_ONCE, most: int = 0) -> Iterator[list[int]]:
    """The places of rows in pieces of similar length, the longest first: at most so many tokens with the padding, and
    at most so many rows, 0 for any number."""
    piece: list[int] = []
    for i in sorted(range(len(totals)), key=lambda i: -totals[i]):
        if piece and ((len(piece) + 1) * totals[piece[0]] > at_once or len(piece) == most):
            yield piece
            piece = []
        piece.append(i)
    yield piece
