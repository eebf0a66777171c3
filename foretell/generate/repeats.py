"""Logits with less of what a row has said before: two of the measures against texts that go round in circles.

    repetition penalty   z / r where z > 0, else z r, of every token that the row holds (Keskar et al. 2019, sec. 4.1)
    no-repeat n-gram     -inf for every token that would complete a run that the row holds (Paulus et al. 2017, 2.5)

In this order, as in transformers, and before temperature, top-k and top-p. Both count the prompt; a seq2seq's source is
no prompt.

B batch   V n_vocab
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from foretell.generate.config import Sampling

NEVER = float("-inf")


def against_repeats(logits: Tensor, said: Sequence[Sequence[int]], how: Sampling) -> Tensor:  # (B, V) -> (B, V)
    """The logits after both measures, as far as they are asked for; `said` are each row's tokens so far."""
    if how.repetition_penalty != 1:
        logits = penalised(logits, said, how.repetition_penalty)
    return without_repeats(logits, said, how.no_repeat_ngram) if how.no_repeat_ngram else logits


def penalised(logits: Tensor, said: Sequence[Sequence[int]], penalty: float) -> Tensor:  # (B, V) -> (B, V)
    """The logits with those of each row's tokens made less likely, however often it holds them."""
    logits = logits.clone()
    for row, ids in zip(logits, said, strict=True):
        tokens = torch.tensor(sorted(set(ids)), dtype=torch.long, device=logits.device)
        values = row[tokens]
        row[tokens] = torch.where(values < 0, values * penalty, values / penalty)
    return logits


def without_repeats(logits: Tensor, said: Sequence[Sequence[int]], n: int) -> Tensor:  # (B, V) -> (B, V)
    """The logits with -inf for what would complete a run of n that a row holds; a row left with nothing stays."""
    banned = torch.zeros_like(logits, dtype=torch.bool)
    for row, ids in zip(banned, said, strict=True):
        row[list(completing(ids, n))] = True
    banned &= ~(banned | logits.isneginf()).all(-1, keepdim=True)
    return logits.masked_fill(banned, NEVER)


def completing(ids: Sequence[int], n: int) -> set[int]:
    """The tokens that followed each earlier occurrence of the last n - 1."""
    last = list(ids[len(ids) - n + 1 :])
    starts = range(len(ids) - n + 1) if len(ids) >= n else ()
    return {ids[i + n - 1] for i in starts if list(ids[i : i + n - 1]) == last}
