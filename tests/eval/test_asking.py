from dataclasses import replace
from math import isclose

import pytest

from foretell.errors import BadUse
from foretell.eval.asking import AT_ONCE, Asking, ask, chosen, kept
from foretell.eval.records import read_records
from foretell.tasks.item import Choice, Free, Partial
from foretell.tasks.task import Questions, Task
from tests.eval.conftest import Oracle


def task(**given):
    return Task(**{"name": "t", "family": "f", "about": "a", "load": lambda source: None, "shots": 2, **given})


SUMS = [Choice(id=str(i), context=f"{i} + 1 =", options=(f" {i + 1}", f" {i + 1} or so"), gold=0) for i in range(9)]
FREE = [Free(id=str(i), context=f"say {i}:", answers=(f" {i}",), source=str(i)) for i in range(9)]


def asked(model, of, items, path, **how):
    done = []
    found, too_long = ask(model, of, Questions(items=items, origin="made"), Asking(**how), path, done.append)
    assert sum(done) == len(found) + too_long
    return found, too_long


def by_length(context, text):
    return -1.0 * len(text.split())


def test_every_option_is_scored_in_five_ways_and_the_tasks_way_decides(tmp_path):
    model = Oracle(logprob=lambda context, text: {"Answer:": -0.5}.get(context, -1.2 * len(text.split()) ** 0.5))
    found, _ = asked(model, task(), SUMS[:1], tmp_path / "a")
    scores = found[0]["scores"]
    assert [score[1:4] for score in scores] == [[1, 1, 1], [3, 7, 7]]
    assert isclose(scores[1][0], -1.2 * 3**0.5)
    assert [score[4] for score in scores] == [-0.5, -0.5]
    assert found[0]["chosen"] == {"none": 0, "token": 1, "char": 1, "byte": 1, "uncond": 0}
    assert found[0]["value"] == 0.0
    assert asked(model, task(norm="none"), SUMS[:1], tmp_path / "b")[0][0]["value"] == 1.0


def test_a_partial_question_compares_what_follows_each_beginning(tmp_path):
    item = Partial(id="1", contexts=("The cat", "The dog"), completion=" barked.", gold=1)
    model = Oracle(logprob=lambda context, text: -1.0 if context.endswith("dog") else -2.0)
    found, _ = asked(model, task(), [item], tmp_path / "a")
    assert found[0]["value"] == 1.0
    assert ("The cat", " barked.") in model.asked
    assert "uncond" not in found[0]["chosen"]


def test_a_free_answer_is_right_if_it_is_the_very_answer_and_ends(tmp_path):
    says = {"say 0:": (" 0", "stop"), "say 1:": (" 12", "stop"), "say 2:": (" 2", "length"), "say 3:": (" 3", "end")}
    found, _ = asked(Oracle(answer=says.get), task(metric="exact_answer"), FREE[:4], tmp_path / "a")
    assert [record["value"] for record in found] == [1.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("text", "finish", "value"),
    [
        (" 0, he said", "length", 1.0),
        (" 0", "stop", 1.0),
        (" 0", "end", 1.0),
        (" 0", "length", 0.0),
        (" 01", "stop", 0.0),
    ],
)
def test_the_first_word_counts_once_something_follows_it(tmp_path, text, finish, value):
    model = Oracle(answer=lambda prompt: (text, finish), logprob=lambda context, text: -2.0)
    found, _ = asked(model, task(metric="first_word"), FREE[:1], tmp_path / "a")
    assert found[0]["value"] == value
    assert found[0]["output"] == text


@pytest.mark.parametrize("shots", [0, 2])
def test_a_last_word_is_also_scored_after_the_prompt_that_it_is_written_after(tmp_path, shots):
    model = Oracle(answer=lambda prompt: (" 0", "stop"), logprob=lambda context, text: -float(len(context)))
    items = [replace(item, zero_context=f"{i}") for i, item in enumerate(FREE)]
    found, _ = asked(model, task(metric="first_word"), items, tmp_path / "a", shots=shots)
    prompts = [given for given in model.asked if isinstance(given, str)]
    assert [record["logprob"] for record in found] == [-float(len(given)) for given in prompts]
    assert [given for given in model.asked if not isinstance(given, str)] == [
        (given, item.answers[0]) for given, item in zip(prompts, items, strict=True)
    ]
    assert "logprob" not in asked(model, task(metric="f1"), FREE, tmp_path / "b")[0][0]


