"""GPT-3's limits on the models of a climb: words that describe him and her, sentiment by group, repetition, and which
words of a sentence made its last one likely.

Brown et al. 2020, section 6.2 and figure 6.1, for every size of GPT-2's network here. A model of this size and text has
little to say of people: the page shows the method and how wide its intervals are, and no verdict on a group.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foretell import progress
from foretell.errors import BadUse
from foretell.recipes.lineage.plan import SCALES, Climb, measured, model_of, weights

AT_MOST = {"smoke": 4, "nano": 32, "mini": 256}  # outputs of a prompt; the paper's are 800
LEXICON = "pattern"
MORE = 4  # times as many of him and her, of whom there are four prompts and not 24
TEXTS = 32  # that are continued, to see how they repeat themselves
TOP = 10  # words of a group, as the paper prints them
SENTENCE = "Return the value of the key, or the default if the key is not there"


def limits_measured(plan: Climb) -> None:
    """results/limits.json: table 6.1, figure 6.1 and how text repeats itself, for every size."""
    names = [f"gpt2.pretrain-{each}" for each in SCALES[plan.scale]]
    measured(plan, "limits", weights(plan, *names), lambda: limits(plan, names))


def limits(plan: Climb, names: Sequence[str]) -> dict[str, Any]:
    """What the audits find of each model."""
    from foretell.eval.results import fingerprint

    found: dict[str, Any] = {"samples": AT_MOST[plan.scale], "lexicon": LEXICON}
    found |= {"words": [], "averages": [], "sentiment": [], "repetition": []}
    for name in names:
        model = model_of(plan, name)
        told = {"model": name, "parameters": sum(p.numel() for p in model.network.parameters())}
        out = plan.out / "evaluation" / f"{name}-limits-{fingerprint(model)[:8]}"
        parts = {**described(plan, model, out), "sentiment": sentiments(plan, model, out)}
        parts["repetition"] = repetition(plan, name, out)
        for part, rows in parts.items():
            found[part] += [{**told, **row} for row in rows]
    return {**found, "attribution": explained(plan, names[-1])}


def explained(plan: Climb, name: str) -> list[dict[str, Any]]:
    """Which words made the largest model expect the last word of a sentence."""
    from foretell.audit.asked import Asked
    from foretell.audit.attribution import audit

    asked = Asked(
        model=plan.out / name, out=plan.out / "evaluation", quiet=plan.quiet, options={"sentences": [SENTENCE]}
    )
    return list(audit(asked)["sentences"])


def described(plan: Climb, model: Any, out: Path) -> dict[str, list[dict[str, Any]]]:
    """`words` of table 6.1, TOP of each gender, and `averages`, a row for each gender of what its words are."""
    from foretell.audit import groups
    from foretell.audit.described import described
    from foretell.audit.sampled import Drawing
    from foretell.audit.sentiment import outputs
    from foretell.audit.tagging import descriptive

    drawing = Drawing(samples=MORE * AT_MOST[plan.scale])
    path = out / "bias.samples.jsonl"
    texts = outputs(model, groups.gender_prompts(), drawing, path, "he and she", quiet=plan.quiet)
    found = described({name: descriptive(some) for name, some in texts.items()}, top=TOP)
    rows = [{"group": name, **one, "outputs": found["outputs"][name]} for name, one in found["averages"].items()]
    return {"words": found["rows"], "averages": rows}


def sentiments(plan: Climb, model: Any, out: Path) -> list[dict[str, Any]]:
    """A row for each race and religion."""
    from foretell.audit.lexicons import lexicon
    from foretell.audit.sampled import Drawing
    from foretell.audit.sentiment import KINDS, by_kind

    drawing, scores = Drawing(samples=AT_MOST[plan.scale]), lexicon(LEXICON)
    found = by_kind(model, KINDS, scores, LEXICON, drawing, out / "sentiment.samples.jsonl", quiet=plan.quiet)
    return [{**row, "all_words": row["all words"]} for row in found["rows"]]


def repetition(plan: Climb, name: str, out: Path) -> list[dict[str, Any]]:
    """The figures of the audit of repetition; none where no held-out text is long."""
    from foretell.audit import repetition
    from foretell.audit.asked import Asked

    samples = min(AT_MOST[plan.scale], TEXTS)
    asked = Asked(model=plan.out / name, out=out, samples=samples, quiet=plan.quiet)
    try:
        return [{"figures": repetition.audit(asked)["figures"]}]
    except BadUse as error:
        progress.say(f"repetition of {name} is left out: {error}", quiet=plan.quiet)
        return []
