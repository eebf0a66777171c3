"""The suites that are no few-shot tables: exams, perplexity, translation by a seq2seq, fine-tuning, programs."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foretell.commands.tables import table
from foretell.corpus.parallel import read_pairs, split_named, splits
from foretell.errors import BadUse
from foretell.eval.exam_file import read_dirty, read_exam
from foretell.eval.exam_suite import FOLDER, Sitting, exam_suite
from foretell.eval.exams import known_exams
from foretell.eval.perplexity import perplexity_suite
from foretell.eval.programs import check_consent, program_suite
from foretell.eval.results import opened, save_results
from foretell.eval.running_text import texts_of
from foretell.eval.translation import translation_suite
from foretell.generate.model import Model
from foretell.tasks.programs import problems
from foretell.tasks.source import Source

Told = tuple[list[str], dict[str, Any]]


def percent(value: float | None) -> str:
    """61.2 of 0.612."""
    return "" if value is None else f"{100 * value:.1f}"


def interval(measured: dict[str, Any] | None, scale: float = 1.0) -> str:
    """12.3 [10.1, 14.5]."""
    if not measured or measured.get("low") is None:
        return "" if not measured else f"{scale * measured['value']:.1f}"
    return f"{scale * measured['value']:.1f} [{scale * measured['low']:.1f}, {scale * measured['high']:.1f}]"


def exams(model: Model, source: Source, given: argparse.Namespace) -> Told:
    """GPT-4's exams: sections, scores, percentiles, the control with other letters, contamination."""
    found, missing = known_exams(source)
    found += [read_exam(Path(path)) for path in given.exam]
    names = [exam.name for exam in found]
    for name in given.tasks:
        if name not in names:
            raise BadUse(missing.get(name) or f"no exam is called {name!r}; there are {', '.join([*names, *missing])}")
    found = [exam for exam in found if not given.tasks or exam.name in given.tasks]
    shots = one_number(given.shots, few=5)
    sitting = Sitting(shots=shots, limit=given.limit, seed=given.seed or 0, explain=given.explain)
    dirty = read_dirty(Path(given.dirty)) if given.dirty else None
    rows = exam_suite(model, found, given.out, sitting, dirty, quiet=given.quiet)
    save_results(given.out / FOLDER, {"rows": rows, "missing": missing})
    heads = [
        "exam",
        "n",
        "points % [95 %]",
        "score",
        "percentile",
        "random",
        "one letter",
        "shuffled",
        "clean",
        "shots",
    ]
    lines = table(heads, [exam_cells(row) for row in rows])
    lines += [
        f"{row['exam']}: {row['too_long']} questions are longer than the context" for row in rows if row["too_long"]
    ]
    return lines + [f"{name} was left out: {why}" for name, why in missing.items()], {"rows": rows, "missing": missing}


def exam_cells(row: dict[str, Any]) -> list[str]:
    """The cells of an exam."""
    if not row["n"]:
        return [row["exam"], "0", *[""] * 7, str(row["shots"])]
    shuffled = row["shuffled"]["share"] if row["shuffled"] else None
    clean = row["contamination"]["clean"] if row["contamination"] else None  # in the exam's own unit
    score = f"{row['score']['value']:.1f} {row['unit']}"
    cells = [row["exam"], str(row["n"]), interval(row["share"], 100), score, interval(row["percentile"])]
    cells += [percent(row["random"]), percent(row["one_letter"]), interval(shuffled, 100), interval(clean)]
    return [*cells, str(row["shots"])]


def one_number(words: Sequence[str], few: int) -> int:
    """The one number of examples; BadUse for several."""
    if len(words) != 1 or (words[0] != "few" and not words[0].isdecimal()):
        raise BadUse(f"--shots {' '.join(words)}: this suite takes one whole number, or few ({few})")
    return few if words[0] == "few" else int(words[0])


def perplexity(model: Model, given: argparse.Namespace) -> Told:
    """Sliding-window perplexity and bits per byte of texts: files, folders, or this machine's documentation."""
    texts = texts_of([Path(path) for path in given.data])
    if given.limit:
        texts = {name: documents[: given.limit] for name, documents in texts.items()}
    with opened(given.out, model, "perplexity"):
        rows = perplexity_suite(model, texts, quiet=given.quiet)
        save_results(given.out, {"rows": rows})
    heads = ["text", "documents", "tokens", "perplexity [95 %]", "by word", "bits per byte", "stride"]
    cells = [
        [
            *(row["text"], f"{row['n_documents']}", f"{row['n_tokens']}", interval(row["perplexity"])),
            *(interval(row["word_perplexity"]), f"{row['bits_per_byte']['value']:.4f}", f"{row['stride']}"),
        ]
        for row in rows
    ]
    return table(heads, cells), {"rows": rows}


def translation(model: Model, given: argparse.Namespace) -> Told:
    """BLEU of a seq2seq on a test set: test.SOURCE and test.TARGET, or test.jsonl, in --data FOLDER."""
    if len(given.data) != 1:
        raise BadUse("a translator is tested on one folder; give --data FOLDER with test.jsonl, or test.en and test.de")
    folder = Path(given.data[0])
    source, target = sides(folder, given)
    pairs = read_pairs(folder, split_named(folder, source, given.split), source, target)
    pairs = pairs[: given.limit] if given.limit else pairs
    training = read_pairs(folder, "train", source, target) if "train" in splits(folder, source or "jsonl") else ()
    with opened(given.out, model, "translations"):
        row = translation_suite(model, pairs, training=training, out=given.out, quiet=given.quiet)
        save_results(given.out, row)
    heads = ["translations", "n", "BLEU [95 %]", "chrF [95 %]"]
    named = [("beam 4", row), ("greedy", row["greedy"]), ("copy of the source", row["copy"])]
    named.append((row["baseline"]["what"], row["baseline"]))
    cells = [[name, str(row["n"]), interval(one["bleu"]), interval(one["chrf"])] for name, one in named]
    return [*table(heads, cells), row["signatures"]["bleu"]], row


