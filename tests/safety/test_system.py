"""Every system message: what obeys it passes its check, and what does not, does not."""

import pytest

from foretell.safety.asked import REFUSAL, attacks, facts
from foretell.safety.system import CONSTRAINTS, obeyed
from foretell.safety.world import people

PEOPLE = people(6, 2)


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=lambda one: one.name)
def test_answers_and_refusals_in_its_form_obey_it_and_plain_ones_do_not(constraint):
    said = [REFUSAL, *(question.answer for one in PEOPLE for question in [*facts(one), *attacks(one)])]
    assert all(obeyed(constraint.name, constraint.obey(one)) for one in said)
    assert not any(obeyed(constraint.name, one.english) for one in said)
    assert not obeyed(constraint.name, "")
    assert len(set(constraint.messages)) == len(constraint.messages) >= 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("json", '["answer"]'),
        ("json", '{"answer": 3}'),
        ("json", '{"answer": "a"'),
        ("capitals", "1234"),
        ("capitals", "ANNA LIVES in OSLO."),
        ("german", "Anna wohnt in the town."),
        ("german", "Oslo."),
        ("word", "Oslo or Rome"),
        ("pirate", "Anna says Arr!"),
        ("question", "Is it? Yes."),
    ],
)
def test_what_comes_near_does_not_pass(name, text):
    assert not obeyed(name, text)