def test_a_word_longer_than_what_may_be_written_has_its_room(tmp_path):
    item = Free(id="1", context="a b c", answers=(" d e f g",))
    model = Oracle(answer=lambda prompt: (" d", "stop"), logprob=by_length, n_ctx=6)
    of = {"metric": "first_word", "max_new_tokens": 2}
    assert asked(model, task(**of), [item], tmp_path / "a") == ([], 1)
    model.n_ctx = model.network.cfg.n_ctx = 7
    assert asked(model, task(**of), [item], tmp_path / "a")[1] == 0


def test_the_first_sentences_of_what_was_written_are_the_answer(tmp_path):
    said = "It rained. We left. Nobody came. The end"
    item = Free(id="1", context="c", answers=(" It rained. We left.",))
    model = Oracle(answer=lambda prompt: (said, "length"))
    (record,), _ = asked(model, task(metric="f1", keep_sentences=2, stop=()), [item], tmp_path / "a")
    assert (record["output"], record["value"]) == ("It rained. We left.", 1.0)
    assert [kept(said, n) for n in (0, 1, 9)] == [said, "It rained.", said]
    assert kept("", 3) == ""


def test_a_task_draws_from_its_likeliest_tokens_or_searches(tmp_path):
    model = Oracle(answer=lambda prompt: (" 1", "stop"))
    asked(model, task(metric="f1", top_k=2), FREE, tmp_path / "a")
    asked(model, task(metric="f1"), FREE, tmp_path / "b")
    asked(model, task(metric="f1", top_k=2), FREE, tmp_path / "c")
    asked(model, task(metric="f1", top_k=2), FREE, tmp_path / "d", seed=1)
    first, search, again, other = model.ways
    assert search == {"beam": 4, "length_penalty": 0.6}
    assert first == again != other
    assert (first["top_k"], set(first)) == (2, {"top_k", "seed"})


def test_draws_of_an_evaluation_that_was_killed_are_those_of_one_that_was_not(tiny, tmp_path):
    items = [Free(id=str(i), context=f"Return {i}", answers=(" a",)) for i in range(AT_ONCE + 3)]
    of, path = task(metric="f1", top_k=5, stop=(), max_new_tokens=3), tmp_path / "a"
    whole, _ = asked(tiny, of, items, path)
    assert len({record["output"] for record in whole}) > 5
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:AT_ONCE]))
    assert asked(tiny, of, items, path)[0] == whole


def test_the_papers_k_is_shown(tmp_path):
    found, _ = asked(Oracle(logprob=by_length), task(), SUMS, tmp_path / "a", shots="few")
    assert {record["demonstrations"] for record in found} == {2}


def test_what_was_answered_is_not_asked_again_and_another_prompt_is(tmp_path):
    model = Oracle(answer=lambda prompt: (" 1", "stop"))
    first, _ = asked(model, task(metric="exact_answer"), FREE[:5], tmp_path / "a", shots=2)
    model.asked.clear()
    again, _ = asked(model, task(metric="exact_answer"), FREE[:5], tmp_path / "a", shots=2)
    assert (again, model.asked) == (first, [])
    asked(model, task(metric="exact_answer"), FREE[:5], tmp_path / "a", shots=2, seed=1)
    assert len(model.asked) >= 4  # a draw may repeat


@pytest.mark.parametrize(
    "other",
    [
        {"metric": "first_word"},
        {"stop": (".",)},
        {"max_new_tokens": 5},
        {"beam": 1},
        {"top_k": 2},
        {"keep_sentences": 1},
    ],
)
def test_answers_that_were_written_in_another_way_are_asked_again(tmp_path, other):
    model = Oracle(answer=lambda prompt: (" 1", "stop"), logprob=by_length)
    asked(model, task(metric="exact_answer"), FREE, tmp_path / "a")
    model.asked.clear()
    changed = task(**{"metric": "exact_answer", **other})
    found, _ = asked(model, changed, FREE, tmp_path / "a")
    assert len([given for given in model.asked if isinstance(given, str)]) == len(FREE)
    assert asked(model, changed, FREE, tmp_path / "a")[0] == found
    assert len([given for given in model.asked if isinstance(given, str)]) == len(FREE)


