"""What a run of reinforcement learning is kept from: a policy far from its start, of one answer, or of repetition.

    most_kl           nats per response between the policy and its start
    least_entropy     nats per token
    most_repetition   share of the responses' 4-grams that their response has said before

Where an iteration is beyond a bound, the policy goes back to the average that had earned most, its optimizer forgets,
and its learning rate is halved: on the same way with the same stride it would come to the same place.
"""

from collections.abc import Mapping, Sequence

from foretell.objective.config import PolicyOptimization

GRAM = 4
MOST_RETURNS = 8  # after which a run is given up: its learning rate is then 1/256 of what was asked for


def repetition(responses: Sequence[Sequence[int]]) -> float:
    """The share of 4-grams that their response has said before; 0 where none is so long."""
    n_repeated = n = 0
    for ids in responses:
        grams = [tuple(ids[i : i + GRAM]) for i in range(len(ids) - GRAM + 1)]
        n, n_repeated = n + len(grams), n_repeated + len(grams) - len(set(grams))
    return n_repeated / max(n, 1)


def guarded(cfg: PolicyOptimization) -> bool:
    """Whether any bound is set."""
    return bool(cfg.most_kl or cfg.least_entropy or cfg.most_repetition < 1)


def beyond(cfg: PolicyOptimization, values: Mapping[str, float]) -> str:
    """Which bound an iteration's measures are beyond, with value and bound; empty where none."""
    if cfg.most_kl and values["kl"] > cfg.most_kl:
        return f"kl={values['kl']:.3g} nats per response is above most_kl={cfg.most_kl}"
    if values["entropy"] < cfg.least_entropy:
        return f"entropy={values['entropy']:.3g} nats per token is below least_entropy={cfg.least_entropy}"
    if values["repetition"] > cfg.most_repetition:
        return f"repetition={values['repetition']:.3g} of 4-grams is above most_repetition={cfg.most_repetition}"
    return ""
