"""The card of a corpus: what it holds and how it came about, as card.json, as Markdown and as lines on a terminal."""

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

from foretell.corpus.card_sections import (
    classifier_line,
    classifier_section,
    decontamination_section,
    mixture_section,
    table_row,
)
from foretell.corpus.corpus_config import CorpusConfig, SourceConfig
from foretell.corpus.funnel import TOLD, Counts, by_reason, funnel, held, total
from foretell.corpus.shares import Share, short, table_lines

Card = dict[str, Any]


def languages(counts: Counts, sources: Sequence[SourceConfig]) -> list[Card]:
    """Documents of each language over all sources, before any was left out, as openai/gpt-3 tells its own."""
    found = by_reason(counts, "language", [source.name for source in sources], "language")
    n = sum(found.values())
    return [{"language": code or "unknown", "documents": k, "share": k / n} for code, k in found.items()]


def source_rows(counts: Counts, cfg: CorpusConfig, last: str) -> list[Card]:
    """What each source gave: what of its documents is left, in how many pieces, and its own funnel."""
    rows = []
    for source in cfg.kept:
        row = {"source": source.name, "role": source.role, "paths": [shown(path) for path in source.paths]}
        left = {what: counts[source.name, last, what] for what in ("documents", "bytes")}
        pieces = held(counts, last, [source.name])
        rows.append(row | left | {"pieces": pieces, "funnel": funnel(counts, [source.name])})
    return rows


def shown(path: str) -> str:
    """A path without the folders above it, which are the machine's and not the corpus's; what is no UTF-8 as U+FFFD."""
    name = path if "://" in path or path.startswith("hf:") else path.rstrip("/").rpartition("/")[2]
    return os.fsencode(name).decode("utf-8", "replace")


def counted(counts: Counts, cfg: CorpusConfig) -> Card:
    """The part of the card that is counts.

    `n_documents` and `documents_of` are what the corpus's files hold, after documents were cut into pieces; `documents`
    of the funnel and the sources are those that were read and are left, whole or cut.
    """
    names = [source.name for source in cfg.kept]
    rows = funnel(counts, names)
    last = rows[-1]["step"]
    masked = by_reason(counts, "exact text", names, "masked")
    return {
        "n_documents": held(counts, last, names),
        "n_bytes": total(counts, last, "bytes", names),
        "documents_of": {name: held(counts, last, [name]) for name in sorted(names)},
        "dropped": dict(sum((Counter(row["dropped"]) for row in rows), Counter())),
        "funnel": rows,
        "sources": source_rows(counts, cfg, last),
        "languages": languages(counts, cfg.kept),
        "masked": masked,
    }


def told(card: Card, tokens: Card | None = None) -> list[str]:
    """What the command prints: the funnel, the languages, what the steps found, the mixture of the tokens' card."""
    return [*funnel_lines(card["funnel"]), *_extras(card), *mixture_lines(tokens or {})]


def funnel_lines(rows: Sequence[Card]) -> list[str]:
    """The funnel as lines of text, with the commonest reasons of each step."""
    lines = [f"{'step':18} {'documents':>12} {'bytes':>16}  dropped"]
    for row in rows:
        said = "; ".join([*cut_into(row), *(f"{n:,} {reason}" for reason, n in list(row["dropped"].items())[:4])])
        lines.append(f"{row['step']:18} {row['documents']:12,} {row['bytes']:16,}  {said}".rstrip())
    return lines


def posts_line(card: Card) -> list[str]:
    """How many posts gave links, were passed over and could not be read; none where there are no sources of links."""
    links = card.get("links")
    if not links:
        return []
    over, broken = sum(links["passed_over"].values()), links["broken"]
    return [f"posts: {links['links']:,} links, {over:,} passed over, {broken:,} could not be read"]


def cut_into(row: Card) -> list[str]:
    """In how many pieces the documents of a step are left, where these are more."""
    pieces = row.get("pieces", row["documents"])
    return [f"left in {pieces:,} pieces"] if pieces != row["documents"] else []


