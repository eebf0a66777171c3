"""GPT-3's way from text to training data, on the text of a climb: its funnel, its classifier, its mixture.

The documentation goes through the recipe gpt3: Python's own is curated, what the packages bring is raw. A user's own
text has no better one beside it, so nothing of it is judged: the recipe is plain, and near copies are removed.
"""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from foretell.corpus.config import EMBEDDED
from foretell.corpus.corpus_config import CorpusConfig, SourceConfig
from foretell.corpus.funnel import TOLD
from foretell.recipes.corpora import TABLE, corpus_recipe, printed_shares
from foretell.recipes.lineage.plan import Climb, measured, recipe
from foretell.recipes.sources import name_of


def filtered(plan: Climb) -> None:
    """Make the corpus and its tokens, and write down what came of every step."""
    from foretell.corpus.assemble import identity_of
    from foretell.corpus.pipeline import Making, make_corpus, tokens_of

    cfg = config(plan)
    marked = identity_of(cfg)["inputs"][:8]  # other text gets another folder
    making = Making(out=plan.corpora / f"{name_of(plan.text)}-{cfg.recipe}-{marked}", quiet=plan.quiet)
    card = make_corpus(cfg, making)
    tokens = tokens_of(cfg, making)
    made_from = [making.out / "card.json", plan.corpora / tokens["folder"] / "card.json"]
    measured(plan, "filtering", made_from, lambda: filtering(card, tokens, asked(plan, cfg, making.out)))


def config(plan: Climb) -> CorpusConfig:
    """The recipe of this text with its sources, and the vocabulary of this scale."""
    sources = [SourceConfig(name=Path(plan.text).resolve().name, paths=(plan.text,))]
    cfg = replace(corpus_recipe("plain"), near_duplicates=True)
    if plan.text == EMBEDDED:
        sources = [
            SourceConfig(name="standard", paths=(f"{EMBEDDED}:standard",), role="curated"),
            SourceConfig(name="packages", paths=(f"{EMBEDDED}:packages",)),
        ]
        cfg = corpus_recipe("gpt3")
    n_vocab = recipe(plan, "gpt2.pretrain").model.n_vocab
    return replace(cfg, sources=tuple(sources), tokens=replace(cfg.tokens, n_vocab=n_vocab))


def asked(plan: Climb, cfg: CorpusConfig, out: Path) -> str:
    """The command that makes such a corpus by itself."""
    raw = [path for one in cfg.of("raw") for path in one.paths]
    curated = [word for one in cfg.of("curated") for path in one.paths for word in ("--curated", path)]
    near = [] if cfg.recipe == "gpt3" else ["--near-duplicates"]
    tokens = ["--tokens.n-vocab", str(cfg.tokens.n_vocab)]
    return shlex.join(
        ["foretell", "corpus", *raw, *curated, "--recipe", cfg.recipe, *near, *tokens, "--out", out.as_posix()]
    )


def filtering(card: dict[str, Any], tokens: dict[str, Any], command: str) -> dict[str, Any]:
    """What the report shows of a corpus and its tokens."""
    names = ("step", "documents", "bytes", "dropped")
    return {
        "alone": command,
        "recipe": card["recipe"],
        "steps": [{"what": TOLD[row["step"]], **{name: row[name] for name in names}} for row in card["funnel"]],
        "sources": [
            {"source": row["source"], "role": row["role"], "read": row["funnel"][0]["in"], "kept": row["documents"]}
            for row in card["sources"]
        ],
        "gate": gate(card["quality"]) if "quality" in card else None,
        "mixture": tokens.get("shares", []),
        "paper": [
            {**row._asdict(), "printed_weight": TABLE[row.source].weight, "printed_epochs": TABLE[row.source].epochs}
            for row in printed_shares()
        ],
    }


def gate(report: dict[str, Any]) -> dict[str, Any]:
    """What the classifier does with documents that it was not taught."""
    low, high = report["auc_interval"]
    n = sum(report["held_out"].values())
    auc = {"value": report["auc"], "low": low, "high": min(high, 1.0), "n": n, "seeds": 1}
    return {"auc": auc, "keep_rate": report["keep_rate"], "keep_rate_curated": report["keep_rate_positive"]}
