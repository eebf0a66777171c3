"""The win rate by hand, its variance beside the double sum over pairs, and its interval in simulated studies."""

import numpy as np
import pytest

from foretell.errors import BadUse
from foretell.eval.win_rate import clustered_variance, from_rankings, wilson, win_rate, win_rates


def compared(preferences, prompts=None, labellers=None, **more):
    n = len(preferences)
    prompts, labellers = prompts or [f"p{i}" for i in range(n)], labellers or [f"l{i}" for i in range(n)]
    columns = {"preference": preferences, "prompt_id": prompts, "labeller": labellers, **more}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def slow_variance(values, prompts, labellers):
    """Sums of products of every two residuals that share a prompt, a labeller, both (Cameron et al. 2011, eq. 2.8)."""
    n, mean = len(values), sum(values) / len(values)
    rest, pairs = [v - mean for v in values], list(zip(prompts, labellers, strict=True))

    def part(of):
        groups = len(set(of))
        total = sum(rest[i] * rest[j] for i in range(n) for j in range(n) if of[i] == of[j])
        return total / n**2 * groups / (groups - 1)

    one, other = part(prompts), part(labellers)
    return max(one + other - part(pairs), one, other)


def study(seed, prompts=60, labellers=12, each=4, truth=0.6, tie=0.1, by_prompt=0.2, by_labeller=0.15):
    """Comparisons with a known mean preference; both prompts and labellers move the chance of it."""
    draw = np.random.default_rng(seed)
    prompt, labeller = draw.uniform(-by_prompt, by_prompt, prompts), draw.uniform(-by_labeller, by_labeller, labellers)
    who = np.stack([draw.permutation(labellers)[:each] for _ in range(prompts)])
    win = draw.random((prompts, each)) < truth + prompt[:, None] + labeller[who]
    told = np.where(draw.random((prompts, each)) < tie, 0.5, win)
    names = np.repeat([f"p{i}" for i in range(prompts)], each).tolist()
    return compared(told.reshape(-1).tolist(), names, [f"l{i}" for i in who.reshape(-1)]), truth * (1 - tie) + tie / 2


def test_by_hand():
    # 2 prompts x 2 labellers: mean 5/8, rests 3/8 3/8 / -5/8 -1/8
    found = win_rate(compared([1, 1, 0, 0.5], ["p", "p", "q", "q"], ["a", "b", "a", "b"]))
    assert (found["value"], found["n"], found["ties"]) == (0.625, 4, 0.25)
    assert (found["prompt_id"], found["labeller"]) == (2, 2)
    # by prompt: (3/4)^2 + (-3/4)^2 = 9/8; by labeller: (-1/4)^2 + (1/4)^2 = 1/8; each * 2 / 16
    # by both: (9 + 9 + 25 + 1) / 64 * 4/3 / 16; the sum 0.1563 - 0.0573 is less than the prompts' 0.1406
    assert found["se"] ** 2 == pytest.approx(9 / 8 * 2 / 16)
    alone = win_rate(compared([1, 1, 0, 0.5], ["p", "p", "q", "q"], ["a", "b", "a", "b"]), ["labeller"])
    assert alone["se"] ** 2 == pytest.approx(1 / 8 * 2 / 16)


@pytest.mark.parametrize("seed", range(8))
def test_the_variance_is_its_slow_twin(seed):
    draw = np.random.default_rng(seed)
    values = draw.choice([0, 0.5, 1], 40).tolist()
    prompts, labellers = draw.integers(0, 9, 40), draw.integers(0, 4, 40)
    wanted = slow_variance(values, prompts.tolist(), labellers.tolist())
    assert clustered_variance(np.asarray(values), [prompts, labellers]) == pytest.approx(wanted, abs=1e-15)
    names = compared(values, [f"p{i}" for i in prompts], [f"l{i}" for i in labellers])
    assert win_rate(names)["se"] ** 2 == pytest.approx(wanted)


def test_clusters_of_one_are_no_clusters():
    values = np.random.default_rng(0).choice([0, 0.5, 1], 50)
    alone = clustered_variance(values, [np.arange(50)])
    assert alone == pytest.approx(values.var(ddof=1) / 50)
    assert clustered_variance(values, []) == pytest.approx(alone)
    assert clustered_variance(values, [np.arange(50), np.arange(50)]) == pytest.approx(alone)


@pytest.mark.parametrize(
    "settings",
    [{}, {"by_prompt": 0, "by_labeller": 0}, {"by_labeller": 0.3, "truth": 0.5}, {"labellers": 6, "each": 2}],
    ids=["both vary", "none varies", "labellers vary most", "six labellers"],
)
def test_the_known_preference_is_inside_in_nine_of_ten_studies(settings):
    inside, widths = 0, []
    for seed in range(200):
        comparisons, truth = study(seed, **settings)
        found = win_rate(comparisons)
        inside += found["low"] <= truth <= found["high"]
        widths.append(found["high"] - found["low"])
    assert inside >= 180
    assert np.mean(widths) < 0.35  # and not by being endless


def test_an_interval_that_forgets_the_labellers_is_too_narrow():
    inside = {("prompt_id", "labeller"): 0, ("prompt_id",): 0}
    for seed in range(100):
        comparisons, truth = study(seed, labellers=8, truth=0.5, by_prompt=0.1, by_labeller=0.4)
        for clusters in inside:
            found = win_rate(comparisons, clusters)
            inside[clusters] += found["low"] <= truth <= found["high"]
    both, prompts = inside.values()
    assert both >= 88
    assert prompts < 80


