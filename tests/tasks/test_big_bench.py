import pytest

from foretell.errors import BadUse
from foretell.tasks import registry
from foretell.tasks.big_bench import HARD, WRITTEN
from tests.tasks.made_rows import asked, check_real, from_hub, loaded, right

ROWS = [
    {"task": "web_of_lies", "input": "Does Ann tell the truth?", "target": "No"},
    {"task": "object_counting", "input": "How many?", "target": "8"},
    {"task": "web_of_lies", "input": "Does Bob lie?", "target": "Yes"},
]


def test_each_hard_task_takes_its_rows_of_the_one_file(tmp_path):
    found = loaded(tmp_path, "bbh_web_of_lies", bbh=ROWS)
    one, other = found.items
    assert asked("bbh_web_of_lies", one, other) == "Q: Does Bob lie?\nA: Yes\n\nQ: Does Ann tell the truth?\nA:"
    assert ([one.id, other.id], right(one)) == (["bbh_web_of_lies-0", "bbh_web_of_lies-1"], " No")


def test_hard_tasks_of_the_hub_have_no_name_in_their_rows(monkeypatch):
    hub = {("lukaemon/bbh", "navigate", "test"): [{"input": "Do you return?\nOptions:\n- Yes\n- No", "target": "No"}]}
    (item,) = from_hub(monkeypatch, "bbh_navigate", hub).items
    assert asked("bbh_navigate", item) == "Q: Do you return?\nOptions:\n- Yes\n- No\nA:"


def test_small_tasks_are_asked_as_they_are(tmp_path):
    row = {"query": "Q: Was it made with bitcoin?\nAnswer: ", "choices": ["Yes", "No"], "gold": 1}
    (item,) = loaded(tmp_path, "bigbench_strategy_qa", bigbench_strategy_qa=[row]).items
    assert (asked("bigbench_strategy_qa", item), right(item)) == ("Q: Was it made with bitcoin?\nAnswer:", " No")
    row = {"context": "op (op 17) =", "continuation": "17"}
    (item,) = loaded(tmp_path, "bigbench_operators", bigbench_operators=[row]).items
    assert (asked("bigbench_operators", item), item.answers) == ("op (op 17) =", (" 17",))


def test_there_are_27_hard_tasks_that_want_the_very_target():
    tasks = [registry.task(f"bbh_{name}") for name in HARD]
    assert (len(tasks), {task.metric for task in tasks}, {task.shots for task in tasks}) == (27, {"exact_answer"}, {3})


def test_a_file_of_another_layout_is_named(tmp_path):
    with pytest.raises(BadUse, match="bbh_snarks-0 has no field 'target'; it has 'input'"):
        loaded(tmp_path, "bbh_snarks", bbh=[{"input": "x"}])


def test_the_real_hard_tasks_are_all_there(shared_data):
    sizes = [len(registry.task(f"bbh_{name}").load(source_of(shared_data)).items) for name in HARD]
    assert (sum(sizes), min(sizes)) == (4471, 105)
    check_real("bbh_dyck_languages", shared_data, 172)
    check_real("bbh_sports_understanding", shared_data, 166, of=(" yes", " no"))


def source_of(folder):
    from foretell.tasks.source import Source

    return Source(folders=(folder,))


@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("conceptual_combinations", 84),
        ("misconceptions", 167),
        ("novel_concepts", 25),
        ("strange_stories", 137),
        ("strategy_qa", 1679),
        ("understanding_fables", 137),
        ("conlang_translation", 127),
        ("cs_algorithms", 1011),
        ("operators", 168),
        ("qa_wikidata", 3019),
        ("repeat_copy_logic", 23),
    ],
)
def test_the_real_small_tasks_are_read(shared_data, name, n):
    found = check_real(f"bigbench_{name}", shared_data, n)
    if name in WRITTEN:
        assert max(len(right(item)) for item in found.items) <= 3 * WRITTEN[name]
