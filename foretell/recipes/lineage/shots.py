"""GPT-3's few-shot curves at the scale of a climb: every size of GPT-2's network, more and more examples in the prompt.

Each task is asked once with the examples' own labels and once with labels drawn at random: what the second curve gains
is the form of the answers, and only what lies above it is the task (the control is ours).
"""

from typing import Any

from foretell.recipes import sources
from foretell.recipes.lineage.plan import SCALES, Climb, measured, model_of, weights

LABELLED = ("describes", "which_description")
GENERATED = ("analogies", "two_digit_addition")
SHOTS = ("0", "1", "2", "4")
AT_MOST = {"smoke": 8, "nano": 150, "mini": 400}  # questions of a task


def few_shot_measured(plan: Climb) -> None:
    """Accuracy against the number of examples, for every size, with and without the right labels."""
    names = [f"gpt2.pretrain-{each}" for each in SCALES[plan.scale]]
    measured(plan, "few_shot", weights(plan, *names), lambda: {"rows": curves(plan, names)})


def curves(plan: Climb, names: list[str]) -> list[dict[str, Any]]:
    """A row for each model, task, number of examples and kind of labels."""
    from foretell.eval.asking import Asking
    from foretell.eval.few_shot import askings, few_shot
    from foretell.eval.results import fingerprint
    from foretell.tasks.in_words import in_words
    from foretell.tasks.registry import task
    from foretell.tasks.source import Source

    tasks = [in_words(sources.task_folder(name, plan.corpora, plan.text)) for name in LABELLED]
    tasks += [task(name) for name in GENERATED]
    rows = []
    for name in names:
        model = model_of(plan, name)
        n_parameters = sum(p.numel() for p in model.network.parameters())
        for labels in ("right", "shuffled"):
            shots = [k for k in SHOTS if k != "0" or labels == "right"]  # without examples there are no labels
            like = Asking(limit=AT_MOST[plan.scale], draw="once", labels=labels)
            out = (
                plan.out / "evaluation" / f"{name}-{labels}-{fingerprint(model)[:8]}"
            )  # a model trained anew is another
            found = few_shot(model, tasks, Source(), askings(shots, like), out, quiet=plan.quiet)
            rows += [curve_row(row, name, n_parameters) for row in found["rows"] if row["n"]]
    return rows


def curve_row(row: dict[str, Any], model: str, n_parameters: int) -> dict[str, Any]:
    """What the report draws of a result."""
    kept = {name: row[name] for name in ("task", "family", "k", "labels", "demonstrations", "metric")}
    accuracy = {name: row[name] for name in ("value", "low", "high", "n")}
    blind = max(row.get("random", 0.0), row.get("majority", 0.0), row.get("copy", 0.0))
    return {**kept, "model": model, "parameters": n_parameters, "accuracy": accuracy, "blind": blind}
