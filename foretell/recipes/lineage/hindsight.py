"""Inverse scaling on the models of a climb: hindsight neglect at every size of GPT-2's network, beside its control.

OpenAI 2023, figure 3: accuracy fell with size from GPT-3's smallest models on, and GPT-4 reversed it. The prize's ten
demonstrations do not fit the contexts of the smallest scales: as many are shown as fit, 1 at nano.
"""

from typing import Any

from foretell.recipes.lineage.plan import SCALES, Climb, measured, model_of, weights

Row = dict[str, Any]
TASKS = ("hindsight_neglect", "hindsight_control")
SHOTS = {"smoke": "0", "nano": "1", "mini": "3"}
AT_MOST = {"smoke": 8, "nano": 150, "mini": 400}  # questions of a task
ROUNDS = 1000


def measure_hindsight(plan: Climb) -> Row:
    """results/hindsight.json: accuracy of each size, and the slope against ln(parameters) with its interval."""
    names = [f"gpt2.pretrain-{each}" for each in SCALES[plan.scale]]
    return measured(plan, "hindsight", weights(plan, *names), lambda: hindsight(plan, names))


def hindsight(plan: Climb, names: list[str]) -> Row:
    """A row for each model and task; a slope for each task where there are two sizes or more."""
    from foretell.eval.asking import Asking
    from foretell.eval.few_shot import askings, few_shot
    from foretell.eval.results import fingerprint
    from foretell.tasks.registry import task
    from foretell.tasks.source import Source

    rows = []
    for name in names:
        model = model_of(plan, name)
        n_parameters = sum(p.numel() for p in model.network.parameters())
        like = Asking(limit=AT_MOST[plan.scale], draw="once")
        out = plan.out / "evaluation" / f"{name}-hindsight-{fingerprint(model)[:8]}"
        tasks = [task(each) for each in TASKS]
        found = few_shot(model, tasks, Source(), askings([SHOTS[plan.scale]], like), out, quiet=plan.quiet)
        for row in found["rows"]:
            if row["n"]:
                accuracy = {part: row[part] for part in ("value", "low", "high", "n")}
                told = {"task": row["task"], "k": row["k"], "accuracy": accuracy}
                rows.append({"model": name, "parameters": n_parameters, **told})
    return {"rows": rows, "slopes": slopes(rows)}


def slopes(rows: list[Row]) -> list[Row]:
    """The slope of each task's accuracy, with the interval of questions drawn again at every size."""
    import numpy as np

    from foretell.tasks.hindsight import slope

    found, draw = [], np.random.default_rng(0)
    for name in TASKS:
        mine = [row for row in rows if row["task"] == name]
        sizes = [row["parameters"] for row in mine]
        if len(set(sizes)) < 2:
            continue
        at = [row["accuracy"]["value"] for row in mine]
        n = [int(row["accuracy"]["n"]) for row in mine]
        again = [slope(sizes, (draw.binomial(n, at) / n).tolist()) for _ in range(ROUNDS)]
        low, high = np.percentile(again, [2.5, 97.5])
        value = slope(sizes, at)
        measured_slope = {"value": value, "low": min(float(low), value), "high": max(float(high), value), "n": sum(n)}
        found.append({"task": name, "sizes": len(set(sizes)), "slope": measured_slope})
    return found
