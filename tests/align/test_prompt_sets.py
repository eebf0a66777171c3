"""Prompts: few-shot ones, near duplicates, groups that fall on one side, masks, tags and tables."""

import itertools
import random
import sys
from collections import Counter

import pytest

from foretell.align.prompt_sets import at_most, few_shot, group_of, prepared, split_of, without_near_duplicates
from foretell.align.prompt_tags import USE_CASES, language_of, masked_prompt, use_case_of
from foretell.align.records import Prompt, Turn, prompt_id
from foretell.errors import BadUse

PAIRS = [("2 + 2", "4"), ("3 + 1", "4"), ("1 + 1", "2")]


def test_k_examples_become_k_prompts_with_the_others_in_context():
    made = few_shot("Add.", PAIRS, Prompt(text="-", source="labeller", user="kim"))
    assert made[1][0].text == "Add.\n\nInput: 2 + 2\nOutput: 4\n\nInput: 1 + 1\nOutput: 2\n\nInput: 3 + 1\nOutput:"
    assert [answer for _, answer in made] == ["4", "4", "2"]
    for (prompt, _), (query, _) in zip(made, PAIRS, strict=True):
        assert (prompt.kind, prompt.source, prompt.user) == ("few_shot", "labeller", "kim")
        assert prompt.prompt_id == prompt_id(prompt.text)
        for other, answer in PAIRS:
            assert (f"Input: {other}\nOutput: {answer}" in prompt.text) == (other != query)
    assert len({prompt.group_id for prompt, _ in made}) == 1


def test_one_example_is_no_few_shot_prompt():
    with pytest.raises(BadUse, match="has 1 examples; give two or more"):
        few_shot("Add.", PAIRS[:1], Prompt(text="-"))


def test_few_shot_prompts_stay_together_and_none_is_taken_for_a_duplicate():
    long = [("word " * 100 + str(n), "yes") for n in range(5)]
    made = [prompt for prompt, _ in few_shot("Say yes.", long, Prompt(text="-", source="labeller"))]
    kept = prepared(made, near=0.1, most=2).prompts
    assert len(kept) == 5
    assert len({one.split for one in kept}) == 1


def slow_kept(texts, threshold):
    """The rule, written plainly: each text against each that was kept before."""
    kept = []
    for text in texts:
        near = False
        for other in kept:
            shared = sum(1 for _ in itertools.takewhile(lambda two: two[0] == two[1], zip(text, other, strict=False)))
            near |= shared >= threshold * max(len(text), len(other))
        if not near:
            kept.append(text)
    return kept


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.8, 0.95, 1.0])
def test_near_duplicates_are_those_that_a_plain_search_finds(threshold):
    draw = random.Random(0)
    for _ in range(20):
        stems = ["".join(draw.choices("ab", k=draw.randint(1, 12))) for _ in range(4)]
        texts = [draw.choice(stems) + "".join(draw.choices("ab", k=draw.randint(0, 6))) for _ in range(60)]
        found = without_near_duplicates([Prompt(text=text) for text in texts], threshold)
        assert [one.text for one in found] == slow_kept(texts, threshold)


def test_the_share_of_the_longer_text_decides():
    one, other = Prompt(text="a" * 8 + "bb"), Prompt(text="a" * 8 + "cc")
    assert without_near_duplicates([one, other], 0.8) == [one]
    assert without_near_duplicates([one, other], 0.81) == [one, other]
    short = Prompt(text="a" * 8)
    assert without_near_duplicates([one, short], 0.8) == [one]
    assert without_near_duplicates([short, Prompt(text="a" * 11)], 0.8) == [short, Prompt(text="a" * 11)]


def test_what_is_in_the_store_counts_as_earlier():
    one = Prompt(text="Write a poem on cats.")
    assert without_near_duplicates([Prompt(text="Write a poem on cats!")], 0.8, [one]) == []


@pytest.mark.parametrize("threshold", [0, -1, 1.1, float("nan")])
def test_a_share_that_is_none_is_told(threshold):
    with pytest.raises(BadUse, match="give a share above 0, at most 1"):
        without_near_duplicates([], threshold)


def user(number, **more):
    name = f"user{number % 60}"
    return Prompt(text=f"{number} is a number", **{"user": name, "organisation": f"org{number % 20}", **more})


def test_no_group_is_on_both_sides_and_the_share_is_as_asked():
    made = prepared([user(n) for n in range(400)], near=1.0, valid=0.3).prompts
    sides = {}
    assert all(sides.setdefault(one.organisation, one.split) == one.split for one in made)
    many = [split_of(f"group {n}", 0.2) for n in range(4000)]
    assert 0.18 < many.count("valid") / 4000 < 0.22
    assert {split_of("x", 0.0), split_of("x", 1.0)} == {"train", "valid"}
    assert [split_of(f"group {n}", 0.2, seed=1) for n in range(4000)] != many


def test_the_side_of_a_group_does_not_depend_on_the_others():
    alone = prepared([user(7)]).prompts[0]
    among = [one for one in prepared([user(n) for n in range(40)], near=1.0).prompts if one.text == alone.text]
    assert among == [alone]


