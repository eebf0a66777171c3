"""Planted examples are found, all of them and no others, however the text is cut; four known errors are not ours."""

import json
import random

import numpy as np
import pyarrow.parquet as pq
import pytest

from foretell.audit.asked import Asked
from foretell.audit.contamination import DIRTY, audit, evidence_of, tallied, wanted_of
from foretell.audit.contamination_examples import Example, gathered, size_of, sizes_of, word_counts
from foretell.audit.contamination_training import Part, read, training_parts
from foretell.corpus.documents import Document, Gathered, save_documents
from foretell.corpus.tokens import write_tokens
from foretell.errors import BadUse
from foretell.tasks.source import Source
from foretell.text.train import train_tokenizer
from tests.audit.made_text import documents, letters, planted, questions, slowly_dirty_by_runs

BOTH = ("ngrams", "substrings")


def write(folder, texts, shards=1, seed=None):
    """The texts as JSON lines in some files, in an order by the seed."""
    rows = [json.dumps({"text": text, "id": f"d{i}"}) for i, text in enumerate(texts)]
    if seed is not None:
        random.Random(seed).shuffle(rows)
    folder.mkdir(parents=True)
    for shard in range(shards):
        (folder / f"{shard}.jsonl").write_text("\n".join(rows[shard::shards]) + "\n")
    return folder


def write_set(path, examples):
    path.write_text("\n".join(json.dumps({"text": one.text}) for one in examples) + "\n")
    return path


def asked(out, training, sets, options=None):
    return Asked(model="none", out=out, quiet=True, options={"training": [training], "sets": [sets], **(options or {})})


def flags(out, method="ngrams"):
    return pq.read_table(out / DIRTY)[f"dirty_{method}"].to_pylist()


def dirty_in(texts, examples, sizes, folder, methods=BOTH):
    wanted = wanted_of(examples, np.array(sizes), methods, 0)
    tallies = [tallied(wanted, read(part))[0] for part in training_parts([write(folder, texts)])]
    assert len(tallies) == 1
    return {m: [one is not None for one in evidence_of(wanted, tallies[0], m)] for m in methods}


def test_every_planted_example_is_found_and_no_other(tmp_path):
    examples = questions(60)
    texts = planted(documents(120), [one.text for one in examples[:20]])
    audit(asked(tmp_path / "out", write(tmp_path / "text", texts), write_set(tmp_path / "quiz.jsonl", examples)))
    for method in BOTH:
        assert flags(tmp_path / "out", method) == [True] * 20 + [False] * 40


def test_shuffled_text_holds_nothing(tmp_path):
    examples, draw = questions(60), random.Random(5)
    texts = [" ".join(draw.sample(text.split(), len(text.split()))) for text in (one.text for one in examples)]
    found = audit(asked(tmp_path / "out", write(tmp_path / "text", texts), write_set(tmp_path / "q.jsonl", examples)))
    assert [figure["value"] for figure in found["figures"].values()] == [0, 0]
    assert [figure["n"] for figure in found["figures"].values()] == [60, 60]


def test_nothing_depends_on_the_number_or_the_order_of_the_shards(tmp_path):
    examples = questions(40)
    snippets = [one.text for one in examples[:15]] + [examples[3].text, examples[4].text]
    texts, found = planted(documents(90), snippets), []
    sets = write_set(tmp_path / "quiz.jsonl", examples)
    for shards, seed in ((1, None), (7, None), (3, 8)):
        out = tmp_path / f"out{shards}"
        results = audit(asked(out, write(tmp_path / f"text{shards}", texts, shards, seed), sets))
        table = pq.read_table(out / DIRTY)
        names = [name for name in table.column_names if not name.startswith("document")]  # a line's place, without ids
        found.append((results["rows"], table.select(names).to_pylist()))
    assert found[0] == found[1] == found[2]
    assert sum(row["dirty"] for row in found[0][0]) == 30


@pytest.mark.parametrize("sizes", [(13,), (8, 9, 10, 11, 12, 13), (2, 3), (1, 2, 3, 4, 5, 6, 7, 8, 13)], ids=str)
def test_runs_are_those_of_the_rule_written_plainly(tmp_path, sizes):
    examples, draw = questions(48, words=(14, 30)), random.Random(3)
    n = [sizes[i % len(sizes)] for i in range(len(examples))]
    cut = [
        Example("q", str(i), " ".join(one.text.split()[: draw.choice([5, 9, 12, 40])]), "")
        for i, one in enumerate(examples)
    ]
    texts = planted(documents(40, words=60), [one.text for one in cut[::3]])
    texts += [one.text.replace(" ", "\u2014", 2).upper() for one in cut[1::3]]
    n = np.minimum(n, word_counts(one.text for one in cut))
    wanted = slowly_dirty_by_runs(cut, n, texts)
    assert dirty_in(texts, cut, n, tmp_path / "text", ("ngrams",))["ngrams"] == wanted
    assert any(wanted)


