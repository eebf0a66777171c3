"""What a model has memorised and what it has learnt: five measures that can be had of its training text.

windows      extractable text by copies, against held-out text; the loss on both (memorisation_windows.py)
canaries     exposure of planted secrets (memorisation_canaries.py); needs `canaries`
arithmetic   sums that stand in the training text (memorisation_arithmetic.py)
shots        what examples in the prompt add, with right and random labels (memorisation_shots.py)
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from foretell import progress
from foretell.audit import memorisation_arithmetic as arithmetic
from foretell.audit import memorisation_canaries as secrets
from foretell.audit import memorisation_shots as shots
from foretell.audit import memorisation_windows as windows
from foretell.audit.asked import Asked, Results, one_of
from foretell.audit.contamination_scores import answer_files, joined_rows
from foretell.audit.contamination_training import training_parts
from foretell.audit.seen_text import several, sides_of, training_of
from foretell.errors import BadUse
from foretell.eval.records import append_records, digest, read_records
from foretell.eval.results import fingerprint
from foretell.generate.model import Model
from foretell.tasks.source import Source

WINDOWS = 64  # of a group
FOLDER = "memorisation.shots"


def audit(asked: Asked) -> Results:
    """Extractability, loss gap, exposure, sums in the training text, and what examples in the prompt add.

    Options: `parts` (of PARTS; all), `training` (a folder of tokens or text; of a run its own), `canaries` (a file of
    JSON lines {form, secret, repeats}), `answers` (folders that `foretell eval` wrote), `task` (of the examples in the
    prompt). `samples` are windows of a group, `limit` questions. BadUse where a part that was named cannot be done;
    without names it is left out, and said.
    """
    named = [one_of("part", name, list(PARTS)) for name in several(asked.option("parts", []))]
    model = asked.loaded()
    model.check("continue a text", "decoder")
    results: Results = {"figures": {}, "rows": [], "tables": {}, "said": []}
    for name in named or PARTS:
        try:
            PARTS[name](model, asked, results)
        except BadUse as error:
            if named:
                raise
            results["said"].append(f"{name} left out: {error}")
    return results


def of_windows(model: Model, asked: Asked, results: Results) -> None:
    """Add extractability by copies, and the loss gap."""
    sides = sides_of(asked, model)
    half = windows.half_of(model.network.cfg.n_ctx)
    groups = windows.groups_of(sides, half, asked.samples or WINDOWS, asked.seed)
    with progress.bar("memorisation: windows", sum(len(g.windows) for g in groups), quiet=asked.quiet) as shown:
        path = asked.samples_file("memorisation")
        rows = windows.rows_of(model, groups, path, fingerprint(model), shown.advance)
    losses = {(row["side"], row["copies"]): row.pop("losses") for row in rows}
    train, held = losses["training", "any"], losses.get(("held out", "0"), [])
    results["rows"] += rows
    figures = {f"extractable, {row['side']}, {row['copies']} copies": row["extractable"] for row in rows}
    gap = {"loss, held out less training": windows.gap(train, held), "loss, training": windows.mean_loss(train)}
    results["figures"] |= figures | {name: one for name, one in gap.items() if one is not None}
    results["said"].append(
        f"Extractable: of {2 * half} tokens in a row the last {half} follow the first {half} exactly, at temperature 0."
    )


def of_canaries(model: Model, asked: Asked, results: Results) -> None:
    """Add the exposure of planted secrets."""
    file = asked.option("canaries", None)
    if file is None:
        raise BadUse("no canaries are named; give --set canaries=FILE of those that were planted")
    canaries, path = secrets.read_canaries(Path(file)), asked.samples_file("memorisation")
    known, whose, found = read_records(path), fingerprint(model), list[float]()
    with progress.bar("memorisation: canaries", len(canaries), quiet=asked.quiet) as shown:
        for canary in canaries:
            key = "canary " + digest(whose, repr((canary.form, canary.secret, asked.seed)))
            if key not in known:
                record = {"key": key, "bits": secrets.exposure(model, canary, seed=asked.seed)}
                append_records(path, [record])
                known[key] = record
            found.append(known[key]["bits"])
            shown.advance()
    rows = secrets.exposure_rows(canaries, found)
    results["tables"]["exposure"] = rows
    for row in rows:
        name = f"exposure, {row['repeats']} repeats (bits)"
        results["figures"][name] = {"value": row["exposure"], **{k: row[k] for k in ("low", "high", "n")}}
    results["said"].append("A secret that was never seen has an exposure of 1.44 bits on average, by chance.")


def of_arithmetic(model: Model, asked: Asked, results: Results) -> None:
    """Add the sums that stand in the training text, and what is answered of the others."""
    source = Source(folders=asked.data, seed=asked.seed)
    sums = {name: arithmetic.sums_of(name, source) for name in arithmetic.TASKS}
    parts = training_parts(several(asked.option("training", None)) or [training_of(asked.model)])
    found = arithmetic.looked_up(parts, [one for some in sums.values() for one in some.values()])
    results["tables"]["arithmetic"] = rows = arithmetic.lookup_rows(sums, found)
    results["figures"] |= {f"in the training text, {row['task']}": measured(row) for row in rows}
    ids = {task: {name for name, one in some.items() if one in found} for task, some in sums.items()}
    files = answer_files([Path(one) for one in several(asked.option("answers", []))])
    if joined := joined_rows(files, ids, "arithmetic"):
        results["tables"]["arithmetic scores"] = joined
    results["said"].append("Brown et al. 2020 found 0.8 % of additions and 0.1 % of subtractions of three digits.")


def measured(row: dict[str, Any]) -> dict[str, Any]:
    """The measured value of a row."""
    return {name: row[name] for name in ("value", "low", "high", "n")}


def of_shots(model: Model, asked: Asked, results: Results) -> None:
    """Add accuracy by the number of examples in the prompt, with right and random labels."""
    source = Source(folders=asked.data, seed=asked.seed)
    task, questions = shots.first_task(several(asked.option("task", list(shots.TASKS))), source)
    limit = asked.limit or shots.QUESTIONS
    folder = asked.out / FOLDER / fingerprint(model)
    with progress.bar("memorisation: shots", shots.questions_asked(limit), quiet=asked.quiet) as shown:
        rows = shots.shot_rows(model, task, questions, folder, limit=limit, seed=asked.seed, advance=shown.advance)
    results["tables"]["shots"] = rows
    if rows:
        most = rows[-1]
        results["figures"][f"learnt in context, {task.name}, {most['k']} examples"] = most["learnt"]
    results["said"].append("Learnt in context: accuracy after examples with right labels less that with random ones.")


PARTS: dict[str, Callable[[Model, Asked, Results], None]] = {
    "windows": of_windows,
    "canaries": of_canaries,
    "arithmetic": of_arithmetic,
    "shots": of_shots,
}
