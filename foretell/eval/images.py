"""Questions about images: is what a model answers read off the picture?

    seeing      the picture as it is
    shuffled    another question's picture of the same kind: must fall to what can be known without one
    blind       the question alone, of the same model
    majority    the commonest answer of the training side
    guess       the commonest answer of the training side to the very question: the best that any blind model can learn

A model sees if it is right more often than every one of the others. The difference is taken question by question, so
that its standard error is that of paired answers.

N questions
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np

from foretell.corpus.batches import spread
from foretell.corpus.pictures import Pictures, Row
from foretell.errors import BadUse
from foretell.eval.measured import share
from foretell.generate.images import answers, sight
from foretell.generate.model import Model
from foretell.progress import bar
from foretell.text.specials import IMAGE_MARK, IMAGE_PLACE

AT_ONCE = 64  # questions
NEW = 12  # tokens of an answer
CONTROLS = ("shuffled", "blind", "trained_blind", "majority", "guess")
ALL = "all"

Right = dict[str, np.ndarray]  # of each way to answer, whether each question is right: (N,)


def images_suite(
    model: Model, pictures: Pictures, *, limit: int = 0, seed: int = 0, blind: Model | None = None, quiet: bool = False
) -> dict[str, Any]:
    """Rows by kind of question and for all, and the answers: accuracies with Wilson's interval beside every control.

    `blind` is a model that was trained without pictures. BadUse where the model does not see the prepared size, or no
    question is held out.
    """
    if sight(model).image_size != pictures.card["image_size"]:
        rule = f"the model sees {sight(model).image_size}"
        raise BadUse(f"the images are prepared with {pictures.card['image_size']} pixels, {rule}; prepare them anew")
    train, held_out = ([row for row in pictures.rows if row["split"] == side] for side in ("train", "valid"))
    held_out = [row for row in held_out if row["images"]]
    held_out = [held_out[i] for i in spread(len(held_out), limit)]
    if not held_out:
        raise BadUse("no question about an image is held out; give some rows split=valid")
    said = asked(model, pictures, held_out, seed, blind, quiet=quiet)
    said |= guesses(train, held_out)
    right = {
        name: np.array([one == row["completion"] for one, row in zip(some, held_out, strict=True)])
        for name, some in said.items()
    }
    kinds = list(dict.fromkeys(row["kind"] for row in held_out))
    rows = [
        summary(kind, {name: some[places(held_out, kind)] for name, some in right.items()}) for kind in kinds if kind
    ]
    rows.append(summary(ALL, right))
    records = [
        {"kind": row["kind"], "prompt": row["prompt"].replace(IMAGE_MARK, IMAGE_PLACE), "completion": row["completion"],
         "images": row["images"], **{name: some[i] for name, some in said.items()}}
        for i, row in enumerate(held_out)
    ]  # fmt: skip
    return {"rows": rows, "answers": records}


def asked(
    model: Model, pictures: Pictures, rows: Sequence[Row], seed: int, blind: Model | None, *, quiet: bool
) -> dict[str, list[str]]:
    """The answers with the pictures, with others, and without any."""
    swapped = shuffled(rows, seed)
    with bar("questions about images", len(rows) * (3 + (blind is not None)), quiet=quiet) as shown:

        def answered(who: Model, images: Sequence[Sequence[int]]) -> list[str]:
            found = []
            for start in range(0, len(rows), AT_ONCE):
                some = list(zip(rows, images, strict=True))[start : start + AT_ONCE]
                pairs = [(question(row, numbers), [pictures.pixels[i] for i in numbers]) for row, numbers in some]
                found += [one.text.strip() for one in answers(who, pairs, max_new_tokens=NEW)]
                shown.advance(len(some))
            return found

        nothing: list[list[int]] = [[] for _ in rows]
        found = {
            "seeing": answered(model, [row["images"] for row in rows]),
            "shuffled": answered(model, swapped),
            "blind": answered(model, nothing),
        }
        return found if blind is None else found | {"trained_blind": answered(blind, nothing)}


def question(row: Row, numbers: Sequence[int]) -> str:
    """A prompt with the places of its images, or without where none is shown."""
    return str(row["prompt"]).replace(IMAGE_MARK, IMAGE_PLACE if numbers else "")


def shuffled(rows: Sequence[Row], seed: int) -> list[list[int]]:
    """For each question the images of another one of its kind with as many, never its own where there is another."""
    groups: dict[tuple[str, int], list[int]] = {}
    for i, row in enumerate(rows):
        groups.setdefault((row["kind"], len(row["images"])), []).append(i)
    found: list[list[int]] = [list(row["images"]) for row in rows]
    draw = np.random.default_rng(seed)
    for group in groups.values():
        order = draw.permutation(group)
        for one, other in zip(order, np.roll(order, 1), strict=True):  # a single cycle: nobody keeps its own
            found[one] = list(rows[other]["images"])
    return found


def guesses(train: Sequence[Row], held_out: Sequence[Row]) -> dict[str, list[str]]:
    """What is answered without a model: the commonest answer, and the commonest to the very question."""
    commonest = most(row["completion"] for row in train) if train else ""
    by_prompt: dict[str, list[str]] = {}
    for row in train:
        by_prompt.setdefault(row["prompt"], []).append(row["completion"])
    best = {prompt: most(some) for prompt, some in by_prompt.items()}
    return {
        "majority": [commonest] * len(held_out),
        "guess": [best.get(row["prompt"], commonest) for row in held_out],
    }


def most(answers: Any) -> str:
    """The commonest of some answers, the first in order among equals."""
    counted = Counter(answers)
    return str(min(counted, key=lambda one: (-counted[one], one)))


def places(rows: Sequence[Row], kind: str) -> np.ndarray:
    """Which rows are of a kind."""
    return np.array([row["kind"] == kind for row in rows])


def summary(kind: str, right: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """A row of the table: every accuracy, and how far seeing is from the best of the controls."""
    n = len(right["seeing"])
    found: dict[str, Any] = {name: share(float(some.sum()), n) for name, some in right.items()}
    best = max((name for name in CONTROLS if name in right), key=lambda name: float(right[name].mean()))
    return {"kind": kind, "n": n, **found, "best_control": best, "clear": clear(right["seeing"], right[best])}


def clear(one: np.ndarray, other: np.ndarray) -> dict[str, float]:  # (N,), (N,)
    """The mean difference of paired answers, its standard error, and the one over the other (0 where both are 0)."""
    apart = one.astype(float) - other.astype(float)
    n = len(apart)
    se = float(apart.std(ddof=1)) / sqrt(n) if n > 1 else 0.0
    value = float(apart.mean())
    return {"value": value, "se": se, "errors": value / se if se else 0.0, "n": n}
