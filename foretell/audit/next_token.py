"""Calibration of the next token on a held-out text: a model that knows no answers still says how sure it is of a word.

Confidence is the probability of the likeliest token, right is whether it comes. The text is read in windows as long as
the context; they are what is drawn again, because neighbouring tokens are not independent. Ours: the papers measure
answers to questions, where a small model guesses.

W windows   T tokens of a window
"""

from typing import Any

import numpy as np
import torch

from foretell import progress
from foretell.audit.again import ROUNDS, around
from foretell.audit.reliability import Array, Kind, gaps, rows_of
from foretell.errors import BadUse
from foretell.eval.measured import Measured
from foretell.generate.model import Model

AT_ONCE = 8  # windows


def confidences(model: Model, text: str, limit: int = 0, *, quiet: bool = True) -> tuple[Array, Array]:
    """How sure the model was of each token of each window, and whether it was right: (W, T) each.

    The rest of the text that fills no window is left out. BadUse if there are not two windows.
    """
    length = model.network.cfg.n_ctx
    ids = torch.tensor(model.tokenizer.encode(text))
    n = (len(ids) - 1) // length
    if n < 2:
        raise BadUse(f"the text has {len(ids)} tokens and must fill two contexts of {length}; give a longer one")
    n = min(n, limit) if limit else n
    device = model.network.embed.token.weight.device
    told, right = [], []
    with progress.bar("windows of the text", n, quiet=quiet) as shown:
        for start in range(0, n, AT_ONCE):
            some = range(start, min(start + AT_ONCE, n))
            read = torch.stack([ids[i * length : (i + 1) * length] for i in some]).to(device)
            comes = torch.stack([ids[i * length + 1 : (i + 1) * length + 1] for i in some]).to(device)
            best = torch.softmax(model.logits(read).float(), -1).max(-1)
            told.append(best.values.cpu().numpy())
            right.append((best.indices == comes).cpu().numpy())
            shown.advance(len(some))
    return np.concatenate(told).astype(float), np.concatenate(right)


def next_token(told: Array, right: Array, seed: int = 0) -> tuple[dict[str, Measured], list[dict[str, Any]]]:
    """Accuracy, confidence and ECE over all tokens, with windows drawn again, and the reliability diagram."""
    draw = np.random.default_rng(seed)
    places = [draw.integers(0, len(told), len(told)) for _ in range(ROUNDS)]

    def measured(measure: Any) -> Measured:
        drawn = [float(measure(told[p].ravel(), right[p].ravel())) for p in places]
        return around(float(measure(told.ravel(), right.ravel())), drawn, told.size, 0.0, 1.0)

    figures = {
        "next token, accuracy": measured(lambda told, right: right.mean()),
        "next token, confidence": measured(lambda told, right: told.mean()),
        "next token, ECE, equal width": measured(lambda told, right: error(told, right, "equal width")),
        "next token, ECE, equal mass": measured(lambda told, right: error(told, right, "equal mass")),
    }
    return figures, rows_of(told.ravel(), right.ravel())


def error(told: Array, right: Array, kind: Kind) -> float:
    """The ECE of confidences."""
    apart, weight = gaps(told, right, kind)
    return float((apart * weight).sum())
