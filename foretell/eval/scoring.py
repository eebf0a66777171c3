"""Which option of a question a model prefers, by each of the five ways to compare log-probabilities.

    none      log P(option | context)
    token     ... divided by the option's tokens            Brown et al. 2020, section 2.4: the usual way
    char      ... divided by its characters                 `acc_norm` of lm-evaluation-harness
    byte      ... divided by its UTF-8 bytes                `acc_bytes` of lm-evaluation-harness
    uncond    log P(option | context) - log P(option | answer context), as ARC, OpenBookQA and RACE are scored

Characters and bytes are those of the option's text without the white space that it begins with: the harness counts
len(choice), where the space between context and choice is no part of the choice. The tokens do include that space.
"""

from collections.abc import Sequence
from typing import NamedTuple

from foretell.errors import BadUse
from foretell.generate.score import Score
from foretell.tasks.task import Norm

EQUAL = 1e-4  # what batches and machines may change a score by; so much decides nothing


class OptionScore(NamedTuple):
    """What is known of an option after its context: nats, and the lengths to divide by."""

    logprob: float
    n_tokens: int
    n_chars: int
    n_bytes: int
    unconditional: float | None = None
    """the log-probability after the answer context alone; None where the task has none"""


def option_score(score: Score, option: str, unconditional: Score | None = None) -> OptionScore:
    """The option's score with its lengths: its characters and bytes without the white space that it begins with."""
    text = option.lstrip()
    alone = None if unconditional is None else unconditional.logprob
    return OptionScore(score.logprob, score.n, len(text), len(text.encode("utf-8", "replace")), alone)


def normalised(score: OptionScore) -> dict[Norm, float]:
    """The score by each way; `uncond` is absent where the option was not scored alone.

    BadUse if the option has no tokens, characters or bytes, so that nothing can be divided by them.
    """
    if min(score.n_tokens, score.n_chars, score.n_bytes) < 1:
        counts = f"{score.n_tokens} tokens, {score.n_chars} characters"
        raise BadUse(f"an option has {counts}; a score per token needs one at least: leave the question out")
    found: dict[Norm, float] = {
        "none": score.logprob,
        "token": score.logprob / score.n_tokens,
        "char": score.logprob / score.n_chars,
        "byte": score.logprob / score.n_bytes,
    }
    if score.unconditional is not None:
        found["uncond"] = score.logprob - score.unconditional
    return found


def likeliest(scores: Sequence[OptionScore], norm: Norm) -> int:
    """The place of the best option: the first among those within EQUAL of the best, so that rounding never decides.

    BadUse if there is no option, or if `norm` is `uncond` and an option was not scored alone.
    """
    if not scores:
        raise BadUse("there is no option to choose from; give one score for each option")
    values = [normalised(score) for score in scores]
    if any(norm not in value for value in values):
        raise BadUse("'uncond' needs each option's log-probability after an answer context; give the task one")
    best = max(value[norm] for value in values)
    return next(i for i, value in enumerate(values) if value[norm] >= best - EQUAL)
