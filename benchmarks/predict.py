"""A loss foretold before the run begins: a ladder, a card, a larger target with several seeds, and what came of it.

$ python -m benchmarks.predict --text FOLDER        on the text in a folder; without it, this machine's documentation
$ python -m benchmarks.predict --target 144         another target, 100 times the ladder's largest run: an hour
$ python -m benchmarks.predict --small              a minute, for a look; writes no page

What was trained stays in --out: started again, it goes on where it stopped. Writes benchmarks/predict.md, or
predict_WIDTH.md of another target.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log
from pathlib import Path
from typing import Any

from foretell.commands.predict_ladder import train_all, with_data, write_target
from foretell.corpus.config import EMBEDDED
from foretell.errors import BadUse
from foretell.recipes.ladder import Ladder
from foretell.runs import processor
from foretell.scaling.cards import admit, read_card, register, score
from foretell.scaling.choose import without_plateau
from foretell.scaling.fits import fit_runs, points_of, read_fit, write_fit
from foretell.scaling.forecast import foretell, target
from foretell.scaling.points import Point, read_points
from foretell.train.loop import train
from foretell.train.metrics import read_metrics

HERE = Path(__file__).parent
MEASURE = "val_bits_per_byte"
USUAL_TARGET = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A ladder and the width of its target."""

    rule: Ladder
    target: int
    seeds: tuple[int, ...] = (0, 1, 2)


def plan(text: str, small: bool, width: int) -> Plan:
    """What is trained: nearly bytes, whose losses fall as a law says from smaller models on than those of words."""
    usual = Ladder(
        folder=text, n_vocab=261, evaluate_rows=1500, widths=(8, 12, 16, 20, 24, 28, 32, 36, 40), seeds=(0, 1)
    )
    if small:
        return Plan(rule=replace(usual, widths=(8, 12, 16, 20), tokens_per_parameter=4.0), target=24, seeds=(0,))
    return Plan(rule=usual, target=width)


def foretold(made: Plan, out: Path) -> Path:
    """The card of the target, written once the ladder is trained and before any target begins."""
    runs = train_all(made.rule, out / "ladder", quiet=False)
    card = out / "card.json"
    if not card.exists():
        write_fit(out / "fit.json", fit_runs(runs, MEASURE))
        cfg = write_target(made.rule, made.target, out / "target.json")
        register(out / "fit.json", cfg, card, out / f"target-{made.seeds[0]}")
    return card


def targets(made: Plan, card: Path, out: Path) -> list[dict[str, Any]]:
    """The scores of the target's seeds, each trained under the card."""
    scores = []
    cfg = write_target(made.rule, made.target, out / "target.json")
    for seed in made.seeds:
        run = out / f"target-{seed}"
        admit(card, replace(cfg, seed=seed), run)
        train(replace(cfg, seed=seed), run)
        scores.append(score(card, run))
        print(scores[-1], flush=True)
        if seed != made.seeds[-1]:
            print(page(made, out, scores, made.rule.folder), flush=True)
    return scores


def cpu_seconds(runs: Sequence[Path]) -> float:
    """What the runs took, branches counted once."""
    return float(sum(read_metrics(run / "metrics.jsonl")[-1]["cpu_seconds"] for run in runs))


def from_below(points: Sequence[Point], aim: Point, share: float) -> str:
    """What the rungs below a share of the target's compute would have said, as a row's cells."""
    whole = {point.parameters for point in points if "-1-seed" in point.name and point.flops <= aim.flops * share}
    some = [point for point in points if point.parameters in whole]
    try:
        found = foretell(without_plateau(some)[0], aim)
    except BadUse as refused:
        return f"refused: {str(refused).partition(':')[0]} | | "
    return f"{found.value:.4f} | [{found.low:.4f}, {found.high:.4f}] | {found.value / aim.loss - 1:+.2%}"


def page(made: Plan, out: Path, scores: Sequence[dict[str, Any]], text: str) -> str:
    """The figures as Markdown."""
    card, fit = read_card(out / "card.json"), read_fit(out / "fit.json")
    every = read_points(train_all(made.rule, out / "ladder", quiet=True), MEASURE)
    cost = card["target"]
    final = sum(one["final"] for one in scores) / len(scores)
    aim = replace(target(cost["parameters"], cost["tokens"], cost["flops"]), loss=final)
    lines = [
        *head(made, out, card, scores, text),
        *what_was_said(card, every, points_of(fit)),
        "",
        "| seed | final | predicted / final - 1 | z | inside |",
        "| --- | --- | --- | --- | --- |",
        *(score_row(seed, one) for seed, one in zip(made.seeds, scores, strict=False)),
        "",
        "The longest runs of the ladder; slope is -d ln L / d ln C to the next width's, seed by seed:",
        "",
        "| run | parameters | FLOPs | bits per byte | slope | used |",
        "| --- | --- | --- | --- | --- | --- |",
        *ladder_rows(every, {p.name for p in points_of(fit)}),
        "",
        "| law | parameters | missed the left-out rungs by | in sample |",
        "| --- | --- | --- | --- |",
        *(law_row(law) for law in fit["laws"]),
        "",
        "What shorter ladders say of the same target, computed afterwards from the same runs:",
        "",
        "| rungs up to | predicted | 95 % | error against the seeds' mean |",
        "| --- | --- | --- | --- |",
        *(f"| 1/{n} of the target's compute | {from_below(every, aim, 1 / n)} |" for n in (20, 50, 100)),
    ]
    return "\n".join(lines) + "\n"


