"""What a suite asks: GPT-3's evaluation by the parts of its table, GPT-2's zero-shot prompts, and the others."""

from foretell.errors import BadUse, nearest
from foretell.tasks import registry
from foretell.tasks.task import Task

GPT3 = (
    "cloze",
    "closed_book",
    "translation",
    "winograd",
    "common_sense",
    "comprehension",
    "entailment",
    "arithmetic",
    "scrambling",
    "analogies",
)  # sections 3.1 to 3.9
FEW_SHOT: dict[str, tuple[str, ...]] = {
    "gpt3": GPT3,
    **{family: (family,) for family in GPT3},
    "superglue": ("boolq", "cb", "cb_f1", "copa", "multirc", "record", "rte", "wic", "wsc"),
    "classification": ("classification",),
    "bigbench": ("big_bench",),
    "gpt2": ("zero_shot_prompts",),
}
"""families, or single tasks, of each few-shot suite, in the order of the paper's table"""
OTHERS = {
    "finetune": "train heads on labelled sets and test them",
    "exams": "multiple choice by letter, sections, scores",
    "translation": "translate held-out pairs: a seq2seq by beam search, a language model with demonstrations",
    "perplexity": "sliding-window perplexity and bits per byte",
    "rankings": "a reward model on rankings: accuracy, log-loss, calibration, the length alone",
    "code": "programs that must pass tests: pass@k",
    "images": "questions about images, beside what is answered without them",
}


def tasks_of(suite: str, names: list[str]) -> list[Task]:
    """The tasks of a few-shot suite, or those of them that are named. BadUse with the nearest name."""
    every = registry.every().values()
    found = [task for part in FEW_SHOT[suite] for task in every if part in (task.family, task.name)]
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
    of = (task.family, task.name) if task else ()
    found = (suite for suite, parts in reversed(FEW_SHOT.items()) if any(part in parts for part in of))
    return next(found, "")


def check_suite(suite: str) -> None:
    """BadUse, with the nearest name, unless there is such a suite."""
    known = [*FEW_SHOT, *OTHERS]
    if suite not in known:
        raise BadUse(f"no suite is called {suite!r}{nearest(suite, known)}")
