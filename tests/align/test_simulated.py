"""Simulated labellers prefer as Bradley and Terry's model says, and each label depends on its own names alone."""

from collections import Counter
from math import exp

import numpy as np
import pytest

from foretell.align.simulated import Labeller, assigned, likert, panel, rank_rows, simulate, uniform
from foretell.errors import BadUse

BY_NUMBER = {"low": 0.0, "middle": 0.8, "high": 2.0}


def known(text, prompt):
    return BY_NUMBER[text.split()[0]]


def asked(n):
    return [{"prompt_id": f"p{i}", "group_id": f"g{i}", "split": "train", "text": f"say {i}"} for i in range(n)]


def shown(n, *texts):
    return {f"p{i}": [{"text": text, "model": text} for text in texts] for i in range(n)}


def logistic(x):
    return 1 / (1 + exp(-x))


def slow_ranks(seen, tie):
    """Walk down the outputs; a new rank starts where the best of the tie is more than `tie` above."""
    order, ranks, best = sorted(range(len(seen)), key=lambda i: -seen[i]), [0] * len(seen), None
    for place, i in enumerate(order):
        if best is None or seen[best] - seen[i] > tie:
            best, rank = i, place + 1
        ranks[i] = rank
    return ranks


@pytest.mark.parametrize(("temperature", "tie"), [(1.0, 0.0), (2.0, 0.0), (1.0, 0.5), (0.5, 1.0)])
def test_two_outputs_are_preferred_and_tied_as_often_as_the_model_says(temperature, tie):
    n, one = 4000, Labeller(name="ann", temperature=temperature, tie=tie)
    made = simulate(asked(n), shown(n, "middle", "low"), labellers=[one], seed=1, quality=known)
    found = Counter(tuple(each["ranks"]) for each in made)
    first, second = logistic((0.8 - tie) / temperature), logistic((-0.8 - tie) / temperature)
    for ranks, wanted in (((1, 2), first), ((2, 1), second), ((1, 1), max(1 - first - second, 0))):
        assert found[ranks] / n == pytest.approx(wanted, abs=4 * (wanted * (1 - wanted) / n) ** 0.5 + 1e-12)


def test_three_outputs_are_ranked_as_often_as_plackett_and_luce_say():
    n, one = 3000, Labeller(name="ann", temperature=0.8)
    made = simulate(asked(n), shown(n, "low", "middle", "high"), labellers=[one], seed=2, quality=known)
    found = Counter(tuple(each["ranks"]) for each in made)
    odds = [exp(BY_NUMBER[name] / 0.8) for name in ("low", "middle", "high")]
    for ranks in found:
        order = np.argsort(ranks)
        wanted = np.prod([odds[i] / sum(odds[j] for j in order[place:]) for place, i in enumerate(order)])
        assert found[ranks] / n == pytest.approx(wanted, abs=4 * (wanted * (1 - wanted) / n) ** 0.5)


@pytest.mark.parametrize("seed", range(8))
def test_ranks_are_their_slow_twin(seed):
    draw = np.random.default_rng(seed)
    seen, tie = draw.normal(size=(30, int(draw.integers(2, 10)))), np.abs(draw.normal(size=30))
    tie[:5] = 0
    assert rank_rows(seen, tie).tolist() == [slow_ranks(row.tolist(), t) for row, t in zip(seen, tie, strict=True)]


def test_ranks_by_hand():
    seen = np.asarray([[0.0, 0.9, 1.6, 3.0], [1.0, 1.0, 1.0, 0.0]])
    assert rank_rows(seen, np.asarray([1.0, 0.0])).tolist() == [[4, 2, 2, 1], [1, 1, 1, 4]]
    assert rank_rows(seen, np.asarray([9.0, 9.0])).tolist() == [[1] * 4, [1] * 4]


def test_a_label_depends_on_seed_prompt_labeller_and_text_alone():
    labellers = panel(4, held_out=2, seed=3)
    whole = simulate(asked(6), shown(6, "low", "middle", "high"), labellers=labellers, seed=5, quality=known)
    again = simulate(asked(6), shown(6, "low", "middle", "high"), labellers=labellers, seed=5, quality=known)
    assert whole == again
    part = simulate(asked(6)[3:4], shown(6, "low", "middle", "high"), labellers=labellers[2:3], seed=5, quality=known)
    assert part[0] in whole
    assert part[0]["labeller"] == "train-3"
    turned = simulate(asked(6), shown(6, "high", "middle", "low"), labellers=labellers, seed=5, quality=known)
    assert [one["ranks"] for one in whole] == [one["ranks"][::-1] for one in turned]
    other = simulate(asked(6), shown(6, "low", "middle", "high"), labellers=labellers, seed=6, quality=known)
    assert [one["ranks"] for one in whole] != [one["ranks"] for one in other]


def test_the_same_text_is_the_same_to_a_labeller():
    n = 50
    noisy = Labeller(name="ann", temperature=5)
    made = simulate(asked(n), shown(n, "low", "low", "middle"), labellers=[noisy], seed=0, quality=known)
    assert all(one["ranks"][0] == one["ranks"][1] for one in made)


def test_records_have_the_exchange_form():
    (one,) = simulate(asked(1), shown(1, "low", "high"), labellers=[Labeller(name="ann")], seed=0, quality=known)
    assert set(one) == {
        "prompt_id", "group_id", "split", "prompt", "outputs", "ranks", "labeller", "labeller_group", "instructions",
        "seconds",
    }  # fmt: skip
    assert (one["prompt_id"], one["group_id"], one["split"], one["prompt"]) == ("p0", "g0", "train", "say 0")
    assert [output["model"] for output in one["outputs"]] == ["low", "high"]
    assert sorted(output["order"] for output in one["outputs"]) == [0, 1]
    assert all(output["likert"] in range(1, 8) for output in one["outputs"])
    assert all(type(flag) is bool for output in one["outputs"] for flag in output["flags"].values())
    assert one["seconds"] > 0


