import pytest

from foretell.errors import BadUse
from foretell.tasks.item import Choice, Free, Partial, shown


def test_a_demonstration_is_the_question_with_its_right_answer():
    assert shown(Choice(id="1", context="2 + 2 =", options=(" 3", " 4"), gold=1)) == "2 + 2 = 4"
    assert shown(Partial(id="1", contexts=("A", "B"), completion=" left.", gold=0)) == "A left."
    assert shown(Free(id="1", context="Q: who?\nA:", answers=(" Ann", " Anne"))) == "Q: who?\nA: Ann"


def test_a_demonstration_can_show_another_option():
    assert shown(Choice(id="1", context="2 + 2 =", options=(" 3", " 4"), gold=1), gold=0) == "2 + 2 = 3"


@pytest.mark.parametrize(
    ("options", "gold", "says"),
    [
        ((" a", " "), 0, "option 1 of question q is empty"),
        ((" a",), 0, "1 option"),
        ((" a", " b"), 2, "options 0 to 1"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(options, gold, says):
    with pytest.raises(BadUse, match=says):
        Choice(id="q", context="c", options=options, gold=gold)


def test_a_free_question_without_an_answer_is_refused():
    with pytest.raises(BadUse, match="accepts no answer"):
        Free(id="q", context="c", answers=(" ",))
