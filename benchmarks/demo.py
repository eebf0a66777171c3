"""What a demo came to, as a page: every stage's time and every measured result of a finished demo's folder.

$ foretell demo && python -m benchmarks.demo runs/demo        writes benchmarks/demo.md

Nothing is computed here: the numbers are those of the folder's results/*.json, which the report draws too.
"""

import argparse
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Row = dict[str, Any]


def main() -> None:
    """Write the page of a demo's folder."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("folder", type=Path, nargs="?", default=Path("runs/demo"))
    given = flags.parse_args()
    (HERE / "demo.md").write_text(page(given.folder / "results"))


def page(results: Path) -> str:
    """The page in Markdown."""
    found = {path.stem: json.loads(path.read_text()) for path in results.glob("*.json")}
    parts = [head(found["story"]), stages(found["story"]["stages"]), trained(found["story"]["rows"])]
    parts += [translation(found["translation"]), finetuning(found["finetune"]["rows"])]
    parts += [masked(found["masked_words"]), zero_shot(found["zero_shot"]), few_shot(found["few_shot"]["rows"])]
    parts += [filtered(found["filtering"]), *aligned(found["aligned"])]
    parts += [pictures(found["images"]), faults(found["survival"]), chat(found)]
    return "\n\n".join(parts) + "\n"


def head(story: Row) -> str:
    """Where and when."""
    machine, minutes, peak = story["machine"], story["seconds"] / 60, story["peak_bytes"] / 1e6
    return (
        f"# What `{story['command']}` came to\n\n"
        f"{minutes:.1f} minutes and {peak:,.0f} MB of memory at its peak at most, on {machine['cores']} cores of "
        f"{machine['processor']},\nPython {machine['python']}, torch {machine['torch']}, begun {story['started']}. "
        "One run, one seed; intervals are\n95 % over the held-out examples, not over seeds. Made by benchmarks/demo.py "
        "from the demo's own results."
    )


def stages(rows: list[Row]) -> str:
    """The time of each stage."""
    return table("Time", ["stage", "seconds"], [[row["name"], f"{row['seconds']:.0f}"] for row in rows])


def trained(rows: list[Row]) -> str:
    """What each rung's model reached on held-out text."""
    cells = [
        [
            row["model"],
            f"{row['parameters']:,}",
            f"{row['tokens']:,}",
            f"{row['seconds']:.0f}",
            f"{row['result']['value']:.3f} {row['result']['measure'].replace('_', ' ')}",
        ]
        for row in rows
        if "result" in row
    ]
    return table("Pretraining", ["model", "parameters", "tokens read", "seconds", "held out"], cells)


def filtered(found: Row) -> str:
    """The funnel of GPT-3's text, and the mixture."""
    steps = [[row["step"], f"{row['documents']:,}", f"{sum(row['dropped'].values()):,}"] for row in found["steps"]]
    mixed = [
        [row["source"], f"{row['tokens']:,}", f"{row['weight']:.1%}", f"{row['epochs']:.2f}"]
        for row in found["mixture"]
    ]
    funnel = table(f"GPT-3: text through the recipe {found['recipe']}", ["step", "documents", "dropped"], steps)
    if found["gate"]:
        rates = found["gate"]["keep_rate"], found["gate"]["keep_rate_curated"]
        auc = f"{interval(found['gate']['auc'], '{:.3f}')}, n = {found['gate']['auc']['n']}"
        funnel += f"\n\nThe classifier's area under the curve: {auc}; its gate keeps {rates[0]:.1%} of raw and "
        funnel += f"{rates[1]:.1%} of curated\ndocuments held out."
    return f"{funnel}\n\n{table('The mixture', ['source', 'tokens', 'weight', 'epochs'], mixed)}"


def translation(found: Row) -> str:
    """BLEU beside its baselines."""
    names = {"bleu": "Transformer, beam 4", "copy": "the source itself", "baseline": found["baseline"]["what"]}
    cells = [[what, interval(found[name], "{:.2f}"), str(found[name]["n"])] for name, what in names.items()]
    return table("Transformer: from a signature to the first sentence (BLEU)", ["output", "BLEU", "n"], cells)


def finetuning(rows: list[Row]) -> str:
    """Accuracy of every fine-tuning run, the ways of a task side by side."""
    ways = list(dict.fromkeys((row["model"], row["start"]) for row in rows))
    of = {(row["task"], row["model"], row["start"]): row for row in rows}
    cells = []
    for task in dict.fromkeys(row["task"] for row in rows):
        first = of[task, *ways[0]]
        cells.append([task, first["shape"], f"{first['majority']:.3f}"])
        cells[-1] += [interval(of[task, *way]["accuracy"], "{:.3f}") for way in ways]
        cells[-1].append(str(first["accuracy"]["n"]))
    head = ["task", "shape", "majority", *(f"{model}, {start}" for model, start in ways), "n"]
    return table("Fine-tuning (accuracy)", head, cells)


