from math import exp, sqrt
from statistics import stdev

import pytest

from foretell.eval.measured import share
from foretell.eval.rouge import rouge_mean
from foretell.eval.summary import summary
from foretell.tasks.item import Choice, Free, Partial
from foretell.tasks.task import Task


def task(**given):
    return Task(**{"name": "t", "family": "f", "about": "a", "load": lambda source: None, "shots": 2, **given})


LABELS = (" yes", " no")
SAME = [Choice(id=str(i), context="c", options=LABELS[:: 1 - 2 * (i % 2)], gold=(i + i // 4) % 2) for i in range(8)]
BASE = {"demonstrations": 2, "dropped": 1, "group": ""}


def chose(items, picks):
    """Records of a model that picks these options by all normalisations but `none`, which picks the first."""
    return [
        BASE | {"key": item.id, "scores": [[0.0] * 5] * 2, "gold": item.gold, "value": float(pick == item.gold)}
        | {"chosen": {"none": 0, "token": pick}}
        for item, pick in zip(items, picks, strict=True)
    ]  # fmt: skip


def wrote(items, outputs, finish="stop"):
    return [
        BASE | {"key": item.id, "output": text, "finish": finish, "answers": list(item.answers)}
        | {"value": float(text.strip() == item.answers[0].strip())}
        for item, text in zip(items, outputs, strict=True)
    ]  # fmt: skip


def test_a_row_of_choices_holds_the_measure_its_error_and_the_baselines():
    picks = [0, 1, 1, 0, 0, 0, 1, 1]
    row = summary(task(), SAME, SAME, chose(SAME, picks))
    right = sum(p == item.gold for p, item in zip(picks, SAME, strict=True)) / 8
    assert row["value"] == right
    assert row["se"] == pytest.approx(sqrt(right * (1 - right) / 8))
    assert (row["n"], row["random"], row["dropped"], row["demonstrations"]) == (8, 0.5, 8, 2)
    assert row["norms"] == {"none": sum(item.gold == 0 for item in SAME) / 8, "token": right}
    texts = [item.options[item.gold] for item in SAME]
    assert row["majority"] == max(texts.count(label) for label in LABELS) / 8


def test_the_majority_of_questions_with_options_of_their_own_is_a_place():
    items = [Choice(id=str(i), context="c", options=(f" {i}", f" {i + 9}"), gold=int(i == 0)) for i in range(5)]
    assert summary(task(), items, items, chose(items, [1] * 5))["majority"] == 0.8
    partial = [Partial(id=str(i), contexts=("a", "b"), completion=" c", gold=1) for i in range(4)]
    assert summary(task(), partial, partial, chose(partial, [0] * 4))["majority"] == 1.0


def test_groups_are_right_together_or_not_at_all():
    items = SAME[:4]
    records = chose(items, [item.gold for item in items])
    records[3]["value"], records[3]["chosen"] = 0.0, {"none": 0, "token": 1 - items[3].gold}
    for record, group in zip(records, "aabb", strict=True):
        record["group"] = group
    row = summary(task(metric="group_accuracy"), items, items, records)
    assert (row["value"], row["n"]) == (0.5, 2)
    assert "random" not in row


def test_free_answers_have_copy_and_majority_baselines():
    items = [Free(id=str(i), context="c", answers=(" a" if i < 3 else " b",), source="b") for i in range(4)]
    row = summary(task(metric="exact_answer"), items, items, wrote(items, [" a", " b", " a", " b"], finish="length"))
    assert (row["value"], row["majority"], row["copy"], row["unended"]) == (0.75, 0.75, 0.25, 4)


def test_f1_is_a_mean_with_its_standard_error():
    items = [Free(id=str(i), context="c", answers=(" a",)) for i in range(4)]
    records = wrote(items, [" a"] * 4)
    for record, value in zip(records, [0.0, 0.5, 0.5, 1.0], strict=True):
        record["value"] = value
    row = summary(task(metric="f1"), items, items, records)
    assert row["value"] == 0.5
    assert row["se"] == pytest.approx(sqrt((0.25 + 0.25) / 3 / 4))
    assert row["low"] <= 0.5 <= row["high"]
    assert "copy" not in row


@pytest.mark.parametrize("metric", ["f1", "drop_f1"])
def test_a_mean_of_one_question_has_no_error(metric):
    item = Free(id="1", context="c", answers=(" a",))
    row = summary(task(metric=metric), [item], [item], wrote([item], [" a"]))
    assert (row["value"], row["se"]) == (1.0, 0.0)
    assert (row["low"], row["high"]) == (share(1, 1)["low"], 1.0)


def test_the_three_rouges_stand_beside_their_mean():
    items = [Free(id=str(i), context="c", answers=(" the cat sat",)) for i in range(3)]
    said = ["the cat sat", "the cat", "dogs"]
    records = wrote(items, said, finish="length")
    for record in records:
        record["value"] = rouge_mean(record["output"], record["answers"])
    row = summary(task(metric="rouge", stop=()), items, items, records)
    three = [row[name] for name in ("rouge1", "rouge2", "rougeL")]
    assert [one["value"] for one in three] == pytest.approx([(1 + 0.8 + 0) / 3, (1 + 2 / 3 + 0) / 3, (1 + 0.8 + 0) / 3])
    assert row["value"] == pytest.approx(sum(one["value"] for one in three) / 3)
    assert all(one["low"] <= one["value"] <= one["high"] and one["n"] == 3 for one in three)
    assert three[0]["se"] == pytest.approx(stdev([1, 0.8, 0]) / sqrt(3))
    assert not {"unended", "majority"} & set(row)


def test_a_last_words_row_has_the_perplexity_of_the_right_word():
    items = [Free(id=str(i), context="c", answers=(" a",)) for i in range(4)]
    records = wrote(items, [" a", " a b", " a", " b"], finish="length")
    for record, nats in zip(records, [1.0, 2.0, 3.0, 4.0], strict=True):
        record["logprob"] = -nats
    row = summary(task(metric="first_word"), items, items, records)
    assert row["perplexity"]["value"] == pytest.approx(exp(2.5))
    assert row["perplexity"]["low"] < exp(2.5) < row["perplexity"]["high"]
    assert row["unended"] == 3
    assert (row["value"], row["n"]) == (0.5, 4)
    assert row["low"] == share(2, 4)["low"]


def test_bleu_is_of_the_whole_corpus():
    items = [Free(id=str(i), context="c", answers=(f" the cat sat on mat {i} today",), source="x") for i in range(3)]
    row = summary(task(metric="bleu"), items, items, wrote(items, [item.answers[0] for item in items]))
    assert row["value"] == pytest.approx(100)
    assert row["copy"] < 5
    assert "majority" not in row
