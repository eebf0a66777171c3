"""What is measured of the models of a climb: one function a figure, whose value is results/<name>.json."""

from pathlib import Path
from typing import Any

from foretell.corpus.config import EMBEDDED
from foretell.corpus.jsonl import read_lines
from foretell.errors import BadUse
from foretell.recipes import sources
from foretell.recipes.lineage.plan import Climb, model_of, recipe
from foretell.runs import read_json

MODELS = {"gpt1": "GPT-1", "bert": "BERT"}
PROMPTS = ("Return the", "The following", "class ", "This module")


def corpus_table(plan: Climb, cards: list[Path]) -> dict[str, Any]:
    """What the text is made of, and how far each tokenizer packs it."""
    first = read_json(cards[0])
    return {
        "source": "documentation text on this machine" if plan.text == EMBEDDED else Path(plan.text).name,
        "documents": first["n_documents"],
        "bytes": sum(first["n_bytes"].values()),
        "by_source": by_source(cards[0].parent / "documents.parquet", most=12),
        "dropped": first["dropped"],
        "tokenizers": [packing(read_json(card)) for card in cards],
    }


def packing(card: dict[str, Any]) -> dict[str, Any]:
    """How many bytes of text a tokenizer's token stands for."""
    n_bytes, n_tokens = sum(card["n_bytes"].values()), sum(card["n_tokens"].values())
    return {"kind": card["tokenizer"], "n_vocab": card["n_vocab"], "bytes_per_token": n_bytes / n_tokens}


def by_source(sidecar: Path, most: int) -> list[dict[str, Any]]:
    """Documents and bytes of each source, the largest first, the small ones together."""
    import pyarrow.parquet as parquet

    sums: dict[str, list[int]] = {}
    for row in parquet.read_table(sidecar, columns=["source", "n_bytes"]).to_pylist():
        found = sums.setdefault(row["source"], [0, 0])
        found[0], found[1] = found[0] + 1, found[1] + row["n_bytes"]
    ordered = sorted(sums.items(), key=lambda item: -item[1][1])
    named, rest = ordered[:most], ordered[most:]
    if rest:
        named.append((f"{len(rest)} others", [sum(n for _, (n, _) in rest), sum(size for _, (_, size) in rest)]))
    return [{"source": name, "documents": n, "bytes": size} for name, (n, size) in named]


def translation_table(plan: Climb, name: str) -> dict[str, Any]:
    """BLEU of the held-out pairs that fit, examples, and the attention of one pair of middling length."""
    from foretell.eval.translation import attention_map, measure_translation

    model, n_ctx = model_of(plan, name), recipe(plan, name).model.n_ctx
    pairs = sources.signatures(plan.corpora, plan.text)
    train, val = (read_lines(pairs / f"{part}.jsonl") for part in ("train", "val"))
    held_out = [pair for pair in val if len(model.tokenizer.encode(pair["source"])) < n_ctx - 2]
    held_out = some(held_out, "pair")[: 20 if plan.scale == "smoke" else 200]
    found = measure_translation(model, held_out, train, max_new_tokens=min(40, n_ctx - 2))
    pair = min(held_out, key=lambda pair: abs(len(pair["source"]) - 40))
    attention = attention_map(model, pair["source"], pair["target"])
    return found | {"attention": attention, "examples": found["examples"][:12]}


def finetunings() -> list[tuple[str, str, str, str]]:
    """Every fine-tuning run: its folder, its rung, the task, how it starts."""
    ways = [("gpt1", "pretrained"), ("gpt1", "scratch"), ("bert", "pretrained")]
    words = {"pretrained": "finetune", "scratch": "scratch"}
    return [(f"{rung}.{words[start]}-{task}", rung, task, start) for task in sources.TASKS for rung, start in ways]


def finetune_rows(plan: Climb) -> list[dict[str, Any]]:
    """Held-out accuracy of every fine-tuning run."""
    from foretell.eval.measured import share

    rows = []
    for name, rung, task, start in finetunings():
        card = read_json(sources.task_folder(task, plan.corpora, plan.text) / "card.json")
        accuracy = read_json(plan.out / name / "lineage.json")["result"]["val_accuracy"]
        n = card["n_examples"]["val"]
        rows.append(
            {
                "task": task,
                "shape": card["shape"],
                "model": MODELS[rung],
                "start": start,
                "accuracy": share(round(accuracy * n), n),
                "majority": card["majority"],
                "run": name,
            }
        )
    return rows


def masked_words(plan: Climb) -> dict[str, Any]:
    """Gaps in held-out sentences with BERT's guesses, and how often the first guess is the word."""
    from foretell.eval.masked_words import gaps
    from foretell.eval.measured import share

    pairs = read_lines(sources.signatures(plan.corpora, plan.text) / "val.jsonl")
    n = 20 if plan.scale == "smoke" else 200
    found = gaps(model_of(plan, "bert.pretrain"), [pair["target"] for pair in pairs], n, longest=24)
    right = sum(gap["guesses"][0]["token"] == gap["answer"].lower() for gap in found)
    return {"examples": found[:8], "accuracy": share(right, len(found)) if found else None}


def some(found: list[dict[str, Any]], what: str) -> list[dict[str, Any]]:
    """The held-out examples that fit into the network; BadUse if there are none."""
    if not found:
        raise BadUse(f"no held-out {what} of this text fits into the network's context; give --text more of it")
    return found


def zero_shot(plan: Climb, names: list[str]) -> dict[str, Any]:
    """Which description fits a signature, chosen by likelihood; and how well held-out text is predicted."""
    from foretell.eval.zero_shot import accuracy

    task = "which_description"
    questions = read_lines(sources.task_folder(task, plan.corpora, plan.text) / "val.jsonl")
    first = model_of(plan, names[0])
    fitting = [q for q in questions if fits(q, first)]
    questions = some(fitting, "question")[: 20 if plan.scale == "smoke" else 300]
    rows, text = [], []
    for name in names:
        model = model_of(plan, name)
        n = sum(p.numel() for p in model.network.parameters())
        chance = 1 / len(questions[0]["choices"])
        result = read_json(plan.out / name / "lineage.json")["result"]
        rows.append(
            {
                "model": name,
                "parameters": n,
                "task": task,
                "accuracy": accuracy(model, questions, "\n"),
                "chance": chance,
            }
        )
        text.append(
            {"model": name, "parameters": n, "loss": result["val_loss"], "bits_per_byte": result["val_bits_per_byte"]}
        )
    return {"rows": rows, "text": text}


def fits(question: dict[str, Any], model: Any) -> bool:
    """Whether a question and each of its answers fit into the model's context."""
    room = model.network.cfg.n_ctx - 2
    return all(len(model.tokenizer.encode(f"{question['a']}\n{choice}")) <= room for choice in question["choices"])


def samples(plan: Climb, names: list[str]) -> list[dict[str, Any]]:
    """What each language model makes of the same beginnings."""
    rows = []
    for name in names:
        model = model_of(plan, name)
        room = model.network.cfg.n_ctx - max(len(model.tokenizer.encode(prompt)) for prompt in PROMPTS)
        n = min(60, room)
        found = model.generate(list(PROMPTS), max_new_tokens=n, temperature=0.8, top_k=40, seed=0)
        for prompt, completion in zip(PROMPTS, found, strict=True):
            settings = f"temperature 0.8, top-k 40, at most {n} tokens, seed 0"
            rows.append({"model": name, "prompt": prompt, "text": completion.text, "settings": settings})
    return rows