def _extras(card: Card) -> list[str]:
    """Languages, classifier, cut text and masks, a line each where there is one."""
    lines = posts_line(card)
    if card["languages"]:
        most = ", ".join(f"{row['language']} {row['share']:.1%}" for row in card["languages"][:6])
        lines.append(f"languages: {most}")
    lines += filter(None, [classifier_line(card)])
    lines += certificate_lines(card)
    for row in card.get("decontamination", {}).get("sets", []):
        said = f"{row['cut']:,} documents cut, {row['ignored']:,} with common phrases only counted"
        lines.append(f"evaluation set {row['set']}: {row['items']:,} items, {row['too_short']:,} too short; {said}")
    for row in card["sources"]:
        if not row["documents"]:
            lines.append(f"nothing is left of source {row['source']}: see foretell corpus inspect")
    if card["masked"]:
        lines.append("masked: " + ", ".join(f"{n:,} {kind}" for kind, n in card["masked"].items()))
    return lines


def certificate_lines(card: Card) -> list[str]:
    """How many planted near duplicates were found and how many dropped documents were near ones; none if unmeasured."""
    made = card.get("certificate")
    if not made or made["recall"] is None:
        return []
    found = f"recall {made['recall']:.3f} at a Jaccard index of {made['at_least']} or more (n={made['sought']:,})"
    true = "" if made["precision"] is None else f", precision {made['precision']:.3f} (n={made['dropped']:,})"
    return [f"near duplicates: {found}{true}, of copies planted in {made['documents']:,} documents"]


def mixture_lines(tokens: Card) -> list[str]:
    """The table of the mixture: tokens, weight and epochs of each source over the budget."""
    rows = [Share(**row) for row in tokens.get("shares", [])]
    if not rows:
        return []
    budget = sum(row.epochs * row.tokens for row in rows)
    return ["", *table_lines(rows), f"epochs are counted over {short(budget)} training tokens"]


def markdown(card: Card, name: str) -> str:
    """The data card that lies in the corpus as README.md."""
    lines = [f"# {name}", "", f"A corpus of {card['n_documents']:,} documents, {card['n_bytes']:,} bytes of text, "]
    lines[-1] += f"made by `foretell corpus --recipe {card['recipe']}` of foretell {card['version']}."
    lines += ["", "## Sources", "", "| source | role | documents read and left | in the corpus | bytes | from |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for row in card["sources"]:
        cells = [
            row["source"],
            row["role"],
            *(f"{row[x]:,}" for x in ("documents", "pieces", "bytes")),
            ", ".join(row["paths"]),
        ]
        lines.append(table_row(cells))
    lines += ["", "## What each step left", "", "| step | what is left | documents | bytes | dropped |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for row in card["funnel"]:
        said = "; ".join([*cut_into(row), *(f"{n:,} {reason}" for reason, n in row["dropped"].items())])
        cells = [row["step"], TOLD[row["step"]], f"{row['documents']:,}", f"{row['bytes']:,}", said]
        lines.append(table_row(cells))
    lines += ["", "Every record that was dropped is in dropped.parquet with its step, its reason and its beginning."]
    if card["languages"]:
        lines += ["", "## Languages", "", "| language | documents | share |", "| --- | --- | --- |"]
        lines += [f"| {r['language']} | {r['documents']:,} | {r['share']:.2%} |" for r in card["languages"]]
    lines += [*classifier_section(card), *_certificate_markdown(card), *decontamination_section(card)]
    lines += [*_masked_markdown(card), *mixture_section(card)]
    lines += ["", "## Terms", "", "The texts keep the terms of their sources; this card grants none."]
    return "\n".join(lines) + "\n"


def _masked_markdown(card: Card) -> list[str]:
    said = ", ".join(f"{n:,} {kind}" for kind, n in card["masked"].items())
    return ["", "## Personal data", "", f"Masked: {said or 'nothing; masking was off or found none'}."]


def _certificate_markdown(card: Card) -> list[str]:
    said = certificate_lines(card)
    if not said:
        return []
    lines = ["", "## Near duplicates", "", f"{said[0][0].upper()}{said[0][1:]}.", ""]
    lines += ["| Jaccard index | planted | found | expected |", "| --- | --- | --- | --- |"]
    for row in card["certificate"]["bins"]:
        expected = "" if row["theory"] is None else f"{row['theory'] * row['planted']:.1f}"
        lines.append(f"| {row['low']} to {row['high']} | {row['planted']:,} | {row['found']:,} | {expected} |")
    return lines
