"""How each suite is run from the command line, and its results as lines of text."""

import argparse
from pathlib import Path
from typing import Any

import torch

from foretell.commands import eval_images, eval_others
from foretell.commands.tables import table
from foretell.errors import BadUse
from foretell.eval.asking import Asking
from foretell.eval.few_shot import askings, few_shot
from foretell.eval.results import save_results
from foretell.generate.model import Model, load
from foretell.model.count import parameters
from foretell.model.device import choose_device
from foretell.recipes import suites
from foretell.recipes.published import published
from foretell.tasks.source import Source
from foretell.train.threads import choose_threads

Row = dict[str, Any]
NORMS = {"none": "whole", "token": "per token", "char": "per character", "byte": "per byte", "uncond": "less alone"}


def evaluated(given: argparse.Namespace) -> tuple[list[str], dict[str, Any]]:
    """The lines to print and the results of the suite that the command line names."""
    if given.suite == "finetune":
        return eval_others.finetune(source_of(given), given)
    if given.suite == "rankings":
        return eval_others.rankings(given)
    model = opened(given)
    if given.suite == "exams":
        return eval_others.exams(model, source_of(given), given)
    if given.suite == "perplexity":
        return eval_others.perplexity(model, given)
    if given.suite == "images":
        return eval_images.images(model, given)
    if given.suite == "code":
        return eval_others.code(model, source_of(given), given)
    if given.suite == "translation" and model.network.cfg.kind == "seq2seq":
        return eval_others.translation(model, given)
    if given.languages or given.split:
        rule = "a language model is asked with --tasks such as multi30k_en_de"
        raise BadUse(f"--languages and --split are of a seq2seq; {rule}")
    return few_shot_suite(model, given)


def opened(given: argparse.Namespace) -> Model:
    """The model, on the device and with the threads that were asked for."""
    model = load(given.model)
    model.network.to(choose_device(given.device or "cpu"))
    torch.set_num_threads(given.threads or quickest(model))
    return model


def quickest(model: Model) -> int:
    """How many threads read a prompt as long as the context soonest; 1 of what is no decoder, or not on the processor.

    An answer does not depend on it but by rounding.
    """
    weight = model.network.embed.token.weight
    if model.network.cfg.kind != "decoder" or weight.device.type != "cpu":
        return 1
    ids = torch.zeros((1, model.network.cfg.n_ctx), dtype=torch.long)  # (1, T)
    return choose_threads(lambda: model.logits(ids))


def source_of(given: argparse.Namespace) -> Source:
    """Where the command line says that data are."""
    folders = tuple(Path(folder) for folder in given.data)
    return Source(folders=folders, online=given.online, seed=given.seed or 0)


def few_shot_suite(model: Model, given: argparse.Namespace) -> tuple[list[str], dict[str, Any]]:
    """The suites that are asked with demonstrations."""
    like = Asking(limit=given.limit, seed=given.seed or 0, draw=given.draw, labels=given.labels)
    tasks, shots = suites.tasks_of(given.suite, given.tasks), askings(given.shots, like)
    must_have = bool(given.tasks)
    results = few_shot(model, tasks, source_of(given), shots, given.out, must_have=must_have, quiet=given.quiet)
    if given.labels == "right":  # the paper has no such control as shuffled ones
        with_paper(results["rows"], {task.name: task.shots for task in tasks}, model)
        save_results(given.out, results)
    return few_shot_lines(results, given.labels), results


def with_paper(rows: list[Row], most: dict[str, int], model: Model) -> None:
    """Put the paper's figure into each row for which it has one; `most` is its K of each task, however it was asked."""
    n_parameters = sum(parameters(model.network.cfg).values())
    for row in rows:
        few = row["k"] == most[row["task"]] > 1
        paper = published(row["task"], "few" if few else row["shots"], n_parameters)
        if paper is not None:
            row["paper"] = paper


def few_shot_lines(results: dict[str, Any], labels: str) -> list[str]:
    """The table, and what has to be said of it."""
    rows = results["rows"]
    heads = [
        "task",
        "K",
        "n",
        "score",
        "95 %",
        "s.e.",
        "random",
        "majority",
        "copy",
        "no end",
        "too long",
        "GPT-3",
        "by",
    ]
    lines = table(heads, [few_shot_cells(row) for row in rows])
    if labels == "shuffled":
        lines.append("The labels of the examples are drawn at random: this is the control.")
    if any(row.get("dropped") for row in rows):
        lines.append("K `a of b`: of b examples a fitted into the context, on average; the first ones were dropped.")
    if any(row.get("unended") for row in rows):
        lines.append("no end: answers that no stop text ended; they are wrong where the very answer is asked for.")
    if any(row["too_long"] for row in rows):
        lines.append("too long: questions that do not fit into the context; they are not among the n.")
    for row in rows:
        if "perplexity" in row:
            found = row["perplexity"]
            value = f"{found['value']:.1f} [{found['low']:.1f}, {found['high']:.1f}]"
            lines.append(f"{row['task']}, {row['shots']} shots: perplexity of the last word {value}")
    return lines + [f"{name} was left out: {why}" for name, why in results["missing"].items()]


def few_shot_cells(row: Row) -> list[str]:
    """The cells of a row; scores in percent, as the paper has them."""
    k = f"{row['k']}" if row.get("dropped", 0) == 0 else f"{row['demonstrations']:.1f} of {row['k']}"
    left_out = f"{row['too_long']}" if row["too_long"] else ""
    if not row["n"]:
        return [row["task"], k, "0", *[""] * 7, left_out, "", ""]
    scale = 1 if row["metric"] == "bleu" else 100

    def shown(name: str) -> str:
        return f"{scale * row[name]:.1f}" if name in row else ""

    interval = f"{scale * row['low']:.1f} to {scale * row['high']:.1f}"
    paper = f"{row['paper']['value']:.1f} ({row['paper']['size']})" if "paper" in row else ""
    by = row["metric"].replace("_", " ") + (f", {NORMS[row['norm']]}" if row["norm"] else "")
    baselines = [shown("random"), shown("majority"), shown("copy")]
    unended = f"{row['unended']}" if row.get("unended") else ""
    found = [shown("value"), interval, shown("se"), *baselines, unended, left_out, paper, by]
    return [row["task"], k, f"{row['n']}", *found]
