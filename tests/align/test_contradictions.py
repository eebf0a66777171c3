"""Rankings that contradict each other."""

import pytest

from foretell.align.contradictions import check, contradictions, latest
from foretell.align.records import Output, Ranking, content_id
from foretell.errors import BadUse


def ranking(ranks=(1, 2), texts=("a", "b"), **more):
    told = {"prompt_id": "p", "group_id": "g", "split": "train", "prompt": "Say a letter.", "labeller": "kim"}
    return Ranking(outputs=tuple(Output(text=text) for text in texts), ranks=ranks, **{**told, **more})


def test_a_labeller_who_ranks_both_ways_is_found():
    found = contradictions([ranking((1, 2)), ranking((1, 1)), ranking((2, 1)), ranking((2, 1))])
    assert [str(one) for one in found] == [
        f"labeller 'kim' ranks two outputs of prompt p both ways ({content_id('a')}, {content_id('b')})"
    ]


def test_the_order_in_which_outputs_are_listed_does_not_matter():
    assert not contradictions([ranking((1, 2), ("a", "b")), ranking((2, 1), ("b", "a"))])
    assert contradictions([ranking((1, 2), ("a", "b")), ranking((1, 2), ("b", "a"))])


def test_who_differs_does_not_contradict():
    assert not contradictions([ranking((1, 2)), ranking((2, 1), labeller="ana")])
    assert not contradictions([ranking((1, 2)), ranking((2, 1), prompt_id="q")])
    assert not contradictions([ranking((1, 2), labeller=""), ranking((2, 1), labeller="")])
    assert not contradictions([ranking((1, 2)), ranking((1, 1))])


def test_a_text_above_itself_is_a_contradiction_even_of_nobody():
    found = contradictions([ranking((1, 2), ("a", "a"), labeller="")])
    assert str(found[0]).startswith("one ranking ranks an output of prompt p above the same text")


def test_a_contradiction_is_one_line_with_a_remedy():
    with pytest.raises(BadUse, match=r"labeller 'kim' ranks two outputs .*, and 2 more; --contradictions latest"):
        check([ranking((1, 2, 3), "abc"), ranking((3, 2, 1), "abc")])
    check([ranking(), ranking()])


def test_the_labellers_last_word_can_be_taken():
    one, other, tie = ranking((1, 2)), ranking((2, 1)), ranking((1, 1))
    of_ana, of_nobody = ranking((1, 2), labeller="ana"), ranking((1, 2), labeller="")
    given = [one, of_ana, tie, of_nobody, other]
    assert latest(given) == [of_ana, tie, of_nobody, other]
    assert latest([one, other, one]) == [one, one]
    assert latest([ranking((1, 2), "aa")]) == []
    assert not contradictions(latest(given))
