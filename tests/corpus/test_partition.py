"""Batches of a partition: cut by number and by bytes, and nothing that is made of them follows from that."""

from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretell.corpus import partition
from foretell.corpus.mixing import mixed_tokens
from foretell.corpus.partition import BATCH, BATCH_BYTES, KEPT, LOST, Writing, each_batch, tables
from foretell.corpus.partition import written as opened
from foretell.corpus.schema import DOCUMENTS


def documents(texts):
    n = len(texts)
    columns = {"id": [f"{i:016x}" for i in range(n)], "text": texts, "source": ["web"] * n}
    columns |= {name: [""] * n for name in ("url", "language", "cluster")}
    return pa.table(columns | {name: [0.5] * n for name in ("language_score", "quality")}, schema=DOCUMENTS)


def written(path, texts, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(documents(texts), path, compression="zstd", **how)
    return path


def long_texts(n, size):
    return [f"{i} " + "word " * (size // 5) for i in range(n)]


def keep_long(part: Writing, table: pa.Table) -> pa.Table:
    return part.sift(table, "rules", ["" if len(text) > 100 else "short" for text in table["text"].to_pylist()])


def test_short_documents_are_read_by_number_across_row_groups(tmp_path):
    file = written(tmp_path / KEPT, [f"text {i}" for i in range(1500)], row_group_size=70)
    assert [len(table) for table in tables(file)] == [BATCH, BATCH, 1500 - 2 * BATCH]


@pytest.mark.parametrize("how", [{}, {"row_group_size": 3}, {"use_dictionary": False, "row_group_size": 16}])
def test_long_documents_are_read_and_written_about_16_mb_at_a_time(tmp_path, how):
    texts = [*(["short"] * 600), *long_texts(40, 1_500_000), *(["short"] * 5)]
    found = list(tables(written(tmp_path / "before" / KEPT, texts, **how)))
    assert max(table.nbytes for table in found) <= BATCH_BYTES
    assert max(map(len, found)) <= BATCH
    assert [text for table in found for text in table["text"].to_pylist()] == texts
    (tmp_path / "after").mkdir()
    counts = each_batch(tmp_path / "before", tmp_path / "after", keep_long)
    assert counts["web", "rules", "documents"] == 40
    read = pq.ParquetFile(tmp_path / "after" / KEPT).metadata
    assert max(read.row_group(i).total_byte_size for i in range(read.num_row_groups)) < 1.01 * BATCH_BYTES


def test_a_document_that_is_larger_than_a_batch_is_one_by_itself(tmp_path):
    texts = ["a", *long_texts(2, BATCH_BYTES + 100), "b"]
    found = [table["text"].to_pylist() for table in tables(written(tmp_path / KEPT, texts))]
    assert [text for table in found for text in table] == texts
    assert all(len(table) == 1 for table in found if len(max(table, key=len)) > BATCH_BYTES)


def test_columns_that_are_asked_for_are_read_alone(tmp_path):
    file = written(tmp_path / KEPT, ["a", "b"])
    assert [table.column_names for table in tables(file, ["text"])] == [["text"]]


@pytest.mark.parametrize("n", [0, 1, BATCH, 3 * BATCH + 7])
def test_records_that_are_dropped_one_by_one_are_written_many_at_a_time(tmp_path, n):
    with opened(tmp_path) as part:
        for i in range(n):
            row = {"id": str(i), "url": "", "source": "web", "reason": "broken", "excerpt": "x" * 300}
            part.drop("read", [row])
            assert len(part.held) < BATCH
    read = pq.ParquetFile(tmp_path / LOST)
    assert read.metadata.num_row_groups == -(-n // BATCH)
    rows = read.read().to_pylist()
    assert [row["id"] for row in rows] == [str(i) for i in range(n)]
    assert {(row["step"], row["reason"], row["excerpt"]) for row in rows} <= {("read", "broken", "x" * 200)}
    assert part.counts == {("web", "read", "dropped broken"): n} or not n


@pytest.mark.parametrize("size", [1, 300, 5000])
def test_nothing_that_is_made_follows_from_the_size_of_a_batch(tmp_path, pages, tokenizers, monkeypatch, size):
    texts = [page.text for page in pages[:20]] + [f"short {i}" for i in range(30)]
    file = written(tmp_path / "corpus" / "documents-00000.parquet", texts, row_group_size=9)
    written(tmp_path / "before" / KEPT, texts, row_group_size=9)
    (tmp_path / "corpus" / "card.json").write_text('{"kind": "corpus"}')
    make = partial(mixed_tokens, tmp_path / "corpus", tokenizer=tokenizers["bpe"], quiet=True)
    assert make(tmp_path / "tokens")["n_documents"] == 50
    (tmp_path / "steps").mkdir()
    counts = each_batch(tmp_path / "before", tmp_path / "steps", keep_long)
    monkeypatch.setattr(partition, "BATCH_BYTES", size)
    assert len(list(tables(file))) > 9
    make(tmp_path / "other")
    (tmp_path / "again").mkdir()
    assert each_batch(tmp_path / "before", tmp_path / "again", keep_long) == counts
    for path in (tmp_path / "tokens").iterdir():
        assert (tmp_path / "other" / path.name).read_bytes() == path.read_bytes(), path.name
    for name in (KEPT, LOST):
        assert pq.read_table(tmp_path / "again" / name) == pq.read_table(tmp_path / "steps" / name)