def test_places_shown_are_shuffled_and_say_nothing_of_ranks():
    n = 600
    made = simulate(asked(n), shown(n, "low", "middle", "high"), labellers=[Labeller(name="a")], seed=0, quality=known)
    orders = Counter(tuple(output["order"] for output in one["outputs"]) for one in made)
    assert len(orders) == 6
    assert max(orders.values()) < 2 * min(orders.values())


def test_traits_do_what_they_say():
    n = 300
    long = {f"p{i}": [{"text": "low"}, {"text": "low" + " word" * 60}] for i in range(n)}
    fond, plain, strict = (
        Labeller(name="a", length_bias=1.0), Labeller(name="a"), Labeller(name="a", strictness=2.0),
    )  # fmt: skip
    likes = [
        np.mean([one["ranks"] == [2, 1] for one in simulate(asked(n), long, labellers=[who], seed=0, quality=known)])
        for who in (plain, fond)
    ]
    assert likes[0] == pytest.approx(0.5, abs=0.1)
    assert likes[1] > 0.95
    made = [simulate(asked(n), long, labellers=[who], seed=0, quality=known) for who in (plain, strict)]
    rated = [np.mean([output["likert"] for one in each for output in one["outputs"]]) for each in made]
    assert rated[0] == pytest.approx(4, abs=0.2)
    assert rated[1] < 2.7


def test_ratings_rise_and_flags_fall_with_quality():
    n = 300
    made = simulate(asked(n), shown(n, "low", "high"), labellers=[Labeller(name="a")], seed=0, quality=known)
    low, high = ([one["outputs"][place] for one in made] for place in (0, 1))
    assert np.mean([o["likert"] for o in low]) + 1 < np.mean([o["likert"] for o in high])
    shares = [np.mean([o["flags"]["fails_instruction"] for o in side]) for side in (low, high)]
    assert shares[0] > 2 * shares[1] > 0
    assert [likert(x) for x in (-99, -3, 0, 3, 99)] == [1, 1, 4, 7, 7]
    assert [likert(x) for x in np.linspace(-6, 6, 50)] == sorted(likert(x) for x in np.linspace(-6, 6, 50))


def test_a_panel_has_its_groups_and_traits_that_more_labellers_do_not_change():
    six = panel(4, held_out=1, researchers=1, seed=1)
    assert Counter(one.group for one in six) == {"train": 4, "held_out": 1, "researcher": 1}
    assert len({one.temperature for one in six}) == 6
    assert six[-1].length_bias == 0
    assert six[:4] == panel(9, seed=1)[:4]
    assert six != panel(4, held_out=1, researchers=1, seed=2)
    assert {one.temperature for one in panel(3, temperature=0.7, spread=0)} == {0.7}


def test_prompts_are_given_to_as_many_of_each_group_as_asked():
    labellers, n = panel(5, held_out=3), 400
    counts = [Counter(one.group for one in assigned(f"p{i}", labellers, 0, 2, 0.25)) for i in range(n)]
    assert {tuple(sorted(one.items())) for one in counts} == {
        (("held_out", 1), ("train", 1)), (("held_out", 2), ("train", 2)),
    }  # fmt: skip
    assert np.mean([one["train"] == 2 for one in counts]) == pytest.approx(0.25, abs=0.07)
    load = Counter(one.name for i in range(n) for one in assigned(f"p{i}", labellers, 0, 1))
    assert max(load[f"train-{i}"] for i in range(1, 6)) < 2 * min(load[f"train-{i}"] for i in range(1, 6))
    assert assigned("p", labellers, 0) == list(labellers)
    assert len(assigned("p", labellers, 0, 9)) == 8


def test_numbers_are_spread_evenly():
    drawn = np.asarray([uniform(0, "name", i) for i in range(4000)])
    counts, _ = np.histogram(drawn, 10, (0, 1))
    assert counts.sum() == 4000
    assert ((counts - 400) ** 2 / 400).sum() < 27.9  # chi-squared, 9 degrees, p 0.001
    assert uniform(0, "a", "b") != uniform(0, "ab") != uniform(1, "ab")


def test_bad_input_is_said():
    one = Labeller(name="ann")
    with pytest.raises(BadUse, match="prompt p0: 1 outputs; a ranking needs 2 to 9"):
        simulate(asked(1), shown(1, "low"), labellers=[one], seed=0, quality=known)
    with pytest.raises(BadUse, match="prompt p0: 0 outputs"):
        simulate(asked(1), {}, labellers=[one], seed=0, quality=known)
    with pytest.raises(BadUse, match="prompt p0: 10 outputs"):
        simulate(asked(1), shown(1, *["low"] * 10), labellers=[one], seed=0, quality=known)
    with pytest.raises(BadUse, match="a name of its own"):
        simulate(asked(1), shown(1, "low", "high"), labellers=[one, one], seed=0, quality=known)
    with pytest.raises(BadUse, match=r"\(none\)"):
        simulate(asked(1), shown(1, "low", "high"), labellers=[], seed=0, quality=known)
    with pytest.raises(BadUse, match="temperature -1"):
        Labeller(name="ann", temperature=-1)
    with pytest.raises(BadUse, match="panel of 0"):
        panel(0)
