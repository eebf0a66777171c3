"""Calibration before and after a training: the same questions to two models of one run, such as SFT and PPO.

OpenAI 2023, figure 8: the pretrained model nearly on the diagonal (ECE 0.007), after reinforcement learning off it
(0.074), on a part of MMLU. Both diagrams, every measure with its interval, and the difference of the ECEs over
questions drawn again together.

A model too small for exams is asked for the next token of a text that it has not seen: the token that comes is one
option, the likeliest others are the rest.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from foretell.audit.asked import Asked
from foretell.audit.calibration import Logprobs, chosen, letters, tabled
from foretell.audit.reliability import Answers, answers, diagram, figures, less
from foretell.errors import BadUse
from foretell.eval.exams import known_exams
from foretell.generate.model import Model, load
from foretell.tasks.source import Source

SIDES = ("before", "after")
OPTIONS = 16  # tokens that are options, of which the first is the one that comes
MOST = 1500  # tokens that are foretold


def compared(before: Answers, after: Answers, seed: int = 0) -> dict[str, Any]:
    """`before` and `after`, each with its figures and its reliability diagram; `less`, the ECE after less that before.

    BadUse where they are not of the same questions.
    """
    if before.gold.tolist() != after.gold.tolist():
        rule = f"{len(before.gold)} and {len(after.gold)} questions, or other right answers"
        raise BadUse(f"before and after are of different questions ({rule}); ask both the same")
    made = {
        name: {"figures": figures(one, seed), "rows": diagram(one)}
        for name, one in zip(SIDES, (before, after), strict=True)
    }
    return {**made, "less": less(after, before, seed)}


def by_letter(asked: Asked, after: str) -> dict[str, Any]:
    """compared() of two models on exams by letter: asked.model is before; options as the audit `calibration`."""
    exams, missing = known_exams(Source(folders=asked.data, seed=asked.seed))
    exams = chosen(exams, missing, asked.option("exams", None))
    mine = letters(asked.loaded(), exams, asked)
    return of_same(mine, letters(load(after), exams, replace(asked, model=after)), asked.seed)


def of_same(before: Logprobs, after: Logprobs, seed: int = 0) -> dict[str, Any]:
    """compared() of the questions that both were asked; BadUse where there are none."""
    both = [key for key in before if key in after]
    if not both:
        raise BadUse("no question was asked of both models; give two models that read the same exams")
    return compared(tabled(before, both), tabled(after, both), seed)


def next_tokens(model: Model, text: str, most: int = MOST) -> Answers:
    """The tokens of a text as questions: option 0 is the token that comes, the others are the likeliest of the rest.

    Of the text's windows at most `most` tokens are taken, evenly, so that neighbours, which are not independent, are
    apart. Probabilities are those among the options. BadUse where the text fills no window.
    """
    length = model.network.cfg.n_ctx
    ids = torch.tensor(model.tokenizer.encode(text))
    n = (len(ids) - 1) // length
    if not n:
        raise BadUse(f"the text has {len(ids)} tokens and must fill a context of {length}; give a longer one")
    device = model.network.embed.token.weight.device
    step = max(n * length // most, 1)
    found: list[list[float]] = []
    for i in range(n):
        read, comes = ids[i * length : (i + 1) * length], ids[i * length + 1 : (i + 1) * length + 1]
        logits = model.logits(read[None].to(device))[0].float().cpu().clone()  # (T, V)
        for place in range((-i * length) % step, length, step):
            own = logits[place, comes[place]].item()
            logits[place, comes[place]] = float("-inf")
            found.append([own, *logits[place].topk(min(OPTIONS, logits.shape[1]) - 1).values.tolist()])
    return answers(found, [0] * len(found))


def told(found: Mapping[str, Any]) -> str:
    """The difference in a sentence."""
    m = found["less"]
    way = "worse" if m["low"] > 0 else "better" if m["high"] < 0 else "not measurably other"
    return f"calibration is {way} after: ECE {m['value']:+.3f} [{m['low']:+.3f}, {m['high']:+.3f}], n={int(m['n'])}"
