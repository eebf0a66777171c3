"""The ladder of `foretell predict`: its table, its target's config, and its training, which goes on if stopped."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from foretell import progress
from foretell.commands.tables import table
from foretell.config import dump
from foretell.recipes.ladder import Ladder, families, rung
from foretell.recipes.sources import resolve
from foretell.runs import write_whole
from foretell.scaling.branches import branch
from foretell.scaling.points import cost, read_config
from foretell.train.config import RunConfig
from foretell.train.loop import train


def rows(rule: Ladder, target: int | None = None) -> list[dict[str, Any]]:
    """What each run is and costs, and the target's share of the largest rung's and the smallest's compute."""
    configs = [cfg for family in families(rule) for cfg in family]
    found = [row(cfg) for cfg in configs]
    if target:
        aim = row(replace(rung(rule, target), recipe=f"target.{target}"))
        computes = [one["flops"] for one in found]
        times = {"over_largest": aim["flops"] / max(computes), "over_smallest": aim["flops"] / min(computes)}
        found.append({**aim, **times})
    return found


def row(cfg: RunConfig) -> dict[str, Any]:
    """One run's size, steps, tokens and compute."""
    parameters, tokens, flops = cost(cfg)
    return {
        "run": f"{cfg.recipe.partition('.')[2]}-seed{cfg.seed}" if cfg.recipe.startswith("ladder") else cfg.recipe,
        "parameters": parameters,
        "tokens": tokens,
        "steps": cfg.steps,
        "lr": cfg.optim.lr,
        "flops": flops,
    }


def lines(found: Sequence[dict[str, Any]]) -> list[str]:
    """The table."""
    cells = [
        (
            one["run"],
            f"{one['parameters']:,.0f}",
            f"{one['tokens']:,.0f}",
            f"{one['steps']:,}",
            f"{one['lr']:.3g}",
            f"{one['flops']:.3g}",
        )
        for one in found
    ]
    said = table(["run", "parameters", "tokens", "steps", "lr", "FLOPs"], cells)
    if "over_largest" in found[-1]:
        ratios = f"{found[-1]['over_largest']:.3g} times the largest rung's compute"
        said.append(f"the target is {ratios}, {found[-1]['over_smallest']:.3g} times the smallest's")
    return said


def with_data(rule: Ladder, *, quiet: bool) -> Ladder:
    """The rule with its tokens there, so that every run reads the same folder."""
    cfg = resolve(rung(rule, max(rule.widths)), quiet=quiet)
    return replace(rule, folder=cfg.data.folder)


def write_target(rule: Ladder, width: int, path: Path, device: str | None = None) -> RunConfig:
    """The target's config, after it was written."""
    cfg = on_device(replace(rung(rule, width), recipe=f"target.{width}"), device)
    write_whole(path, dump(cfg))
    return cfg


def on_device(cfg: RunConfig, device: str | None) -> RunConfig:
    """The config on the machine asked for."""
    if not device:
        return cfg
    return replace(cfg, machine=replace(cfg.machine, device=device))  # type: ignore[arg-type]


def train_all(rule: Ladder, out: Path, device: str | None = None, *, quiet: bool) -> list[Path]:
    """The folders of all finished runs; each longer run of a width is branched off the shorter."""
    found: list[Path] = []
    for family in families(rule):
        before: Path | None = None
        for cfg in family:
            run = out / f"{cfg.recipe.partition('.')[2]}-seed{cfg.seed}"
            cfg = on_device(cfg, device)
            if before is not None:
                step = branch(before, read_config(before), cfg, run)
                if step:
                    progress.say(f"{run} goes on from step {step} of {before}", quiet=quiet)
            train(cfg, run, quiet=quiet)
            before = run
            found.append(run)
    return found
