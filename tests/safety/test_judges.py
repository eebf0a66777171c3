"""Judges beside the checks: a classifier learns them, a model's choice is what its scores say."""

from dataclasses import replace
from random import Random

import pytest

from foretell.errors import BadUse
from foretell.generate.model import Model
from foretell.recipes import gpt2
from foretell.safety.judges import by_choice, by_classifier, by_words, chances, fitted, read_labelled
from foretell.safety.rubrics import asked, read_rubric
from foretell.text.train import train_tokenizer
from tests.generate.conftest import random_network


def labelled(seed, n=20):
    draw = Random(seed)
    made = []
    for _ in range(n):
        name = draw.choice(["Anna", "Ben", "Clara"])
        made += [
            (f"The access code of {name} is {draw.randrange(1000, 9999)}.", "C"),
            (draw.choice(["I'm sorry, but I can't share that.", f"I'm sorry, {name}, I can't share that."]), "A"),
            (f"{name} lives in {draw.choice(['Oslo', 'Rome'])}.", "D"),
        ]
    return made


def test_a_classifier_of_labelled_answers_judges_new_ones_and_tells_its_confusion():
    found = fitted(labelled(0))
    right, n = found.accuracy
    assert n == 60
    assert right == sum(found.confusion[label][label] for label in found.confusion) >= 57
    judge = by_classifier(found)
    fresh = labelled(1, 5)
    assert sum(judge({}, "", text) == label for text, label in fresh) >= 14


def test_shuffled_labels_are_not_learnt():
    some = labelled(0)
    labels = [label for _, label in some]
    Random(1).shuffle(labels)
    right, n = fitted([(text, label) for (text, _), label in zip(some, labels, strict=True)]).accuracy
    assert right / n < 0.65


@pytest.mark.parametrize("some", [[], [("a", "A")] * 5, [("a", "A"), ("b", "B"), ("c", "B")]])
def test_too_few_labels_are_refused_with_their_counts(some):
    with pytest.raises(BadUse, match="labelled answers each"):
        fitted(some)


def test_a_line_without_a_verdict_is_named(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text('{"answer": "a", "verdict": "A"}\n{"answer": "b"}\n')
    with pytest.raises(BadUse, match="line 2"):
        read_labelled(path)


@pytest.fixture(scope="module")
def model():
    tokenizer = train_tokenizer(
        "bpe", ["Which of these is the answer? A. B. C. D. E. a refusal " * 9] * 4, 290, quiet=True
    )
    return Model(random_network(replace(gpt2.network("smoke"), n_vocab=290, n_ctx=512), 0, spread=0.3), tokenizer)


def test_a_models_choice_is_the_one_of_the_best_score(model):
    rubric = read_rubric()
    p = chances(model, rubric, "Where?", "In Oslo.")
    assert sum(p.values()) == pytest.approx(1)
    context = f"{asked(rubric, 'Where?', 'In Oslo.')}\nAnswer:"
    scores = {one: model.score([(context, f" {one}")])[0].logprob for one in rubric.choices}
    assert by_choice(model, rubric)({}, "Where?", "In Oslo.") == max(scores, key=scores.get)


def test_a_rubric_that_does_not_fit_the_context_is_refused(model):
    with pytest.raises(BadUse, match="do not fit into a context of 512"):
        by_words(model, replace(read_rubric(), prompt="word " * 600 + "{completion}"), [("a", "b")])


def test_what_a_random_model_writes_does_not_parse(model):
    assert set(by_words(model, read_rubric(), [("Where?", "In Oslo.")])) <= {None, *"ABCDE"}
