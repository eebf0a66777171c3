"""The made-up quality orders plainly better and worse answers as it says it does."""

import pytest

from foretell.align.made_quality import EMPTY, n_words, plain, quality_of

ASKED = "Explain how rivers shape valleys"
GOOD = (
    "Rivers shape valleys by carrying stones downhill. The moving water cuts into rock, slowly at first, and every "
    "flood takes more of the banks away; over thousands of years this work leaves a deep channel with gentle slopes "
    "beside it."
)


def test_by_hand():
    text = "Rivers shape valleys."  # 3 words: 3 halvings at most; 3 of the 4 longer words; a stop
    assert quality_of(text, ASKED) == pytest.approx(2 * 3 / 4 - 0.7 * 3 + 0.5)
    ten = "one two three four five six seven eight nine ten"  # 2 halvings, nothing used, no stop
    assert quality_of(ten, ASKED) == pytest.approx(-0.7 * 2 - 0.5)
    again = " ".join(["la"] * 40)  # 38 triples, 1 of them different
    assert quality_of(again, ASKED) == pytest.approx(-4 * 37 / 38 - 0.5)


@pytest.mark.parametrize(
    "worse",
    ["", "  ", "Rivers.", GOOD[:-1], GOOD * 4, "rivers shape valleys " * 12, GOOD.replace("ivers", "oads")],
)
def test_a_worse_answer_has_less(worse):
    assert quality_of(worse, ASKED) < quality_of(GOOD, ASKED)


def test_a_conversation_counts_with_all_its_turns():
    turns = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": ASKED}]
    assert plain(turns) == f"Be brief\n{ASKED}"
    assert quality_of(GOOD, turns) < quality_of(GOOD, ASKED)  # "brief" is not used
    assert quality_of(GOOD, ASKED) == quality_of(GOOD, [{"role": "user", "content": ASKED}])


def test_odd_texts_have_a_quality():
    assert quality_of("", "") == EMPTY
    assert quality_of("?!", ASKED) == EMPTY
    assert quality_of("Ω ünïcode 一二三.", "") == pytest.approx(-0.7 * 3 + 0.5)
    assert n_words("") == 0
