"""Counts of partitions added up, and the funnel: what a step is given is what the one before left."""

import random
from collections import Counter
from itertools import pairwise

import pyarrow.parquet as pq
import pytest

from foretell.corpus.corpus_config import CorpusConfig, LanguageConfig, SourceConfig
from foretell.corpus.decontaminate import DecontaminateConfig
from foretell.corpus.dedup import DedupConfig
from foretell.corpus.engine import EngineConfig
from foretell.corpus.funnel import (
    STEPS,
    TOLD,
    as_rows,
    by_reason,
    counted_as,
    from_rows,
    funnel,
    held,
    keep,
    nothing_read,
    total,
)
from foretell.corpus.partition import LOST, written
from foretell.corpus.pipeline import Making, make_corpus
from tests.corpus.made_documents import HELP, write_rows

RAW_ALONE = {"karma", "domain", "rules"}
REASONS = ("short: 3 words", "short: 9 words", "language de", "quality")


def simulated(rng: random.Random, sources: list[str], raw: set[str], steps: list[str]):
    """Counts of partitions in which documents go at random, and the documents of each source after each step."""
    partitions, left = [], {}
    for source in sources:
        for _ in range(rng.randint(1, 4)):
            counts, sizes = Counter(), [rng.randint(1, 99) for _ in range(rng.choice([0, 1, 20]))]
            for step in steps:
                if step not in RAW_ALONE or source in raw:
                    gone = {i: rng.choice(REASONS) for i in range(len(sizes)) if rng.random() < 0.2}
                    for reason in gone.values():
                        counts[source, step, f"dropped {counted_as(reason)}"] += 1
                    sizes = [size for i, size in enumerate(sizes) if i not in gone]
                    if sizes or rng.random() < 0.5:  # a step that meets no document may count nothing
                        keep(counts, source, step, sizes)
                left.setdefault((source, step), []).extend(sizes)
            partitions.append(counts)
    return partitions, left


@pytest.mark.parametrize("seed", range(30))
def test_what_a_step_takes_in_is_what_the_one_before_left(seed):
    rng = random.Random(seed)
    sources = ["crawl", "books", "wiki"][: rng.randint(1, 3)]
    steps = ["read", *(step for step in STEPS[2:] if rng.random() < 0.7)]
    partitions, left = simulated(rng, sources, {"crawl"}, steps)
    counts = sum((from_rows(as_rows(one)) for one in partitions), Counter())
    rows = funnel(counts, sources)
    assert [row["step"] for row in rows] == [
        step for step in steps if any(key[1] == step and n for key, n in counts.items())
    ]
    for before, row in pairwise(rows):
        assert row["in"] == before["documents"]
    for row in rows:
        sizes = [size for source in sources for size in left[source, row["step"]]]
        assert row["documents"] == len(sizes)
        assert row["bytes"] == sum(sizes)
        assert row["in"] == row["documents"] + sum(row["dropped"].values())
    if rows:
        assert rows[0]["in"] == rows[-1]["documents"] + sum(sum(row["dropped"].values()) for row in rows)


@pytest.mark.parametrize("seed", range(10))
def test_partitions_may_be_added_in_any_order(seed):
    rng = random.Random(seed)
    partitions, _ = simulated(rng, ["a", "b"], {"a"}, list(STEPS))
    one = sum(partitions, Counter())
    rng.shuffle(partitions)
    rows = [row for part in partitions for row in as_rows(part)]
    again = Counter()
    for row in rows:
        again.update(from_rows([row]))
    assert as_rows(+again) == as_rows(one)
    assert funnel(again, ["a", "b"]) == funnel(one, ["a", "b"]) or not all(again.values())


