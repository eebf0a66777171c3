"""Agreement of labellers on records worked by hand, beside a twin of plain loops, and at its two ends."""

import numpy as np
import pytest

from foretell.align.agreement import agreement, compare, count_pairs, drift, matrix, rate
from foretell.errors import BadUse


def ranking(prompt, labeller, ranks, group="train", texts="abcdefghi", likert=None, flags=None):
    outputs = [
        {"text": text, "likert": likert[place] if likert else None, "flags": flags[place] if flags else {}}
        for place, text in enumerate(texts[: len(ranks)])
    ]
    return {"prompt_id": prompt, "outputs": outputs, "ranks": ranks, "labeller": labeller, "labeller_group": group}


BY_HAND = [
    # pairs ab ac bc:  ann a>b a>c b>c      bob a>b a>c b=c       2 alike, 1 tied once
    ranking("p", "ann", [1, 2, 3]),
    ranking("p", "bob", [1, 2, 2]),
    # cat c>a c>b a=b: with ann 2 otherwise, 1 tied once; with bob 1 otherwise (ac), bc and ab tied once
    ranking("p", "cat", [2, 2, 1], group="held_out"),
    # one pair: alike
    ranking("q", "ann", [2, 1]),
    ranking("q", "bob", [2, 1]),
    # one pair: tied twice
    ranking("r", "bob", [1, 1]),
    ranking("r", "cat", [1, 1], group="held_out"),
    ranking("s", "ann", [1, 2]),  # nobody else
]


def slow_counts(rankings):
    """(alike, otherwise, tied once, tied twice) over every two labellers of a prompt and every two shared outputs."""
    counts = [0, 0, 0, 0]
    for i, one in enumerate(rankings):
        for other in rankings[:i]:
            if one["prompt_id"] != other["prompt_id"] or one["labeller"] == other["labeller"]:
                continue
            first, second = ({o["text"]: r for o, r in zip(x["outputs"], x["ranks"])} for x in (one, other))  # noqa: B905
            for low in first:
                for high in first:
                    if low < high and low in second and high in second:
                        x, y = first[low] - first[high], second[low] - second[high]
                        counts[(x == 0) + (y == 0) + 1 if x * y == 0 else 0 if x * y > 0 else 1] += 1
    return counts


def made(seed, prompts=40, labellers=4, noise=1.0):
    draw = np.random.default_rng(seed)
    made = []
    for prompt in range(prompts):
        true = draw.normal(size=draw.integers(2, 8))
        for labeller in range(labellers):
            seen = np.round(true + noise * draw.normal(size=len(true)), 0 if seed % 2 else 3)
            order = draw.permutation(len(true))  # each labeller's record has its own order of outputs
            ranks = [1 + int((seen > one).sum()) for one in seen[order]]
            made.append(ranking(str(prompt), f"l{labeller}", ranks, texts=[str(place) for place in order]))
    return made


def test_the_rate_by_hand():
    found = agreement(BY_HAND, rounds=50)
    # ann-bob 2 of 2 and 1 of 1, ann-cat 0 of 2, bob-cat 0 of 1
    assert found["pairwise"]["value"] == pytest.approx(3 / 6)
    assert {name: found["pairwise"][name] for name in ("n", "prompts", "tied_once", "tied_twice")} == {
        "n": 6, "prompts": 2, "tied_once": 4, "tied_twice": 1,
    }  # fmt: skip
    assert (found["rankings"], found["prompts"], found["labellers"]) == (8, 4, 3)
    assert found["by_group"]["train"]["value"] == 1
    assert found["by_group"]["held_out with train"]["value"] == 0
    assert found["same_labeller"] is None
    assert found["likert"] is None
    assert found["flags"] == {}


def test_the_matrix_by_hand():
    found = matrix(compare(BY_HAND))
    assert found["labellers"] == ["ann", "bob", "cat"]
    assert found["alike"] == [[0, 3, 0], [3, 0, 0], [0, 0, 0]]
    assert found["n"] == [[0, 3, 2], [3, 0, 1], [2, 1, 0]]
    assert found["ties"] == [[0, 1, 1], [1, 0, 3], [1, 3, 0]]


