import pytest

from foretell.errors import BadUse
from foretell.tasks import registry
from tests.tasks.made_rows import asked, check_real, from_hub, loaded, right

SEALANT = {
    "query": "Question: How to apply sealant to wood.\n",
    "choices": ["Using a brush.", "Using a fork."],
    "gold": 0,
}
FEVER = {"query": "Question: What causes a fever?", "choices": ["bacteria", "legs", "skin", "food"], "gold": 0}
LETTERED = {
    "question": "What causes a fever?",
    "choices": {"text": ["legs", "bacteria"], "label": ["A", "B"]},
    "answerKey": "B",
}
SHADOW = {
    "id": "1",
    "asks_for": "cause",
    "premise": "My body cast a shadow over the grass.",
    "choices": ["The sun was rising.", "The grass was cut."],
    "gold": 0,
}


def test_piqa_asks_the_goal_alone(tmp_path):
    (item,) = loaded(tmp_path, "piqa", piqa=[SEALANT]).items
    assert asked("piqa", item) == "How to apply sealant to wood."
    assert (item.options, item.gold) == ((" Using a brush.", " Using a fork."), 0)


def test_a_demonstration_stands_before_the_question_with_two_line_breaks(tmp_path):
    found = loaded(tmp_path, "arc_easy", arc_easy=[FEVER], arc_easy__train=[{**FEVER, "query": "Question: Why?"}])
    said = asked("arc_easy", found.items[0], found.pool[0])
    assert said == "Question: Why?\nAnswer: bacteria\n\nQuestion: What causes a fever?\nAnswer:"
    assert found.items[0].options == (" bacteria", " legs", " skin", " food")


@pytest.mark.parametrize("key", [["A", "B"], ["1", "2"]])
def test_arc_of_the_hub_has_the_same_prompt(monkeypatch, key):
    row = {**LETTERED, "choices": {"text": ["legs", "bacteria"], "label": key}, "answerKey": key[1]}
    hub = {("allenai/ai2_arc", "ARC-Challenge", split): [row] for split in ("test", "train")}
    (item,) = from_hub(monkeypatch, "arc_challenge", hub).items
    assert asked("arc_challenge", item) == "Question: What causes a fever?\nAnswer:"
    assert right(item) == " bacteria"


def test_openbookqa_asks_the_stem_alone(tmp_path, monkeypatch):
    row = {"query": "Predators eat", "choices": ["lions", "humans", "bunnies", "grass"], "gold": 2}
    (item,) = loaded(tmp_path, "openbookqa", openbook_qa=[row]).items
    assert (asked("openbookqa", item), right(item)) == ("Predators eat", " bunnies")
    row = {
        "question_stem": "Predators eat",
        "choices": {"text": ["lions", "bunnies"], "label": ["A", "B"]},
        "answerKey": "B",
    }
    hub = {("allenai/openbookqa", "main", split): [row] for split in ("test", "train")}
    (item,) = from_hub(monkeypatch, "openbookqa", hub).items
    assert (asked("openbookqa", item), right(item)) == ("Predators eat", " bunnies")


def test_piqa_of_the_hub_has_two_solutions(monkeypatch):
    row = {"goal": "How to apply sealant to wood.", "sol1": "Using a brush.", "sol2": "Using a fork.", "label": 1}
    hub = {("ybisk/piqa", "", split): [row] for split in ("validation", "train")}
    (item,) = from_hub(monkeypatch, "piqa", hub).items
    assert (asked("piqa", item), right(item)) == ("How to apply sealant to wood.", " Using a fork.")


def test_copa_joins_the_premise_with_its_cause_or_effect(tmp_path, monkeypatch):
    effect = {**SHADOW, "asks_for": "effect", "premise": "It rained.", "choices": ["The street was wet.", "I sang."]}
    cause, wet = loaded(tmp_path, "copa", copa__dev=[SHADOW, effect], copa__train=[SHADOW]).items
    assert asked("copa", cause) == "My body cast a shadow over the grass because"
    assert cause.options == (" the sun was rising.", " the grass was cut.")
    assert asked("copa", wet) + right(wet) == "It rained therefore the street was wet."
    row = {"premise": "It rained.", "choice1": "A.", "choice2": "The street was wet.", "question": "effect", "label": 1}
    hub = {("aps/super_glue", "copa", split): [row] for split in ("validation", "train")}
    (item,) = from_hub(monkeypatch, "copa", hub).items
    assert asked("copa", item) + right(item) == "It rained therefore the street was wet."