def test_a_source_that_a_step_does_not_concern_is_counted_among_what_it_left():
    counts = Counter()
    keep(counts, "crawl", "read", [5] * 10)
    keep(counts, "books", "read", [7] * 4)
    keep(counts, "crawl", "karma", [5] * 3)
    counts["crawl", "karma", "dropped no post"] = 7
    rows = funnel(counts, ["crawl", "books"])
    assert [(row["step"], row["in"], row["documents"], row["bytes"]) for row in rows] == [
        ("read", 14, 14, 78),
        ("karma", 14, 7, 43),
    ]
    assert [row["step"] for row in funnel(counts, ["books"])] == ["read"], "alone it has no such step"


def test_other_sources_do_not_count():
    counts = Counter()
    keep(counts, "a", "read", [1])
    keep(counts, "b", "read", [1, 2])
    assert funnel(counts, ["a"])[0]["documents"] == 1
    assert total(counts, "read", "bytes", ["b"]) == 3
    assert funnel(Counter(), ["a"]) == []


def test_a_document_that_was_cut_counts_once_and_its_pieces_apart():
    counts = Counter()
    keep(counts, "a", "exact text", [5] * 6)
    keep(counts, "a", "decontaminate", [3] * 4)
    counts["a", "decontaminate", "pieces"] = 9
    counts["a", "decontaminate", "dropped more than 10 pieces"] = 2
    before, last = funnel(counts, ["a"])
    assert "pieces" not in before
    assert (last["in"], last["documents"], last["pieces"], last["bytes"]) == (6, 4, 9, 12)
    assert held(counts, "decontaminate", ["a"]) == 9
    assert held(counts, "exact text", ["a"]) == 6


def test_reasons_are_told_the_commonest_first_and_without_what_is_one_records_own():
    counts = Counter({("a", "rules", f"dropped {name}"): n for name, n in {"x": 2, "b": 5, "a": 5}.items()})
    counts["a", "rules", "masked e-mail"] = 9
    counts["b", "rules", "dropped x"] = 4
    assert list(by_reason(counts, "rules", ["a"]).items()) == [("a", 5), ("b", 5), ("x", 2)]
    assert list(by_reason(counts, "rules", ["a", "b"]).items()) == [("x", 6), ("a", 5), ("b", 5)]
    assert by_reason(counts, "rules", ["a"], "masked") == {"e-mail": 9}
    assert counted_as("too short: 3 words: few") == "too short"
    assert counted_as("language de") == "language de"
    assert counted_as("no UTF-8 (invalid byte at byte 17)", "read") == "no UTF-8"
    assert counted_as("12 of 345 bytes of a record: the file ends", "read") == "N of N bytes of a record"
    assert counted_as("more than 10 pieces", "decontaminate") == "more than 10 pieces"


def test_a_source_that_gave_nothing_is_told_with_the_commonest_reasons():
    counts = Counter({("a", "read", f"dropped {i}"): i for i in range(1, 7)})
    assert nothing_read(counts, "a") == "6 6, 5 5, 4 4, 3 3"
    assert nothing_read(counts, "b") == "it holds no record"
    keep(counts, "a", "extract", [1])
    assert nothing_read(counts, "a") == ""


def test_one_whole_reason_of_a_source_that_gave_nothing_is_quoted(tmp_path):
    reasons = ["no UTF-8 (byte 9)", "12 of 345 bytes of a record: the file ends", "12 of 400 bytes of a record: x", "y"]
    counts = Counter()
    for i, (source, reason) in enumerate([*(("a", one) for one in reasons), ("b", "7 of 8 bytes of a record")]):
        (tmp_path / str(i)).mkdir()
        with written(tmp_path / str(i)) as part:
            part.drop("read", [{"id": str(i), "url": "", "source": source, "reason": reason}])
        counts.update(part.counts)
    files = [tmp_path / str(i) / LOST for i in (4, 0, 1, 2, 3)]
    whole = "12 of 345 bytes of a record: the file ends"
    assert (
        nothing_read(counts, "a", files) == f"2 N of N bytes of a record, 1 no UTF-8, 1 y; one of the first: {whole!r}"
    )
    assert nothing_read(Counter({("a", "read", "dropped y"): 2}), "a", files[-1:]) == "2 y"
    assert nothing_read(Counter(), "a", files) == "it holds no record"


