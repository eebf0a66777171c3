"""BIG-bench: the 27 tasks of BIG-Bench Hard (Suzgun et al. 2022), and small tasks in their first form.

    bbh_...         Q: <input>\\nA:                        the target, letter for letter; three examples, as there
    bigbench_...    the prompt as it is                   options, or the target letter for letter

BIG-Bench Hard's examples are fixed and reasoned; here three questions of the same task are drawn instead, with answers
alone, since the rows are one split. Rows are {task, input, target} in one file, or {input, target} on the hub; the
small tasks are {query, choices, gold} or {context, continuation}.
"""

from functools import partial

from foretell.tasks.item import Choice, Free
from foretell.tasks.options import choice, free
from foretell.tasks.source import Hub, Row, Source, field
from foretell.tasks.splits import Split, questions
from foretell.tasks.task import Questions, Task

FAMILY = "big_bench"
SHOTS = 3
HARD = (
    "boolean_expressions", "causal_judgement", "date_understanding", "disambiguation_qa", "dyck_languages",
    "formal_fallacies", "geometric_shapes", "hyperbaton", "logical_deduction_five_objects",
    "logical_deduction_seven_objects", "logical_deduction_three_objects", "movie_recommendation",
    "multistep_arithmetic_two", "navigate", "object_counting", "penguins_in_a_table",
    "reasoning_about_colored_objects", "ruin_names", "salient_translation_error_detection", "snarks",
    "sports_understanding", "temporal_sequences", "tracking_shuffled_objects_five_objects",
    "tracking_shuffled_objects_seven_objects", "tracking_shuffled_objects_three_objects", "web_of_lies",
    "word_sorting",
)  # fmt: skip
CHOSEN = (
    "conceptual_combinations", "misconceptions", "novel_concepts", "strange_stories", "strategy_qa",
    "understanding_fables",
)  # fmt: skip
WRITTEN = {"conlang_translation": 64, "cs_algorithms": 16, "operators": 16, "qa_wikidata": 16, "repeat_copy_logic": 128}
"""tasks whose answers are written, and how many tokens the longest may take"""
LONGEST = {"word_sorting": 128}


def load_hard(source: Source, name: str) -> Questions:
    """The questions of one task of BIG-Bench Hard, from the file of all or from the hub."""
    asked = Split(files=("bbh",), hub=Hub(dataset="lukaemon/bbh", config=name, split="test"))

    def of_task(rows: list[Row]) -> list[Row]:
        return [row for row in rows if row.get("task", name) == name]

    return questions(source, f"bbh_{name}", hard_question, asked, flat=of_task)


def load_small(source: Source, name: str) -> Questions:
    """The questions of a small task."""
    build = small_choice if name.removeprefix("bigbench_") in CHOSEN else small_written
    return questions(source, name, build, Split(files=(name,)))


def hard_question(row: Row, name: str) -> Free | None:
    """An input and its target."""
    asked = field(row, "input", name).strip()
    return free(name, f"Q: {asked}\nA:" if asked else "", [field(row, "target", name)])


def small_choice(row: Row, name: str) -> Choice | None:
    """A prompt and its options."""
    return choice(name, field(row, "query", name), field(row, "choices", name), field(row, "gold", name))


def small_written(row: Row, name: str) -> Free | None:
    """A prompt and what follows it."""
    return free(name, field(row, "context", name), [field(row, "continuation", name)])


def hard(name: str) -> Task:
    """A task of BIG-Bench Hard."""
    return Task(
        name=f"bbh_{name}",
        family=FAMILY,
        about=f"BIG-Bench Hard: {name.replace('_', ' ')}",
        load=partial(load_hard, name=name),
        shots=SHOTS,
        metric="exact_answer",
        max_new_tokens=LONGEST.get(name, 16),
    )


def small(name: str) -> Task:
    """A small task of BIG-bench; K is ours."""
    return Task(
        name=f"bigbench_{name}",
        family=FAMILY,
        about=f"BIG-bench: {name.replace('_', ' ')}",
        load=partial(load_small, name=f"bigbench_{name}"),
        shots=SHOTS,
        metric="exact_answer" if name in WRITTEN else "accuracy",
        max_new_tokens=WRITTEN.get(name, 16),
    )


TASKS = (*map(hard, HARD), *map(small, (*CHOSEN, *WRITTEN)))
