"""The card: its counts by hand, its Markdown, its lines."""

import itertools
import re
from collections import Counter

import pytest

from foretell.corpus.card import counted, funnel_lines, languages, markdown, mixture_lines, shown, told
from foretell.corpus.card_sections import decile_lines, hit_lines
from foretell.corpus.corpus_config import CorpusConfig, SourceConfig
from foretell.corpus.funnel import TOLD, keep

BOOKS = SourceConfig(name="books", paths=("/far/away/b.jsonl", "x/y/"), role="curated")
CRAWL = SourceConfig(name="crawl|2016", paths=("hf:someone/web", "/a|b\nc.warc"))
CFG = CorpusConfig(recipe="plain", sources=(CRAWL, BOOKS, SourceConfig(name="good", paths=("z",), role="positive")))


@pytest.fixture
def counts() -> Counter:
    found = Counter()
    keep(found, "crawl|2016", "read", [100] * 50)
    keep(found, "books", "read", [10] * 5)
    keep(found, "good", "read", [1] * 1000)
    keep(found, "crawl|2016", "extract", [90] * 40)
    keep(found, "books", "extract", [10] * 5)
    keep(found, "crawl|2016", "exact text", [80] * 37)
    keep(found, "books", "exact text", [10] * 5)
    found["crawl|2016", "extract", "dropped no text"] = 10
    found["crawl|2016", "exact text", "dropped no text"] = 3
    found["crawl|2016", "exact text", "masked e-mail"] = 1234
    for code, n in {"en": 30, "": 9, "de": 6}.items():
        found["crawl|2016", "language", f"language {code}"] = n
    found["good", "language", "language fr"] = 1000
    return found


@pytest.fixture
def card(counts) -> dict:
    return {"recipe": "plain", "version": "1.2", **counted(counts, CFG)}


def test_the_counts_of_a_card_are_those_of_what_enters_it(card):
    assert (card["n_documents"], card["n_bytes"]) == (42, 37 * 80 + 50)
    assert card["documents_of"] == {"books": 5, "crawl|2016": 37}
    assert card["dropped"] == {"no text": 13}, "a reason may be given by two steps"
    assert card["masked"] == {"e-mail": 1234}
    assert [(row["source"], row["documents"], row["bytes"]) for row in card["sources"]] == [
        ("books", 5, 50),
        ("crawl|2016", 37, 2960),
    ]
    assert card["funnel"][0]["in"] - sum(card["dropped"].values()) == card["n_documents"]


def test_pieces_are_told_apart_from_the_documents_that_are_left(counts):
    for name, n, pieces in (("crawl|2016", 30, 47), ("books", 5, 5)):
        keep(counts, name, "decontaminate", [10] * n)
        counts[name, "decontaminate", "pieces"] = pieces
    counts["crawl|2016", "decontaminate", "dropped more than 10 pieces"] = 7
    card = {"recipe": "plain", "version": "1.2", **counted(counts, CFG)}
    assert card["n_documents"] == 52
    assert card["documents_of"] == {"books": 5, "crawl|2016": 47}
    assert [(row["documents"], row["pieces"]) for row in card["sources"]] == [(5, 5), (30, 47)]
    last = card["funnel"][-1]
    assert (last["in"], last["documents"], last["pieces"]) == (42, 35, 52)
    assert funnel_lines(card["funnel"])[-1].endswith("  left in 52 pieces; 7 more than 10 pieces")
    text = markdown(card, "mine")
    assert "A corpus of 52 documents" in text
    assert "| crawl\\|2016 | raw | 30 | 47 | 300 |" in text
    assert "| 35 | 350 | left in 52 pieces; 7 more than 10 pieces |" in text


def test_languages_are_shares_of_what_was_read(counts):
    rows = languages(counts, CFG.kept)
    assert [(row["language"], row["documents"]) for row in rows] == [("en", 30), ("unknown", 9), ("de", 6)]
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert languages(Counter(), CFG.kept) == []


@pytest.mark.parametrize(
    ("path", "said"),
    [("/far/away/b.jsonl", "b.jsonl"), ("x/y/", "y"), ("b", "b"), ("hf:a/b", "hf:a/b"), ("ray://h/x", "ray://h/x")],
)
def test_no_folder_of_the_machine_is_told(path, said):
    assert shown(path) == said


def test_the_markdown_says_what_the_card_says(card):
    text = markdown(card, "mine")
    assert text.startswith("# mine\n\nA corpus of 42 documents, 3,010 bytes of text, made by `foretell corpus --recipe")
    assert "/far/" not in text
    assert "Masked: 1,234 e-mail." in text
    assert "| en | 30 | 66.67% |" in text
    for row in card["funnel"]:
        assert f"| {row['step']} | {TOLD[row['step']]} | {row['documents']:,} | {row['bytes']:,} |" in text
    assert text.endswith("\n")
    nothing = markdown({**card, "masked": {}, "languages": []}, "mine")
    assert "Masked: nothing; masking was off or found none." in nothing
    assert "## Languages" not in nothing


def test_every_row_of_its_tables_has_as_many_cells_as_the_head(card):
    """Whatever names hold, as a reader of Markdown counts the cells: a bar with a backslash before it is none."""
    wide, n_tables = 0, 0
    for line in markdown(card, "mine").splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line))
        assert cells == wide or not wide or not cells
        n_tables += bool(cells and not wide)
        wide = cells
    assert n_tables == 3


