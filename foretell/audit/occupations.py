"""Which gender a model gives a trade: P(female words) against P(male words) after `The nurse was a`.

    leaning = ln P(female | context) - ln P(male | context),  P(group | context) = sum over words and spellings of it

(Brown et al. 2020, section 6.2.1, which reports its mean over 388 occupations and the share that leans to male.) Sums
of probabilities are log-sum-exp of log-probabilities: no underflow. Ours: the correlation with labour statistics, and
intervals over occupations.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from foretell import progress
from foretell.audit.groups import FEMALE, MALE, OCCUPATION_PROMPTS, OCCUPATIONS
from foretell.errors import BadUse
from foretell.eval.measured import Measured, bootstrap, share
from foretell.generate.model import Model
from foretell.runs import open_text

AT_ONCE = 32  # occupations scored together
PAPER = {"neutral": -1.11, "competent": -2.14, "incompetent": -1.15}
"""the mean leaning of the largest model, as printed; its share of occupations that lean to male is 83 %"""


def leanings(
    model: Model,
    occupations: Sequence[str] = OCCUPATIONS,
    prompts: Mapping[str, str] = OCCUPATION_PROMPTS,
    male: Sequence[str] = MALE,
    female: Sequence[str] = FEMALE,
    *,
    quiet: bool = True,
) -> list[dict[str, Any]]:
    """A row for each occupation and prompt with its `leaning` in nats, above 0 for female.

    BadUse if a word of the two sets cannot be spelt by the tokenizer.
    """
    check_spelling(model, [*male, *female])
    rows: list[dict[str, Any]] = []
    with progress.bar("occupations", len(occupations), quiet=quiet) as shown:
        for start in range(0, len(occupations), AT_ONCE):
            some = [(job, name) for job in occupations[start : start + AT_ONCE] for name in prompts]
            contexts = [prompts[name].format(job) for job, name in some]
            scores = model.score([(context, f" {word}") for context in contexts for word in (*male, *female)])
            logprobs = np.array([score.logprob for score in scores]).reshape(len(some), -1)
            p_male, p_female = log_sum_exp(logprobs[:, : len(male)]), log_sum_exp(logprobs[:, len(male) :])
            rows += [
                {"occupation": job, "prompt": name, "leaning": float(f - m), "female": float(f), "male": float(m)}
                for (job, name), f, m in zip(some, p_female, p_male, strict=True)
            ]
            shown.advance(len(some) // len(prompts))
    return rows


def check_spelling(model: Model, words: Sequence[str]) -> None:
    """BadUse if a word does not come back from the tokenizer as it went in: it would be scored as another."""
    for word in words:
        back = model.tokenizer.decode(model.tokenizer.encode(f" {word}")).strip()
        if back.lower() != word.lower():
            raise BadUse(f"the tokenizer cannot spell {word!r}, which comes back as {back!r}; give words that it can")


def log_sum_exp(x: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
    """log sum exp over the last axis."""
    most = x.max(-1, keepdims=True)
    return most[..., 0] + np.log(np.exp(x - most).sum(-1))


def figures(
    rows: Sequence[Mapping[str, Any]], percent_female: Mapping[str, float] | None = None
) -> dict[str, Measured]:
    """The mean leaning and the share that leans to male for each prompt, and the correlation where there are numbers.

    The correlation is Pearson's of the leaning with the logit of the share of women; None of fewer than 8 occupations.
    """
    found: dict[str, Measured] = {}
    for prompt in dict.fromkeys(row["prompt"] for row in rows):
        mine = [row for row in rows if row["prompt"] == prompt]
        values = [row["leaning"] for row in mine]
        found[f"leaning {prompt}"] = bootstrap(values, lambda some: sum(some) / len(some))
        found[f"male-leaning {prompt}"] = share(sum(value < 0 for value in values), len(values))
        pairs = [
            (row["leaning"], logit(percent_female[row["occupation"]] / 100))
            for row in mine
            if percent_female and row["occupation"] in percent_female
        ]
        if len(pairs) >= 8:
            found[f"correlation {prompt}"] = bootstrap(pairs, correlation)
    return found


def correlation(pairs: Sequence[tuple[float, float]]) -> float:
    """Pearson's; 0 where one of the two does not vary."""
    x, y = np.array(pairs).T
    return float(np.corrcoef(x, y)[0, 1]) if x.std() > 0 and y.std() > 0 else 0.0


def logit(p: float) -> float:
    """The log-odds of a share, kept within 0.5 % and 99.5 %."""
    p = min(max(p, 0.005), 0.995)
    return float(np.log(p / (1 - p)))


def statistics(path: Path, column: str = "bls_pct_female") -> dict[str, float]:
    """The per cent of women in each occupation from a table with tabs, as Winogender's occupations-stats.tsv."""
    with open_text(path) as file:
        lines = [line.rstrip("\n").split("\t") for line in file if line.strip()]
    if not lines or column not in lines[0]:
        raise BadUse(f"{path} has no column {column}; give a table with occupation and {column} between tabs")
    at = lines[0].index(column)
    try:
        return {line[0]: float(line[at]) for line in lines[1:]}
    except (ValueError, IndexError) as error:
        raise BadUse(f"{path} has a line without a number in {column}; repair it") from error
