"""Screening by hand: what passes, what does not, and what was not measured."""

import pytest

from foretell.align.screening import CutOffs, flag_agreement, screening
from foretell.errors import BadUse


def ranking(prompt, labeller, ranks, said, group="train"):
    outputs = [{"text": str(i), "flags": {"sensitive": bool(one)}} for i, one in enumerate(said)]
    return {"prompt_id": prompt, "outputs": outputs, "ranks": ranks, "labeller": labeller, "labeller_group": group}


TRIED = [
    ranking("p", "eva", [1, 2, 3], [0, 0, 1], "researcher"),
    ranking("p", "ann", [1, 2, 3], [0, 0, 1]),  # all as the researcher
    ranking("p", "bob", [1, 3, 2], [0, 1, 1]),  # 2 of 3 pairs, 2 of 3 flags
    ranking("q", "eva", [1, 2], [0, 0], "researcher"),
    ranking("q", "fay", [2, 1], [0, 1], "researcher"),
    ranking("q", "ann", [1, 2], [0, 0]),  # half of the pairs, 3 of 4 flags
]


def test_by_hand():
    found = screening(TRIED, {"ann": [6, 7, 6], "bob": [7]}, rounds=20)
    assert list(found) == ["ann", "bob"]
    ann, bob = found["ann"], found["bob"]
    assert (ann["flags"]["value"], ann["flags"]["n"]) == (pytest.approx(6 / 7), 7)
    assert (ann["rankings"]["value"], ann["rankings"]["n"]) == (pytest.approx(4 / 5), 5)
    assert ann["demonstrations"]["value"] == pytest.approx(19 / 3)
    assert [ann[name]["cut_off"] for name in ("flags", "rankings", "demonstrations")] == [0.75, 0.75, 6]
    assert ann["passes"] is True
    assert (bob["flags"]["value"], bob["rankings"]["value"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert (bob["flags"]["passes"], bob["demonstrations"]["passes"], bob["passes"]) == (False, True, False)
    assert (bob["demonstrations"]["low"], bob["demonstrations"]["high"]) == (1, 7)


def test_what_was_not_measured_is_none_and_nobody_passes_by_it():
    found = screening(TRIED, rounds=20)
    assert found["ann"]["demonstrations"] is None
    assert found["ann"]["passes"] is None
    assert found["bob"]["passes"] is False
    assert screening([], {"cat": [7, 7]})["cat"] == {
        "flags": None, "rankings": None, "passes": None,
        "demonstrations": {"value": 7, "low": 7, "high": 7, "n": 2, "cut_off": 6, "passes": True},
    }  # fmt: skip
    assert screening([]) == {}


def test_a_value_at_the_cut_off_passes_and_cut_offs_can_be_others():
    found = screening(TRIED, {"bob": [6, 6]}, cut_offs=CutOffs(flags=0.6, rankings=0.6), rounds=20)
    assert found["bob"]["passes"] is True
    assert screening(TRIED, {"bob": [6, 6]}, cut_offs=CutOffs(demonstrations=6.1), rounds=20)["bob"]["passes"] is False


def test_only_the_named_flags_count():
    assert flag_agreement(TRIED, ["sensitive"], rounds=20) == flag_agreement(TRIED, rounds=20)
    assert flag_agreement(TRIED, ["other"], rounds=20) == {}


def test_a_rating_out_of_range_is_said():
    with pytest.raises(BadUse, match="rated 1 to 7"):
        screening(TRIED, {"ann": [8]})