def test_lines_for_a_terminal(card):
    lines = told(card)
    assert lines[1].split() == ["read", "55", "5,050"]
    assert lines[2].endswith("  10 no text")
    assert "languages: en 66.7%, unknown 20.0%, de 13.3%" in lines
    assert lines[-1] == "masked: 1,234 e-mail"
    many = [{"step": "rules", "documents": 0, "bytes": 0, "dropped": {f"r{i}": 9 - i for i in range(9)}}]
    assert funnel_lines(many)[1].endswith("9 r0; 8 r1; 7 r2; 6 r3"), "no more than four reasons"


def test_lines_of_the_gate_and_of_evaluation_sets(card):
    held = {"positive": 600, "negative": 634}
    gate = {"auc": 0.91, "auc_interval": [0.88, 0.94], "held_out": held, "keep_rate": 0.0141, "keep_rate_positive": 0.5}
    sets = [{"set": "exam", "items": 1000, "too_short": 3, "cut": 4, "ignored": 5}]
    lines = told({**card, "quality": gate, "decontamination": {"sets": sets}})
    said = "classifier: AUC 0.910 (0.880 to 0.940) on 1,234 held-out documents; "
    assert said + "the gate keeps 1.4% of raw and 50.0% of good ones" in lines
    assert "evaluation set exam: 1,000 items, 3 too short; 4 documents cut, 5 with common phrases only counted" in lines


def test_a_line_of_posts(card):
    links = {"links": 1200, "passed_over": {"karma below 3": 3000, "not safe for work": 4}, "broken": 1}
    assert "posts: 1,200 links, 3,004 passed over, 1 could not be read" in told({**card, "links": links})
    for none in (card, {**card, "links": {}}):
        assert not any(line.startswith("posts") for line in told(none))


def decile(i: int, **more) -> dict:
    return {"from": i / 10, "to": (i + 1) / 10, "positive": i, "negative": 9 - i, "examples": [], **more}


def test_the_markdown_tells_of_the_gate_the_evaluation_sets_and_the_mixture_asked(card):
    held = {"positive": 600, "negative": 634}
    gate = {"auc": 0.91, "auc_interval": [0.88, 0.94], "held_out": held, "keep_rate": 0.0141, "keep_rate_positive": 0.5}
    one = {"excerpt": "a | b " + "x" * 200, "class": "negative", "score": 0.4}
    gate["deciles"] = [decile(i, examples=[one, one] if i == 4 else []) for i in range(10)]
    sets = [{"set": "ex|am", "items": 1000, "too_short": 3, "cut": 4, "ignored": 5}]
    asked = {"weights": {"crawl|2016": 0.6}, "epochs": {"books": 3.4}, "budget": 1200}
    text = markdown({**card, "quality": gate, "decontamination": {"sets": sets}, **asked}, "mine")
    assert "## Quality classifier\n\nClassifier: AUC 0.910 (0.880 to 0.940) on 1,234 held-out documents" in text
    assert "| 0.4 to 0.5 | 4 | 5 | raw: a \\| b xxx" in text
    assert "x" * 61 not in text, "an example is short"
    assert text.count(" to 0.") + text.count(" to 1.0") == 10 + 1
    assert "| ex\\|am | 1,000 | 3 | 4 | 5 |" in text
    assert "Epochs are counted over 1,200 training tokens." in text
    assert "| books |  | 3.4 |\n| crawl\\|2016 | 60.0% |  |" in text
    wide = [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines()]
    assert all(a == b or not a or not b for a, b in itertools.pairwise(wide)), "rows have the cells of their heads"
    for name in ("Quality classifier", "Decontamination", "Mixture asked"):
        assert f"## {name}" not in markdown(card, "mine")


def test_a_look_shows_ten_tenths_and_matches_a_line_each(card):
    one = {"excerpt": "some text", "class": "positive", "score": 0.95}
    quality = {"deciles": [decile(i, examples=[one] if i == 9 else []) for i in range(10)]}
    lines = decile_lines({"quality": quality})
    assert len(lines) == 11
    assert lines[-1].split() == ["0.9", "to", "1.0", "9", "0", "good:", "some", "text"]
    assert decile_lines({}) == []
    hit = {
        "document": "d",
        "evaluation_set": "exam",
        "item": "7",
        "start": 3,
        "snippet": "a\nb " * 99,
        "ignored": False,
    }
    said = hit_lines([hit, {**hit, "ignored": True}])
    assert said[0].startswith("d  exam item 7  cut  a b a b")
    assert said[1].startswith("d  exam item 7  a common phrase  a b")
    assert max(map(len, said)) < 120


def test_the_mixture_is_a_table_over_its_budget():
    rows = [("a", 2e6, 0.6, 1.5), ("b", 1e6, 0.4, 2.0)]
    shares = [dict(zip(("source", "tokens", "weight", "epochs"), row, strict=True)) for row in rows]
    lines = mixture_lines({"shares": shares})
    assert lines[2].split() == ["a", "2", "M", "60.0%", "1.50"]
    assert lines[-1] == "epochs are counted over 5 M training tokens"
    assert mixture_lines({}) == []
