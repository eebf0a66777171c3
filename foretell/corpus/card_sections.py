"""What a card and a look into a corpus tell of the classifier, the evaluation sets and the mixture that was asked for.

Each function of a section gives lines of Markdown, none where the card tells nothing of it; `_lines` are for a screen.
"""

from collections.abc import Sequence
from typing import Any

Card = dict[str, Any]
SHOWN = 60  # characters of an example


def table_row(cells: Sequence[str]) -> str:
    """A row of a Markdown table, whatever the cells hold: names of files may hold bars and line ends."""
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    return [table_row(head), table_row(["---"] * len(head)), *map(table_row, rows)]


def classifier_line(card: Card) -> str:
    """How well the classifier tells the classes apart and what its gate keeps; '' where there is none."""
    quality = card.get("quality")
    if not quality:
        return ""
    low, high = quality["auc_interval"]
    return (
        f"classifier: AUC {quality['auc']:.3f} ({low:.3f} to {high:.3f}) on {sum(quality['held_out'].values()):,} "
        f"held-out documents; the gate keeps {quality['keep_rate']:.1%} of raw and "
        f"{quality['keep_rate_positive']:.1%} of good ones"
    )


def classifier_section(card: Card) -> list[str]:
    """The classifier on held-out documents, and of every tenth of its scores how many there are, with an example."""
    said = classifier_line(card)
    if not said:
        return []
    lines = ["", "## Quality classifier", "", f"{said[0].upper()}{said[1:]}. The interval is 95 %, of DeLong.", ""]
    rows = [
        [f"{row['from']:.1f} to {row['to']:.1f}", f"{row['positive']:,}", f"{row['negative']:,}", example(row)]
        for row in card["quality"].get("deciles", [])
    ]
    return [*lines, *table(["score", "good", "raw", "an example"], rows)]


def decile_lines(card: Card) -> list[str]:
    """The tenths of the classifier's scores, a line each with an example."""
    rows = card.get("quality", {}).get("deciles", [])
    head = [f"{'score':12} {'good':>8} {'raw':>8}  an example of the held-out documents"] if rows else []
    return head + [
        f"{row['from']:.1f} to {row['to']:.1f}   {row['positive']:8,} {row['negative']:8,}  {example(row)}".rstrip()
        for row in rows
    ]


def example(row: Card) -> str:
    """The beginning of the first document of a tenth, with its class; '' where there is none."""
    if not row["examples"]:
        return ""
    first = row["examples"][0]
    return f"{'good' if first['class'] == 'positive' else 'raw'}: {first['excerpt'][:SHOWN]}"


def decontamination_section(card: Card) -> list[str]:
    """Every evaluation set with its items and the documents that hold text of it."""
    sets = card.get("decontamination", {}).get("sets", [])
    if not sets:
        return []
    lines = ["", "## Decontamination", "", "Every match is in hits.parquet; of common phrases nothing is cut.", ""]
    head = ["evaluation set", "items", "too short to search", "documents cut", "documents with common phrases"]
    numbers = ("items", "too_short", "cut", "ignored")
    return [*lines, *table(head, [[row["set"], *(f"{row[name]:,}" for name in numbers)] for row in sets])]


def mixture_section(card: Card) -> list[str]:
    """The weights and epochs that sources were given; those with neither share the rest by their tokens."""
    weights, epochs, budget = card.get("weights") or {}, card.get("epochs") or {}, card.get("budget", 0)
    if "weights" not in card:
        return []
    over = f"{budget:,} training tokens" if budget else "all tokens, or over what the epochs read where all have some"
    rest = "A source with neither has of the rest its share of the tokens."
    lines = ["", "## Mixture asked", "", f"Epochs are counted over {over}. {rest}", ""]
    rows = [
        [name, f"{weights[name]:.1%}" if name in weights else "", f"{epochs[name]:g}" if name in epochs else ""]
        for name in sorted(card["documents_of"])
    ]
    return [*lines, *table(["source", "weight", "epochs"], rows)]


def hit_lines(hits: Sequence[Card]) -> list[str]:
    """Matches of evaluation sets, a line each: document, set and item, whether it was cut, the text."""
    lines = []
    for row in hits:
        how = "a common phrase" if row["ignored"] else "cut"
        text = " ".join(row["snippet"].split())[:SHOWN]
        lines.append(f"{row['document']}  {row['evaluation_set']} item {row['item']}  {how}  {text}")
    return lines