def test_a_task_that_compares_options_in_another_way_is_asked_again(tmp_path):
    model = Oracle(logprob=by_length)
    for i, of in enumerate([task(), task(norm="none"), task(norm="none", answer_context="A: ")]):
        model.asked.clear()
        asked(model, of, SUMS, tmp_path / "a")
        assert model.asked, i
    model.asked.clear()
    asked(model, of, SUMS, tmp_path / "a")
    assert not model.asked


def test_a_question_whose_right_answer_was_corrected_is_asked_again(tmp_path):
    model, of = Oracle(answer=lambda prompt: (" 1", "stop")), task(metric="exact_answer")
    wrong = [Free(id="0", context="say 1:", answers=(" 7",))]
    right = [Free(id="0", context="say 1:", answers=(" 1",))]
    values = [asked(model, of, items, tmp_path / "a")[0][0]["value"] for items in (wrong, right)]
    assert values == [0.0, 1.0]


def test_an_evaluation_that_was_killed_asks_only_what_is_missing(tmp_path):
    model, path = Oracle(answer=lambda prompt: (" 1", "stop")), tmp_path / "a"
    whole, _ = asked(model, task(metric="exact_answer"), FREE, path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:4])[:-3])
    model.asked.clear()
    assert asked(model, task(metric="exact_answer"), FREE, path)[0] == whole
    assert len(model.asked) == len(FREE) - 3
    assert len(read_records(path)) == len(FREE)


def test_demonstrations_that_do_not_fit_are_counted_and_too_long_questions_are_left_out(tmp_path):
    items = [*SUMS, Choice(id="long", context="x " * 30 + "=", options=(" a", " b"), gold=0)]
    found, too_long = asked(Oracle(logprob=by_length, n_ctx=14), task(), items, tmp_path / "a", shots=4)
    assert too_long == 1
    assert len(found) == 9
    for record in found:
        assert record["demonstrations"] + record["dropped"] == 4
        assert record["demonstrations"] <= 2


def test_a_limit_is_a_draw_that_seed_and_task_decide(tmp_path):
    model = Oracle(logprob=by_length)
    keys = [
        [record["key"] for record in asked(model, task(), SUMS, tmp_path / f"{i}", limit=4, seed=seed)[0]]
        for i, seed in enumerate([0, 0, 1])
    ]
    assert keys[0] == keys[1] != keys[2]
    assert len(set(keys[0])) == 4


def test_a_limit_takes_whole_groups_where_groups_are_right_as_a_whole():
    items = [replace(item, group=f"g{i // 3}") for i, item in enumerate(SUMS)]
    for seed in range(5):
        of, how = task(metric="group_accuracy"), Asking(limit=2, seed=seed)
        found = chosen(of, items, how)
        groups = {item.group for item in found}
        assert len(groups) == 2
        assert found == [item for item in items if item.group in groups]
    assert chosen(of, items, Asking(limit=3)) == items
    assert len(chosen(task(), items, Asking(limit=2))) == 2


def test_questions_with_one_id_are_refused(tmp_path):
    with pytest.raises(BadUse, match="two questions of t have the same id"):
        asked(Oracle(), task(), [SUMS[0], SUMS[0]], tmp_path / "a")


def test_a_task_of_both_kinds_is_refused(tmp_path):
    with pytest.raises(BadUse, match="make two tasks"):
        asked(Oracle(), task(), [SUMS[0], FREE[1]], tmp_path / "a")


def test_a_real_model_answers_every_kind(tiny, tmp_path):
    partial = [Partial(id=str(i), contexts=("Return the", "Raise an"), completion=" value", gold=0) for i in range(3)]
    for i, (of, items) in enumerate(
        [
            (task(), SUMS),
            (task(), partial),
            (task(metric="f1", max_new_tokens=4, beam=2), FREE),
            (task(metric="first_word", max_new_tokens=4), FREE),
            (task(metric="rouge", max_new_tokens=9, top_k=2, keep_sentences=1), FREE),
        ]
    ):
        found, too_long = asked(tiny, of, items, tmp_path / f"{i}", shots=2)
        assert len(found) + too_long == len(items)
        assert all(0 <= record["value"] <= 1 for record in found)
