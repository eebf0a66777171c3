"""The answers of a side: kept in a folder, asked for once, chosen by a reward, or read from a file."""

import json
from dataclasses import replace

import pytest

from foretell.align import sides
from foretell.align.answering import Answering, answers
from foretell.align.sides import Side, fitting, from_file, opened, side_answers
from foretell.errors import BadUse
from tests.align.talkers import prompts, saved

HOW = Answering(max_new_tokens=8, seed=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def side(folder):
    return Side(name="a", source=folder, how=HOW)


@pytest.fixture(scope="module")
def model(side):
    return opened(side)


def by_length(pairs):
    return [float(len(text)) for _, text in pairs]


def counted(monkeypatch):
    asked = []

    def answered(side, model, some, score):
        asked.extend(one["prompt_id"] for one in some)
        return [one["prompt_id"].upper() for one in some]

    monkeypatch.setattr(sides, "answered", answered)
    return asked


def test_what_was_answered_is_not_asked_again(side, model, tmp_path, monkeypatch):
    asked = counted(monkeypatch)
    assert side_answers(side, model, prompts(3), tmp_path, quiet=True) == {"p0": "P0", "p1": "P1", "p2": "P2"}
    assert side_answers(side, model, prompts(5), tmp_path, quiet=True)["p4"] == "P4"
    assert asked == ["p0", "p1", "p2", "p3", "p4"]


@pytest.mark.parametrize("other", [{"how": replace(HOW, seed=2)}, {"best_of": 2}])
def test_other_settings_and_another_text_are_asked_anew(side, model, tmp_path, monkeypatch, other):
    asked = counted(monkeypatch)
    side_answers(side, model, prompts(2), tmp_path, quiet=True)
    side_answers(replace(side, **other), model, prompts(2), tmp_path, by_length, quiet=True)
    side_answers(side, model, prompts(2, "Another {}"), tmp_path, quiet=True)
    assert asked == ["p0", "p1"] * 3


def test_what_was_stopped_goes_on_where_it_was(side, model, tmp_path, monkeypatch):
    monkeypatch.setattr(sides, "AT_ONCE", 2)
    real, calls = sides.answered, []

    def stops(side, model, some, score):
        calls.append(len(some))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(side, model, some, score)

    monkeypatch.setattr(sides, "answered", stops)
    with pytest.raises(KeyboardInterrupt):
        side_answers(side, model, prompts(5), tmp_path, quiet=True)
    found = side_answers(side, model, prompts(5), tmp_path, quiet=True)
    assert calls == [2, 2, 2, 1]
    assert list(found.values()) == [texts[0] for texts in answers(model, prompts(5), HOW)]


def test_the_best_of_n_is_chosen_by_the_score(side, model, tmp_path):
    best = side_answers(replace(side, best_of=4), model, prompts(6), tmp_path, by_length, quiet=True)
    four = answers(model, prompts(6), HOW, [4] * 6)
    assert list(best.values()) == [max(texts, key=len) for texts in four]
    with pytest.raises(BadUse, match="give --reward"):
        side_answers(replace(side, best_of=4), model, prompts(1), tmp_path, quiet=True)


def test_a_file_of_answers_is_read_and_what_it_lacks_is_named(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_text('{"prompt_id": "p0", "answer": "x"}\n{"prompt_id": "p1", "completion": "y"}\n')
    side = Side(name="b", source=str(path))
    assert opened(side) is None
    assert side_answers(side, None, prompts(2), tmp_path) == {"p0": "x", "p1": "y"}
    with pytest.raises(BadUse, match="no answer to 1 of 3 prompts, such as p2"):
        from_file(path, prompts(3))
    for line, words in (({"prompt_id": "p0", "answer": "z"}, "line 3: another answer"), ({"text": "z"}, "prompt_id")):
        wrong = tmp_path / "wrong.jsonl"
        wrong.write_text(path.read_text() + json.dumps(line) + "\n")
        with pytest.raises(BadUse, match=words):
            from_file(wrong, prompts(1))


def test_prompts_that_do_not_fit_are_left_out_for_both_sides(side, model):
    long = {"prompt_id": "long", "text": "Return the value " * 40}
    other = (replace(side, source="x.jsonl"), None)
    assert fitting([*prompts(2), long], [(side, model), other]) == prompts(2)
    assert fitting([long], [other]) == [long]
    with pytest.raises(BadUse, match="none of the 1 prompts"):
        fitting([long], [(side, model)])
