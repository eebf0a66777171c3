"""InstructGPT's loop for longer than the demo has time: PPO with and without pretraining text, against the SFT model.

$ foretell demo                                         its runs are where this begins
$ python -m benchmarks.alignment --demo runs/demo       writes benchmarks/alignment.md

The demonstrations, the rankings of simulated labellers and the reward model are the demo's; the policies are trained
for --iterations, and win rates are told by all of its labellers together, of held-out prompts.
"""

import argparse
import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from foretell.align.answering import Answering, fits
from foretell.align.comparing import labelled
from foretell.align.sides import Side, side_answers
from foretell.config import load
from foretell.corpus.batches import open_batches
from foretell.corpus.jsonl import read_lines
from foretell.eval.alignment_tax import bits_per_byte, recovered, text_loss
from foretell.eval.win_rate import win_rate
from foretell.recipes.lineage import aligned
from foretell.recipes.lineage.plan import Climb, model_of, size
from foretell.recipes.lineage.together import run_together
from foretell.runs import processor, read_json
from foretell.train.config import RunConfig
from foretell.train.metrics import read_metrics

HERE = Path(__file__).parent
STAGES = {"ppo": "PPO", "ptx": "PPO-ptx"}
EVERY = 5  # points of the curves


def main() -> None:
    """Train, compare, print, write."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--demo", type=Path, default=Path("runs/demo"))
    flags.add_argument("--iterations", type=int, default=80)
    flags.add_argument("--seeds", type=int, default=1)
    flags.add_argument("--prompts", type=int, default=200)
    given = flags.parse_args()
    torch.set_num_threads(1)
    asked = read_json(given.demo / "plan.json")
    plan = Climb(out=given.demo, text=asked["text"], scale=asked["scale"], quiet=True)
    names = {
        (stage, seed): f"benchmark/{stage}-{given.iterations}-{seed}" for stage in STAGES for seed in range(given.seeds)
    }
    run_together(plan, [(config(plan, stage, seed, given.iterations), name) for (stage, seed), name in names.items()])
    rows = [measured(plan, stage, seed, name, given.prompts) for (stage, seed), name in names.items()]
    rows.append(measured(plan, "sft", 1, aligned.of_size(plan, "sft", size(plan)), given.prompts))
    mixed = [taken_back(plan, *(names[stage, seed] for stage in STAGES)) for seed in range(given.seeds)]
    found = {"rows": rows, "recovered": mixed, "iterations": given.iterations}
    page = table(plan, found, [plan.out / name for name in names.values()])
    print(page)
    month = datetime.date.today().strftime("%Y-%m")
    (HERE / f"alignment_{month}.json").write_text(json.dumps(found, indent=1) + "\n")
    (HERE / "alignment.md").write_text(page)


def config(plan: Climb, stage: str, seed: int, iterations: int) -> RunConfig:
    """The demo's config with more iterations."""
    cfg = aligned.policy(plan, size(plan), mixed=stage == "ptx")
    objective = replace(cfg.objective, average=aligned.average_over(iterations))
    return replace(aligned.shortened(cfg, iterations), objective=objective, seed=seed)


def measured(plan: Climb, stage: str, seed: int, name: str, n: int) -> dict[str, Any]:
    """The win rate of a run against the SFT model, and what it costs on text."""
    how = Answering(max_new_tokens=aligned.response(plan), seed=seed)
    sft = aligned.of_size(plan, "sft", size(plan))
    base, model = model_of(plan, sft), model_of(plan, name)
    rows = read_lines(aligned.folder_of_prompts(plan) / "prompts.jsonl")
    prompts = [one for one in rows if one["split"] == "valid" and fits(base, one, how)][:n]
    out = plan.out / "evaluation" / "benchmark"
    other = Side(name="SFT", source=str(plan.out / sft), how=replace(how, seed=1000))
    against = side_answers(other, base, prompts, out, quiet=True)
    side = Side(name=f"{stage}-{seed}", source=str(plan.out / name), how=how)
    mine = side_answers(side, model, prompts, out, quiet=True)
    results, comparisons = labelled(prompts, mine, against, aligned.labellers(), aligned.SEED)
    text = bits_per_byte(text_loss(model, held_out(plan).evaluation(16, aligned.amounts(plan).text)))
    return {
        "role": STAGES.get(stage, "SFT"),
        "seed": seed,
        "rate": win_rate(comparisons),
        "words": results["words"],
        "text": text,
    }


def held_out(plan: Climb) -> Any:
    """The rows of the pretraining text."""
    cfg = load(RunConfig, (plan.out / f"gpt2.pretrain-{size(plan)}" / "config.json").read_text())
    return open_batches(cfg.data, cfg.seed)


def taken_back(plan: Climb, alone: str, mixed: str) -> dict[str, float]:
    """The share of the rise in the text's loss that the mix takes back."""
    n, rows = aligned.amounts(plan).text, held_out(plan)
    start = aligned.of_size(plan, "start", size(plan))
    losses = [text_loss(model_of(plan, name), rows.evaluation(16, n)) for name in (start, alone, mixed)]
    return recovered(*losses)


def table(plan: Climb, found: dict[str, Any], runs: list[Path]) -> str:
    """The figures as Markdown."""
    episodes = aligned.amounts(plan).episodes
    took = [read_metrics(run / "metrics.jsonl")[-1]["seconds"] for run in runs]
    lines = [
        f"Policies of size {size(plan)} after {found['iterations']} iterations of {episodes} episodes, from the demo's",
        "demonstrations, rankings and reward model. The labellers are simulated, by a quality that this project made",
        "up: what this shows is that the machinery does what labels ask for. Intervals: 95 %, by prompt and labeller.",
        f"{processor()}, torch {torch.__version__}; {min(took):.0f} to {max(took):.0f} s of steps a run, one thread "
        "each;",
        "made by benchmarks/alignment.py.",
        "",
        "| model | seed | preferred to SFT | comparisons | words, SFT's | bits per byte of text |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in found["rows"]:
        rate, text, words = row["rate"], row["text"], row["words"]
        told = f"{rate['value']:.3f} ({rate['low']:.3f} to {rate['high']:.3f})"
        bits = f"{text['value']:.3f} ({text['low']:.3f} to {text['high']:.3f})"
        lines.append(
            f"| {row['role']} | {row['seed']} | {told} | {rate['n']} | {words['a']:.1f}, {words['b']:.1f} | {bits} |"
        )
    lines += ["", "Of the rise in the text's loss that PPO alone causes, the mix takes back:", ""]
    for seed, m in enumerate(found["recovered"]):
        lines.append(f"- seed {seed}: {100 * m['value']:.0f} % ({100 * m['low']:.0f} to {100 * m['high']:.0f})")
    lines += [
        "",
        "| run | iteration | reward | KL (nats) | entropy | tokens | ended |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for run in runs:
        steps = [line for line in read_metrics(run / "metrics.jsonl") if "reward" in line]
        for line in steps[:: max(len(steps) // EVERY, 1)] + steps[-1:]:
            cells = [f"{line[name]:.2f}" for name in ("reward", "kl", "entropy")]
            cells += [f"{line['response_length']:.1f}", f"{line['ended']:.2f}"]
            lines.append(f"| {run.name} | {line['step']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
