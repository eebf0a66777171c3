"""Judges prefer what they should, whichever answer is shown first, and their comparisons give the known win rate."""

from math import exp, inf, nan

import numpy as np
import pytest

from foretell.align.judges import (
    QUESTION,
    ahead,
    both_ways,
    filled,
    is_swapped,
    judge,
    labeller_judges,
    model_judge,
    reward_judge,
    swapped,
)
from foretell.align.simulated import Labeller, panel, simulate
from foretell.errors import BadUse, Failed
from foretell.eval.win_rate import from_rankings, win_rate, win_rates


def asked(n):
    return [
        {"prompt_id": f"p{i}", "group_id": "g", "split": "valid", "text": f"say {i}", "use_case": "chat"}
        for i in range(n)
    ]


def answers(n, text):
    return {f"p{i}": f"{text} {i}" for i in range(n)}


def known(text, prompt):
    return 1.0 if text.startswith("good") else 0.0


def first_shown(prompt, a, b):
    return 1.0


def by_length(pairs):
    return [float(len(text)) for _prompt, text in pairs]


def test_labellers_judge_as_they_ranked():
    n, labellers = 60, panel(3, held_out=1, tie=0.4)
    a, b = answers(n, "good"), answers(n, "bad")
    outputs = {where: [{"text": a[where], "model": "a"}, {"text": b[where], "model": "b"}] for where in a}
    ranked = from_rankings(simulate(asked(n), outputs, labellers=labellers, seed=4, quality=known), "a", "b")
    groups = {one.name: one.group for one in labellers}
    judged = judge(asked(n), a, b, labeller_judges(labellers, seed=4, quality=known), groups=groups, seed=9)
    key = ("prompt_id", "labeller", "labeller_group", "preference")
    assert [[one[name] for name in key] for one in judged] == [[one[name] for name in key] for one in ranked]
    assert {one["preference"] for one in judged} == {0, 0.5, 1}


def test_the_win_rate_of_known_labellers_is_recovered():
    n, tie = 300, 0.5
    labellers = [Labeller(name=f"l{i}", group="train" if i < 6 else "held_out", tie=tie) for i in range(8)]
    judges = labeller_judges(labellers, seed=0, quality=known)
    groups = {one.name: one.group for one in labellers}
    judged = judge(asked(n), answers(n, "good"), answers(n, "bad"), judges, groups=groups)
    win, loss = 1 / (1 + exp(-(1 - tie))), 1 / (1 + exp(1 + tie))
    found = win_rate(judged)
    assert found["low"] <= win + (1 - win - loss) / 2 <= found["high"]
    assert found["ties"] == pytest.approx(1 - win - loss, abs=0.03)
    assert (found["n"], found["prompt_id"], found["labeller"]) == (2400, 300, 8)
    assert set(win_rates(judged, "labeller_group")) == {"train", "held_out"}


def test_the_swap_is_undone_and_thrown_by_the_seed():
    prompts, fair = asked(400), reward_judge(by_length)
    for prompt in prompts[:20]:
        assert swapped(fair, seed=1)(prompt, "long one", "short") == 1
        assert swapped(fair, seed=1)(prompt, "short", "long one") == 0
        assert swapped(fair, seed=1)(prompt, "same", "size") == 0.5
    told = [swapped(first_shown, seed=1)(prompt, "a", "b") for prompt in prompts]
    assert told == [1 - is_swapped(prompt["prompt_id"], 1) for prompt in prompts]
    assert np.mean(told) == pytest.approx(0.5, abs=0.1)
    assert told == [swapped(first_shown, seed=1)(prompt, "a", "b") for prompt in prompts]
    assert told != [swapped(first_shown, seed=2)(prompt, "a", "b") for prompt in prompts]


def test_a_judge_who_looks_at_the_place_alone_finds_no_winner():
    n = 500
    judged = judge(asked(n), answers(n, "good"), answers(n, "bad"), {"one": first_shown, "two": first_shown})
    found = win_rate(judged, ["prompt_id"])
    assert found["low"] < 0.5 < found["high"]
    assert [one["preference"] == 1 - one["swapped"] for one in judged] == [True] * 2 * n
    coins = [[one["swapped"] for one in judged if one["labeller"] == name] for name in ("one", "two")]
    assert coins[0] != coins[1]
    assert both_ways(first_shown)(asked(1)[0], "a", "b") == 0.5
    assert both_ways(reward_judge(by_length))(asked(1)[0], "a", "bb") == 0


