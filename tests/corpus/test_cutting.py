"""Decontamination in steps: the same documents and counts however they are divided, pieces with ids of their own."""

import json
import random
from collections import Counter

import numpy as np
import pytest

from foretell.corpus.cutting import COUNTS, DIRTY, HITS, INDEX, add_counts, count_matches, cut_matches, write_index
from foretell.corpus.decontaminate import DecontaminateConfig, build, clean, document_counts
from foretell.corpus.evaluation_text import read_sets
from foretell.corpus.funnel import from_rows
from foretell.corpus.partition import tables
from foretell.corpus.schema import document_id
from foretell.errors import BadUse
from tests.corpus.made_documents import kept, lost, made, partition, write_rows

CFG = DecontaminateConfig(n=8, window=10, shortest_piece=20, most_pieces=3, most_documents=4)
WORDS = [f"word{i}" for i in range(400)]


def sentence(rng: random.Random, n: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(n))


def corpus(rng: random.Random, n: int) -> tuple[list[str], list[dict]]:
    """Evaluation items, and documents of which many hold some of them; the first item is in nearly all."""
    items = [sentence(rng, 12) for _ in range(5)]
    rows = []
    for i in range(n):
        text = [sentence(rng, rng.choice([1, 5, 40]))]
        for _ in range(rng.choice([0, 0, 1, 2, 5])):
            text += [rng.choice(items[1:]), sentence(rng, rng.choice([1, 30]))]
        text += [items[0]] * (rng.random() < 0.5)
        rows.append({"id": f"{i:016x}", "text": " ".join(text), "source": rng.choice("ab"), "url": f"http://{i}"})
    return items, rows


def cut(tmp_path, items: list[str], groups: list[list[dict]], name: str, cfg=CFG):
    """Documents, drops, hits, counts and documents hit, of groups that are a partition each."""
    root = tmp_path / name
    exam = write_rows(tmp_path / f"{name}.jsonl", items)
    told = write_index((exam,), made(root / "index"), cfg=cfg)
    index = str(root / "index" / INDEX)
    found = []
    for i, rows in enumerate(groups):
        partition(root / f"in {i}", rows)
        found.append(made(root / f"found {i}"))
        count_matches((str(root / f"in {i}" / "documents.parquet"), index), found[-1])
    add_counts(tuple(str(one / COUNTS) for one in found), made(root / "all"))
    counts, hit, documents, gone, hits = Counter(), Counter(), [], [], []
    for i, one in enumerate(found):
        inputs = (str(root / f"in {i}" / "documents.parquet"), index, str(root / "all" / COUNTS), str(one / DIRTY))
        result = cut_matches(inputs, made(root / f"cut {i}"), cfg=cfg)
        counts.update(from_rows(result["counts"]))
        hit.update({(of, how): n for of, how, n in json.loads(json.dumps(result["documents_hit"]))})
        documents += kept(root / f"cut {i}")
        gone += lost(root / f"cut {i}")
        hits += [row for table in tables(root / f"cut {i}" / HITS) for row in table.to_pylist()]
    return documents, gone, hits, counts, hit, told


@pytest.mark.parametrize("seed", range(5))
def test_documents_and_counts_are_the_same_however_they_are_divided(tmp_path, seed):
    rng = random.Random(seed)
    items, rows = corpus(rng, 60)
    one = cut(tmp_path, items, [rows], "one")
    at = sorted(rng.sample(range(60), 3))
    groups = [rows[first:end] for first, end in zip([0, *at], [*at, 60], strict=True)]
    many = cut(tmp_path, items, [*groups, []], "many")
    for a, b in zip(one[:3], many[:3], strict=True):
        assert str(a).replace("'one'", "'many'") == str(b)
    assert one[3] == many[3]
    assert {how: n for (_, how), n in one[4].items()} == {how: n for (_, how), n in many[4].items()}


