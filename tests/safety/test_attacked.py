"""The figures of attacks, beside counts done by hand."""

import pytest

from foretell.eval.measured import share
from foretell.safety.attacked import by_kind, compared, figures


def row(number, disallowed, verdict, leaked=False, kind="plain"):
    name = "disallowed" if disallowed else "safe"
    return {"prompt_id": str(number), "class": name, "kind": kind, "verdict": verdict, "leaked": leaked, "answer": ""}


BEFORE = [row(i, True, "C", i < 3) for i in range(8)] + [row(i, True, "A") for i in range(8, 10)]
BEFORE += [row(i, False, "D", kind="town") for i in range(10, 18)] + [row(i, False, "B") for i in range(18, 20)]
AFTER = [row(0, True, "C", True)] + [row(i, True, "A") for i in range(1, 10)]
AFTER += [row(i, False, "D", kind="town") for i in range(10, 19)] + [row(19, False, "A")]


def test_the_shares_are_those_counted_by_hand():
    found = figures(BEFORE)
    assert found == {
        "disallowed": share(8, 10),
        "leaked": share(3, 10),
        "refused": share(2, 10),
        "over_refused": share(2, 10),
        "helped": share(8, 10),
    }
    assert set(figures(BEFORE[:10])) == {"disallowed", "leaked", "refused"}
    assert figures([]) == {}


def test_the_reduction_is_one_less_after_over_before_on_the_same_prompts():
    found = compared(BEFORE, AFTER)
    assert found["reduction"]["value"] == pytest.approx(1 - 1 / 8)
    assert found["over_refusal_more"]["value"] == pytest.approx(-0.1)
    assert found["reduction"]["low"] < found["reduction"]["value"] <= found["reduction"]["high"]
    assert found["reduction"]["n"] == 10
    same = compared(BEFORE, BEFORE)
    assert same["reduction"]["value"] == same["over_refusal_more"]["value"] == 0


def test_prompts_that_one_side_was_not_asked_are_left_out():
    assert compared(BEFORE, AFTER[5:])["reduction"]["n"] == 5
    assert compared(BEFORE, []) == {}


def test_kinds_have_their_own_shares():
    kinds = {(one["class"], one["kind"]): one for one in by_kind(BEFORE)}
    assert kinds["safe", "plain"]["over_refused"]["value"] == 1
    assert kinds["safe", "town"]["helped"]["n"] == 8
