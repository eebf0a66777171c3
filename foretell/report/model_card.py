"""A model card (Mitchell et al. 2019), written from what a model's folders tell; Hugging Face reads its head.

Every number is one of those folders, with its interval and its n where it was measured. What was not measured is said,
with the command that measures it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from foretell.exchange.card import LIMITS, loaded_by, task
from foretell.model.config import NetworkConfig
from foretell.model.count import parameters
from foretell.report.model_facts import Facts, Figure, Results
from foretell.report.words import count, visible

UNKNOWN = "unknown"  # an identifier of the hub
TRAINED = ("steps", "batch.rows", "data.length", "optim.kind", "optim.lr", "schedule.shape", "seed")
PEOPLE = {
    "bias": "what it says of genders",
    "sentiment": "how kind its words are about races and religions",
    "memorisation": "how much of its training text it says word for word",
    "contamination": "whether the questions were in its training text",
    "calibration": "whether it is as often right as it is sure",
    "repetition": "how its text repeats itself",
    "attribution": "which words make it say a word",
}
USES = {
    "text-generation": "It continues a text.",
    "image-text-to-text": "It answers questions about images, and continues a text.",
    "fill-mask": "It fills a gap in a text, or gives vectors of texts.",
    "translation": "It turns a text of its source language into one of its target language.",
    "text-classification": "It gives outputs for a text, as its head was trained to.",
}
PATH = re.compile(r"(?<![\w:/])/(?:[^\s/'\"]+/)+")


def model_card(
    facts: Facts, cfg: NetworkConfig, loads: tuple[str, str], licence: str = "", languages: Sequence[str] = ()
) -> str:
    """README.md: metadata in YAML, then the nine sections. `loads` are the stock class, and why there is none.

    `licence` and `languages` are for the maker to tell: where they are empty the card says so.
    """
    languages = languages or languages_of(facts.corpus)
    head = metadata(facts, task(cfg), "transformers" if loads[0] else "foretell", licence, languages)
    body = [f"# {facts.name}", "", *details(facts, cfg, loads, licence, languages), *uses(cfg), *factors(facts)]
    body += [*measures(facts), *evaluation_data(facts), *training_data(facts), *analyses(facts), *ethics(facts)]
    return "\n".join(["---", *yaml(head), "---", "", *body, *caveats(facts)]) + "\n"


def metadata(facts: Facts, pipeline: str, library: str, licence: str, languages: Sequence[str]) -> dict[str, Any]:
    """The head of the card, as the hub knows its fields."""
    head: dict[str, Any] = {"license": licence or UNKNOWN}
    if languages:
        head["language"] = list(languages)
    head |= {"library_name": library, "pipeline_tag": pipeline, "tags": ["foretell"]}
    if index := [entry(one, pipeline) for results in facts.results for one in by_subject(results)]:
        head["model-index"] = [{"name": facts.name, "results": index}]
    return head


def by_subject(results: Results) -> Iterator[tuple[Results, list[Figure]]]:
    """The figures of results, those of one subject together."""
    for of in dict.fromkeys(one.of for one in results.figures):
        yield results, [one for one in results.figures if one.of == of]


def entry(found: tuple[Results, list[Figure]], pipeline: str) -> dict[str, Any]:
    """The figures of one subject as an entry of the model index; the interval and n are arguments of the metric."""
    results, figures = found
    kind = "foretell-audit" if results.is_audit else f"foretell-{slug(results.name)}"
    metrics = [
        {
            "type": slug(one.what),
            "name": one.what,
            "value": one.value,
            "args": {"n": one.n, **{k: v for k, v in (("low", one.low), ("high", one.high)) if v is not None}},
        }
        for one in figures
    ]
    return {"task": {"type": pipeline}, "dataset": {"name": figures[0].of, "type": kind}, "metrics": metrics}


def details(
    facts: Facts, cfg: NetworkConfig, loads: tuple[str, str], licence: str, languages: Sequence[str]
) -> list[str]:
    """Model details: what it is, how it came about, whose."""
    n, told = sum(parameters(cfg).values()), facts.lineage
    lines = [f"A {cfg.kind} of {n:,} parameters: {cfg.n_layers} layers x {cfg.d_model}, context {cfg.n_ctx} tokens."]
    lines.append(loaded_by(*loads))
    if told:
        commit = f" at commit {told['commit']}" if told.get("commit") else ""
        lines.append(f"Trained by foretell {told['foretell']}{commit} by the recipe {told['recipe']}.")
        lines.append(f"Begun {told['begun']}, finished {told.get('finished', 'not yet')}.")
    lines.append(f"Licence: {licence or 'not stated; its maker has to'}.")
    lines.append(f"Language: {', '.join(languages) or 'not stated'}.")
    rows = [
        [name, value] for name in TRAINED if (value := at(facts.config, name)) not in (None, "", 0) or name == "seed"
    ]
    parents = [[f"SHA-256 of its {what}", f"`{sha}`"] for what, sha in told.get("parents", {}).items()]
    if not told:
        return section("Model details", [*lines, "How it was trained is not recorded here."])
    return section("Model details", lines, table(["of its training", "value"], [*rows, *parents]))


def uses(cfg: NetworkConfig) -> list[str]:
    """Intended use."""
    return section("Intended use", [USES[task(cfg)], "It is for research on how such models come about.", LIMITS])


def factors(facts: Facts) -> list[str]:
    """The groups of people that the audits tell apart."""
    groups = list(dict.fromkeys(group for one in facts.results for group in one.groups))
    if not groups:
        return section("Factors", ["No audit told groups of people apart."])
    return section("Factors", [f"Groups that the audits tell apart: {', '.join(groups)}."])


def measures(facts: Facts) -> list[str]:
    """Which measures, and what their intervals mean."""
    if not facts.results:
        return section("Metrics", ["Nothing was measured but the loss that the run itself tells."])
    names = dict.fromkeys(one.what.partition(",")[0] for results in facts.results for one in results.figures)
    said = "Every value has its 95 % interval over the n items behind it; an interval tells nothing of other seeds."
    return section("Metrics", [f"{', '.join(names)}.", said])


def evaluation_data(facts: Facts) -> list[str]:
    """What was asked."""
    rows = []
    for results in facts.results:
        for _, figures in by_subject(results):
            ns = sorted({one.n for one in figures})
            n = f"{ns[0]:,}" if len(ns) == 1 else f"{ns[0]:,} to {ns[-1]:,}"
            rows.append([figures[0].of, "audit" if results.is_audit else results.name, n])
    if not rows:
        return section("Evaluation data", ["None: no evaluation and no audit is told here."])
    return section("Evaluation data", [], table(["data", "of", "n"], rows))


def training_data(facts: Facts) -> list[str]:
    """What it was trained on, as the card of the corpus tells."""
    found, rows = facts.corpus, list[list[Any]]()
    if not found:
        return section("Training data", ["The card of its corpus is not here."])
    for name, what in (("n_documents", "documents"), ("n_tokens", "tokens"), ("n_bytes", "bytes")):
        given = found.get(name)
        sides = given if isinstance(given, Mapping) else {"": given} if given else {}
        rows += [[" ".join(filter(None, [what, side and f"({side})"])), f"{n:,}"] for side, n in sides.items()]
    rows += [[f"left out: {why}", f"{n:,}"] for why, n in (found.get("dropped") or {}).items()]
    rows += [[f"source {row['source']}", f"{row['documents']:,} documents"] for row in found.get("sources", [])]
    lines = ["The texts keep the terms of their sources."]
    return section("Training data", lines, table(["of the corpus", "count"], rows) if rows else [])


def analyses(facts: Facts) -> list[str]:
    """Every figure with its interval and n, and what has to be read with it."""
    lines: list[str] = []
    trained = facts.lineage.get("result") or {}
    if trained:
        n = at(facts.config, "evaluate_rows")
        rows = [[name, short(value)] for name, value in trained.items() if isinstance(value, int | float)]
        said = f"n = {n:,} held-out rows" if n else "n = all held-out rows"
        lines += ["### The run's own evaluation", "", *table(["measure", "value"], rows)]
        lines += ["", f"{said}, one seed, so no interval.", ""]
    for results in facts.results:
        lines += [f"### {'Audit' if results.is_audit else 'Evaluation'}: {results.name}", ""]
        lines += [*figure_table(results.figures), ""] if results.figures else []
        lines += [f"- {without_folders(one)}" for one in results.said] + ([""] if results.said else [])
    return section("Quantitative analyses", [] if lines else ["Nothing was measured."], lines[:-1])


def figure_table(figures: Sequence[Figure]) -> list[str]:
    """Figures as a table; the column of chance only where one has it."""
    chance = any(one.chance is not None for one in figures)
    rows = []
    for one in figures:
        interval = " to ".join("no bound" if bound is None else short(bound) for bound in (one.low, one.high))
        row = [one.of, one.what, short(one.value), interval, f"{one.n:,}"]
        rows.append([*row, *(["" if one.chance is None else short(one.chance)] if chance else [])])
    return table(["of", "measure", "value", "95 % interval", "n", *(["by chance"] if chance else [])], rows)


def ethics(facts: Facts) -> list[str]:
    """What was measured of what can hurt people."""
    done = {one.name for one in facts.results if one.is_audit}
    lines = [
        f"{PEOPLE[name].capitalize()}: {'measured, see above' if name in done else 'not measured'}."
        for name in ("bias", "sentiment", "memorisation")
    ]
    said = "An audit finds associations for the groups that its prompts name, in English, and is no proof of absence."
    return section("Ethical considerations", [*lines, said])


def caveats(facts: Facts) -> list[str]:
    """What was not measured, and the command that does."""
    done = {one.name for one in facts.results if one.is_audit}
    missing = [name for name in PEOPLE if name not in done]
    lines = ["Measure it on your own use before you rely on it."]
    if missing:
        asked = "; ".join(PEOPLE[name] for name in missing)
        lines.append(f"Not measured: {asked}. `foretell audit MODEL {' '.join(missing)}` does.")
    if not any(not one.is_audit for one in facts.results):
        lines.append("No task was asked: `foretell eval MODEL --suite gpt3` does.")
    return section("Caveats and recommendations", lines)


def section(title: str, sentences: Sequence[str], more: Sequence[str] = ()) -> list[str]:
    """A heading, a paragraph, what follows it, and a blank line."""
    paragraph = [" ".join(sentences), ""] if sentences else []
    return [f"## {title}", "", *paragraph, *more, *([""] if more else [])]


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """A Markdown table."""
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in [heads, ["---"] * len(heads), *cells]]


def yaml(value: Any, indent: str = "") -> list[str]:
    """Mappings and lists as lines of YAML; what is neither is written as JSON, which YAML holds."""
    pairs = (
        [(f"{name}:", one) for name, one in value.items()] if isinstance(value, Mapping) else [("-", x) for x in value]
    )
    lines = []
    for key, one in pairs:
        if not isinstance(one, Mapping | list) or not one:
            lines.append(f"{indent}{key} {scalar(one)}")
        elif key == "-":
            first, *others = yaml(one, f"{indent}  ")
            lines += [f"{indent}- {first.lstrip()}", *others]
        else:
            lines += [f"{indent}{key}", *yaml(one, f"{indent}  ")]
    return lines


def scalar(value: Any) -> str:
    """A value as JSON; a number such as 1e-05 gets the point without which YAML 1.1 takes it for a text."""
    text = json.dumps(visible(value) if isinstance(value, str) else value, ensure_ascii=False)
    return re.sub(r"^(-?\d+)e", r"\1.0e", text)


def languages_of(corpus: Mapping[str, Any]) -> list[str]:
    """The languages that a corpus was found to hold."""
    return [row["language"] for row in corpus.get("languages") or [] if row["language"] != UNKNOWN]


def at(config: Mapping[str, Any], path: str) -> Any:
    """A setting of a run by its dotted name; None where there is none."""
    found: Any = config
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def short(value: float) -> str:
    """A value with four digits."""
    return f"{value:.4g}" if abs(value) < 10_000 else count(value)


def slug(text: str) -> str:
    """A name as an identifier: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "value"


def without_folders(text: str) -> str:
    """A sentence with only the last part of each path in it: the folders above are the machine's."""
    return PATH.sub("", text)