def test_every_step_is_told():
    assert set(TOLD) == set(STEPS)


def random_rows(rng: random.Random, n: int) -> list[str]:
    """Texts of which many are copies, near copies, of another language, broken by a rule, or in pieces."""
    german = "Der schnelle braune Fuchs springt \u00fcber den faulen Hund und freut sich der Sonne. " * 9
    item = " ".join(f"question{i}" for i in range(20))
    kinds = {
        "same": "{}",
        "near": "{} and one more",
        "cut": "{0}\n" + item + "\n{0}",
        "bad": "{} lorem ipsum",
        "de": german,
    }
    return [kinds[rng.choice(list(kinds))].format(rng.choice(HELP[1:])) for _ in range(n)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a pipe of Daft's own
def test_a_random_corpus_adds_up_and_its_counts_are_the_same_however_it_is_divided(tmp_path):
    rng, cards = random.Random(0), []
    texts = {"crawl": random_rows(rng, 60), "books": random_rows(rng, 20)}
    item = " ".join(f"question{i}" for i in range(20))
    texts["books"].append(f"{HELP[0]}\n{item}\n{HELP[0][::-1]}")
    exam = write_rows(tmp_path / "exam.jsonl", [item])
    for n_files in (1, 4):
        paths = {
            name: tuple(write_rows(tmp_path / f"{name}-{n_files}-{i}.jsonl", rows[i::n_files]) for i in range(n_files))
            for name, rows in texts.items()
        }
        cfg = CorpusConfig(
            recipe="x",
            sources=(
                SourceConfig(name="crawl", paths=paths["crawl"]),
                SourceConfig(name="books", paths=paths["books"], role="curated"),
            ),
            language=LanguageConfig(keep=("en",)),
            use_rules=True,
            dedup=DedupConfig(bands=2, rows=4),  # each band is a query, which takes longer than its rows
            evaluation=(exam,),
            decontaminate=DecontaminateConfig(most_documents=10_000),
        )
        out = tmp_path / f"made {n_files}"
        card = make_corpus(cfg, Making(out=out, engine=EngineConfig(workers=1), quiet=True))
        documents = [row for file in sorted(out.glob("documents-*")) for row in pq.read_table(file).to_pylist()]
        gone = pq.read_table(out / "dropped.parquet").to_pylist()
        assert len({row["id"] for row in documents}) == len(documents) == card["n_documents"]
        assert card["n_bytes"] == sum(len(row["text"].encode()) for row in documents)
        assert card["documents_of"] == dict(sorted(Counter(row["source"] for row in documents).items()))
        for row in card["funnel"]:
            assert row["in"] == row["documents"] + sum(row["dropped"].values())
            assert sum(row["dropped"].values()) == sum(one["step"] == row["step"] for one in gone)
        for before, row in pairwise(card["funnel"]):
            assert row["in"] == before["documents"]
        last = card["funnel"][-1]
        assert last["step"] == "decontaminate"
        assert last["pieces"] == len(documents) > last["documents"], "a document may become several"
        for source in card["sources"]:
            assert source["documents"] <= source["funnel"][0]["in"]
            assert source["pieces"] == card["documents_of"][source["source"]]
        for i, row in enumerate(card["funnel"]):
            parts = [source["funnel"][i] for source in card["sources"]]
            for what in ("in", "documents", "bytes"):
                assert row[what] == sum(part[what] for part in parts)
        cards.append({name: card[name] for name in ("funnel", "documents_of", "languages", "n_bytes", "dropped")})
    assert {step["step"]: step["dropped"] for step in cards[0]["funnel"]} == {
        step["step"]: step["dropped"] for step in cards[1]["funnel"]
    }
    assert all(cards[0]["funnel"][i]["documents"] == cards[1]["funnel"][i]["documents"] for i in range(8))
    assert cards[0]["languages"] == cards[1]["languages"]