def test_groups_are_organisations_or_users_or_the_prompt_itself():
    one = Prompt(text="a", user="kim", organisation="org", group_id="given")
    assert (group_of(one), group_of(one, "user")) == ("org", "kim")
    assert group_of(Prompt(text="a", user="kim", group_id="given")) == "kim"
    assert group_of(Prompt(text="a", group_id="given")) == "given"
    assert group_of(Prompt(text="a")) == prompt_id("a")
    assert group_of(Prompt(text="a", source="labeller", user="kim")) == prompt_id("a")


def test_of_a_group_at_most_so_many_are_kept_and_those_there_count():
    given = [user(n) for n in range(100)]
    made = prepared(given, near=1.0, most=3)
    assert set(Counter(one.group_id for one in made.prompts).values()) == {3}
    assert made.left_out == {"above the limit": 40}
    there = made.prompts
    assert prepared(given[:40], there, near=1.0, most=3).prompts == []
    assert Counter(
        one.group_id for one in prepared([user(n) for n in range(100, 200)], there, near=1.0, most=4).prompts
    ) == {f"org{n}": 1 for n in range(20)}


def test_which_are_kept_depends_on_the_seed_not_on_the_order():
    given = [Prompt(text=f"{n}", group_id="g") for n in range(50)]
    kept = at_most(given, 10, 0)
    assert set(map(str, at_most(given[::-1], 10, 0))) == set(map(str, kept))
    assert at_most(given, 10, 1) != kept
    assert kept == [one for one in given if one in kept]


def test_labellers_have_no_limit():
    given = [Prompt(text=f"{n}", source="labeller", group_id="g") for n in range(50)]
    assert prepared(given, most=10).prompts[0].group_id == "g"
    assert len(prepared(given, most=10).prompts) == 50


def test_a_side_that_is_given_is_its_groups():
    made = prepared([user(1, split="valid"), user(21)], near=1.0, valid=0.0).prompts
    assert [one.split for one in made] == ["valid", "valid"]
    with pytest.raises(BadUse, match="group 'org1' has prompts on both sides"):
        prepared([user(1, split="valid"), user(21, split="train")], near=1.0)


SECRET = "Write to me@firm.de or +49 30 901820."


def test_the_training_side_is_masked_and_the_other_is_not():
    train, valid = (prepared([Prompt(text=SECRET)], valid=share) for share in (0.0, 1.0))
    assert train.prompts[0].text == "Write to <email> or <phone>."
    assert train.masked == {"e-mail": 1, "phone": 1}
    assert train.prompts[0].prompt_id == train.prompts[0].group_id == prompt_id("Write to <email> or <phone>.")
    assert (valid.prompts[0].text, valid.masked) == (SECRET, {})


def test_turns_are_masked_and_an_id_that_was_given_stays():
    turns = (Turn(role="system", content="Mail a@firm.de."), Turn(role="user", content=SECRET))
    made, found = masked_prompt(Prompt(text=turns, prompt_id="mine", group_id="g"))
    assert [one.content for one in made.text] == ["Mail <email>.", "Write to <email> or <phone>."]
    assert (made.prompt_id, made.group_id, found) == ("mine", "g", {"e-mail": 2, "phone": 1})
    clean = Prompt(text="Nothing to see.")
    assert masked_prompt(clean)[0] is clean


@pytest.mark.parametrize(
    ("text", "case"),
    [
        ("Summarize this for a second-grader:\n\nJupiter is the fifth planet.", "summarization"),
        ("Jupiter is the fifth planet from the Sun.\n\nTL;DR:", "summarization"),
        ("Classify the tweet as positive or negative: I loved it", "classification"),
        ("Extract the names of all towns: Bonn and Kiel are far.", "extract"),
        ("Translate this to French: good day", "rewrite"),
        ("List five ideas for how to regain enthusiasm for my career", "brainstorming"),
        ("Write a short story where a bear goes to the beach", "generation"),
        ("Who built the statue of liberty?", "open qa"),
        (f"{'The town lies at the river. ' * 20}Where does it lie?", "closed qa"),
        ("Human: Hi\nAI: Hello\nHuman: How are you\nAI:", "chat"),
        ("42", "other"),
    ],
)
def test_use_cases_are_told_by_simple_rules(text, case):
    assert use_case_of(text) == case
    assert case in USE_CASES


def test_several_turns_are_chat_and_what_is_given_stays():
    turns = tuple(Turn(role=role, content="Hi.") for role in ("user", "assistant", "user"))
    assert use_case_of(turns) == "chat"
    assert use_case_of((Turn(role="system", content="Be brief."), Turn(role="user", content="Why?"))) == "open qa"
    assert prepared([Prompt(text="Why?", use_case="mine", language="xx")]).prompts[0].use_case == "mine"


def test_the_language_is_told_where_the_detectors_are(monkeypatch):
    pytest.importorskip("resiliparse")
    pytest.importorskip("py3langid")
    assert language_of("Wie komme ich von hier zum Bahnhof, ohne den Bus zu nehmen?") == "de"
    monkeypatch.setitem(sys.modules, "resiliparse.parse.lang", None)
    assert language_of("Wie komme ich von hier zum Bahnhof?") == ""
