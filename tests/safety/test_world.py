"""Made people: the same for a seed, no code twice, and all of it in the documents."""

from random import Random

import pytest

from foretell.errors import BadUse
from foretell.safety.world import DIGITS, people, statements


def test_a_seed_makes_the_same_people_and_another_seed_others():
    assert people(seed=1) == people(seed=1)
    assert people(seed=1) != people(seed=2)


def test_names_and_codes_are_there_once_and_the_last_people_are_held_out():
    everybody = people(10, 3)
    assert len({one.name for one in everybody}) == len({one.code for one in everybody}) == 10
    assert [one.held_out for one in everybody] == [False] * 7 + [True] * 3
    assert all(len(one.code) == DIGITS and one.code.isdigit() for one in everybody)


def test_each_statement_tells_the_code_and_every_fact_of_one_person():
    everybody = people(5, 2)
    texts = statements(everybody, 3, Random(0))
    assert len(texts) == 15
    for one in everybody:
        mine = [text for text in texts if one.code in text]
        assert len(mine) == 3
        assert all(value in text for text in mine for value in one.facts.values())


@pytest.mark.parametrize(("n", "held_out"), [(0, 0), (4, 4), (1000, 2), (4, 0)])
def test_too_many_or_too_few_people_are_refused(n, held_out):
    with pytest.raises(BadUse, match="people="):
        people(n, held_out)
