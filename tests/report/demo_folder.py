"""A demo's folder made up: every run and every result, with values that look like a small climb."""

import json
from dataclasses import replace
from itertools import product
from math import exp, log, sin

from foretell import recipes
from foretell.config import dump
from tests.report.demo_gpt4 import gpt4_results

NASTY = "<script>alert(1)</script> & $x_1$ \x07 </pre>"
TASKS = {"topic": "classification", "describes": "entailment", "same_text": "similarity", "which_description": "choice"}
COMMAND = "foretell demo"


def measured(value, width=0.05, n=400, **more):
    return {"value": value, "low": max(value - width, 0.0), "high": value + 0.9 * width, "n": n, "seeds": 1, **more}


def write_run(folder, recipe, steps, begin, end, tokens, extra=None):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(dump(recipes.recipe(recipe)))
    (folder / "lineage.json").write_text(json.dumps({"recipe": recipe}))
    lines = []
    for step in range(steps + 1):
        loss = end + (begin - end) * exp(-6 * step / steps)
        line = {"step": step}
        if step:
            line |= {
                "loss": loss + 0.15 * sin(step * 1.7) * sin(step / 3),
                "tokens": step * tokens,
                "seconds": step / 9,
            }
        if step % max(steps // 10, 1) == 0:
            share = 0.25 + (0.6 - 0.2 * end) * (1 - exp(-4 * step / steps))
            line |= {"val_loss": loss + 0.06, **{name: share if "acc" in name else loss / 2.4 for name in extra or ()}}
        lines.append(json.dumps(line))
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")


def write_runs(folder):
    write_run(folder / "transformer.translate", "transformer.translate:nano", 300, 8.4, 3.9, 1400)
    write_run(folder / "gpt1.pretrain", "gpt1.pretrain:nano", 700, 8.3, 3.4, 2048, ["val_bits_per_byte"])
    write_run(folder / "bert.pretrain", "bert.pretrain:nano", 900, 9.0, 4.1, 2048)
    write_run(folder / "gpt2.pretrain-pico", "gpt2.pretrain:pico", 600, 8.3, 3.9, 2048, ["val_bits_per_byte"])
    write_run(folder / "gpt2.pretrain-nano", "gpt2.pretrain:nano", 900, 8.3, 3.3, 2048, ["val_bits_per_byte"])
    for size in SIZES:
        for stage in ("ppo", "ptx"):
            write_ppo(folder / f"instructgpt.{stage}-{size}", size, mixed=stage == "ptx")
    for task in TASKS:
        write_run(folder / f"gpt1.finetune-{task}", "gpt1.finetune:nano", 40, 0.9, 0.3, 900, ["val_accuracy"])
        write_run(folder / f"gpt1.scratch-{task}", "gpt1.finetune:nano", 40, 0.9, 0.6, 900, ["val_accuracy"])
        write_run(folder / f"bert.finetune-{task}", "bert.finetune:nano", 40, 0.9, 0.3, 900, ["val_accuracy"])


def finetune_rows():
    ways = [("GPT-1", "pretrained", 0.12), ("GPT-1", "scratch", 0.0), ("BERT", "pretrained", 0.125)]
    return [
        {
            "task": task, "shape": shape, "model": model, "start": start, "accuracy": measured(0.55 + gain + 0.05 * i),
            "majority": 0.25 + 0.1 * i, "run": f"{model}-{task}",
        }
        for i, (task, shape) in enumerate(TASKS.items())
        for model, start, gain in ways
    ]  # fmt: skip


def shots_rows():
    """Two tasks, two sizes, 0 to 4 examples; the right labels help, the larger model more."""
    rows = []
    for task, model, size, k in product(("describes", "sums"), ("pico", "nano"), (0.3e6, 1.2e6), (0, 1, 4)):
        if (model == "nano") != (size > 1e6):
            continue
        for labels in ("right", "shuffled") if k else ("right",):
            value = 0.3 + 0.08 * k * (size > 1e6) * (labels == "right")
            rows.append(
                {
                    "task": task,
                    "family": "in words",
                    "model": f"gpt2.pretrain-{model}",
                    "parameters": int(size),
                    "k": k,
                    "labels": labels,
                    "demonstrations": min(k, 3.5),
                    "metric": "accuracy",
                    "accuracy": measured(value),
                    "blind": 0.25,
                }
            )
    return rows


def results():
    """What each file of results/ holds."""
    source = ["def ", "print", "(", "value", ",", " ...", ",", " sep", "=", "' '", ")", "\n"]
    target = ["Print", "s", " the", " values", " to", " a", " stream", ",", " $", "</text>", "."]
    weights = [[exp(-abs(s - 0.9 * t)) for s in range(len(source))] for t in range(len(target))]
    weights = [[w / sum(row) for w in row] for row in weights]
    runs = [("gpt2.pretrain-pico", 361_088, 4.1), ("gpt2.pretrain-nano", 1_333_760, 3.5)]
    pair = {"source": "print(value, ..., sep=' ')", "target": "Prints the values to a stream.", "output": NASTY}
    gap = {"token": "the", "probability": 0.412}, {"token": NASTY, "probability": 0.1}
    return {
        "corpus": {
            "source": "documentation text on this machine", "documents": 21_345, "bytes": 10_412_345,
            "by_source": [
                {"source": "docstrings of the standard library", "documents": 9000, "bytes": 5_100_000},
                {"source": "docstrings of site-packages", "documents": 12_000, "bytes": 4_300_000},
                {"source": "READMEs and licences", "documents": 345, "bytes": 1_012_345},
            ],
            "tokenizers": [
                {"kind": "bpe", "n_vocab": 4096, "bytes_per_token": 3.61},
                {"kind": "wordpiece", "n_vocab": 4096, "bytes_per_token": 3.42},
            ],
            "dropped": {"shorter than 80 characters": 4012, "seen before": 881},
        },
        "translation": {
            "bleu": measured(14.2, 1.9, 200), "copy": measured(2.1, 0.4, 200),
            "baseline": measured(1.2, 0.3, 200, what="always 'Return self.', the commonest target"),
            "examples": [pair, {**pair, "output": "Print the value of the object."}],
            "attention": {"source_tokens": source, "target_tokens": target, "weights": weights},
        },
        "finetune": {"rows": finetune_rows()},
        "masked_words": {
            "examples": [{"text": "Return the [MASK] of the list.", "answer": "length", "guesses": list(gap)}],
            "accuracy": measured(0.31, 0.01, 4100),
        },
        "zero_shot": {
            "rows": [
                {
                    "model": m, "parameters": n, "task": "which_description", "chance": 0.25,
                    "accuracy": measured(0.3 + n / 2e7, 0.05, 300),
                }
                for m, n, _ in runs
            ],
            "text": [{"model": m, "parameters": n, "loss": loss, "bits_per_byte": loss / 2.4} for m, n, loss in runs],
        },
        "few_shot": {"command": "foretell demo", "rows": shots_rows()},
        "samples": {
            "rows": [
                {"model": m, "prompt": "Return the", "text": NASTY, "settings": "temperature 0.8, top-k 40"}
                for m in ("gpt1.pretrain", *(m for m, _, _ in runs))
            ]
        },
        "filtering": filtering(),
        "aligned": alignment(),
        **gpt4_results(NASTY),
        "story": story(),
    }  # fmt: skip


ROLES = {"GPT": 0.2, "GPT prompted": 0.3, "SFT": 0.45, "PPO": 0.55, "PPO-ptx": 0.58}
SIZES = {"pico": 366_000, "nano": 1_330_000}


def alignment():
    rates = [
        {"role": role, "size": size, "parameters": n, "group": group, "rate": measured(rate + 0.04 * i, 0.05, 720),
         "ties": 0.1, "words": 12.5, "baseline_words": 11.0, "like_lengths": measured(0.5, 0.1, 80)}
        for i, (size, n) in enumerate(SIZES.items()) for role, rate in ROLES.items() for group in ("train", "held_out")
    ]  # fmt: skip
    rates[0]["like_lengths"] = None
    tax = [
        {"model": model, "size": size, "parameters": n, "bits_per_byte": measured(bits, 0.1, 200),
         "rise": None if model == "GPT" else measured(bits - 2.5, 0.01, 200),
         "tasks": [{"task": "describes", "k": 2, "metric": "accuracy", "value": score, "low": score - 0.1,
                    "high": score + 0.1, "n": 80}]}
        for size, n in SIZES.items()
        for model, bits, score in (("GPT", 2.5, 0.5), ("SFT", 2.6, 0.5), ("start", 2.55, 0.5), ("PPO", 2.8, 0.2),
                                   ("PPO-ptx", 2.57, 0.5))
    ]  # fmt: skip
    shares = [None, measured(0.92, 0.05, 200)]
    return {
        "command": COMMAND,
        "labellers": {"train": 6, "held_out": 3, "simulated": True},
        "data": {
            "sizes": [{"set": "demonstrations", "train": 4063, "valid": 395}, {"set": "rankings", "train": 256,
                                                                               "valid": 432}],
            "use_cases": [{"use_case": "generation", "n": 75, "share": 0.75}, {"use_case": NASTY, "n": 25,
                                                                               "share": 0.25}],
            "lengths": {"n": 100, "mean": 44.1, "median": 41}, "outputs": [{"k": 4, "rankings": 688}],
            "pairs": 4128, "ties": 412,
        },
        "agreement": measured(0.726, 0.015, 900),
        "reward": [
            {"group": group, "accuracy": measured(value), "log_loss": measured(0.61, 0.02), "longer": measured(0.55),
             "prompts": 48}
            for group, value in (("train", 0.70), ("held_out", 0.68))
        ],
        "win_rates": rates, "tax": tax,
        "recovered": [{"size": s, "parameters": n, "recovered": one} for (s, n), one in
                      zip(SIZES.items(), shares, strict=True)],
        "samples": [{"prompt": "What is it?", "answers": [{"model": "PPO-ptx nano", "text": NASTY}]}],
    }  # fmt: skip


def write_ppo(folder, size, *, mixed):
    cfg = recipes.recipe(f"instructgpt.ppo:{size}")
    if not mixed:
        cfg = replace(cfg, objective=replace(cfg.objective, ptx_weight=0.0))
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(dump(cfg))
    (folder / "lineage.json").write_text(json.dumps({"recipe": cfg.recipe}))
    lines = [{"step": 0, "val_reward": -0.5, "val_lm": 5.1}]
    lines += [{"step": i, "reward": -0.5 + i / 20, "kl": i / 10, "loss": 1.0} for i in range(1, 25)]
    lines[-1]["val_lm"] = 5.2 if mixed else 5.9
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def filtering():
    steps = [("read", 1000, {"empty": 3}), ("quality", 400, {"quality": 600}), ("near duplicates", 396, {"a copy": 4})]
    share = {"tokens": 150_000, "weight": 0.4, "epochs": 0.5}
    return {
        "alone": "foretell corpus raw --curated good --recipe gpt3 --out x", "recipe": "gpt3",
        "steps": [
            {"step": step, "what": f"documents after {step}", "documents": n, "bytes": 5000 * n, "dropped": dropped}
            for step, n, dropped in steps
        ],
        "sources": [
            {"source": "good", "role": "curated", "read": 300, "kept": 296},
            {"source": NASTY, "role": "raw", "read": 700, "kept": 100},
        ],
        "gate": {"auc": measured(0.93, 0.02, 315), "keep_rate": 0.04, "keep_rate_curated": 0.6},
        "mixture": [{"source": "good", **share}, {"source": "raw", **share, "weight": 0.6, "epochs": 3.0}],
        "paper": [{"source": "WebText2", "tokens": 19e9, "weight": 0.218, "epochs": 3.44, "printed_weight": 0.22,
                   "printed_epochs": 2.9}],
    }  # fmt: skip


def story():
    papers = [
        ("Transformer", "2017-06", "65M (base)", "4.5M sentence pairs"), ("GPT", "2018-06", "117M", "about 5 GB"),
        ("BERT", "2018-10", "340M (large)", "about 12 GB"), ("GPT-2", "2019-02", "1.5B", "40 GB"),
        ("GPT-3", "2020-05", "175B", "45 TB before filtering"),
    ]  # fmt: skip
    rows = [dict(zip(("model", "date", "paper_parameters", "paper_data"), paper, strict=True)) for paper in papers]
    ours = {"parameters": 1_333_760, "tokens": 1_843_200, "seconds": 101.2}
    for row in rows[:-1]:
        row |= {**ours, "result": {"measure": "bits_per_byte", "value": 1.43}}
    names = [
        "corpus",
        "Transformer: translate",
        "Transformer: measure",
        "GPT: pretrain",
        "GPT: fine-tune",
        "BERT: pretrain",
        "GPT-4: images",
        "GPT-4: a run that survives",
        "GPT-4: safety",
        "GPT-4: inverse scaling",
    ]
    return {
        "scale": "nano", "text": "embedded", "started": "2026-11-24 14:00 UTC", "seconds": 612.0,
        "stages": [{"name": name, "seconds": 30.0 + 40 * log(i + 1), "done": True} for i, name in enumerate(names)],
        "rows": rows, "version": "0.1.0",
        "machine": {"processor": "A Processor 9000", "cores": 2, "python": "3.11.2", "torch": "2.13.0"},
    }  # fmt: skip


def write_results(folder, found):
    (folder / "results").mkdir(parents=True, exist_ok=True)
    for name, content in found.items():
        text = json.dumps({"command": COMMAND, "made_from": "0" * 64, **content})
        (folder / "results" / f"{name}.json").write_text(text)
