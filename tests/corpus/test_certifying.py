"""The certificate of a corpus: its sample is the same in whatever files the documents lie, and its figures are JSON."""

import dataclasses
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretell.corpus.card import certificate_lines, markdown
from foretell.corpus.certificate import certificate
from foretell.corpus.certifying import LONGEST, affordable, as_json, certify, sample
from foretell.corpus.corpus_config import CorpusConfig
from foretell.corpus.dedup import DedupConfig
from foretell.corpus.inspection import inspected, lines
from foretell.corpus.order import stream
from foretell.corpus.schema import document_id
from tests.corpus.test_minhash import random_texts
from tests.corpus.test_pipeline import ENGINE, HELP, PLAIN, made, raw, write_rows

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a pipe of Daft's own
TEXTS = random_texts(200, words=120)
TEN_TABLES = DedupConfig(bands=10, rows=1, ngram=1, verify=0.8)


def files(folder, order, n_files, rows=16) -> tuple[str, ...]:
    """TEXTS in some order, in so many files of groups of so many rows."""
    folder.mkdir()
    for i, places in enumerate(np.array_split(np.array(order, dtype=int), n_files)):
        columns = {"id": [document_id("test", str(k)) for k in places], "text": [TEXTS[k] for k in places]}
        table = pa.table({name: pa.array(column, pa.string()) for name, column in columns.items()})
        pq.write_table(table, folder / f"{i}.parquet", row_group_size=rows)
    return tuple(str(file) for file in sorted(folder.iterdir()))


def test_the_sample_is_that_of_the_least_numbers(tmp_path):
    nodes = np.array([int(document_id("test", str(i)), 16) for i in range(200)], dtype=np.uint64)
    numbers = [float(stream(5, np.array([node]).astype(np.int64), 1, 3)[0, 0]) for node in nodes]
    plain = [TEXTS[i] for i in sorted(range(200), key=numbers.__getitem__)]
    given = files(tmp_path / "a", range(200), 3)
    assert sample(given, 20, 5) == [text[:LONGEST] for text in plain[:20]]
    assert sample(given, 1000, 5) == [text[:LONGEST] for text in plain]
    assert sample(given, 20, 6) != sample(given, 20, 5)
    assert sample((), 20, 5) == []


def test_the_certificate_does_not_depend_on_how_the_documents_are_cut_and_ordered(tmp_path):
    given = {"cfg": DedupConfig(), "most": 80, "seed": 1}
    whole = certify(files(tmp_path / "a", range(200), 1), tmp_path, **given)
    mixed = np.random.default_rng(0).permutation(200)
    assert certify(files(tmp_path / "b", mixed, 7, rows=5), tmp_path, **given) == whole
    assert (whole["documents"], whole["planted"]) == (80, 80)


def test_what_was_not_measured_is_null():
    told = as_json(certificate([], DedupConfig()))
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert (told["recall"], told["precision"], told["strict_precision"], told["sought"]) == (None, None, None, 0)
    assert certificate_lines({"certificate": told}) == []
    assert certificate_lines({}) == []


def test_shares_come_with_the_numbers_that_they_are_of():
    made = certificate(TEXTS, DedupConfig(), copies=200)
    told = as_json(made)
    high = [one for one in made.bins if one.low >= 0.8]
    assert told["sought"] == sum(one.planted for one in high)
    assert told["recall"] * told["sought"] == pytest.approx(sum(one.found for one in high))
    assert told["dropped"] >= sum(one.found for one in made.bins)
    (line,) = certificate_lines({"certificate": told})
    assert line.startswith(f"near duplicates: recall {made.recall:.3f} at a Jaccard index of 0.8 or more (n=")


def test_the_sample_is_smaller_where_half_of_all_pairs_are_compared(monkeypatch):
    monkeypatch.setattr("foretell.corpus.certifying.MOST_PAIRS", 1000)
    assert affordable(TEXTS, DedupConfig()) == 200
    assert 1 < affordable(TEXTS, TEN_TABLES) < 50
    assert affordable([], TEN_TABLES) == 0


@pytest.mark.slow
def test_a_corpus_tells_its_certificate(tmp_path):
    cfg = dataclasses.replace(PLAIN, near_duplicates=True)
    source = raw(write_rows(tmp_path / "a.jsonl", HELP[:20]))
    card = made(tmp_path / "x", cfg, source)
    assert card["certificate"]["documents"] == 20
    assert card["certificate"]["recall"] > 0.5
    (line,) = certificate_lines(card)
    assert line in lines(inspected(tmp_path / "x"))
    assert "## Near duplicates" in (tmp_path / "x" / "README.md").read_text()
    assert "| 0.9 to 1.0 |" in markdown(card, "x")
    one = made(tmp_path / "y", cfg, source, certificate=0)
    assert "certificate" not in one
    assert {"certificate", "config"} == {name for name in card if card[name] != one.get(name)}
    assert "certificate" not in made(tmp_path / "z", PLAIN, source, engine=ENGINE)


def test_a_negative_sample_is_refused():
    with pytest.raises(ValueError, match="certificate=-1"):
        CorpusConfig(recipe="plain", certificate=-1)
