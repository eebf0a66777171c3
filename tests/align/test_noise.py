"""The temperature that is found gives the agreement that was asked for, by the model's formula and in records."""

import numpy as np
import pytest

from foretell.align.agreement import by_group, compare, rate
from foretell.align.made_quality import quality_of
from foretell.align.noise import temperature_for, tuned
from foretell.align.simulated import Labeller, panel, simulate
from foretell.errors import BadUse

WORDS = ["river", "stone", "valley", "water", "flood", "bank", "slope", "rock", "deep", "slow", "channel", "gentle"]


def made(n, seed=0, k=(4, 9)):
    """n prompts and texts of random words for each."""
    draw = np.random.default_rng(seed)
    prompts = [
        {"prompt_id": f"p{i}", "group_id": "", "split": "train", "text": " ".join(draw.choice(WORDS, 6))}
        for i in range(n)
    ]
    outputs = {
        one["prompt_id"]: [
            {"text": " ".join(draw.choice(WORDS, draw.integers(3, 90))) + draw.choice([".", ""])}
            for _ in range(draw.integers(*k, endpoint=True))
        ]
        for one in prompts
    }
    return prompts, outputs


def by_formula(qualities, temperature, tie):
    """Of pairs of outputs, how often two labellers with logistic noise order one alike, among what neither ties."""
    differences = np.asarray([a - b for several in qualities for i, a in enumerate(several) for b in several[:i]])
    up, down = (1 / (1 + np.exp(-(sign * differences - tie) / temperature)) for sign in (1, -1))
    return (up**2 + down**2).sum() / ((up + down) ** 2).sum()


@pytest.mark.parametrize("tie", [0.0, 0.4])
@pytest.mark.parametrize("target", [0.6, 0.726, 0.9])
def test_the_temperature_is_that_of_the_formula(target, tie):
    draw = np.random.default_rng(1)
    qualities = draw.normal(size=(200, 2)).tolist()
    temperature = temperature_for(target, qualities, tie=tie, draws=40_000)
    assert by_formula(qualities, temperature, tie) == pytest.approx(target, abs=0.012)


def test_more_agreement_needs_less_noise():
    qualities = np.random.default_rng(0).normal(size=(50, 4)).tolist()
    temperatures = [temperature_for(target, qualities, draws=3000) for target in (0.55, 0.65, 0.75, 0.85, 0.95)]
    assert temperatures == sorted(temperatures, reverse=True)
    assert temperature_for(0.7, qualities, draws=3000) == temperature_for(0.7, qualities, draws=3000)
    doubled = (2 * np.asarray(qualities)).tolist()
    assert temperature_for(0.7, doubled, draws=3000) == pytest.approx(2 * temperature_for(0.7, qualities, draws=3000))


@pytest.mark.parametrize("target", [0.726, 0.773])
def test_two_labellers_reach_the_target_within_the_interval(target):
    prompts, outputs = made(150)
    qualities = [[quality_of(one["text"], p["text"]) for one in outputs[p["prompt_id"]]] for p in prompts]
    temperature = temperature_for(target, qualities, tie=0.3)
    two = [Labeller(name=name, temperature=temperature, tie=0.3) for name in ("ann", "bob")]
    found = rate(compare(simulate(prompts, outputs, labellers=two, seed=1)), rounds=200)
    assert found["low"] <= target <= found["high"]
    assert found["se"] < 0.02
    assert found["tied_once"] + found["tied_twice"] > 0


def test_a_panel_with_biases_reaches_the_target_within_the_interval():
    prompts, outputs = made(100, seed=2)
    labellers = tuned(panel(5, tie=0.3, seed=4), 0.726, prompts, outputs)
    found = rate(compare(simulate(prompts, outputs, labellers=labellers, seed=3)), rounds=200)
    assert found["low"] <= 0.726 <= found["high"]
    assert [one.name for one in labellers] == [f"train-{i}" for i in range(1, 6)]
    ratios = {
        round(one.temperature / other.temperature, 9) for one, other in zip(labellers, panel(5, seed=4), strict=True)
    }
    assert len(ratios) == 1


def test_groups_that_are_tuned_one_by_one_agree_as_the_papers_do():
    prompts, outputs = made(200, seed=6, k=(4, 6))
    both = panel(6, held_out=4, tie=0.3, seed=2)
    wanted = {"train": 0.726, "held_out": 0.773}
    groups = [tuned([one for one in both if one.group == name], at, prompts, outputs) for name, at in wanted.items()]
    made_of = simulate(prompts, outputs, labellers=groups[0] + groups[1], seed=0, each=2)
    found = by_group(compare(made_of), rounds=200)
    assert all(found[name]["low"] <= at <= found[name]["high"] for name, at in wanted.items())
    assert found["train"]["high"] < wanted["held_out"]


def test_the_targets_interval_holds_it_in_most_studies():
    prompts, outputs = made(40, seed=5, k=(4, 4))
    qualities = [[quality_of(one["text"], p["text"]) for one in outputs[p["prompt_id"]]] for p in prompts]
    temperature, inside = temperature_for(0.726, qualities), 0
    two = [Labeller(name=name, temperature=temperature) for name in ("ann", "bob")]
    for seed in range(30):
        found = rate(compare(simulate(prompts, outputs, labellers=two, seed=seed)), rounds=100)
        inside += found["low"] <= 0.726 <= found["high"]
    assert inside >= 26


def test_what_cannot_be_reached_is_said():
    apart = [[0.0, 1.0], [0.5, 2.0]]
    for target in (0.5, 0.3, 1.0, 72.6):
        with pytest.raises(BadUse, match=r"between 0\.5 and 1"):
            temperature_for(target, apart)
    with pytest.raises(BadUse, match="cannot be reached"):
        temperature_for(0.8, [[1.0, 1.0]])
    with pytest.raises(BadUse, match="no prompt has two outputs"):
        temperature_for(0.8, [[1.0]])
    prompts, outputs = made(20)
    with pytest.raises(BadUse, match="agrees with nobody"):
        tuned(panel(1), 0.7, prompts, outputs)
    opposed = [Labeller(name="a", length_bias=9.0), Labeller(name="b", length_bias=-9.0)]
    with pytest.raises(BadUse, match="smaller biases"):
        tuned(opposed, 0.9, prompts, outputs)
