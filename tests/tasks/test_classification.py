import pytest

from foretell.errors import BadUse
from tests.tasks.made_rows import asked, check_real, from_hub, loaded, right


def test_a_review_is_negative_or_positive(tmp_path):
    rows = [{"label": 0, "text": "one long string of cliches ."}, {"label": 1, "text": "funny"}]
    found = loaded(tmp_path, "sst2", sst2__dev=rows[:1], sst2__train=rows[1:])
    (item,) = found.items
    assert asked("sst2", item, found.pool[0]) == (
        "Review: funny\nSentiment: positive\n\nReview: one long string of cliches .\nSentiment:"
    )
    assert (item.options, right(item)) == ((" negative", " positive"), " negative")


@pytest.mark.parametrize(
    ("task", "row", "said"),
    [
        ("sst5", {"label": 4, "text": "great"}, "Review: great\nSentiment: very positive"),
        ("mr", {"label": 0, "text": "silly"}, "Review: silly\nSentiment: negative"),
        ("cr", {"label": 1, "text": "works"}, "Review: works\nSentiment: positive"),
        ("trec", {"label": 2, "text": "What is .com ?"}, "Question: What is .com ?\nAnswer type: abbreviation"),
        ("subj", {"label": 0, "text": "a gem ."}, "Sentence: a gem .\nKind: subjective"),
        ("cola", {"label": 0, "text": "Ran he."}, "Sentence: Ran he.\nGrammar: wrong"),
    ],
)
def test_labels_are_words(tmp_path, task, row, said):
    (item,) = loaded(tmp_path, task, **{task: [row]}).items
    assert asked(task, item) + right(item) == said


@pytest.mark.parametrize(
    ("task", "dataset", "split", "row", "said"),
    [
        (
            "sst2",
            ("stanfordnlp/sst2", ""),
            "validation",
            {"sentence": "funny ", "label": 1},
            "funny\nSentiment: positive",
        ),
        ("trec", ("CogComp/trec", ""), "test", {"text": "Why?", "coarse_label": 2}, "Why?\nAnswer type: description"),
        (
            "subj",
            ("SetFit/subj", ""),
            "test",
            {"text": "a", "label": 0, "label_text": "objective"},
            "a\nKind: objective",
        ),
        (
            "cola",
            ("nyu-mll/glue", "cola"),
            "validation",
            {"sentence": "He ran.", "label": 1},
            "He ran.\nGrammar: right",
        ),
    ],
)
def test_columns_of_the_hub_are_read(monkeypatch, task, dataset, split, row, said):
    (item,) = from_hub(monkeypatch, task, {(*dataset, split): [row], (*dataset, "train"): [row]}).items
    assert (asked(task, item) + right(item)).endswith(said)


def test_an_empty_text_is_left_out_and_an_unknown_label_refused(tmp_path):
    found = loaded(tmp_path, "cr", cr=[{"label": 0, "text": " "}, {"label": 0, "text": "bad"}])
    assert (len(found.items) + len(found.pool), found.origin) == (1, "cr.jsonl, 1 row without text left out")
    with pytest.raises(BadUse, match="cr-0 has the label 2; it must be one of 0, 1"):
        loaded(tmp_path, "cr", cr=[{"label": 2, "text": "bad"}])


@pytest.mark.parametrize(
    ("task", "n", "pool", "labels"),
    [
        ("sst2", 872, 6920, 2),
        ("sst5", 1101, 8544, 5),
        ("mr", 8561, 0, 2),
        ("cr", 3154, 0, 2),
        ("trec", 5452, 0, 6),
        ("subj", 7847, 0, 2),
        ("cola", 527, 8551, 2),
    ],
)
def test_the_real_files_are_read(shared_data, task, n, pool, labels):
    found = check_real(task, shared_data, n, pool)
    assert {item.gold for item in found.items} == set(range(labels))


def test_words_of_the_real_labels_fit_their_texts(shared_data):
    found = check_real("trec", shared_data, 5452)
    said = {right(item) for item in [*found.items, *found.pool] if "stand for" in item.context}
    assert " abbreviation" in said
    assert said <= {" abbreviation", " description", " entity"}
    numbers = {right(item) for item in [*found.items, *found.pool] if item.context.startswith("Question: How many")}
    assert numbers <= {" number", " description"}