def test_a_run_in_ten_documents_counts_and_one_in_eleven_is_a_common_phrase(tmp_path):
    ten, eleven = questions(2, words=(13, 13))
    texts = [f"{text} {ten.text}" for text in documents(10)] + [f"{eleven.text} {text}" for text in documents(11, 7)]
    texts.append(f"{ten.text} {ten.text}")  # twice in one document is one
    assert dirty_in(texts[:-1], [ten, eleven], [13, 13], tmp_path / "a")["ngrams"] == [True, False]
    assert dirty_in(texts, [ten, eleven], [13, 13], tmp_path / "b")["ngrams"] == [False, False]


def test_a_lone_mark_of_punctuation_hides_nothing(tmp_path):
    """The first error of a known tool: its two sides disagree about ` - `."""
    example = questions(1, words=(20, 20))[0]
    words = example.text.split()
    marked = " ".join([*words[:6], "-", *words[6:11], "\u2014", *words[11:]])
    texts = [f"{text} {marked} {text}" for text in documents(1)]
    assert dirty_in(texts, [example], [13], tmp_path / "a") == {"ngrams": [True], "substrings": [True]}
    assert dirty_in([example.text], [Example("q", "1", marked, marked)], [13], tmp_path / "b")["ngrams"] == [True]


def test_a_long_overlap_in_a_long_document_is_one_example_and_no_more(tmp_path):
    """The second: it counts n-grams and drops the document. Here nothing is dropped, and one document is counted."""
    long, other = questions(2, words=(24, 24))
    texts = [" ".join(documents(4)) + " " + long.text + " " + " ".join(documents(4, 9))]
    assert dirty_in(texts, [long, other], [13, 13], tmp_path / "text") == {
        "ngrams": [True, False],
        "substrings": [True, False],
    }


def test_what_was_found_is_kept_and_read_again_as_it_was(tmp_path, monkeypatch):
    """The third: it keeps the name of its file, and reads that back as a set of letters."""
    from foretell.audit import contamination

    examples = questions(20)
    texts = planted(documents(30), [one.text for one in examples[:5]])
    given = asked(tmp_path / "out", write(tmp_path / "text", texts, 3), write_set(tmp_path / "quiz.jsonl", examples))
    before = audit(given)
    monkeypatch.setattr(contamination, "tallied", None)  # whatever is searched again would raise
    assert audit(given) == before
    assert before["documents"] == 30


def test_a_stopped_pass_goes_on_from_the_parts_that_it_read(tmp_path):
    examples = questions(20)
    text = write(tmp_path / "text", planted(documents(30), [one.text for one in examples[:5]]), 3)
    given = asked(tmp_path / "out", text, write_set(tmp_path / "quiz.jsonl", examples))
    whole, file = audit(given), given.samples_file("contamination")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + lines[1][:40])
    assert audit(given) == whole
    assert len(file.read_bytes().splitlines()) == 4  # the cut one stays, and is read over


def test_changed_text_is_read_again(tmp_path):
    examples = questions(20)
    text, sets = write(tmp_path / "text", documents(3)), write_set(tmp_path / "quiz.jsonl", examples)
    given = asked(tmp_path / "out", text, sets)
    assert not any(flags(given.out)) if audit(given) else None
    with (text / "0.jsonl").open("a") as file:
        file.write(json.dumps({"text": examples[7].text}) + "\n")
    audit(given)
    assert flags(given.out) == [i == 7 for i in range(20)]


def test_an_example_shorter_than_n_is_looked_for_whole(tmp_path):
    """The fourth: it registers no n-gram of an example of fewer than 13 words."""
    short, absent = questions(2, words=(4, 4))
    texts = [f"{text} {short.text} {text}" for text in documents(1)]
    sizes = np.minimum(word_counts([short.text, absent.text]), 13)
    assert sizes.tolist() == [4, 4]
    assert dirty_in(texts, [short, absent], sizes, tmp_path / "text")["ngrams"] == [True, False]


@pytest.mark.parametrize(
    ("lengths", "synthetic", "n"),
    [([40] * 99 + [3], False, 13), ([5] * 100, False, 8), ([10] * 100, False, 10), ([2] * 100, True, 2),
     ([7, *[30] * 9], True, 7), ([0] * 9, True, 1), ([60] * 10, True, 13), ([*[9] * 5, *[40] * 95], False, 9)],
)  # fmt: skip
def test_n_is_the_5th_percentile_within_8_and_13_and_below_only_where_the_set_is_made(lengths, synthetic, n):
    assert size_of(np.array(lengths), synthetic=synthetic) == n


def test_an_example_without_a_word_is_never_dirty(tmp_path):
    examples = [Example("q", "0", "?! -", "?! -"), *questions(2)]
    texts = ["?! - ... ?! -", examples[1].text]
    sizes = np.minimum(word_counts(one.text for one in examples), 13)
    assert dirty_in(texts, examples, sizes, tmp_path / "text") == {m: [False, True, False] for m in BOTH}


