"""Programming problems, of HumanEval's rows and our own."""

import ast
import json

import pytest

from foretell.errors import BadUse
from foretell.tasks.programs import BUILT_IN, OWN, STOPS, Problem, problem, problems, program
from foretell.tasks.source import Source

ROW = {
    "task_id": "T/1",
    "prompt": "def one():\n",
    "entry_point": "one",
    "canonical_solution": "    return 1\n",
    "test": "def check(candidate):\n    assert candidate() == 1\n",
}


def test_rows_of_a_file_are_problems(tmp_path):
    (tmp_path / "humaneval.jsonl").write_text(json.dumps(ROW) + "\n")
    found, origin = problems(Source(folders=(tmp_path,)))
    assert origin == "humaneval.jsonl"
    assert found == [
        Problem(id="T/1", prompt=ROW["prompt"], entry_point="one", solution="    return 1\n", test=ROW["test"])
    ]


def test_without_a_file_there_are_our_own():
    found, origin = problems(Source())
    assert (found, origin) == (list(OWN), BUILT_IN)
    assert len({one.id for one in found}) == len(found) >= 8


@pytest.mark.parametrize("one", OWN, ids=lambda one: one.entry_point)
def test_our_own_are_right_and_their_examples_true(one):
    space = {}
    exec(program(one, one.solution), space)
    function = next(node for node in ast.parse(one.prompt + one.solution).body if isinstance(node, ast.FunctionDef))
    call, result = ast.get_docstring(function).splitlines()[-2:]
    assert eval(call.removeprefix(">>> "), space) == eval(result)


@pytest.mark.parametrize("one", OWN, ids=lambda one: one.entry_point)
@pytest.mark.parametrize("rest", ["    return None\n", "    pass\n", "    return 0\n", ""])
def test_a_wrong_rest_of_our_own_fails(one, rest):
    with pytest.raises((AssertionError, TypeError)):
        exec(program(one, rest or "    return a\n" if one.entry_point == "add" else rest or "    return []\n"), {})


def test_a_stop_never_stands_in_a_right_solution():
    assert not any(stop in one.solution for one in OWN for stop in STOPS)


def test_all_problems_of_humaneval_are_read(shared_data):
    found, origin = problems(Source(folders=(shared_data / "code",)))
    assert origin == "humaneval.jsonl.gz"
    assert len(found) == 120
    assert all(f"def {one.entry_point}(" in one.prompt and "def check(" in one.test for one in found)
    assert not any(stop in one.solution.rstrip() for one in found for stop in STOPS)


@pytest.mark.parametrize("name", ["task_id", "prompt", "entry_point", "test"])
def test_a_row_without_a_field_is_refused(name):
    with pytest.raises(BadUse, match=f"line 3 has no field '{name}'"):
        problem({key: value for key, value in ROW.items() if key != name}, "line 3")
    with pytest.raises(BadUse, match=f"{name}' of line 3 is ''; it must be a text"):
        problem({**ROW, name: ""}, "line 3")
