"""A look into a corpus: its funnel, examples of what each step dropped and why, lengths, languages, sources."""

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from foretell.corpus.card import mixture_lines, told
from foretell.corpus.card_sections import decile_lines, hit_lines
from foretell.corpus.cutting import HITS
from foretell.corpus.documents import CARD, corpus_parts
from foretell.corpus.funnel import CUTS, POSTS, STEPS, counted_as
from foretell.corpus.mixing import asked, source_of
from foretell.corpus.partition import LOST, tables
from foretell.corpus.tokens import is_token_folder
from foretell.errors import BadUse
from foretell.runs import read_json

QUANTILES = (0, 5, 25, 50, 75, 95, 100)
HITS_SHOWN = 5  # times the limit of each evaluation set, over all sets


def inspected(folder: Path, limit: int = 2, step: str = "") -> dict[str, Any]:
    """The card with lengths, matches of evaluation sets and `limit` dropped records of each step and reason.

    BadUse if the folder is no corpus.
    """
    card = read_json(folder / CARD)
    if not isinstance(card, dict) or card.get("kind") != "corpus" or "funnel" not in card:
        raise BadUse(f"{folder} is no corpus that foretell corpus wrote; give the folder of its --out")
    steps = [*([POSTS] if card.get("links") else []), *(row["step"] for row in card["funnel"])]
    if step and step not in steps:
        raise BadUse(f"no step of {folder} is called {step!r}; its steps are {', '.join(steps)}")
    told = {"lengths": lengths(folder), "tokens": token_cards(folder), "examples": examples(folder, limit, step)}
    return {**card, **told, "hits": hits(folder, limit) if step in ("", CUTS) else []}


def token_cards(folder: Path) -> list[dict[str, Any]]:
    """The cards of the token folders that were made of a corpus and lie beside it."""
    there = folder.resolve()
    mixture, found = asked(there), []
    for beside in sorted(there.parent.glob(f"{glob.escape(there.name)}-*")):
        if mixture and is_token_folder(beside):
            card = read_json(beside / CARD)
            if card.get("source") == source_of(there, mixture):
                found.append({"folder": beside.name, **card})
    return found


def lengths(folder: Path) -> dict[str, dict[str, int]]:
    """Characters of the documents of each source: quantiles, in per cent."""
    import pyarrow.compute as pc

    found: dict[str, list[np.ndarray]] = {}
    for file in corpus_parts(folder):
        for table in tables(file, ["source", "text"]):
            sizes = pc.utf8_length(table["text"]).to_numpy()
            sources = np.array(table["source"].to_pylist())
            for source in np.unique(sources):
                found.setdefault(str(source), []).append(sizes[sources == source])
    cuts = {name: np.percentile(np.concatenate(parts), QUANTILES) for name, parts in sorted(found.items())}
    return {name: {str(q): int(n) for q, n in zip(QUANTILES, cut, strict=True)} for name, cut in cuts.items()}


def examples(folder: Path, limit: int, step: str = "") -> list[dict[str, str]]:
    """The first dropped records of each step and reason, in the order of the file."""
    seen: dict[tuple[str, str], int] = {}
    found = []
    for row in _dropped(folder):
        key = row["step"], counted_as(row["reason"], row["step"])
        if seen.setdefault(key, 0) < limit and step in ("", row["step"]):
            seen[key] += 1
            found.append(row)
    return found


def hits(folder: Path, limit: int) -> list[dict[str, Any]]:
    """The first matches of evaluation sets, one of a document: `limit` of each set and five times as many together."""
    seen: dict[str, set[str]] = {}
    found: list[dict[str, Any]] = []
    for table in tables(folder / HITS) if (folder / HITS).exists() else ():
        for row in table.to_pylist():
            if len(found) >= HITS_SHOWN * limit:
                return found
            documents = seen.setdefault(row["evaluation_set"], set())
            if len(documents) < limit and row["document"] not in documents:
                documents.add(row["document"])
                found.append(row)
    return found


def _dropped(folder: Path) -> Iterator[dict[str, str]]:
    for table in tables(folder / LOST):
        yield from table.to_pylist()


def lines(found: dict[str, Any]) -> list[str]:
    """What was found, as lines of text."""
    said = [f"{found['recipe']}: {found['n_documents']:,} documents, {found['n_bytes']:,} bytes of text", ""]
    said += told(found)
    for head, body in (("", decile_lines(found)), (f"matches of evaluation sets ({HITS}):", hit_lines(found["hits"]))):
        said += ["", *filter(None, [head]), *body] if body else []
    said += ["", *source_lines(found["sources"]), "", *length_lines(found["lengths"])]
    for tokens in found["tokens"]:
        said += ["", f"as tokens in {tokens['folder']}:", *mixture_lines(tokens)]
    return [*said, "", *example_lines(found["examples"])]


def source_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What each source gave: documents read, those of them that are left, in how many pieces."""
    head = f"{'source':24} {'role':8} {'read':>10} {'left':>10} {'pieces':>10} {'bytes left':>16}"
    body = []
    for row in rows:
        read = row["funnel"][0]["in"] if row["funnel"] else 0
        left = f"{row['documents']:10,} {row.get('pieces', row['documents']):10,} {row['bytes']:16,}"
        body.append(f"{row['source']:24} {row['role']:8} {read:10,} {left}")
    return [head, *body]


def length_lines(rows: dict[str, dict[str, int]]) -> list[str]:
    """Quantiles of the documents' lengths."""
    head = f"{'characters':24} " + " ".join(f"{q}%".rjust(10) for q in QUANTILES)
    return [head, *(f"{name:24} " + " ".join(f"{n:10,}" for n in row.values()) for name, row in rows.items())]


def example_lines(rows: Sequence[dict[str, str]]) -> list[str]:
    """Dropped records under the step and reason that took them."""
    said, last = [], ""
    for row in sorted(rows, key=_place):
        short = counted_as(row["reason"], row["step"])
        head = f"{row['step']}: {short}"
        said += [head] if head != last else []
        last = head
        whole, start = "" if row["reason"] == short else row["reason"], " ".join(row["excerpt"].split())[:100]
        said.append("    " + "  ".join(filter(None, (row["id"], row["source"], row["url"], whole, start))))
    return said


def _place(row: dict[str, str]) -> tuple[int, str]:
    return STEPS.index(row["step"]), counted_as(row["reason"], row["step"])