def head(made: Plan, out: Path, card: dict[str, Any], scores: Sequence[dict[str, Any]], text: str) -> list[str]:
    """What was trained, when, and what it took."""
    widths, ratio = ", ".join(map(str, made.rule.widths)), f"{made.rule.tokens_per_parameter:g} tokens a parameter"
    ladder = cpu_seconds([run for run in (out / "ladder").iterdir() if "-1-seed" in run.name])
    targets = cpu_seconds([out / f"target-{seed}" for seed in made.seeds[: len(scores)]])
    return [
        f"The loss of a network of width {made.target}, foretold from runs of the widths {widths} and registered",
        f"before the first target began. Text: {text}; tokens of a BPE of {made.rule.n_vocab}, {ratio}; held-out",
        f"bits per byte; one thread of {processor()}; made by benchmarks/predict.py.",
        "",
        f"- registered {card['registered']}, first target begun {scores[0]['begun']}",
        f"- CPU: the longest run of each width and seed {ladder:.0f} s in all (the falls of the shorter ones are not",
        f"  counted), {len(scores)} target{'s' * (len(scores) != 1)} {targets:.0f} s",
    ]


def what_was_said(card: dict[str, Any], every: Sequence[Point], kept: Sequence[Point]) -> list[str]:
    """How far away the target is, and what the card says of it."""
    said, cost = card["predicted"], card["target"]
    over = [cost["flops"] / flops for flops in (min(p.flops for p in every), max(p.flops for p in every))]
    parts = f"noise {said['noise']:.2%}, between laws {said['between']:.2%}, left-out rungs {said['left_out']:.2%}"
    return [
        f"- target: {cost['parameters']:,.0f} parameters in matrix products, {cost['tokens']:,.0f} tokens,",
        f"  {cost['flops']:.3g} FLOPs: **{over[0]:,.0f} times the ladder's smallest run, {over[1]:.1f} times its",
        f"  largest**, {cost['flops'] / min(p.flops for p in kept):,.0f} times the smallest that was kept",
        f"- predicted **{said['value']:.4f}**, 95 % [{said['low']:.4f}, {said['high']:.4f}], by the {said['law']} law",
        f"  of {said['n']} runs; the half-width's parts: {parts}",
    ]


def score_row(seed: int, one: dict[str, Any]) -> str:
    """One seed's line."""
    inside = "yes" if one["inside"] else "no"
    return f"| {seed} | {one['final']:.4f} | {one['relative_error']:+.2%} | {one['z']:+.2f} | {inside} |"


def law_row(law: dict[str, Any]) -> str:
    """One law's line."""
    parameters = ", ".join(f"{name} {value:.4g}" for name, value in law["parameters"].items())
    return f"| {law['formula']} | {parameters} | {law['left_out_error']:.2%} | {law['in_sample_error']:.2%} |"


def ladder_rows(points: Sequence[Point], kept: set[str]) -> list[str]:
    """The longest runs of each width as rows."""
    found, longest = [], [p for p in points if "-1-seed" in p.name]
    for p in sorted(longest, key=lambda p: (p.parameters, p.seed)):
        later = [q for q in longest if q.parameters > p.parameters and q.seed == p.seed]
        slope = f"{log(p.loss / later[0].loss) / log(later[0].flops / p.flops):.3f}" if later else ""
        used = "yes" if p.name in kept else "no"
        found.append(f"| {p.name} | {p.parameters:,.0f} | {p.flops:.2g} | {p.loss:.4f} | {slope} | {used} |")
    return found


def main() -> None:
    """Train, foretell, score."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--text", default=EMBEDDED, help="a folder of text")
    flags.add_argument("--name", default="", help="what the page calls the text")
    flags.add_argument("--out", type=Path, default=Path("runs/predict"))
    flags.add_argument("--target", type=int, default=USUAL_TARGET, help="the target's width")
    flags.add_argument("--small", action="store_true")
    given = flags.parse_args()
    made = plan(given.text, given.small, given.target)
    made = replace(made, rule=with_data(made.rule, quiet=False))
    card = foretold(made, given.out)
    print(read_card(card)["predicted"], flush=True)
    scores = targets(made, card, given.out)
    name = given.name or ("the documentation of this machine" if given.text == EMBEDDED else Path(given.text).name)
    text = page(made, given.out, scores, name)
    print(text)
    if not given.small:
        (HERE / ("predict.md" if given.target == USUAL_TARGET else f"predict_{given.target}.md")).write_text(text)


if __name__ == "__main__":
    main()