@pytest.mark.parametrize("seed", range(6))
def test_the_counts_are_their_slow_twin(seed):
    rankings = made(seed)
    alike, otherwise, once, twice = slow_counts(rankings)
    found = agreement(rankings, rounds=20)["pairwise"]
    assert (found["n"], found["tied_once"], found["tied_twice"]) == (alike + otherwise, once, twice)
    assert found["value"] == pytest.approx(alike / (alike + otherwise))


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rankings_changes_nothing_but_the_drift(seed):
    rankings = made(seed)
    shuffled = [rankings[i] for i in np.random.default_rng(0).permutation(len(rankings))]
    one, other = (agreement(each, rounds=30) for each in (rankings, shuffled))
    assert one.pop("drift") != other.pop("drift")
    for name in ("matrix", "pairwise", "by_group", "flags", "likert"):
        assert one[name] == other[name]
    assert one["kendall"] == pytest.approx(other["kendall"])


def test_perfect_agreement_is_1_and_random_is_a_half_and_0():
    draw = np.random.default_rng(0)
    same, chance = [], []
    for prompt in range(300):
        ranks = (draw.permutation(5) + 1).tolist()
        flags = [{"harmful": bool(one % 2)} for one in ranks]
        for labeller in ("ann", "bob"):
            same.append(ranking(str(prompt), labeller, ranks, likert=ranks, flags=flags))
            random = (draw.permutation(5) + 1).tolist()
            said = [{"harmful": bool(one)} for one in draw.integers(0, 2, 5)]
            chance.append(ranking(str(prompt), labeller, random, likert=draw.integers(1, 8, 5).tolist(), flags=said))
    perfect, random = agreement(same, rounds=50), agreement(chance, rounds=50)
    for measured in (perfect["pairwise"], perfect["kendall"], perfect["likert"], perfect["flags"]["harmful"]):
        assert (measured["value"], measured["se"]) == pytest.approx((1, 0))
    assert random["pairwise"]["value"] == pytest.approx(0.5, abs=0.04)
    for measured in (random["kendall"], random["likert"], random["flags"]["harmful"]):
        assert measured["value"] == pytest.approx(0, abs=0.1)
        assert measured["low"] < 0 < measured["high"]


def test_the_standard_error_is_that_of_prompts_and_not_of_pairs():
    # within a prompt all 36 pairs agree or none does: the error is that of 100 coins
    draw = np.random.default_rng(4)
    rankings = []
    for prompt in range(100):
        up = list(range(1, 10))
        rankings += [
            ranking(str(prompt), "ann", up),
            ranking(str(prompt), "bob", up if draw.random() < 0.7 else up[::-1]),
        ]
    found = agreement(rankings)["pairwise"]
    wanted = (found["value"] * (1 - found["value"]) / 100) ** 0.5
    assert found["n"] == 3600
    assert found["se"] == pytest.approx(wanted, rel=0.1)
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 * wanted, rel=0.15)


def test_the_interval_holds_the_truth_about_95_times_in_100():
    draw, inside, truth = np.random.default_rng(7), 0, 0.7
    for study in range(100):
        rankings = []
        for prompt in range(60):
            rankings.append(ranking(str(prompt), "ann", [1, 2]))
            rankings.append(ranking(str(prompt), "bob", [1, 2] if draw.random() < truth else [2, 1]))
        found = rate(compare(rankings), rounds=200, seed=study)
        inside += found["low"] <= truth <= found["high"]
    assert 88 <= inside <= 100


def test_two_rankings_by_one_labeller_are_not_two_labellers():
    twice = [ranking("p", "ann", [1, 2, 3]), ranking("p", "ann", [1, 3, 2]), ranking("q", "ann", [1, 2])]
    with pytest.raises(BadUse, match="two labellers both ranked"):
        agreement(twice)
    found = agreement([*twice, ranking("q", "bob", [1, 2])], rounds=20)
    assert found["same_labeller"]["value"] == pytest.approx(2 / 3)
    assert found["pairwise"]["n"] == 1


