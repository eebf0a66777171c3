"""A look into a corpus: lengths against numpy, examples in the order of the funnel."""

import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretell.corpus.cutting import HIT_COLUMNS, HITS
from foretell.corpus.funnel import STEPS
from foretell.corpus.inspection import QUANTILES, example_lines, examples, hits, inspected, length_lines, lengths, lines
from foretell.corpus.schema import DOCUMENTS, DROPPED
from foretell.errors import BadUse
from tests.corpus.made_documents import EMPTY, HELP


@pytest.mark.parametrize("seed", range(5))
def test_lengths_are_quantiles_of_characters_by_source(tmp_path, seed):
    rng = random.Random(seed)
    texts = [
        ("abc"[rng.randint(0, 2)], "\u00e4\U0001f600"[: rng.randint(1, 2)] * rng.randint(0, 99)) for _ in range(1500)
    ]
    for part in range(3):
        rows = [{**EMPTY, "id": "x", "source": source, "text": text} for source, text in texts[part::3]]
        pq.write_table(pa.Table.from_pylist(rows, schema=DOCUMENTS), tmp_path / f"documents-{part:05}.parquet")
    found = lengths(tmp_path)
    assert list(found) == sorted({source for source, _ in texts})
    for source, row in found.items():
        sizes = [len(text) for name, text in texts if name == source]
        assert list(row) == [str(q) for q in QUANTILES]
        assert list(row.values()) == [int(np.percentile(sizes, q)) for q in QUANTILES]
        assert (row["0"], row["100"]) == (min(sizes), max(sizes))


def dropped(folder, rows: list[tuple[str, str]]):
    table = [
        {**dict.fromkeys(DROPPED.names, ""), "id": f"{i}", "step": s, "reason": r} for i, (s, r) in enumerate(rows)
    ]
    pq.write_table(pa.Table.from_pylist(table, schema=DROPPED), folder / "dropped.parquet")


@pytest.mark.parametrize("limit", [0, 1, 3, 1000])
def test_examples_are_the_first_of_each_step_and_reason(tmp_path, limit):
    rng = random.Random(limit)
    rows = [(rng.choice(STEPS), rng.choice(["few words: 3", "few words: 4", "language de"])) for _ in range(900)]
    dropped(tmp_path, rows)
    found = examples(tmp_path, limit)
    wanted, seen = [], {}
    for i, (step, reason) in enumerate(rows):
        key = step, reason.split(":")[0]
        seen[key] = seen.get(key, 0) + 1
        wanted += [str(i)] if seen[key] <= limit else []
    assert [row["id"] for row in found] == wanted
    assert [row["id"] for row in examples(tmp_path, limit, "rules")] == [
        i for i in wanted if rows[int(i)][0] == "rules"
    ]


@pytest.mark.parametrize(("limit", "sets"), [(0, 3), (2, 1), (2, 3), (2, 30), (40, 3)])
def test_matches_are_the_first_documents_of_each_set_and_few_altogether(tmp_path, limit, sets):
    rng = random.Random(limit + sets)
    rows = [
        {"document": str(rng.randint(0, 30)), "evaluation_set": str(rng.randrange(sets)), "item": "", "start": i}
        | {"snippet": "", "ignored": False}
        for i in range(900)
    ]
    assert hits(tmp_path, limit) == []
    pq.write_table(pa.Table.from_pylist(rows, schema=HIT_COLUMNS), tmp_path / HITS)
    wanted, seen = [], set()
    for row in rows:
        key = row["evaluation_set"], row["document"]
        of = sum(one["evaluation_set"] == row["evaluation_set"] for one in wanted)
        if key not in seen and of < limit and len(wanted) < 5 * limit:
            wanted.append(row)
            seen.add(key)
    assert hits(tmp_path, limit) == wanted


def test_examples_stand_under_their_reasons_in_the_order_of_the_funnel():
    rows = [
        ("decontaminate", "no piece"),
        ("rules", "few words: 3"),
        ("read", "empty"),
        ("rules", "bad"),
        ("rules", "few words: 4"),
    ]
    table = [
        {"id": f"id{i}", "source": "a", "url": "", "step": step, "reason": reason, "excerpt": f"a\nb {i}"}
        for i, (step, reason) in enumerate(rows)
    ]
    assert example_lines(table) == [
        "read: empty",
        "    id2  a  a b 2",
        "rules: bad",
        "    id3  a  a b 3",
        "rules: few words",
        "    id1  a  few words: 3  a b 1",
        "    id4  a  few words: 4  a b 4",
        "decontaminate: no piece",
        "    id0  a  a b 0",
    ]
    assert example_lines([]) == []


def test_a_corpus_of_which_nothing_was_dropped(tmp_path):
    rows = [{**EMPTY, "id": "x", "text": HELP[0]}]
    pq.write_table(pa.Table.from_pylist(rows, schema=DOCUMENTS), tmp_path / "documents-00000.parquet")
    dropped(tmp_path, [])
    funnel = [{"step": "read", "in": 1, "documents": 1, "bytes": 9, "dropped": {}}]
    source = {"source": "a", "role": "raw", "paths": ["a"], "documents": 1, "bytes": 9, "funnel": funnel}
    card = {"kind": "corpus", "recipe": "plain", "n_documents": 1, "n_bytes": 9, "funnel": funnel, "sources": [source]}
    (tmp_path / "card.json").write_text(json.dumps({**card, "languages": [], "masked": {}, "dropped": {}}))
    found = inspected(tmp_path)
    assert found["examples"] == found["tokens"] == []
    said = lines(found)
    assert said[0] == "plain: 1 documents, 9 bytes of text"
    assert length_lines(found["lengths"])[1] in said
    with pytest.raises(BadUse, match=r"no step of .* is called 'rules'; its steps are read"):
        inspected(tmp_path, step="rules")
