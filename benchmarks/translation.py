"""The Transformer on real sentence pairs: trained, then measured on a test set that the training never sees.

$ python -m benchmarks.translation --data multi30k --test multi30k-test --source en --target de

DATA holds train.en, train.de, val.en and val.de, TEST the same endings of a test split; nothing is downloaded. A run
that was stopped goes on, and so does an evaluation. `--small` takes a tiny network, few steps and few test pairs, to
see that all of it works. Writes translation.json and translation.md into OUT; benchmarks/translation.md is told there.
"""

import argparse
import copy
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from foretell.corpus.parallel import TextPair, read_pairs, split_named
from foretell.eval.overlap import bleu_difference
from foretell.eval.results import fingerprint
from foretell.eval.translation import translation_suite
from foretell.generate.model import Model, load
from foretell.recipes import recipe
from foretell.recipes.sources import resolve
from foretell.runs import processor, read_json, write_whole
from foretell.train.checkpoint import every
from foretell.train.config import RunConfig
from foretell.train.loop import train
from foretell.train.metrics import read_metrics

SMALL_STEPS, SMALL_PAIRS = 200, 20


def configured(given: argparse.Namespace) -> RunConfig:
    """The recipe's config on these pairs."""
    cfg = recipe(f"transformer.translate:{'smoke' if given.small else 'small'}")
    data = replace(cfg.data, folder=str(given.data), source=given.source, target=given.target)
    machine = replace(cfg.machine, device="cpu", threads=given.threads, precision=given.precision)
    steps = given.steps or (SMALL_STEPS if given.small else cfg.steps)
    return replace(cfg, data=data, machine=machine, steps=steps, evaluate_rows=0)


def last_checkpoint(run: Path, model: Model) -> Model:
    """The model of the last checkpoint alone, with the shapes and the tokenizer of the run's."""
    network = copy.deepcopy(model.network)
    network.load_state_dict(load_file(every(run / "checkpoints")[-1] / "model.safetensors"))
    return Model(network, model.tokenizer)


def outputs(folder: Path, name: str) -> list[str]:
    """What an evaluation kept, in the order of the test set."""
    rows = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
    return [row["output"] for row in sorted(rows, key=lambda row: row["index"])]


def sacrebleu_command(folder: Path, found: Sequence[str], wanted: Sequence[str]) -> dict[str, Any]:
    """What sacrebleu's own command says of the same sentences, with its own interval."""
    for name, lines in (("output.txt", found), ("wanted.txt", wanted)):
        write_whole(folder / name, "".join(line + "\n" for line in lines))
    command = [sys.executable, "-m", "sacrebleu", "wanted.txt", "-i", "output.txt", "-m", "bleu", "-w", "4"]
    said = subprocess.run([*command, "--confidence"], cwd=folder, capture_output=True, check=True, text=True).stdout
    return dict(json.loads(said))


def measured(given: argparse.Namespace, run: Path, training: Sequence[TextPair]) -> dict[str, Any]:
    """The mean of checkpoints beside the last one, on the test split; and sacrebleu's command."""
    split = split_named(given.test, given.source, given.split)
    pairs = read_pairs(given.test, split, given.source, given.target)[: SMALL_PAIRS if given.small else None]
    wanted, mean = [target for _, target in pairs], load(run)
    sides, found = {"mean": mean, "last": last_checkpoint(run, mean)}, {}
    for name, model in sides.items():
        begun = time.process_time()
        out = given.out / name
        found[name] = translation_suite(model, pairs, training=training, out=out, quiet=given.quiet)
        found[name] |= {"cpu_seconds": round(time.process_time() - begun, 1), "weights": fingerprint(model)[:16]}
    beams = [outputs(given.out / name, "beam-4") for name in sides]
    return {
        "split": split,
        **found,
        "mean_minus_last": bleu_difference(*beams, wanted),
        "sacrebleu": sacrebleu_command(given.out, beams[0], wanted),
    }


