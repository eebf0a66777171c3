import json

import numpy as np
import pytest

from foretell.corpus.batches import IGNORED, open_batches
from foretell.corpus.config import TaskData
from foretell.corpus.examples import cut_lengths, marks_of, task_card, task_tokenizer
from foretell.errors import BadUse
from foretell.text.tokenizer import Tokenizer
from tests.text.unmarked import unmarked_gpt1

ROWS = {
    "classification": [{"a": "the cat", "label": 0}, {"a": "a longer text than that one", "label": 1}],
    "entailment": [{"a": "the cat", "b": "is here", "label": 1}, {"a": "a much longer one", "b": "no", "label": 0}],
    "similarity": [{"a": "the cat", "b": "is here", "label": 1}, {"a": "a much longer one", "b": "no", "label": 0}],
    "multiple_choice": [
        {"a": "the cat", "choices": ["is here", "was", "goes there"], "label": 2},
        {"a": "a dog", "choices": ["no", "yes", "it may be so"], "label": 0},
    ],
}


@pytest.fixture
def task(tmp_path, token_folders):
    """A function that writes a task and opens it."""

    def opened(shape, layout, rows=None, length=24, seed=0, limit=0, **card):
        rows = ROWS[shape] if rows is None else rows
        card = {"shape": shape, "classes": ["no", "yes"] if shape != "multiple_choice" else [], **card}
        (tmp_path / "card.json").write_text(json.dumps({"name": "t", **card}))
        for name in ("train", "val"):
            (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        kind = "gpt1" if layout == "gpt1" else "wordpiece"
        tokens = str(token_folders[kind])
        data = TaskData(
            folder=str(tmp_path), tokens=tokens, tokenizer=kind, length=length, layout=layout, limit=limit
        )  # fmt: skip
        return open_batches(data, seed)

    return opened


def want(row, shape, layout, tokenizer):
    """The sequences of an example, as the paper's figure draws them."""
    a = tokenizer.encode(row["a"])
    first, between, last = ("<start>", "<delim>", "<extract>") if layout == "gpt1" else ("[CLS]", "[SEP]", "[SEP]")
    first, between, last = tokenizer.special(first), tokenizer.special(between), tokenizer.special(last)
    if shape == "classification":
        return [[first, *a, last]]
    if shape == "multiple_choice":
        return [[first, *a, between, *tokenizer.encode(choice), last] for choice in row["choices"]]
    b = tokenizer.encode(row["b"])
    both = [[first, *a, between, *b, last], [first, *b, between, *a, last]]
    return both if (shape, layout) == ("similarity", "gpt1") else both[:1]


@pytest.mark.parametrize("layout", ["gpt1", "bert"])
@pytest.mark.parametrize("shape", list(ROWS))
def test_examples_are_laid_out_as_the_paper_draws_them(task, tokenizers, shape, layout):
    tokenizer = tokenizers["gpt1" if layout == "gpt1" else "wordpiece"]
    (batch,) = task(shape, layout).evaluation(8, 0)
    width = batch["inputs"].shape[-1]
    longest = 0
    for i, row in enumerate(ROWS[shape]):
        sequences = want(row, shape, layout, tokenizer)
        assert batch["inputs"].shape[1] == len(sequences)
        assert batch["label"][i] == row["label"]
        for n, ids in enumerate(sequences):
            longest = max(longest, len(ids))
            padding = width - len(ids)
            assert batch["inputs"][i, n].tolist() == ids + [tokenizer.pad] * padding
            assert batch["attend"][i, n].tolist() == [True] * len(ids) + [False] * padding
            if layout == "gpt1":
                assert batch["extract"][i, n] == len(ids) - 1
                assert batch["targets"][i, n].tolist() == ids[1:] + [IGNORED] * (padding + 1)
                assert not batch["segments"][i, n].any()
            else:
                assert batch["extract"][i, n] == 0
                assert (batch["targets"][i, n] == IGNORED).all()
                middle = ids.index(tokenizer.special("[SEP]")) + 1
                assert batch["segments"][i, n].tolist() == [0] * middle + [1] * (len(ids) - middle) + [0] * padding
    assert width == longest
    assert {array.dtype for name, array in batch.items() if name != "attend"} == {np.dtype(np.int64)}


def test_a_label_that_is_a_number_is_a_float(task):
    rows = [{"a": "x", "b": "y", "label": 2.5}, {"a": "x", "b": "z", "label": 4}]
    batch = task("similarity", "bert", rows, classes=[]).batch(np.arange(2))
    assert batch["label"].dtype == np.float32
    assert sorted(batch["label"].tolist()) == [2.5, 4.0]


def test_too_long_texts_lose_their_ends_the_longer_one_first(task, tokenizers):
    rows = [{"a": "one two three four five six seven eight nine ten eleven twelve", "b": "red green", "label": 0}]
    (batch,) = task("entailment", "gpt1", rows, length=12).evaluation(1, 0)
    tokenizer = tokenizers["gpt1"]
    a, b = tokenizer.encode(rows[0]["a"]), tokenizer.encode(rows[0]["b"])
    n = max(9 - len(b), 5)
    marks = [tokenizer.special(name) for name in ("<start>", "<delim>", "<extract>")]
    assert batch["inputs"][0, 0].tolist() == [marks[0], *a[:n], marks[1], *b[: 9 - n], marks[2]]
    assert batch["extract"][0, 0] == 11


@pytest.mark.parametrize("n_a", range(0, 12, 2))
@pytest.mark.parametrize("n_b", range(0, 12, 3))
@pytest.mark.parametrize("room", [5, 6, 9])
def test_cutting_is_taking_one_token_at_a_time_from_the_longer(n_a, n_b, room):
    a, b = n_a, n_b
    while a + b > room:
        a, b = (a - 1, b) if a > b or (a == b and (a + b - room) % 2 == (n_a + n_b - room) % 2) else (a, b - 1)
    found = cut_lengths(n_a, n_b, room)
    assert sum(found) == a + b
    assert sorted(found) == sorted((a, b))


def test_an_epoch_holds_every_example_once_in_a_new_order(task):
    rows = [{"a": f"number {i}", "label": i % 2} for i in range(20)]
    opened = task("classification", "gpt1", rows)
    first, second = (opened.batch(np.arange(e * 20, e * 20 + 20)) for e in (0, 1))
    assert (first["inputs"] != second["inputs"]).any()
    assert sorted(map(str, first["inputs"].tolist())) == sorted(map(str, second["inputs"].tolist()))
    whole = opened.batch(np.arange(7))["label"]
    assert (np.concatenate([opened.batch(np.arange(i, i + 1))["label"] for i in range(7)]) == whole).all()


def test_a_limit_takes_the_same_few_examples_in_every_run(task):
    rows = [{"a": f"number {i}", "label": int(i >= 50)} for i in range(100)]
    one, two = (task("classification", "gpt1", rows, limit=10, seed=seed) for seed in (0, 1))
    assert one.n_rows == two.n_rows == 10
    sets = [{str(e.sequences[0][0]) for e in opened.train} for opened in (one, two)]
    assert sets[0] == sets[1]
    assert 0 < sum(e.label for e in one.train) < 10  # not the first ten, which are all of one class
    assert task("classification", "gpt1", rows, limit=1000).n_rows == 100
    assert sum(len(batch["label"]) for batch in one.evaluation(32, 0)) == 100


@pytest.mark.parametrize(
    ("shape", "row", "said"),
    [
        ("classification", {"label": 0}, "example 1: 'a' is None, it must be text"),
        ("classification", {"a": "x", "label": 2}, "label is 2, it must be a number from 0 to 1"),
        ("classification", {"a": "x", "label": True}, "label is True"),
        ("classification", {"a": "x", "label": "yes"}, "label is 'yes'"),
        ("entailment", {"a": "x", "label": 0}, "'b' is None"),
        ("multiple_choice", {"a": "x", "label": 0}, "'choices' must be a list of two texts or more"),
        ("multiple_choice", {"a": "x", "choices": ["y"], "label": 0}, "'choices' must be a list"),
        ("multiple_choice", {"a": "x", "choices": ["y", "z"], "label": 2}, "from 0 to 1"),
    ],
)
def test_a_wrong_example_is_named_with_what_is_wrong(task, shape, row, said):
    with pytest.raises(BadUse, match=said):
        task(shape, "gpt1", [row])


def test_questions_with_fewer_choices_are_refused(task):
    rows = [*ROWS["multiple_choice"], {"a": "x", "choices": ["y", "z"], "label": 0}]
    with pytest.raises(BadUse, match="with 2 and with 3 choices"):
        task("multiple_choice", "bert", rows)


def test_a_regression_without_a_number_is_refused(task):
    with pytest.raises(BadUse, match="label is None, it must be a number"):
        task("similarity", "gpt1", [{"a": "x", "b": "y"}], classes=[])


@pytest.mark.parametrize(
    ("card", "n_outputs"),
    [
        ({"shape": "classification", "classes": ["x", "y", "z"]}, 3),
        ({"shape": "similarity"}, 1),
        ({"shape": "similarity", "classes": ["no", "yes"]}, 2),
        ({"shape": "multiple_choice", "classes": []}, 1),
    ],
)
def test_a_card_says_how_many_outputs_are_needed(tmp_path, card, n_outputs):
    (tmp_path / "card.json").write_text(json.dumps(card))
    assert task_card(tmp_path)["n_outputs"] == n_outputs


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ("{}", "shape is None"),
        ("[]", "shape is None"),
        ('{"shape": "entailments"}', "did you mean 'entailment'"),
        ('{"shape": "classification", "classes": ["x"]}', "1 classes; a task of shape classification needs 2"),
        ("{", "card.json is not JSON"),
    ],
)
def test_a_wrong_card_is_refused(tmp_path, card, said):
    (tmp_path / "card.json").write_text(card)
    with pytest.raises(BadUse, match=said):
        task_card(tmp_path)