@pytest.mark.parametrize("seed", range(5))
def test_what_is_left_is_what_cleaning_all_at_once_leaves(tmp_path, seed):
    rng = random.Random(seed)
    items, rows = corpus(rng, 50)
    documents, gone, hits, counts, hit, told = cut(tmp_path, items, [rows[:20], rows[20:]], "exam")
    texts, ids = [row["text"] for row in rows], [row["id"] for row in rows]
    index = build(read_sets([tmp_path / "exam.jsonl"]), CFG)
    cleaned = clean(index, document_counts(index, texts), ids, texts, CFG)
    twin = []
    for row, one in zip(rows, cleaned, strict=True):
        for i, piece in enumerate(one.pieces):
            twin.append((row["id"] if i == 0 else document_id(row["id"], str(i)), piece, row["url"], row["source"]))
    assert [(row["id"], row["text"], row["url"], row["source"]) for row in documents] == twin
    why = [(row["id"], row["text"][:200], one.reason) for row, one in zip(rows, cleaned, strict=True) if one.reason]
    assert [(row["id"], row["excerpt"], row["reason"]) for row in gone] == why
    assert [tuple(row.values()) for row in hits] == [tuple(one) for row in cleaned for one in row.hits]
    assert told["sets"] == [{"set": "exam", "items": 5, "too_short": 0}]
    for how in ("cut", "ignored"):
        assert hit["exam", how] == sum(any(one.ignored == (how == "ignored") for one in row.hits) for row in cleaned)
    by_hand = Counter()
    for row, one in zip(rows, cleaned, strict=True):
        by_hand[row["source"], "decontaminate", "documents"] += bool(one.pieces)
    for row in documents:
        by_hand[row["source"], "decontaminate", "pieces"] += 1
        by_hand[row["source"], "decontaminate", "bytes"] += len(row["text"].encode())
    for row in gone:
        by_hand[row["source"], "decontaminate", f"dropped {row['reason']}"] += 1
    assert counts == by_hand


def test_a_document_may_become_several_each_with_an_id_of_its_own(tmp_path):
    rng = random.Random(3)
    item, texts = sentence(rng, 8), [sentence(rng, 30) for _ in range(6)]
    rows = [{"id": f"{i:016x}", "text": f" {item} ".join(texts[i : i + 3])} for i in range(3)]
    documents, gone, _, counts, hit, _ = cut(tmp_path, [item], [rows], "exam")
    assert (len(documents), gone, hit) == (9, [], {("exam", "cut"): 3})
    assert len({row["id"] for row in documents}) == 9
    assert [row["id"] for row in documents[::3]] == [row["id"] for row in rows], "the first piece keeps it"
    assert counts["a", "decontaminate", "documents"] == 3
    assert counts["a", "decontaminate", "pieces"] == 9
    assert all(item not in row["text"] for row in documents)


def test_a_phrase_is_counted_over_all_partitions_before_it_is_ignored(tmp_path):
    rng = random.Random(4)
    item = sentence(rng, 8)
    rows = [{"id": str(i), "text": f"{sentence(rng, 20)} {item} {sentence(rng, 20)}"} for i in range(5)]
    documents, _, hits, _, hit, _ = cut(tmp_path, [item], [[row] for row in rows], "exam")
    assert [row["text"] for row in documents] == [row["text"] for row in rows], "five documents are more than four"
    assert all(row["ignored"] for row in hits)
    assert hit == {("exam", "ignored"): 5}
    documents, *_ = cut(tmp_path, [item], [[row] for row in rows[:4]], "four")
    assert len(documents) == 8


def test_items_with_too_few_words_are_counted_and_none_left_is_an_error(tmp_path):
    exam = write_rows(tmp_path / "exam.jsonl", [sentence(random.Random(0), 9), "too short", "also"])
    told = write_index((exam,), made(tmp_path / "index"), cfg=CFG)
    assert told["sets"] == [{"set": "exam", "items": 3, "too_short": 2}]
    assert told["ngrams"] == 2
    with pytest.raises(BadUse):
        write_index((write_rows(tmp_path / "b.jsonl", ["too short"]),), made(tmp_path / "other"), cfg=CFG)


def test_counts_add_up_as_integers(tmp_path):
    files = []
    for i in range(3):
        files.append(str(tmp_path / f"{i}.npy"))
        np.save(files[-1], np.array([1 << 40, i, 0]))
    add_counts(tuple(files), tmp_path)
    found = np.load(tmp_path / COUNTS)
    assert found.tolist() == [3 << 40, 3, 0]
    assert found.dtype == np.int64
