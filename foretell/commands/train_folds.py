"""`foretell train instructgpt.reward ... --folds N`: a reward model without each group of labellers in turn."""

from pathlib import Path

from foretell.commands.tables import table
from foretell.errors import BadUse
from foretell.eval.results import as_json
from foretell.train.config import RunConfig


def run_folds(cfg: RunConfig, out: Path, folds: str, seeds: int, *, quiet: bool, json: bool) -> None:
    """Train and print the table. `folds` is a number, or `groups` for those that the labels have."""
    from foretell.align.folds import reward_folds
    from foretell.recipes.sources import resolve

    if cfg.objective.kind != "ranking":
        rule = "only a reward model is trained without groups of labellers"
        raise BadUse(f"--folds with objective={cfg.objective.kind}: {rule}; leave it out")
    if folds != "groups" and not (folds.isdecimal() and int(folds) >= 2):
        raise BadUse(f"--folds {folds} is neither a whole number of at least 2 nor groups")
    found = reward_folds(resolve(cfg, quiet=quiet), out, 0 if folds == "groups" else int(folds), seeds, quiet)
    if json:
        print(as_json(found))
        return
    heads = ["labellers", "pairs", "accuracy % [95 % by prompt]", "over seeds [95 %]", *found["groups"]]
    print("\n".join(table(heads, [cells(name, found[name], found["groups"]) for name in ("seen", "held_out")])))
    print(f"\n{len(found['groups'])} groups x {found['seeds']} seeds; the runs are in {out.resolve()}")


def cells(name: str, row: dict, groups: list[str]) -> list[str]:
    """A line of the table."""
    from foretell.commands.eval_others import interval, percent

    measures = [interval(row["accuracy"], 100), interval(row["over_seeds"], 100)]
    of_groups = [percent(row["by_group"][group]["value"]) for group in groups]
    return [name.replace("_", " "), str(row["accuracy"]["n"]), *measures, *of_groups]
