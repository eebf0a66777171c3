"""What a suite asks: GPT-3's evaluation by the parts of its table, GPT-2's zero-shot prompts, and the others."""

from foretell.errors import BadUse, nearest
from foretell.tasks import registry
from foretell.tasks.task import Task

GPT3 = {
    "arithmetic": ("arithmetic",),
    "scrambling": ("scrambling",),
    "cloze": ("cloze",),
    "closed_book": ("closed_book",),
    "translation": ("languages",),
    "winograd": ("winograd",),
    "common_sense": ("common_sense",),
    "comprehension": ("comprehension",),
    "superglue": ("entailment",),
    "analogies": ("analogies",),
}
FEW_SHOT: dict[str, tuple[str, ...]] = {
    "gpt3": tuple(family for families in GPT3.values() for family in families),
    **GPT3,
    "classification": ("classification",),
    "bigbench": ("big_bench",),
    "gpt2": ("zero_shot_prompts",),
}
"""families of each few-shot suite, in the order of the paper's table"""
OTHERS = {
    "finetune": "train heads on labelled sets and test them",
    "exams": "multiple choice by letter, sections, scores",
    "translation": "translate held-out pairs: a seq2seq by beam search, a language model with demonstrations",
    "perplexity": "sliding-window perplexity and bits per byte",
    "code": "programs that must pass tests: pass@k",
}


def tasks_of(suite: str, names: list[str]) -> list[Task]:
    """The tasks of a few-shot suite, or those of them that are named. BadUse with the nearest name."""
    families = FEW_SHOT[suite]
    found = [task for family in families for task in registry.every().values() if task.family == family]
    if not names:
        return found
    known = [task.name for task in found]
    for name in names:
        if name not in known:
            elsewhere = f" (it is of the suite {where!r})" if (where := suite_of(name)) else nearest(name, known)
            raise BadUse(f"the suite {suite} has no task {name!r}{elsewhere}")
    return [registry.task(name) for name in names]


def suite_of(name: str) -> str:
    """A suite that has this task, or nothing."""
    task = registry.every().get(name)
    return next((suite for suite, families in FEW_SHOT.items() if task and task.family in families), "")


def check_suite(suite: str) -> None:
    """BadUse, with the nearest name, unless there is such a suite."""
    known = [*FEW_SHOT, *OTHERS]
    if suite not in known:
        raise BadUse(f"no suite is called {suite!r}{nearest(suite, known)}")
