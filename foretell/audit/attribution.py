"""The audit `attribution`: which words made the model expect the last word of a sentence, and which weights.

For each sentence: integrated gradients, leave-one-out and attention rollout of every token, the logit lens of every
layer, and every head's part (inputs.py, insides.py). Pictures: foretell/report/attribution.py.
"""

import random
from collections.abc import Sequence
from typing import Any

import torch

from foretell import progress
from foretell.audit.asked import Asked, Results
from foretell.audit.inputs import Integrated, deletion, integrated_gradients, left_out
from foretell.audit.insides import attentions, head_effects, lens, rollout
from foretell.errors import BadUse
from foretell.eval.measured import bootstrap
from foretell.generate.model import Model
from foretell.generate.score import score

RANDOM_ORDERS = 20
SENTENCES = (
    "The nurse told the doctor that she was tired",
    "When the rain stopped, the children went outside to play",
    "Return the value of the key, or the default if the key is not there",
    "The capital of France is Paris",
)
"""our own, where none are given"""


def audit(asked: Asked) -> Results:
    """A row for each token of each sentence; `sentences` holds what the pictures are drawn from.

    Option: `sentences`. BadUse for a sentence of one word, or one that does not fit into the context.
    """
    model, given = asked.loaded(), list(asked.option("sentences", SENTENCES))
    given = given[: asked.limit] if asked.limit else given
    sentences = []
    with progress.bar("sentences", len(given), quiet=asked.quiet) as shown:
        for text in given:
            sentences.append(explained(model, text))
            shown.advance()
    figures = {
        "completeness error of integrated gradients": mean([one["completeness error"] for one in sentences]),
        "rank correlation of gradients and leave-one-out": mean([agreement(one) for one in sentences]),
        "f while tokens go, by gradients less at random": mean([one["deletion"] for one in sentences]),
    }
    said = [
        "above 0 a token or head makes the last word likelier, in nats; rollout is a share that sums to 1",
        "below 0 in the last figure: without the tokens that the gradients name first, the word is soon less likely",
    ]
    return {
        "figures": figures,
        "rows": [row for one in sentences for row in rows(one)],
        "said": said,
        "sentences": sentences,
    }


def mean(values: Sequence[float]) -> dict[str, float]:
    """The mean over sentences with its bootstrap."""
    return bootstrap(values, lambda some: sum(some) / len(some))


def explained(model: Model, text: str) -> dict[str, Any]:
    """All that is measured of the last word of a sentence."""
    before, space, word = text.rstrip().rpartition(" ")
    if not before.strip():
        raise BadUse(f"{text!r} has one word; give a sentence whose last word is to be explained")
    context, completion = model.encoded(before, space + word)
    if model.tokenizer.has_end and context[0] != model.tokenizer.end_of_text:
        context = [model.tokenizer.end_of_text, *context]
    integrated = integrated_gradients(model.network, context, completion)
    ids = torch.tensor([context], device=model.network.embed.token.weight.device)  # (1, T)
    flow = rollout(attentions(model.network, ids))[0, -1]  # (T,)
    pair = (context, completion)
    return {
        "text": text,
        "word": word,
        "tokens": [model.tokenizer.decode([i]) for i in context],
        "logprob": integrated.f,
        "baseline logprob": integrated.baseline,
        **told(integrated),
        "left out": left_out(model.network, context, completion),
        "deletion": faithful(model, context, completion, integrated.values),
        "rollout": flow.tolist(),
        "lens": layers(model, ids, completion[0]),
        "heads": head_effects(model.network, lambda: score(model.network, [pair])[0].logprob),
    }


def faithful(model: Model, context: Sequence[int], completion: Sequence[int], values: Sequence[float]) -> float:
    """The mean of f while tokens go, the most important by `values` first, less that of random orders, in nats."""
    by_value = sorted(range(len(values)), key=lambda i: -values[i])
    draw = random.Random(0)
    orders = [by_value, *(draw.sample(by_value, len(by_value)) for _ in range(RANDOM_ORDERS))]
    first, *others = deletion(model.network, context, completion, orders)
    return first - sum(others) / len(others)


def told(integrated: Integrated) -> dict[str, Any]:
    """The integrated gradients as the results keep them."""
    return {
        "integrated": integrated.values,
        "completeness error": integrated.error,
        "nodes": integrated.nodes,
    }


def layers(model: Model, ids: torch.Tensor, target: int) -> list[dict[str, Any]]:
    """For each layer the token it would say after the context, with its probability; that and rank of the right one."""
    found = []
    for number, logits in enumerate(lens(model.network, ids)[:, 0, -1], 1):
        p = torch.softmax(logits, -1)  # (V,)
        best = int(p.argmax())
        rank = int((p > p[target]).sum()) + 1
        one = {"layer": number, "token": model.tokenizer.decode([best]), "probability": float(p[best])}
        found.append({**one, "right": float(p[target]), "rank": rank})
    return found


def rows(sentence: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each token."""
    parts = zip(sentence["tokens"], sentence["integrated"], sentence["left out"], sentence["rollout"], strict=True)
    return [
        {"word": sentence["word"], "token": token, "integrated gradients": i, "left out": o, "rollout": r}
        for token, i, o, r in parts
    ]


def agreement(sentence: dict[str, Any]) -> float:
    """Spearman's rank correlation of integrated gradients and leave-one-out over the tokens."""
    a, b = (torch.tensor(sentence[name]).argsort().argsort().double() for name in ("integrated", "left out"))
    return float(torch.corrcoef(torch.stack([a, b]))[0, 1]) if len(a) > 1 else 0.0
