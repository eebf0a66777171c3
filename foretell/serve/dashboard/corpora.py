"""A corpus as its page tells it: its card, the funnel that its documents went through, and the first of them."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from foretell.serve.dashboard.lines import is_number
from foretell.serve.dashboard.listing import Found
from foretell.serve.dashboard.runs import json_of

FIRST, LETTERS = 5, 1500
MOST_LINE = 2**20
Told = dict[str, Any]


def row(found: Found) -> Told:
    """A corpus in the list of all."""
    card = json_of(found.path / "card.json")
    return {
        "slug": found.slug,
        "name": found.name,
        "kind": str(card.get("kind", "")),
        "documents": count(card.get("n_documents")),
        "bytes": count(total(card.get("n_bytes"))),
        "tokens": count(total(card.get("n_tokens"))),
    }


def total(value: Any) -> Any:
    """The sum over the splits, where there are any."""
    return sum(n for n in value.values() if is_number(n)) if isinstance(value, dict) else value


def count(value: Any) -> str:
    """A number of things, or nothing."""
    return f"{value:,}" if is_number(value) else ""


def funnel(card: Told) -> list[Told]:
    """The steps of a corpus: what was left after each, as a share of the first, and what was dropped there and why."""
    rows = card.get("funnel")
    rows = [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []
    first = next((one["in"] for one in rows if is_number(one.get("in")) and one["in"]), 0)
    return [
        {
            "step": str(one.get("step", "")),
            "documents": count(one.get("documents")),
            "bytes": count(one.get("bytes")),
            "share": one["documents"] / first if first and is_number(one.get("documents")) else 0.0,
            "dropped": dropped(one),
        }
        for one in rows
    ]


def dropped(one: Told) -> str:
    """What a step dropped, the commonest reasons first."""
    said = one.get("dropped")
    pairs = [pair for pair in said.items() if is_number(pair[1])] if isinstance(said, dict) else []
    return "; ".join(f"{n:,} {why}" for why, n in sorted(pairs, key=lambda pair: -pair[1])[:6])


def rest(card: Told) -> Told:
    """What else the card tells, without what has a table of its own and without hashes of files."""
    return {name: value for name, value in card.items() if name not in ("funnel", "sha256", "sources")}


def documents(folder: Path) -> list[Told]:
    """The first documents or examples of a corpus, cut where they are long."""
    try:
        return list(islice(_documents(folder), FIRST))
    except Exception as error:  # pyarrow has an error of its own for every way to be no Parquet file
        return [{"name": f"the documents cannot be read ({type(error).__name__})", "text": ""}]


def _documents(folder: Path) -> Iterator[Told]:
    from foretell.corpus.documents import corpus_parts

    parts = [path for path in corpus_parts(folder) if not path.is_symlink()]
    if parts:
        import pyarrow.parquet as pq

        with pq.ParquetFile(parts[0]) as opened:
            names = [name for name in ("id", "source", "text") if name in opened.schema_arrow.names]
            if "text" in names:
                for batch in opened.iter_batches(batch_size=FIRST, columns=names):
                    for one in batch.to_pylist():
                        yield {"name": f"{one.get('source', '')} {one.get('id', '')}".strip(), "text": cut(one["text"])}
                    return
    for path in sorted(folder.glob("*.jsonl"))[:2]:
        if not path.is_symlink():
            with path.open(encoding="utf-8", errors="replace") as file:
                for number in range(1, 4):
                    line = file.readline(MOST_LINE)
                    if line:
                        yield {"name": f"{path.name}, line {number}", "text": cut(line)}


def cut(text: Any) -> str:
    """A text as it is shown."""
    said = str(text)
    return said if len(said) <= LETTERS else f"{said[:LETTERS]} ..."