def test_ties_are_a_half_and_the_other_side_has_the_rest():
    comparisons, _truth = study(3)
    turned = [{**one, "preference": 1 - one["preference"]} for one in comparisons]
    one, other = win_rate(comparisons), win_rate(turned)
    assert one["value"] + other["value"] == pytest.approx(1)
    assert one["low"] + other["high"] == pytest.approx(1)
    assert one["se"] == pytest.approx(other["se"])
    assert win_rate(compared([0.5] * 10))["value"] == 0.5


def test_the_order_of_comparisons_changes_nothing():
    comparisons, _truth = study(4)
    shuffled = [comparisons[i] for i in np.random.default_rng(0).permutation(len(comparisons))]
    assert win_rate(shuffled) == pytest.approx(win_rate(comparisons))


def test_intervals_are_wilsons_and_stay_inside():
    from foretell.eval.measured import share

    n = 100_000  # where Student's quantile is the normal one
    low, high = wilson(0.3, 0.3 * 0.7 / n, n)
    wanted = share(0.3 * n, n)
    assert (low, high) == pytest.approx((wanted["low"], wanted["high"]), abs=1e-7)
    for preferences in ([1] * 30, [0] * 30, [0.5] * 30):
        found = win_rate(compared(preferences))
        assert 0 <= found["low"] < found["high"] <= 1
        assert found["high"] - found["low"] > 0.05
    assert win_rate(compared([1] * 300))["low"] > win_rate(compared([1] * 30))["low"] > 0.8


def test_few_clusters_take_students_quantile():
    # n = 0.25 / 0.01 = 25 and t = 3.182 for 3 degrees: half the width is t sqrt(0.25/25 + t^2/2500) / (1 + t^2/25)
    low, high = wilson(0.5, 0.01, 4)
    t = 3.182446
    assert (high - low) / 2 == pytest.approx(t * (0.01 + t**2 / 2500) ** 0.5 / (1 + t**2 / 25), rel=1e-5)
    assert (high + low) / 2 == pytest.approx(0.5)


def test_one_judge_is_clustered_by_prompt_alone():
    comparisons = compared([1, 0, 1, 1, 0.5, 1, 0, 1], labellers=["reward"] * 8)
    assert win_rate(comparisons) == win_rate(comparisons, ["prompt_id", "labeller"])
    assert win_rate(comparisons)["se"] == pytest.approx(win_rate(comparisons, ["prompt_id"])["se"])
    assert win_rate(comparisons)["labeller"] == 1
    alone = win_rate(compared([1]))
    assert (alone["value"], alone["low"], alone["high"]) == (1, 0, 1)


def test_unknown_labellers_are_different_people():
    comparisons, _truth = study(5)
    nobody = [{**one, "labeller": ""} for one in comparisons]
    assert win_rate(nobody)["labeller"] == len(comparisons)
    known = win_rate(comparisons, ["prompt_id"])["se"], win_rate(compared([c["preference"] for c in comparisons]))["se"]
    assert win_rate(nobody)["se"] == pytest.approx(max(known))


def test_groups_have_their_own_rates():
    sizes, groups = ["nano", "nano", "micro", "micro"], ["train", "held_out"] * 2
    comparisons = compared([1, 0.5, 0, 1], size=sizes, labeller_group=groups)
    assert {key: one["value"] for key, one in win_rates(comparisons, "size").items()} == {"micro": 0.5, "nano": 0.75}
    both = win_rates(comparisons, ["size", "labeller_group"])
    assert {key: one["value"] for key, one in both.items()} == {
        ("micro", "held_out"): 1, ("micro", "train"): 0, ("nano", "held_out"): 0.5, ("nano", "train"): 1,
    }  # fmt: skip
    assert list(win_rates(comparisons, "absent")) == [""]
    pooled = sum(one["value"] * one["n"] for one in win_rates(comparisons, "size").values()) / 4
    assert pooled == pytest.approx(win_rate(comparisons)["value"])


def test_rankings_hold_comparisons_of_two_models():
    outputs = [
        {"text": "w", "model": "a"},
        {"text": "x", "model": "b"},
        {"text": "y", "model": "c"},
        {"text": "z", "model": "a"},
    ]
    ranking = {"prompt_id": "p", "prompt": "?", "labeller": "ann", "labeller_group": "held_out", "outputs": outputs}
    found = from_rankings([{**ranking, "ranks": [1, 2, 4, 2]}], "a", "b")
    assert [one["preference"] for one in found] == [1, 0.5]
    assert [one["preference"] for one in from_rankings([{**ranking, "ranks": [1, 2, 4, 2]}], "b", "a")] == [0, 0.5]
    assert (found[0]["prompt_id"], found[0]["labeller_group"]) == ("p", "held_out")
    assert "outputs" not in found[0]
    assert from_rankings([{**ranking, "ranks": [1, 2, 4, 2]}], "a", "d") == []
    assert win_rate(found)["value"] == 0.75


def test_bad_input_is_said():
    with pytest.raises(BadUse, match="no comparisons"):
        win_rate([])
    for wrong in (2, 0.3, None, "A", float("nan")):
        with pytest.raises(BadUse, match="for a tie"):
            win_rate(compared([1, wrong]))