def test_the_evidence_is_the_documents_own_text(tmp_path):
    examples = questions(5)
    texts = planted(documents(8), [examples[2].text])
    audit(asked(tmp_path / "out", write(tmp_path / "text", texts), write_set(tmp_path / "quiz.jsonl", examples)))
    row = pq.read_table(tmp_path / "out" / DIRTY).to_pylist()[2]
    home = next(text for text in texts if examples[2].text in text)
    for method in BOTH:
        assert row[f"snippet_{method}"] in home
    assert letters(row["snippet_substrings"])[20:60] in letters(home)


@pytest.mark.parametrize("kind", ["tokens", "corpus", "text"])
def test_token_folders_corpora_and_text_files_give_the_same(tmp_path, kind):
    examples = questions(30, words=(20, 30))
    snippets = [one.text + " na\u00efve \u65e5\u672c" for one in examples[:9]]
    texts = planted(documents(60), snippets)
    folder, made = tmp_path / "training", [Document(f"d{i}", text, "made") for i, text in enumerate(texts)]
    if kind == "tokens":
        write_tokens(made, train_tokenizer("bpe", texts[:5], 400, quiet=True), folder, quiet=True)
        kept = set(pq.read_table(folder / "documents.parquet", filters=[("split", "=", "train")])["id"].to_pylist())
    elif kind == "corpus":
        save_documents(Gathered(made, {}), folder)
        kept = {one.id for one in made}
    else:
        folder.mkdir()
        for one in made:
            (folder / f"{one.id}.txt").write_text(one.text, encoding="utf-8")
        kept = {one.id for one in made}
    audit(asked(tmp_path / "out", folder, write_set(tmp_path / "quiz.jsonl", examples)))
    holders = [{one.id for one in made if example.text in one.text} & kept for example in examples]
    table = pq.read_table(tmp_path / "out" / DIRTY).to_pylist()
    for method in BOTH:
        assert [row[f"dirty_{method}"] for row in table] == [bool(held) for held in holders]
        for row, held in zip(table, holders, strict=True):
            assert (row[f"document_{method}"] or "none").removesuffix(".txt") in (held or {"none"})


def test_token_folders_are_read_in_parts_that_cover_every_document_once(tmp_path, monkeypatch):
    from foretell.audit import contamination_training as training

    texts = documents(40, words=30)
    made = [Document(f"d{i}", text, "made") for i, text in enumerate(texts)]
    folder = write_tokens(made, train_tokenizer("bpe", texts, 400, quiet=True), tmp_path / "tokens", quiet=True)
    monkeypatch.setattr(training, "PART_TOKENS", 300)
    monkeypatch.setattr(training, "CHUNK", 400)
    parts = training_parts([folder])
    assert len(parts) > 3
    batches = [batch for part in parts for batch in read(part)]
    told = {name: text for batch in batches for name, text in zip(batch.names, batch.texts.to_pylist(), strict=True)}
    rows = pq.read_table(folder / "documents.parquet", filters=[("split", "=", "train")])["id"].to_pylist()
    assert [name for batch in batches for name in batch.names] == rows
    whole = {one.id: one.text for one in made}
    assert sum(told[name] != whole[name] for name in rows) <= 1  # one may be cut between the splits


def test_tasks_are_searched_for_under_the_ids_of_their_answers(tmp_path):
    found = gathered(["two_digit_addition", "piqa"], [], Source(seed=3))
    assert {one.set for one in found.examples} == {"two_digit_addition"}
    assert list(found.missing) == ["piqa"]
    assert found.synthetic == {"two_digit_addition"}
    one = found.examples[0]
    assert one.text.startswith(one.question)
    assert one.text != one.question
    assert sizes_of(found)[0] == {"two_digit_addition": 8}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "ngram"}, "did you mean 'ngrams'"),
        ({"training": ["nowhere"]}, "nowhere does not exist"),
        ({"training": None}, "give --set training=FOLDER"),
        ({"sets": ["nowhere"]}, "nowhere does not exist"),
        ({"sets": [], "tasks": ["piqa"]}, "no evaluation example"),
        ({"answers": ["nowhere"]}, "foretell eval wrote"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, options, words):
    text, sets = write(tmp_path / "text", ["a b"]), write_set(tmp_path / "q.jsonl", questions(2))
    given = asked(tmp_path / "out", text, sets, options)
    with pytest.raises(BadUse, match=words) as error:
        audit(given)
    assert "\n" not in str(error.value)


def test_records_that_cannot_be_read_are_told(tmp_path):
    text = write(tmp_path / "text", documents(2))
    (text / "0.jsonl").write_text((text / "0.jsonl").read_text() + "no json\n")
    found = audit(asked(tmp_path / "out", text, write_set(tmp_path / "q.jsonl", questions(3))))
    assert found["unread"] == 1
    assert "1 records could not be read" in " ".join(found["said"])


def test_a_part_knows_its_size(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("four")
    assert Part(source=str(path)).size == 4