def test_a_layout_that_the_tokenizer_cannot_set_is_refused(tmp_path, token_folders, task):
    task("classification", "gpt1")  # writes the folder
    data = TaskData(folder=str(tmp_path), tokens=str(token_folders["bpe"]), length=24, layout="gpt1")
    with pytest.raises(BadUse, match="layout 'gpt1' needs <start>, which a bpe tokenizer lacks; take a gpt1 one"):
        open_batches(data, 0)
    with pytest.raises(BadUse, match=r"data.length=7 is too short"):
        task("classification", "gpt1", length=7)


def test_a_published_vocabulary_grows_by_the_delimiters_and_one_with_them_stays(token_folders, tmp_path):
    unmarked = unmarked_gpt1()
    unmarked.save(tmp_path / "model", 24)
    made = task_tokenizer(tmp_path / "model", "gpt1", tmp_path / "corpora")
    assert made.parent == tmp_path / "corpora"
    assert marks_of(Tokenizer.load(made), "gpt1").first == unmarked.n_vocab
    assert task_tokenizer(made, "gpt1", tmp_path / "corpora") == made
    assert task_tokenizer(token_folders["wordpiece"], "bert", tmp_path) == token_folders["wordpiece"]


def test_a_byte_level_vocabulary_grows_by_the_delimiters_alone(token_folders, tmp_path):
    own = Tokenizer.load(token_folders["bpe"])
    grown = Tokenizer.load(task_tokenizer(token_folders["bpe"], "gpt1", tmp_path))
    more = {name: i for name, i in grown.specials.items() if i >= own.n_vocab}
    assert list(more) == ["<start>", "<delim>", "<extract>"]
    assert marks_of(grown, "gpt1").pad == own.end_of_text
    assert grown.encode("Return the value") == own.encode("Return the value")