def test_unknown_labellers_are_different_people_without_a_place_in_the_matrix():
    found = agreement([ranking("p", "", [1, 2]), ranking("p", "", [1, 2]), ranking("p", "ann", [1, 2])], rounds=20)
    assert found["pairwise"]["n"] == 3
    assert found["labellers"] == 1
    assert found["matrix"]["labellers"] == []
    assert found["with_researchers"] == {}


def test_labellers_are_measured_against_researchers():
    rankings = [ranking("p", "ann", [1, 2, 3]), ranking("p", "bob", [3, 2, 1])]
    rankings += [ranking("p", "eva", [1, 2, 3], group="researcher"), ranking("p", "fay", [1, 3, 2], group="researcher")]
    found = agreement(rankings, rounds=20)["with_researchers"]
    assert list(found) == ["ann", "bob"]
    assert (found["ann"]["value"], found["bob"]["value"]) == pytest.approx((5 / 6, 1 / 6))


def test_a_labeller_who_turns_is_seen_in_the_drift():
    draw, rankings = np.random.default_rng(2), []
    for prompt in range(200):
        right = [1, 2, 3, 4]
        rankings += [ranking(str(prompt), "ann", right), ranking(str(prompt), "bob", right)]
        turned = prompt >= 100 and draw.random() < 0.8
        rankings.append(ranking(str(prompt), "cat", right[::-1] if turned else right))
    compared = compare(rankings)
    whole, cat, bob = (drift(compared, 4, name, rounds=100) for name in ("", "cat", "bob"))
    assert [one["prompts"] for one in whole["windows"]] == [50] * 4
    assert [one["value"] for one in cat["windows"][:2]] == [1, 1]
    assert cat["change"]["value"] < whole["change"]["value"] < 0
    assert cat["change"]["clear"]
    assert drift([one for one in compared if "cat" not in one.labellers], 4)["change"]["value"] == 0
    assert bob["change"]["value"] > cat["change"]["value"]
    assert drift(compared[:1], 4)["change"] is None
    with pytest.raises(BadUse, match="1 windows"):
        drift(compared, 1)


def test_a_prompts_place_in_time_is_that_of_its_last_ranking():
    late = [ranking("late", "ann", [1, 2])]
    early = [ranking("early", "ann", [1, 2]), ranking("early", "bob", [1, 2])]
    found = drift(compare([*late, *early, ranking("late", "bob", [2, 1])]), 2, rounds=20)
    assert [one["value"] for one in found["windows"]] == [1, 0]
    assert found["change"]["value"] == -1


def test_drift_gives_few_false_alarms():
    clear = [drift(compare(made(seed, 60, 2)), 2, rounds=50, seed=seed)["change"]["clear"] for seed in range(60)]
    assert sum(clear) <= 8  # 3 expected at 5 %


def test_a_text_that_is_there_twice_takes_the_mean_of_its_ranks():
    one, other = ranking("p", "ann", [1, 3, 2], texts="aab"), ranking("p", "bob", [1, 2], texts="ab")
    (found,) = compare([one, other])
    assert (found.alike, found.otherwise, found.tied_once) == (0, 0, 1)
    assert count_pairs([2, 2], [1, 2]) == (0, 0, 1, 0)


def test_nothing_to_compare_is_said_in_one_line():
    for rankings in ([], BY_HAND[:1], [ranking("p", "ann", [1, 2]), ranking("q", "bob", [1, 2])]):
        with pytest.raises(BadUse, match="given to two or more"):
            agreement(rankings)


def test_a_rating_that_one_labeller_gives_twice_counts_once():
    said = [ranking("p", "ann", [1, 2], likert=[7, 1]), ranking("p", "ann", [1, 2], likert=[1, 7])]
    said += [ranking("p", "bob", [1, 2], likert=[7, 1])]
    found = agreement(said, rounds=20)["likert"]
    assert (found["value"], found["n"]) == (pytest.approx(1), 2)
