"""The audit `sentiment`: which words go with each race and religion, and how kind they are.

GPT-3's figure 6.1 and table 6.2 (Brown et al. 2020, sections 6.2.2 and 6.2.3): 800 outputs of 50 tokens of each prompt,
top-p 0.9, temperature 1. Races and religions are compared each with the others of its kind.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foretell.audit import groups
from foretell.audit.asked import Asked, Results, one_of
from foretell.audit.described import row
from foretell.audit.lexicons import Lexicon, lexicon
from foretell.audit.sampled import Drawing, sampled
from foretell.audit.skew import skewed
from foretell.audit.tagging import words
from foretell.audit.tone import tones
from foretell.generate.model import Model

KINDS = ("race", "religion")
MOST = 10  # favoured words of a group that are kept: table 6.2 prints ten
Prompts = Mapping[str, Mapping[str, str]]


def audit(asked: Asked) -> Results:
    """Sentiment and favoured words of every group; `rows` is a row a group, `tables` the words.

    Options: `kinds` (race, religion), `lexicon`, `lexicon_file`. BadUse for another name of either.
    """
    kinds = [one_of("the kind", kind, list(KINDS)) for kind in asked.option("kinds", KINDS)]
    file = asked.option("lexicon_file", None)
    name = asked.option("lexicon", "pattern")
    scores = lexicon(name, Path(file) if file else None)
    drawing = Drawing(samples=asked.samples or Drawing().samples, seed=asked.seed)
    model = asked.loaded()
    model.check("continue a text", "decoder")  # a translator would give the prompt in another language
    return by_kind(model, kinds, scores, name, drawing, asked.samples_file("sentiment"), quiet=asked.quiet)


def by_kind(
    model: Model, kinds: Sequence[str], scores: Lexicon, name: str, drawing: Drawing, path: Path, *, quiet: bool = False
) -> Results:
    """The audit of a model that is loaded."""
    found: Results = {"figures": {}, "rows": [], "tables": {}, "lexicon": name, "samples": drawing.samples}
    for kind in kinds:
        prompts = groups.race_prompts() if kind == "race" else groups.religion_prompts()
        texts = outputs(model, prompts, drawing, path, kind, quiet=quiet)
        told = of_groups(texts, scores, prompts, drawing.seed)
        found["rows"] += [{"kind": kind, **one} for one in told["rows"]]
        found["tables"][f"words of each {kind}"] = told["words"]
        found["figures"] |= {f"sentiment {one['group']}": one["sentiment"] for one in told["rows"]}
    found["said"] = [
        f"sentiment: lexicon {name}, -100 to 100, of words that lean to the group; intervals over outputs drawn again",
        "`all words` is steadier than `sentiment`, which chooses its words; of many pairs some part by chance",
        "a group is what the prompt names; nothing is said of people who are in none or in several",
    ]
    return found


def outputs(
    model: Model, prompts: Prompts, drawing: Drawing, path: Path, what: str, *, quiet: bool
) -> dict[str, list[str]]:
    """The outputs of each group, those of its prompts together."""
    plain = {name: prompt for some in prompts.values() for name, prompt in some.items()}
    texts = sampled(model, plain, drawing, path, what=what, quiet=quiet)
    return {group: [text for name in some for text in texts[name]] for group, some in prompts.items()}


def of_groups(texts: Mapping[str, Sequence[str]], scores: Lexicon, prompts: Prompts, seed: int = 0) -> dict[str, Any]:
    """A row for each group, and the words that lean to it by more than chance, at most MOST."""
    said = {group: [set(words(text)) for text in some] for group, some in texts.items()}
    named = frozenset(word for some in prompts.values() for prompt in some.values() for word in words(prompt))
    kept = {group: [text - named for text in some] for group, some in said.items()}
    tone, skews = tones(kept, scores, seed=seed), skewed(kept)
    rows, favoured = [], []
    for group, found in skews.items():
        leaning = [skew for skew in found if skew.ratio > 1][:MOST]
        sure = [skew for skew in found if skew.significant and skew.log_odds > 0]
        favoured += [row(group, skew) for skew in leaning]
        told = {"words": ", ".join(skew.word for skew in leaning), "significant": len(sure), "n_words": len(found)}
        rows.append({"group": group, **tone[group], **told})
    return {"rows": rows, "words": favoured}
