"""What a masked language model puts in a gap (Devlin et al. 2018, section 3.1): examples for people.

T positions   V n_vocab
"""

from collections.abc import Sequence
from typing import Any

import torch

from foretell.generate.model import Model

MASK, FIRST, LAST = "[MASK]", "[CLS]", "[SEP]"


def fill(model: Model, text: str, guesses: int = 5) -> list[dict[str, Any]]:
    """The likeliest tokens for the one [MASK] in a text, with their probabilities."""
    tokenizer = model.tokenizer
    before, _, after = text.partition(MASK)
    ids = [
        tokenizer.special(FIRST),
        *tokenizer.encode(before),
        tokenizer.special(MASK),
        *tokenizer.encode(after),
        tokenizer.special(LAST),
    ]
    place = ids.index(tokenizer.special(MASK))
    chances = torch.softmax(model.logits(torch.tensor([ids]))[0, place].float(), -1)  # (V,)
    best = chances.topk(guesses)
    return [
        {"token": tokenizer.decode([i]), "probability": round(p, 4)}
        for p, i in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]


def gaps(model: Model, texts: Sequence[str], n: int, longest: int) -> list[dict[str, Any]]:
    """n texts that fit into the context with one whole word masked each, the word, and the guesses.

    The word is the longest of one token.
    """
    found, room = [], model.network.cfg.n_ctx - 2  # [CLS] and [SEP]
    for text in texts:
        words = text.split()[:longest]
        single = [w for w in words if len(w) > 3 and w.isalpha() and len(model.tokenizer.encode(w)) == 1]
        if len(words) < 6 or not single:
            continue
        answer = max(single, key=len)
        place = words.index(answer)
        gapped = " ".join([*words[:place], MASK, *words[place + 1 :]])
        if len(model.tokenizer.encode(gapped)) > room:
            continue
        found.append({"text": gapped, "answer": answer, "guesses": fill(model, gapped)})
        if len(found) == n:
            break
    return found
