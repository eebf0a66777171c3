"""How good a model is on held-out rows: the objective's terms, and bits per byte where text is predicted."""

from collections.abc import Iterable
from math import log

import torch

from foretell.model.network import Network
from foretell.objective.mean import Batch, Mean, Objective
from foretell.train.parallel import ALONE, Spread, dealt


def evaluate(
    model: Network, objective: Objective, batches: Iterable[Batch], spread: Spread = ALONE
) -> dict[str, float]:
    """The mean of each term over all rows, the weighted `loss`, and `bits_per_byte` of a language model.

    Every process is given all batches and computes its share of them.

    bits per byte = nats / (bytes ln 2): comparable between tokenizers, which a loss per token is not.
    """
    training = model.training
    model.eval()
    sums: dict[str, Mean] = {}
    n_bytes = 0.0
    with torch.no_grad():
        for batch, counts in dealt(batches, spread.data):
            for name, term in objective.terms(model, batch).items():
                before = sums.get(name)
                total, n = term.total.double() * counts, term.n * counts
                sums[name] = Mean(total, n) if before is None else Mean(before.total + total, before.n + n)
            n_bytes += float(batch["n_bytes"].sum()) * counts if "n_bytes" in batch else 0.0
    model.train(training)
    sums = {name: Mean(spread.sum(mean.total), spread.sum(mean.n)) for name, mean in sums.items()}
    n_bytes = spread.sum(torch.tensor(n_bytes, dtype=torch.float64)).item()
    found = {name: mean.value.item() for name, mean in sums.items()}
    found["loss"] = sum(weight * found[name] for name, weight in objective.weights.items())
    if n_bytes and "lm" in sums:
        found["bits_per_byte"] = sums["lm"].total.item() / (n_bytes * log(2))
    return found