def masked(found: Row) -> str:
    """How often BERT's first guess is the word."""
    accuracy = found["accuracy"]
    return f"BERT's first guess for a masked word is right in {interval(accuracy, '{:.3f}')} of {accuracy['n']} gaps."


def zero_shot(found: Row) -> str:
    """GPT-2 by size, without a gradient step."""
    text = {row["model"]: row for row in found["text"]}
    cells = []
    for row in found["rows"]:
        of = text[row["model"]]
        numbers = [f"{row['parameters']:,}", f"{of['loss']:.3f}", f"{of['bits_per_byte']:.3f}"]
        cells.append([row["model"], *numbers, interval(row["accuracy"], "{:.3f}"), f"{row['chance']:.3f}"])
    head = ["model", "parameters", "held-out loss", "bits per byte", "which_description, zero-shot", "chance"]
    return table("GPT-2 by size", head, cells)


def few_shot(rows: list[Row]) -> str:
    """Scores with examples in the prompt."""
    shots = sorted({row["k"] for row in rows})
    cells = []
    for task, model, labels in dict.fromkeys((row["task"], row["model"], row["labels"]) for row in rows):
        mine = {r["k"]: r for r in rows if (r["task"], r["model"], r["labels"]) == (task, model, labels)}
        found = [interval(mine[k]["accuracy"], "{:.3f}") if k in mine else "" for k in shots]
        one = next(iter(mine.values()))
        cells.append([task, model, labels, *found, f"{one['blind']:.3f}", str(one["accuracy"]["n"])])
    head = ["task", "model", "labels", *(f"{k} example{'s' * (k != 1)}" for k in shots), "blind", "n"]
    return table("GPT-3: scores with examples in the prompt", head, cells)


def aligned(found: Row) -> list[str]:
    """The reward model, win rates by size, and what aligning costs."""
    rewards = [
        [row["group"], *(interval(row[name], "{:.3f}") for name in ("accuracy", "longer")), str(row["accuracy"]["n"])]
        for row in found["reward"]
    ]
    rates = [
        [row["role"], row["size"], row["group"], interval(row["rate"], "{:.3f}"), f"{row['words']:.1f}"]
        for row in found["win_rates"]
    ]
    taxes = [[row["model"], row["size"], interval(row["bits_per_byte"], "{:.3f}")] for row in found["tax"]]
    back = "; ".join(f"{row['size']}: {interval(row['recovered'], '{:.2f}')}" for row in found["recovered"])
    return [
        table(
            "InstructGPT: the reward model", ["labellers (simulated)", "accuracy", "longer output", "pairs"], rewards
        ),
        table(
            "InstructGPT: preferred to the largest SFT model", ["model", "size", "labellers", "rate", "words"], rates
        ),
        table("InstructGPT: bits per byte of held-out text", ["model", "size", "bits per byte"], taxes)
        + f"\n\nOf the rise that PPO alone causes, the mix takes back {back}.",
    ]


def pictures(found: Row) -> str:
    """Questions about pictures, beside the controls."""
    ways = ("seeing", "shuffled", "blind", "majority", "guess")
    cells = [
        [
            row["kind"],
            str(row["n"]),
            interval(row["seeing"], "{:.3f}"),
            *(f"{row[way]['value']:.3f}" for way in ways[1:]),
        ]
        for row in found["rows"]
    ]
    return table("Questions about pictures", ["kind", "n", *ways], cells)


def faults(found: Row) -> str:
    """The run that meets faults."""
    same = "yes" if found["identical"] else "no"
    cells = [str(found["kills"]), str(found["hangs"]), str(len(found["bad"])), str(len(found["rollbacks"])), same]
    cells.append(f"{100 * (found['survived'] / found['clean'] - 1):+.2f} %")
    head = ["kills", "hangs", "bad batches", "rollbacks", "as without kills and hangs", "loss beside no faults"]
    return table("A run that meets faults", head, [cells])


def chat(found: Row) -> str:
    """The chat model before and after its safety reward."""
    cells = []
    for name in found["safety"]["figures"]["before"]:
        sides = [found["safety"]["figures"][side].get(name) for side in ("before", "after")]
        if all(sides):
            cells.append([name.replace("_", " "), *(interval(m, "{:.3f}") for m in sides), str(int(sides[0]["n"]))])
    for name in ("plain", "attacked"):
        sides = [found["system"][side][name] for side in ("before", "after")]
        if all(sides):
            told = f"system message kept, {name}"
            cells.append([told, *(interval(m, "{:.3f}") for m in sides), str(sides[0]["n"])])
    errors = [found["calibration"][side]["figures"]["ECE, equal width"] for side in ("before", "after")]
    cells.append(["calibration error (ECE)", *(interval(m, "{:.3f}") for m in errors), str(errors[0]["n"])])
    return table("Before and after the safety reward", ["share", "before", "after", "n"], cells)


def interval(measured: Row, form: str) -> str:
    """A value and its interval."""
    value, low, high = (form.format(measured[name]) for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def table(title: str, head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown under its title."""
    lines = [head, ["---"] * len(head), *rows]
    return f"## {title}\n\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    main()