def test_exchanging_the_models_turns_the_rate():
    n, judges = 80, {"reward": reward_judge(by_length)}
    a = {f"p{i}": "x" * (i % 7 + 1) for i in range(n)}
    b = {f"p{i}": "y" * (i % 5 + 1) for i in range(n)}
    one, other = (win_rate(judge(asked(n), *sides, judges))["value"] for sides in ((a, b), (b, a)))
    assert one + other == pytest.approx(1)
    assert one == np.mean([0.5 + 0.5 * np.sign(i % 7 - i % 5) for i in range(n)])


def test_rewards_within_the_margin_are_ties():
    prompt = asked(1)[0]
    assert reward_judge(by_length)(prompt, "aa", "a") == 1
    assert reward_judge(by_length, margin=1)(prompt, "aa", "a") == 0.5
    assert reward_judge(by_length, margin=1)(prompt, "a", "aaa") == 0


def test_scoring_ahead_gives_the_same_in_batches_and_scores_each_answer_once():
    n, sizes, seen = 10, [], []

    def score(pairs):
        sizes.append(len(pairs))
        seen.extend((prompt["prompt_id"], text) for prompt, text in pairs)
        return by_length(pairs)

    a, b = answers(n, "good"), {**answers(n, "worse"), "p3": "good 3"}
    before = ahead(score, asked(n), a, b, batch=8)
    assert sizes == [8, 8, 3]
    assert len(set(seen)) == len(seen) == 19
    judged = [judge(asked(n), a, b, {"reward": reward_judge(one)}) for one in (before, by_length)]
    assert judged[0] == judged[1]
    assert sizes == [8, 8, 3]


def test_a_model_is_asked_for_the_likelier_letter():
    questions = []

    def likelihood(text, choices):
        questions.append(text)
        assert choices == (" A", " B")
        return [-0.1, -2.0] if text.index("good") < text.index("bad") else [-2.0, -0.1]

    prompt = {"prompt_id": "p", "text": [{"role": "user", "content": "say {a} or {b}"}]}
    ask = model_judge(likelihood)
    assert (ask(prompt, "good", "bad"), ask(prompt, "bad", "good")) == (1, 0)
    assert model_judge(likelihood, margin=2)(prompt, "good", "bad") == 0.5
    assert both_ways(ask)(prompt, "good", "bad") == 1
    assert "Request:\nsay {a} or {b}\n\nAnswer A:\ngood\n\nAnswer B:\nbad\n" in questions[0]
    assert model_judge(lambda text, choices: [-inf, -1.0])(prompt, "good", "bad") == 0


def test_a_question_holds_each_part_once():
    parts = {"{prompt}": "{b}", "{a}": "{prompt}", "{b}": "{a}"}
    assert filled("{b} {prompt}: {a}", parts) == "{a} {b}: {prompt}"
    assert "{" not in filled(QUESTION, dict.fromkeys(parts, "x"))
    with pytest.raises(BadUse, match=r"has \{a\} 0 times"):
        filled("{prompt} {b}", parts)
    with pytest.raises(BadUse, match=r"has \{b\} 2 times"):
        filled("{prompt} {a} {b} {b}", parts)


def test_the_same_answer_is_a_tie_that_nobody_is_asked_about():
    def never(prompt, a, b):
        raise AssertionError

    (found,) = judge(asked(1), {"p0": "same"}, {"p0": "same"}, {"one": never})
    assert (found["preference"], found["labeller"], found["use_case"]) == (0.5, "one", "chat")


def test_bad_input_is_said():
    prompts, a, b = asked(2), answers(2, "good"), answers(2, "bad")
    with pytest.raises(BadUse, match="second model has no answer to prompt p1"):
        judge(prompts, a, answers(1, "bad"), {"one": first_shown})
    with pytest.raises(Failed, match="'one' answered 0"):
        judge(prompts, a, b, {"one": lambda prompt, a, b: 0.7})
    for bad in (nan, inf):
        with pytest.raises(Failed, match="prompt p0 is"):
            judge(prompts, a, b, {"r": reward_judge(lambda pairs, bad=bad: [bad] * len(pairs))})
    with pytest.raises(Failed, match="1 scores for 2 answers"):
        reward_judge(lambda pairs: [0.0])(prompts[0], "a", "b")
    with pytest.raises(Failed, match="prompt p0: the judge's log-probabilities"):
        model_judge(lambda text, choices: [nan, -1.0])(prompts[0], "a", "b")
    with pytest.raises(Failed, match="prompt p0: the judge's log-probabilities"):
        model_judge(lambda text, choices: [-inf, -inf])(prompts[0], "a", "b")