def test_lettered_choices_become_options(tmp_path, monkeypatch):
    listed = "Choices:\nA. make a plan\nB. find a place\nAnswer:"
    row = {"query": f"Context: Tracy left.\nQuestion: What next?\n{listed}", "choices": ["A", "B"], "gold": 1}
    (item,) = loaded(tmp_path, "siqa", siqa=[row]).items
    assert asked("siqa", item) == "Context: Tracy left.\nQuestion: What next?\nAnswer:"
    assert (item.options, item.gold) == ((" make a plan", " find a place"), 1)
    row = {
        "context": "Tracy left.",
        "question": "What next?",
        "answerA": "a",
        "answerB": "b",
        "answerC": "c",
        "label": "3",
    }
    hub = {("allenai/social_i_qa", "", split): [row] for split in ("validation", "train")}
    (item,) = from_hub(monkeypatch, "siqa", hub).items
    assert asked("siqa", item) == "Context: Tracy left.\nQuestion: What next?\nAnswer:"
    assert right(item) == " c"


def test_commonsense_qa_of_file_and_hub_have_one_prompt(tmp_path, monkeypatch):
    row = {"query": "Question: Where?\nChoices:\nA. bank\nB. mall\nAnswer:", "choices": ["A", "B"], "gold": 0}
    (item,) = loaded(tmp_path, "commonsense_qa", commonsense_qa=[row]).items
    row = {"question": "Where?", "choices": {"text": ["bank", "mall"], "label": ["A", "B"]}, "answerKey": "A"}
    hub = {("tau/commonsense_qa", "", split): [row] for split in ("validation", "train")}
    (other,) = from_hub(monkeypatch, "commonsense_qa", hub).items
    assert asked("commonsense_qa", item) == asked("commonsense_qa", other) == "Question: Where?\nAnswer:"
    assert item.options == other.options == (" bank", " mall")


def test_k_and_normalisation_are_the_papers():
    tasks = {name: registry.task(name) for name in ("piqa", "arc_easy", "arc_challenge", "openbookqa", "copa")}
    assert [task.shots for task in tasks.values()] == [50, 50, 50, 100, 32]
    assert [task.norm for task in tasks.values()] == ["token", "uncond", "uncond", "uncond", "token"]
    assert {task.answer_context for task in tasks.values()} == {"", "Answer: ", "A: "}


@pytest.mark.parametrize(
    ("task", "row", "says"),
    [
        ("piqa", {"query": "q", "gold": 0}, "piqa-0 has no field 'choices'; it has 'query', 'gold'"),
        ("arc_easy", {**LETTERED, "answerKey": "E"}, "arc_easy-0 has the label 'E'; it must be one of 'A', 'B'"),
        (
            "copa",
            {**SHADOW, "asks_for": "reason"},
            "copa-0 has the label 'reason'; it must be one of 'cause', 'effect'",
        ),
        ("siqa", {"query": "no list", "choices": ["A"], "gold": 0}, "siqa-0 lists no options as lines"),
        ("piqa", {**SEALANT, "gold": -1}, "piqa-0 says that option -1 is right"),
    ],
)
def test_a_row_of_another_layout_is_named(tmp_path, task, row, says):
    with pytest.raises(BadUse, match=says):
        loaded(tmp_path, task, **{task: [row]})


def test_a_row_with_an_empty_option_is_left_out_and_counted(tmp_path):
    rows = [SEALANT, {**SEALANT, "choices": ["", "x"]}, SEALANT]
    found = loaded(tmp_path, "piqa", piqa=rows, piqa__train=[{**SEALANT, "query": "Question: \n"}])
    assert ([item.id for item in found.items], found.pool) == (["piqa-0", "piqa-2"], [])
    assert found.origin == "piqa.jsonl, 2 rows without text left out"


@pytest.mark.parametrize(
    ("task", "n", "pool", "options"),
    [
        ("piqa", 1256, 0, 2),
        ("arc_easy", 1683, 0, 4),
        ("arc_challenge", 810, 0, 4),
        ("openbookqa", 359, 0, 4),
        ("copa", 500, 0, 2),
        ("siqa", 1421, 0, 2),
        ("commonsense_qa", 846, 0, 4),
    ],
)
def test_the_real_files_are_read(shared_data, task, n, pool, options):
    found = check_real(task, shared_data, n, pool)
    assert {len(item.options) for item in found.items} == {options}
    assert {item.gold for item in found.items} == set(range(options))