def trained(run: Path) -> dict[str, Any]:
    """What the training took, and its held-out curve."""
    lines = read_metrics(run / "metrics.jsonl")
    keys = ("step", "epochs", "cpu_seconds", "val_nll", "val_loss")
    curve = [{key: line[key] for key in keys if key in line} for line in lines if "val_loss" in line]
    cfg, last = read_json(run / "config.json"), lines[-1]
    n = sum(value.numel() for value in load_file(run / "model" / "model.safetensors").values())
    return {
        "recipe": cfg["recipe"],
        "model": cfg["model"],
        "precision": cfg["machine"]["precision"],
        "parameters": n,
        "steps": last["step"],
        "average": cfg["average"],
        "checkpoint_every": cfg["checkpoint_every"],
        "cpu_seconds": last["cpu_seconds"],
        "seconds": last["seconds"],
        "epochs": curve[-1]["epochs"] * last["step"] / curve[-1]["step"],  # rows are read at one rate
        "curve": curve,
    }


def interval(one: dict[str, float], digits: int = 1) -> str:
    """A value with its interval."""
    return f"{one['value']:.{digits}f} ({one['low']:.{digits}f} to {one['high']:.{digits}f})"


def table(found: dict[str, Any]) -> str:
    """What was measured, as Markdown."""
    run, test = found["run"], found["test"]
    mean, last = test["mean"], test["last"]
    rows = [
        (f"mean of the last {run['average']} checkpoints, beam 4", mean),
        (f"mean of the last {run['average']} checkpoints, greedy", mean["greedy"]),
        ("last checkpoint, beam 4", last),
        ("last checkpoint, greedy", last["greedy"]),
        ("the source itself", mean["copy"]),
        (mean["baseline"]["what"], mean["baseline"]),
    ]
    lines = [f"| {name} | {interval(one['bleu'])} | {interval(one['chrf'])} |" for name, one in rows]
    per_epoch = run["cpu_seconds"] / run["epochs"]
    return "\n".join(
        [
            f"{test['split']}, n = {mean['n']}; {found['processor']}, torch {found['torch']}.",
            "",
            f"| translations | BLEU (95 %) | chrF2 (95 %) |\n| --- | --- | --- |\n{chr(10).join(lines)}",
            "",
            f"Beam minus greedy: {interval(mean['beam_minus_greedy'])} BLEU; mean minus last checkpoint: "
            f"{interval(test['mean_minus_last'])}.",
            f"sacrebleu's command on the same sentences: {test['sacrebleu']['score']} "
            f"({test['sacrebleu'].get('confidence', 'no interval')}), signature {mean['signatures']['bleu']}.",
            f"Training: {run['steps']} steps, {run['epochs']:.1f} epochs, {run['cpu_seconds']:.0f} CPU-seconds "
            f"({per_epoch:.0f} an epoch), {run['parameters'] / 1e6:.1f}M parameters, {run['precision']}.",
            f"Translating with both searches: {mean['cpu_seconds']:.0f} CPU-seconds; "
            f"{mean['unfinished']} translations reached the limit, {mean['cut']} sources were cut.",
            "",
        ]
    )


def main() -> None:
    """Train, translate, score, write."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--data", type=Path, required=True)
    flags.add_argument("--test", type=Path, required=True)
    flags.add_argument("--source", default="en")
    flags.add_argument("--target", default="de")
    flags.add_argument("--split", default="", help="of TEST; the one with test in its name if there is one")
    flags.add_argument("--out", type=Path, default=Path("runs/benchmark-translation"))
    flags.add_argument("--run", type=Path, help="a run that was trained before, or that is to go on; default OUT/run")
    flags.add_argument("--steps", type=int, default=0)
    flags.add_argument("--threads", type=int, default=1)
    flags.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    flags.add_argument("--small", action="store_true")
    flags.add_argument("--quiet", action="store_true")
    given = flags.parse_args()
    run = given.run or given.out / "run"
    if not (run / "model").exists():
        train(resolve(configured(given), given.out / "corpora", quiet=given.quiet), run, quiet=given.quiet)
    torch.set_num_threads(given.threads)
    training = read_pairs(given.data, "train", given.source, given.target)
    found = {"processor": processor(), "torch": torch.__version__, "threads": given.threads}
    found |= {"run": trained(run), "test": measured(given, run, training)}
    write_whole(given.out / "translation.json", json.dumps(found, indent=1) + "\n")
    write_whole(given.out / "translation.md", table(found))
    print(table(found))


if __name__ == "__main__":
    main()