def sides(folder: Path, given: argparse.Namespace) -> tuple[str, str]:
    """The two languages: as given, or none where the folder has JSON lines."""
    if given.languages:
        source, _, target = given.languages.partition("-")
        if not source or not target:
            raise BadUse(f"--languages {given.languages} names no two languages; write en-de")
        return source, target
    return "", ""


def code(model: Model, source: Source, given: argparse.Namespace) -> Told:
    """Programs that the model writes, run against their tests: pass@k. Nothing runs without --yes."""
    check_consent(given.yes)
    found, origin = problems(source)
    found = found[: given.limit] if given.limit else found
    k = [one for one in (1, 10, 100) if one <= given.samples]
    temperature = given.temperature if given.temperature is not None else (0.0 if given.samples == 1 else 0.8)
    with opened(given.out, model, "programs", {"seed": given.seed or 0}):
        file = given.out / "programs.jsonl"
        settings = {"n": given.samples, "k": k, "temperature": temperature, "seed": given.seed or 0, "file": file}
        row = program_suite(model, found, run_untrusted=given.yes, **settings)
        save_results(given.out, row)
    lines = table(
        ["measure", "problems", "solved % [95 %]"],
        [[name, str(len(found)), interval(value, 100)] for name, value in row["pass"].items()],
    )
    lines.append(f"{given.samples} programs a problem at temperature {temperature:g}; problems: {origin}")
    if row["does_not_fit"]:
        lines.append(f"too long for the context, and unsolved: {', '.join(row['does_not_fit'])}")
    return lines, row


def rankings(given: argparse.Namespace) -> Told:
    """A reward model's accuracy, log-loss and calibration on held-out rankings, beside the length alone."""
    from foretell.align.reward import load_reward
    from foretell.align.reward_report import reward_report
    from foretell.corpus.labels import held_out_rows
    from foretell.model.device import choose_device

    if len(given.data) != 1:
        raise BadUse("a reward model is asked about one file; give --data rankings.jsonl, or a folder that holds one")
    rows = held_out_rows(given.data[0], "rankings")
    rows = rows[: given.limit] if given.limit else rows
    reward = load_reward(given.model)
    reward.network.to(choose_device(given.device or "cpu"))
    with opened(given.out, Model(reward.network, reward.tokenizer), "rankings"):
        found = reward_report(reward, rows)
        save_results(given.out, found)
    baselines = found["baselines"]
    named = [("reward model", found["accuracy"]), ("the longer output", baselines["length"])]
    named += [("the model that wins most", baselines["most_won"])] if baselines["most_won"] else []
    lines = table(["accuracy", "pairs", "% [95 % by prompt]"], [[n, str(m["n"]), interval(m, 100)] for n, m in named])
    lines += ["", *table(["said %", "pairs", "right % [95 % by prompt]"], [
        [percent(one["said"]), str(one["n"]), interval(one["right"], 100)] for one in found["calibration"]
    ])]  # fmt: skip
    left = f"{found['ties']} ties, {found['too_long']} too long, {found['out_of_turn']} out of turn"
    lines.append(f"\nlog-loss {found['log_loss']['value']:.4f} nats (chance 0.6931); left out: {left}")
    return lines, found


def finetune(source: Source, given: argparse.Namespace) -> Told:
    """Heads trained on labelled sets, from the model's weights and from scratch, over seeds; held-out measures."""
    from foretell.recipes.finetuning import Plan, finetune_suite
    from foretell.train.config import Machine
    from foretell.train.run import Stopped

    plan = Plan(
        tasks=tuple(given.tasks),
        seeds=given.seeds,
        steps=given.steps or 0,
        limit=given.limit,
        source=source,
        out=given.out,
        machine=Machine(device=given.device or "auto", threads=given.threads or 0),
        quiet=given.quiet,
    )
    try:
        found = finetune_suite(given.model, plan)
    except Stopped as stopped:  # by Ctrl-C, with a checkpoint
        raise KeyboardInterrupt from stopped
    heads = [
        "task",
        "shape",
        "start",
        "lambda",
        "measure",
        "mean [95 % over seeds]",
        "one answer",
        "n",
        "seeds",
        "note",
    ]
    cells = [
        [
            *(row["task"], row["shape"], row["start"], f"{row['lambda']:g}", row["metric"], interval(over(row), 100)),
            *(percent(row["majority"]), str(row["n"]), str(len(row["seeds"])), row["note"]),
        ]
        for row in found["rows"]
    ]
    lines = table(heads, cells)
    lines += ["", *table(["task", "difference", "points [95 % over seeds]"], [
        [row["task"], row["what"], interval(over(row), 100)] for row in found["differences"]
    ])]  # fmt: skip
    return lines, found


def over(row: dict[str, Any]) -> dict[str, Any]:
    """Mean and interval of a row as a measured value."""
    return {"value": row["mean"], "low": row["low"], "high": row["high"]}
