import json
from collections import Counter

import pytest

from foretell.errors import BadUse
from foretell.tasks.analogies import ALIKE, TASKS, relations
from foretell.tasks.source import NoData, Source
from tests.tasks.prompts import few_shot

BY_NAME = {task.name: task for task in TASKS}
LULL = {
    "stem": ["lull", "trust"],
    "choice": [["balk", "fortitude"], ["betray", "loyalty"], ["cajole", "compliance"], ["hinder", "destination"]],
    "answer": 2,
}
AUDACIOUS = {"stem": ["audacious", "boldness"], "choice": [["calm", "calamity"], ["pious", "piety"]], "answer": 1}


def sat(tmp_path, *rows):
    (tmp_path / "sat_analogies.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return BY_NAME["sat_analogies"].load(Source(folders=(tmp_path,))).items


@pytest.fixture(scope="module")
def made():
    return BY_NAME["analogies"].load(Source())


def test_the_prompt_is_the_papers(tmp_path):
    lull, audacious = sat(tmp_path, LULL, AUDACIOUS)
    assert lull.context == "lull is to trust as"
    assert lull.options[lull.gold] == " cajole is to compliance"
    prompt = few_shot(BY_NAME["sat_analogies"], [lull], audacious)
    assert prompt == "lull is to trust as cajole is to compliance\n\naudacious is to boldness as"
    assert BY_NAME["sat_analogies"].shots == BY_NAME["analogies"].shots == 20


def test_the_users_file_is_named_where_it_is_not_there_or_wrong(tmp_path):
    with pytest.raises(NoData, match=r"sat_analogies.jsonl"):
        BY_NAME["sat_analogies"].load(Source())
    with pytest.raises(BadUse, match="sat_analogies-0 has no field 'choice'"):
        sat(tmp_path, {"stem": ["a", "b"], "answer": 0})
    for words in (["a", "b", "c"], "ab"):
        with pytest.raises(BadUse, match="is no pair; give two words"):
            sat(tmp_path, LULL | {"stem": words})


def test_pairs_are_enough_and_none_is_there_twice():
    pairs = [pair for of_one in relations().values() for pair in of_one]
    assert len(set(pairs)) == len(pairs) == 240
    assert {len(of_one) for of_one in relations().values()} == {16}
    assert all(a.isalpha() and b.isalpha() and a != b for a, b in pairs)
    assert all(name in relations() for near in ALIKE for name in near)


def test_only_the_right_option_has_the_relation_of_the_stem(made):
    """The slow twin: every pair is looked for in the whole list."""
    relation = {pair: name for name, pairs in relations().items() for pair in pairs}
    for item in (*made.items, *made.pool):
        asked = relation[two(item.context.removesuffix(" as"))]
        offered = [relation[two(option)] for option in item.options]
        assert [name == asked for name in offered] == [i == item.gold for i in range(5)]
        assert len(set(offered)) == 5
        assert not any({asked, name} <= near for name in offered if name != asked for near in ALIKE)
        stem, right = set(two(item.context.removesuffix(" as"))), set(two(item.options[item.gold]))
        assert not stem & right


def two(text):
    a, b = text.strip().split(" is to ")
    return a, b


def test_demonstrations_ask_about_other_pairs(made):
    asked, shown = ({two(item.context.removesuffix(" as")) for item in side} for side in (made.items, made.pool))
    asked |= {two(item.options[item.gold]) for item in made.items}
    shown |= {two(option) for item in made.pool for option in item.options}
    assert not asked & shown
    assert (len(made.items), len(made.pool)) == (374, 100)


def test_no_question_is_there_twice_and_each_place_and_relation_is_as_often_right(made):
    assert len({(item.context, item.options[item.gold]) for item in made.items}) == 374
    assert len({item.id for item in (*made.items, *made.pool)}) == 474
    places = Counter(item.gold for item in made.items)
    assert all(abs(n - 374 / 5) < 4.5 * 7.7 for n in places.values())
    relation = {pair: name for name, pairs in relations().items() for pair in pairs}
    counts = Counter(relation[two(item.context.removesuffix(" as"))] for item in made.items)
    assert set(counts.values()) <= {24, 25}


def test_a_seed_gives_the_same_questions_and_another_seed_others(made):
    assert BY_NAME["analogies"].load(Source()) == made
    assert BY_NAME["analogies"].load(Source(seed=1)).items != made.items
