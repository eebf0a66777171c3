"""The tokens that a model was trained on and those that were held out, and windows of them within one document.

Of a run its own folder of tokens, or `training`: such a folder, or a folder of text, of which a twentieth counts as
held out by the same rule. T tokens
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from foretell.audit.asked import Asked
from foretell.corpus.documents import documentation, text_folder
from foretell.corpus.split import split
from foretell.corpus.tokens import is_token_folder, open_tokens
from foretell.errors import BadUse
from foretell.generate.model import Model
from foretell.runs import read_json

DOCUMENTATION = 400_000  # bytes of this machine's documentation, where nothing else is known


class Sides(NamedTuple):
    """Tokens, documents one after the other with the end token between them."""

    train: np.ndarray
    """(T,)"""
    held_out: np.ndarray
    """(T,)"""
    end: int
    """-1 where the vocabulary has no end token"""


def training_of(model: str | Path) -> Path:
    """The training text of a run folder; BadUse if the model is none, or its text is no longer there."""
    config = Path(model) / "config.json"
    data = read_json(config).get("data") if config.is_file() else None
    if not isinstance(data, Mapping) or not data.get("folder"):
        raise BadUse(f"{model} does not say what it was trained on; give --set training=FOLDER with that text")
    folder = Path(data["folder"])
    if not folder.exists():
        raise BadUse(f"{folder}, which {model} was trained on, is not there; give --set training=FOLDER")
    return folder


def several(value: Any) -> list[str]:
    """A setting that names one thing or a list of them."""
    return [str(value)] if isinstance(value, str | Path) else [str(one) for one in value or []]


def sides_of(asked: Asked, model: Model) -> Sides:
    """The tokens that the model was trained on, and those that were held out.

    BadUse where the text is not there, or was encoded by another tokenizer.
    """
    given = several(asked.option("training", None))
    if len(given) > 1:
        raise BadUse(f"training={given} names several folders; this audit reads one of them")
    folder = Path(given[0]) if given else training_of(asked.model)
    end = model.tokenizer.end_of_text if model.tokenizer.has_end else -1
    if not is_token_folder(folder):
        return encoded(model, split(text_folder(folder)), end)
    tokens = open_tokens(folder)
    if tokens.card.get("tokenizer_sha256") not in (None, model.tokenizer.sha()):
        raise BadUse(
            f"{folder} holds tokens of another tokenizer than {asked.model}; give --set training=FOLDER of text"
        )
    return Sides(tokens.train.tokens, tokens.val.tokens, end)


def encoded(model: Model, sides: Mapping[str, Sequence[Any]], end: int) -> Sides:
    """The tokens of documents on both sides."""
    last = [end] if end >= 0 else []
    rows = {
        name: [
            np.array([*ids.tolist(), *last], np.int64)
            for ids in model.tokenizer.encode_batch([one.text for one in some])
        ]
        for name, some in sides.items()
    }
    train, held_out = (np.concatenate([np.zeros(0, np.int64), *rows.get(name, [])]) for name in ("train", "val"))
    return Sides(train, held_out, end)


def held_out_of(asked: Asked, model: Model) -> np.ndarray:  # (T,)
    """Text that the model was not trained on: of its run, of `text`, else this machine's documentation."""
    given = several(asked.option("text", None))
    end = model.tokenizer.end_of_text if model.tokenizer.has_end else -1
    if given:
        found = [one for folder in given for one in text_folder(Path(folder))]
        return encoded(model, {"val": found}, end).held_out
    try:
        return sides_of(asked, model).held_out
    except BadUse:
        return encoded(model, {"val": documentation(DOCUMENTATION, quiet=True)}, end).held_out


def starts_of(ids: np.ndarray, length: int, end: int) -> np.ndarray:  # (T,) -> (S,)
    """Where windows of so many tokens begin that lie within one document."""
    if len(ids) < length:
        return np.zeros(0, np.int64)
    ends = np.concatenate([[0], np.cumsum(ids == end)])
    return np.flatnonzero(ends[length:] == ends[:-length])


def spaced(starts: np.ndarray, n: int, apart: int, seed: int) -> np.ndarray:  # (S,) -> (n,)
    """At most n of these places at random, each at least `apart` from the others, in order."""
    if not len(starts) or not n:
        return starts[:0]
    draw = np.random.default_rng(seed)
    free = starts[np.append(True, np.diff(starts // apart) > 0)]  # the first of each stretch
    free = free[np.append(True, np.diff(free) >= apart)] if len(free) > 1 else free
    return np.sort(draw.permutation(free)[:n])
