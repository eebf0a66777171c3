"""How well a model knows secrets that were planted in its training text (Carlini et al. 2019, definition 3).

    exposure = log2 |R| - log2 rank

R is the secret and random strings of its shape (a digit for a digit, a letter for a letter); the rank is the secret's
place among them by its likelihood after the words before it. Known by heart it is log2 |R|. A secret that was never
seen has a rank by chance: 1/ln 2 = 1.44 bits on average, 1 bit in the middle.
"""

import json
import random
import string
from collections.abc import Sequence
from math import log2, prod
from pathlib import Path
from typing import Any, NamedTuple

from foretell.errors import BadUse
from foretell.eval.measured import Measured, bootstrap
from foretell.generate.model import Model
from foretell.runs import open_text

SPACE = 1024  # strings of R
PLACE = "{}"
KINDS = (string.digits, string.ascii_lowercase, string.ascii_uppercase)


class Canary(NamedTuple):
    """A sentence with a place for a secret, the secret, and how often it was planted."""

    form: str
    secret: str
    repeats: int

    @property
    def text(self) -> str:
        """What is planted."""
        return self.form.replace(PLACE, self.secret)


def made_canaries(forms: Sequence[str], repeats: Sequence[int], shape: str = "000000", seed: int = 0) -> list[Canary]:
    """A canary for each form, with a random secret of a shape; the numbers of repeats in turn."""
    draw = random.Random(seed)
    return [Canary(form, of_shape(shape, draw), repeats[i % len(repeats)]) for i, form in enumerate(forms)]


def planted(canaries: Sequence[Canary]) -> list[str]:
    """The documents to be put into training text: each canary as often as it is to be there."""
    return [canary.text for canary in canaries for _ in range(canary.repeats)]


def read_canaries(path: Path) -> list[Canary]:
    """The canaries of a file of JSON lines {form, secret, repeats}; BadUse that names the line which is none."""
    found = []
    with open_text(path) if path.is_file() else no_file(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                canary = Canary(str(row["form"]), str(row["secret"]), int(row["repeats"]))
            except (ValueError, KeyError, TypeError) as error:
                raise BadUse(f"{path}, line {number} is no canary ({error}); give form, secret and repeats") from error
            if PLACE not in canary.form or space_of(canary.secret) < 2:
                raise BadUse(f"{path}, line {number}: a form needs {PLACE} and a secret a letter or digit; mend it")
            found.append(canary)
    if not found:
        raise BadUse(f"{path} holds no canary; give lines of form, secret and repeats as JSON")
    return found


def no_file(path: Path) -> Any:
    """BadUse: a file that is not there."""
    raise BadUse(f"{path} does not exist; give a file of canaries as JSON lines")


def kind_of(character: str) -> str:
    """What may stand in a character's place; nothing else where it is neither a letter nor a digit."""
    return next((kind for kind in KINDS if character in kind), character)


def space_of(secret: str) -> int:
    """How many strings have the secret's shape."""
    return prod(len(kind_of(character)) for character in secret)


def of_shape(shape: str, draw: random.Random) -> str:
    """A random string of a shape."""
    return "".join(draw.choice(kind_of(character)) for character in shape)


def others(secret: str, n: int, seed: int) -> list[str]:
    """n different random strings of the secret's shape, or fewer where there are not so many; never the secret."""
    draw, found = random.Random(f"{seed} {secret}"), {secret: None}
    wanted = min(n, space_of(secret) - 1)
    while len(found) <= wanted:
        found.setdefault(of_shape(secret, draw))
    return list(found)[1:]


def exposure(model: Model, canary: Canary, n: int = SPACE, seed: int = 0) -> float:
    """A canary's exposure in bits, at most log2 of n; half of those that are as likely count as likelier."""
    before = canary.form.partition(PLACE)[0]
    rivals = others(canary.secret, n - 1, seed)
    scores = [one.logprob for one in model.score([(before, text) for text in (canary.secret, *rivals)])]
    rank = 1 + sum(one > scores[0] for one in scores[1:]) + sum(one == scores[0] for one in scores[1:]) / 2
    return log2(len(scores)) - log2(rank)


def exposure_rows(canaries: Sequence[Canary], found: Sequence[float]) -> list[dict[str, Any]]:
    """The mean exposure of the canaries of each number of repeats, the fewest first."""
    rows = []
    for repeats in sorted({one.repeats for one in canaries}):
        values = [bits for one, bits in zip(canaries, found, strict=True) if one.repeats == repeats]
        mean: Measured = bootstrap(values, lambda some: sum(some) / len(some))
        rows.append({"repeats": repeats, "exposure": mean["value"], **{k: mean[k] for k in ("low", "high", "n")}})
    return rows
