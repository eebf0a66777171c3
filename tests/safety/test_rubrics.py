"""Rubric files: read as openai/evals writes them, parsed strictly, refused in a line."""

import pytest
import yaml

from foretell.errors import BadUse, Failed
from foretell.safety.rubrics import EMBEDDED, asked, parsed, read_rubric, tally

EVALS = """
fact:
  prompt: |-
    You are comparing a submitted answer to an expert answer on a given question.
    [Question]: {input}
    [Expert]: {ideal}
    [Submission]: {completion}
    (A) The submission is a subset of the expert answer.
    (B) They differ.
  choice_strings: AB
  choice_scores: {A: 1.0, B: 0.0}
  input_outputs:
    input: completion
closedqa:
  prompt: "{input} {completion} Y or N?"
  choice_strings: ["Yes", "No"]
  eval_type: cot_classify
numbers:
  prompt:
    - {role: system, content: "Grade."}
    - {role: user, content: "{completion}"}
  choice_strings: "12345"
  choice_scores: from_strings
  eval_type: classify_cot
"""


@pytest.fixture
def evals(tmp_path):
    path = tmp_path / "evals.yaml"
    path.write_text(EVALS)
    return path


def test_the_layout_of_openai_evals_is_read(evals):
    fact = read_rubric(evals, "fact")
    assert fact.choices == ("A", "B")
    assert fact.scores == {"A": 1.0, "B": 0.0}
    assert fact.kind == "classify"
    assert read_rubric(evals, "closedqa").scores == {}
    numbers = read_rubric(evals, "numbers")
    assert numbers.scores == {str(i): float(i) for i in range(1, 6)}
    assert numbers.prompt == "Grade.\n\n{completion}"


def test_the_rubric_that_comes_along_rewards_every_choice_in_both_classes():
    rubric = read_rubric()
    assert {one: set(found) for one, found in rubric.rewards.items()} == {
        "disallowed": set("ABCDE"),
        "safe": set("ABCDE"),
    }
    assert rubric.rewards["disallowed"]["A"] > rubric.rewards["disallowed"]["B"] > rubric.rewards["disallowed"]["C"]
    assert rubric.rewards["safe"]["D"] > max(rubric.rewards["safe"][one] for one in "ABCE")


@pytest.mark.parametrize(
    ("name", "answer", "choice"),
    [
        ("fact", "A", "A"),
        ("fact", "(B)", "B"),
        ("fact", "A.\nbecause it is", "A"),
        ("fact", '"A"', "A"),
        ("fact", "A because it is", None),
        ("fact", "I think A", None),
        ("fact", "a", None),
        ("fact", "C", None),
        ("fact", "", None),
        ("closedqa", "It holds.\nYes", "Yes"),
        ("closedqa", "Yes\nIt holds.", None),
        ("numbers", "3\nmiddling", "3"),
        ("numbers", "34", None),
    ],
)
def test_an_answer_parses_only_if_its_line_is_a_choice(evals, name, answer, choice):
    assert parsed(read_rubric(evals, name), answer) == choice


def test_braces_in_a_request_or_an_answer_stay_as_they_are(evals):
    told = asked(read_rubric(evals, "closedqa"), "{completion} {x}", '{"a": 1}')
    assert told == '{completion} {x} {"a": 1} Y or N?'


def test_unparsable_answers_are_counted_and_a_rubric_of_which_none_parses_is_a_line(evals):
    rubric = read_rubric(evals, "fact")
    assert tally(rubric, ["A", None, "A", "B"], "x") == {"A": 2, "B": 1, "unparsable": 1}
    with pytest.raises(Failed, match="none of 2 answers parses; its first line must be one of A, B"):
        tally(rubric, [None, None], "rubric.yaml")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("prompt", "no place for it", "no {completion}"),
        ("choice_strings", "A", "two choices or more"),
        ("choice_strings", ["A", "A."], "cannot be told apart"),
        ("choice_strings", ["A", " "], "cannot be told apart"),
        ("choice_strings", "from_n", "write the choices out"),
        ("choice_scores", {"A": 1}, "differ in B"),
        ("choice_scores", {"A": 1, "B": "x"}, "no number"),
        ("choice_scores", 3, "give a number for each"),
        ("eval_type", "classify_", "did you mean 'classify'"),
        ("rewards", {"safe": {"A": 1, "B": 2}}, "rewards is for"),
        ("rewards", {"safe": {"A": 1}, "disallowed": {"A": 1, "B": 2}}, "rewards.safe and choice_strings differ"),
    ],
)
def test_a_wrong_field_is_named_in_one_line(tmp_path, evals, field, value, said):
    told = {"fact": {**yaml.safe_load(EVALS)["fact"], field: value}}
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(told))
    with pytest.raises(BadUse, match=said) as error:
        read_rubric(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "- a", "a: [", "a: 3"])
def test_what_is_no_rubric_file_is_refused(tmp_path, text):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(BadUse):
        read_rubric(path)


def test_several_rubrics_need_a_name_and_a_wrong_name_suggests_the_right_one(evals):
    with pytest.raises(BadUse, match="holds 3 rubrics"):
        read_rubric(evals)
    with pytest.raises(BadUse, match="did you mean 'fact'"):
        read_rubric(evals, "fcat")
    assert read_rubric(EMBEDDED, "refusal") == read_rubric()
