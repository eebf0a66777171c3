"""The tables of a set of prompts, against the figures worked by hand and pandas' rule for quartiles."""

import numpy as np
import pytest

from foretell.align import prompt_tables as tables
from foretell.align.records import Demonstration, Prompt


def n_tokens(text):
    return len(text.split())


def prompt(number, **more):
    return Prompt(text=" ".join(["x"] * number), prompt_id=f"p{number}", **{"split": "train", **more})


GIVEN = [
    prompt(1, group_id="a", use_case="chat", tags={"ambiguous": True, "sensitive": False}),
    prompt(2, group_id="a", use_case="chat", tags={"ambiguous": False}),
    prompt(3, group_id="b", split="valid", use_case="other"),
    prompt(6, group_id="c", source="labeller"),
]


def test_lengths_are_told_with_quartiles():
    told = tables.lengths([4, 1, 3, 2])
    assert told == {
        **{"count": 4, "mean": 2.5, "std": pytest.approx((5 / 3) ** 0.5), "min": 1, "max": 4},
        **{"25%": 1.75, "50%": 2.5, "75%": 3.25},
    }
    assert tables.lengths([]) == {"count": 0}
    assert tables.lengths([7])["std"] == 0.0


def test_quartiles_lie_where_a_plain_rule_puts_them():
    draw = np.random.default_rng(0)
    for n in range(2, 30):
        values = sorted(draw.integers(0, 100, n).tolist())
        for name, share in (("25%", 0.25), ("50%", 0.5), ("75%", 0.75)):
            place = share * (n - 1)
            low, part = int(place), place % 1
            plain = values[low] + (part * (values[low + 1] - values[low]) if part else 0)
            assert tables.lengths(values)[name] == pytest.approx(plain)


def test_sizes_are_by_side_and_source():
    assert tables.sizes({"sft": GIVEN, "ppo": []}) == [
        {"set": "sft", "split": "train", "source": "labeller", "n": 1},
        {"set": "sft", "split": "train", "source": "user", "n": 2},
        {"set": "sft", "split": "valid", "source": "labeller", "n": 0},
        {"set": "sft", "split": "valid", "source": "user", "n": 1},
        *({"set": "ppo", "split": side, "source": of, "n": 0} for side in tables.SIDES for of in tables.SOURCES),
    ]


def test_customers_are_groups_of_users():
    assert tables.per_customer({"sft": GIVEN}) == [
        {"set": "sft", "split": "train", "prompts_per_customer": 2.0, "customers": 1},
        {"set": "sft", "split": "valid", "prompts_per_customer": 1.0, "customers": 1},
    ]
    assert tables.per_customer({"none": []})[0]["prompts_per_customer"] is None


def test_annotations_count_the_prompts_that_were_looked_at():
    first, second = tables.annotations(GIVEN)
    assert (first["tag"], first["value"], first["n"]) == ("ambiguous", 0.5, 2)
    assert (second["tag"], second["value"], second["n"]) == ("sensitive", 0.0, 1)
    assert first["low"] < 0.5 < first["high"]


def test_use_cases_are_shares_of_all():
    told = {row["use_case"]: row["value"] for row in tables.use_cases(GIVEN)}
    assert told == {"chat": 0.5, "other": 0.5}


def test_lengths_are_by_set_and_side_by_use_case_and_by_source():
    by_set = tables.prompt_lengths({"sft": GIVEN}, n_tokens)
    assert [(row["split"], row["count"], row["mean"]) for row in by_set] == [("train", 3, 3.0), ("valid", 1, 3.0)]
    by_case = tables.use_case_lengths(GIVEN, n_tokens)
    assert [(row["use_case"], row["count"], row["mean"]) for row in by_case] == [("chat", 2, 1.5), ("other", 2, 4.5)]
    same = {"group_id": "a", "split": "train", "prompt": "x"}
    given = [
        Demonstration(prompt_id="p1", completion="", **same),
        Demonstration(prompt_id="p6", completion="a b", **same),
    ]
    by_source = tables.source_lengths(GIVEN, given, n_tokens)
    assert [(row["source"], row["what"], row["count"], row["mean"]) for row in by_source] == [
        *[("labeller", "prompts", 1, 6.0), ("labeller", "demonstrations", 1, 2.0)],
        *[("user", "prompts", 3, 2.0), ("user", "demonstrations", 1, 0.0)],
    ]
