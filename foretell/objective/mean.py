"""A loss is a sum and a count, never a mean: only then do micro-batches and ranks add up to the mean of the batch."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from foretell.corpus.batches import IGNORED
from foretell.model.network import Network

Batch = dict[str, Tensor]


class Mean(NamedTuple):
    """`total / n`, kept apart. n counts whatever the paper averages over: tokens, examples, comparisons."""

    total: Tensor
    n: Tensor

    @property
    def value(self) -> Tensor:
        """The mean, for logs and tests."""
        return self.total / self.n.clamp(min=1)


class Objective(NamedTuple):
    """What a run minimises: the sum over `weights` of weight * total / n, each term with its own count.

    The counts follow from the batch alone, so that they can be added up over micro-batches and ranks before the first
    backward pass: the gradient is then exact however the batch is cut, also where the terms count different things
    (masked tokens and sentence pairs; examples and tokens). Terms without a weight are only reported.
    """

    weights: dict[str, float]
    counts: Callable[[Batch], dict[str, Tensor]]
    terms: Callable[[Network, Batch], dict[str, Mean]]


def predicted(targets: Tensor) -> Tensor:  # (...) -> ()
    """How many targets are to be predicted."""
    return (targets != IGNORED).sum()
