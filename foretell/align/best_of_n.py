"""Best of n: of n answers the one that the reward prefers. No training, n times the sampling.

The chosen answer's distribution is at most log n - (n - 1) / n nats from the model's own, with equality where no two
answers have one reward: the k-th best of n has density n k^(n-1) in ranks, whose integral against its log this is
(Stiennon et al. 2020, appendix G.3; a bound in general, Beirami et al. 2024). So it is what a policy's KL is compared
with.
"""

from collections.abc import Sequence
from math import log

from foretell.align.judges import Score, scores
from foretell.align.simulated import Record
from foretell.errors import BadUse


def kl_bound(n: int) -> float:
    """log n - (n - 1) / n nats; BadUse for n below 1."""
    if n < 1:
        raise BadUse(f"best of {n}; give 1 or more")
    return log(n) - (n - 1) / n


def best_of(prompts: Sequence[Record], answers: Sequence[Sequence[str]], score: Score, batch: int = 64) -> list[str]:
    """The answer to each prompt with the highest score, the first of equal ones; each different text is scored once."""
    asked = [
        (prompt, text)
        for prompt, some in zip(prompts, answers, strict=True)
        for text in dict.fromkeys(_some(prompt, some))
    ]
    found: list[float] = []
    for start in range(0, len(asked), batch):
        found += scores(score, asked[start : start + batch])
    by_prompt: dict[str, list[tuple[float, str]]] = {}
    for (prompt, text), value in zip(asked, found, strict=True):
        by_prompt.setdefault(prompt["prompt_id"], []).append((value, text))
    return [max(by_prompt[one["prompt_id"]], key=lambda pair: pair[0])[1] for one in prompts]


def _some(prompt: Record, answers: Sequence[str]) -> Sequence[str]:
    if not answers:
        raise BadUse(f"prompt {prompt['prompt_id']} has no answer to choose the best of; give 1 or more")
    return answers
