import ast
import gzip
import json
import re
from collections import Counter

import pytest

from foretell.errors import BadUse
from foretell.tasks.arithmetic import TASKS
from foretell.tasks.item import Free
from foretell.tasks.source import Source
from tests.tasks.made_rows import real
from tests.tasks.prompts import few_shot, zero_shot

BY_NAME = {task.name: task for task in TASKS}
SIGNS = {"plus": "+", "minus": "-", "times": "*"}
NUMBER = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
NODES = {ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b}


def evaluated(context):
    """The slow twin: the question read as text and its expression evaluated."""
    asked = re.fullmatch(r"\n\nQ: What is (.+)\?\n\nA:", context).group(1)
    if asked.startswith("the sum of the digits"):
        return sum(int(letter) for letter in asked if letter.isdigit())
    return tree_value(ast.parse(" ".join(SIGNS.get(word, word) for word in asked.split()), mode="eval").body)


def tree_value(node):
    if isinstance(node, ast.Constant):
        return node.value
    return NODES[type(node.op)](tree_value(node.left), tree_value(node.right))


def operands(item):
    return [int(number) for number in re.findall(r"\d+", item.context)]


@pytest.fixture(scope="module")
def generated():
    return {task.name: task.load(Source()) for task in TASKS}


def test_the_families_of_the_paper_and_the_files_it_does_not_use_are_there():
    used = {f"{n}_digit_{what}" for n in ("two", "three", "four", "five") for what in ("addition", "subtraction")}
    used |= {"two_digit_multiplication", "single_digit_three_ops"}
    unused = {name for name, task in BY_NAME.items() if "not in the paper" in task.about}
    assert set(BY_NAME) - unused == used
    assert unused == {"six_digit_addition", "six_digit_subtraction", "sum_of_digits"}
    assert {(task.shots, task.metric, task.stop, task.separator) for task in TASKS} == {
        (50, "exact_answer", ("\n",), "")
    }


@pytest.mark.parametrize("name", BY_NAME)
def test_every_generated_answer_is_the_value_of_its_question(generated, name):
    found = generated[name]
    assert (len(found.items), found.origin) == (2000, "generated")
    for item in (*found.items, *found.pool):
        assert item.answers == (f" {evaluated(item.context)}",)


@pytest.mark.parametrize("name", BY_NAME)
def test_no_question_is_there_twice_and_demonstrations_are_other_questions(generated, name):
    items, pool = ({item.context for item in side} for side in (generated[name].items, generated[name].pool))
    assert len(items) == 2000
    assert len(pool) == 500
    assert not items & pool
    assert len({item.id for item in (*generated[name].items, *generated[name].pool)}) == 2500


@pytest.mark.parametrize("name", [name for name in BY_NAME if name.split("_")[1] == "digit"])
def test_operands_are_uniform_below_a_power_of_ten(generated, name):
    if name == "single_digit_three_ops":
        counts = Counter(number for item in generated[name].items for number in operands(item))
        assert set(counts) == set(range(1, 10))
        assert max(counts.values()) / min(counts.values()) < 1.3
        return
    top = 10 ** NUMBER[name.split("_")[0]]
    numbers = [number for item in generated[name].items for number in operands(item)]
    assert all(0 <= number < top for number in numbers)
    tenths = Counter(10 * number // top for number in numbers)  # 400 of each are expected, with a deviation of 19
    assert len(tenths) == 10
    assert all(abs(n - 400) < 4.5 * 19 for n in tenths.values())


def test_operations_of_a_composite_are_as_often_as_in_the_file(generated):
    forms = Counter(re.sub(r"\d", "#", item.context) for item in generated["single_digit_three_ops"].items)
    assert len(forms) == 9
    assert all(abs(n - 2000 / 9) < 4.5 * 14 for n in forms.values())


def test_about_half_of_the_differences_are_negative(generated):
    answers = [item.answers[0] for item in generated["three_digit_subtraction"].items]
    assert 900 < sum(answer.startswith(" -") for answer in answers) < 1100


def test_a_seed_gives_the_same_questions_and_another_seed_others():
    task = BY_NAME["two_digit_addition"]
    assert task.load(Source(seed=3)) == task.load(Source(seed=3))
    ours, others = ({item.context for item in task.load(Source(seed=seed)).items} for seed in (3, 4))
    assert len(ours & others) < 700  # of 10000 possible ones, 2000 twice: 400 are expected in both


def test_the_prompt_is_the_papers():
    task = BY_NAME["two_digit_addition"]
    one, two = (
        Free(id=a, context=f"\n\nQ: What is {a} plus 76?\n\nA:", answers=(f" {int(a) + 76}",)) for a in ("48", "2")
    )
    assert zero_shot(task, one) == "\n\nQ: What is 48 plus 76?\n\nA:"
    assert few_shot(task, [one], two) == "\n\nQ: What is 48 plus 76?\n\nA: 124\n\nQ: What is 2 plus 76?\n\nA:"
    generated = task.load(Source()).items[0].context
    assert re.sub(r"\d+", "48", generated, count=1).startswith("\n\nQ: What is 48 plus ")


def test_rows_of_a_file_are_asked_as_they_stand(tmp_path):
    row = {"context": "\n\nQ: What is (2 * 4) * 6?\n\nA:", "completion": " 48"}
    with gzip.open(tmp_path / "single_digit_three_ops.jsonl.gz", "wt") as file:
        file.write(json.dumps(row) + "\n")
    found = BY_NAME["single_digit_three_ops"].load(Source(folders=(tmp_path,)))
    assert found.items == [Free(id="single_digit_three_ops-0", context=row["context"], answers=(" 48",))]
    assert (found.pool, found.origin) == ([], "single_digit_three_ops.jsonl.gz")


def test_a_row_without_an_answer_is_named(tmp_path):
    (tmp_path / "sum_of_digits.jsonl").write_text('{"context": "\\n\\nQ: What is 1 plus 1?\\n\\nA:"}\n')
    with pytest.raises(BadUse, match="sum_of_digits-0 has no field 'completion'"):
        BY_NAME["sum_of_digits"].load(Source(folders=(tmp_path,)))


@pytest.mark.parametrize("name", BY_NAME)
def test_every_answer_of_the_real_files_is_right(shared_data, name):
    found = real(name, shared_data / "gpt3-tasks")
    assert found.origin == f"{name}.jsonl.gz"
    assert len(found.items) > 1000
    assert [item.answers for item in found.items] == [(f" {evaluated(item.context)}",) for item in found.items]


@pytest.mark.parametrize("name", BY_NAME)
def test_generated_questions_read_as_the_real_ones(shared_data, generated, name):
    there = real(name, shared_data / "gpt3-tasks").items
    ours, theirs = ({re.sub(r"\d+", "#", item.context) for item in side} for side in (generated[name].items, there))
    assert ours == theirs
    means = [sum(map(operand_mean, side)) / len(side) for side in (generated[name].items, there)]
    assert means[0] == pytest.approx(means[1], rel=0.06)


def operand_mean(item):
    return sum(operands(item)) / len(operands(item))
