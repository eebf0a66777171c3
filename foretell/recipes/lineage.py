"""The whole lineage on one text, rung by rung, then the report: what `foretell demo` does.

    out/corpora/    tokens, translation pairs and tasks made from the text
    out/<run>/      one folder a training run
    out/results/    what was measured, one JSON a figure
    out/report.html

Every stage is done once: a training run continues or is found finished, a measurement is kept with the hash of what it
was made from. So the command can be stopped and given again at any moment.
"""

import hashlib
import json
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from foretell import progress, recipes
from foretell.corpus.config import EMBEDDED, TaskData
from foretell.corpus.prepare import prepare_tokens
from foretell.errors import BadUse
from foretell.recipes import sources
from foretell.runs import read_json, write_whole
from foretell.train.config import RunConfig
from foretell.train.folder import weights_file
from foretell.train.loop import Result, train
from foretell.version import VERSION

SCALES = {"smoke": ("smoke",), "nano": ("pico", "nano"), "mini": ("nano", "mini")}  # and GPT-2's sizes at each
OUT = Path("runs/demo")
PROMPTS = ("Return the", "The following", "class ", "This module")


@dataclass(frozen=True, kw_only=True, slots=True)
class Climb:
    """Where a climb goes and on what text."""

    out: Path
    text: str
    scale: str
    quiet: bool = False

    @property
    def corpora(self) -> Path:
        """Where tokens, pairs and tasks are."""
        return self.out / "corpora"

    @property
    def command(self) -> str:
        """The command that climbs so."""
        text = [] if self.text == EMBEDDED else ["--text", Path(self.text).as_posix()]
        scale = [] if self.scale == "nano" else ["--scale", self.scale]
        out = [] if self.out == OUT else ["--out", self.out.as_posix()]
        return shlex.join(["foretell", "demo", *text, *scale, *out])


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One step of the climb. `weight` is its share of the time at nano scale, for telling the time that is left."""

    name: str
    weight: float
    do: Callable[[Climb], None]


def climb(plan: Climb) -> Path:
    """The report's path, when every stage is done; the report is written after each, so that there is one early."""
    if plan.scale not in SCALES:
        raise BadUse(f"scale {plan.scale!r} is none of {', '.join(SCALES)}; nano is for a laptop, mini takes hours")
    keep_to(plan)
    before_now = seconds_before(plan)
    begun, done, spent = time.monotonic(), 0.0, []
    total = sum(stage.weight for stage in STAGES)
    for number, stage in enumerate(STAGES, 1):
        before = time.monotonic()
        left = (before - begun) / done * (total - done) if done and before - begun > 10 else None
        say(
            plan,
            f"[{number}/{len(STAGES)}] {stage.name}" + (f"  (about {progress.time_text(left)} left)" if left else ""),
        )
        stage.do(plan)
        done += stage.weight
        spent.append({"name": stage.name, "seconds": round(time.monotonic() - before, 1), "done": True})
        waiting = [{"name": later.name, "seconds": None, "done": False} for later in STAGES[number:]]
        tell_story(plan, [once_took(stage, before_now) for stage in spent + waiting])
        report(plan)
    return plan.out / "report.html"


def keep_to(plan: Climb) -> None:
    """Write down what the folder is climbed for; BadUse, before anything is changed, if it was for something else."""
    text = plan.text if plan.text == EMBEDDED else str(Path(plan.text).resolve())
    path, asked = plan.out / "plan.json", {"scale": plan.scale, "text": text}
    there = read_json(path) if path.exists() else asked
    if there != asked:
        name = next(name for name in asked if there.get(name) != asked[name])
        rule = f"holds a demo whose {name} is {there.get(name)!r}, not {asked[name]!r}"
        raise BadUse(f"{plan.out} {rule}; give another --out, or remove the folder")
    write_whole(path, json.dumps(asked) + "\n")


def say(plan: Climb, line: str) -> None:
    """A line for the person who waits."""
    with progress.bar("", 1, quiet=plan.quiet) as shown:
        shown.say(line)


def report(plan: Climb) -> None:
    """Write the page with what is there so far."""
    from foretell.report.page import write_report

    write_report(plan.out, plan.out / "report.html")


def run(plan: Climb, cfg: RunConfig, name: str) -> Result:
    """A training run of the climb, on its text, in the folder of that name."""
    return train(
        sources.resolve(cfg, plan.corpora, text=plan.text, quiet=plan.quiet), plan.out / name, quiet=plan.quiet
    )


def size(plan: Climb) -> str:
    """The size of every rung but GPT-2 at this scale."""
    return SCALES[plan.scale][-1]


def recipe(plan: Climb, stage: str) -> RunConfig:
    """A stage's config at this scale."""
    return recipes.recipe(f"{stage}:{size(plan)}")


def measured(plan: Climb, name: str, made_from: list[Path], measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """results/<name>.json: read if it was made from these very files, else measured now."""
    path = plan.out / "results" / f"{name}.json"
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in made_from)).hexdigest()
    if path.exists():
        found: dict[str, Any] = read_json(path)
        if found.get("made_from") == digest:
            return found
    found = {**measure(), "command": plan.command, "made_from": digest}
    write_whole(path, json.dumps(found, indent=1))
    return found


def model_of(plan: Climb, name: str) -> Any:
    """The model of a finished run."""
    from foretell.generate.model import load

    return load(plan.out / name)


def weights(plan: Climb, *names: str) -> list[Path]:
    """The weights of runs: what a measurement is made from."""
    return [weights_file(plan.out / name) for name in names]


def lines(path: Path) -> list[dict[str, Any]]:
    """A JSONL file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


# The stages, in the order of the papers.


def corpus(plan: Climb) -> None:
    """Text, tokenizers and tokens for all rungs."""
    cards = []
    for kind in ("bpe", "gpt1", "wordpiece"):
        n_vocab = recipe(plan, "gpt2.pretrain").model.n_vocab
        folder = prepare_tokens(plan.text, kind, n_vocab, plan.corpora, quiet=plan.quiet)
        cards.append(folder / "card.json")
    measured(plan, "corpus", cards, lambda: corpus_table(plan, cards))


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


def transformer(plan: Climb) -> None:
    """Train the translator."""
    run(plan, recipe(plan, "transformer.translate"), "transformer.translate")


def transformer_measured(plan: Climb) -> None:
    """BLEU with beam 4, examples, an attention map."""
    from foretell.tasks.translation import attention_map, measure_translation

    pairs = sources.signatures(plan.corpora, plan.text)
    name, n_ctx = "transformer.translate", recipe(plan, "transformer.translate").model.n_ctx

    def measure() -> dict[str, Any]:
        model, held_out = model_of(plan, name), lines(pairs / "val.jsonl")
        held_out = [pair for pair in held_out if len(model.tokenizer.encode(pair["source"])) < n_ctx - 2]
        held_out = held_out[: 20 if plan.scale == "smoke" else 200]
        found = measure_translation(model, held_out, lines(pairs / "train.jsonl"), max_new_tokens=min(40, n_ctx - 2))
        pair = min(held_out, key=lambda pair: abs(len(pair["source"]) - 40))
        found["attention"] = attention_map(model, pair["source"], pair["target"])
        return found | {"examples": found["examples"][:12]}

    measured(plan, "translation", weights(plan, name), measure)


def gpt1(plan: Climb) -> None:
    """Pretrain GPT."""
    run(plan, recipe(plan, "gpt1.pretrain"), "gpt1.pretrain")


def bert(plan: Climb) -> None:
    """Pretrain BERT."""
    run(plan, recipe(plan, "bert.pretrain"), "bert.pretrain")


def gpt1_tasks(plan: Climb) -> None:
    """Fine-tune GPT on the four task shapes, from its pretraining and from scratch."""
    for task in sources.TASKS:
        finetune(plan, "gpt1", task, scratch=False)
        finetune(plan, "gpt1", task, scratch=True)


def bert_tasks(plan: Climb) -> None:
    """Fine-tune BERT on the same tasks, and measure what it puts into gaps."""
    for task in sources.TASKS:
        finetune(plan, "bert", task, scratch=False)
    measured(plan, "finetune", weights(plan, *(row[0] for row in finetuned())), lambda: {"rows": finetune_rows(plan)})
    measured(plan, "masked_words", weights(plan, "bert.pretrain"), lambda: masked_words(plan))


def finetune(plan: Climb, rung: str, task: str, *, scratch: bool) -> Result:
    """One fine-tuning run. From scratch means the same run without the pretrained weights."""
    cfg = recipe(plan, f"{rung}.finetune")
    assert isinstance(cfg.data, TaskData), "a fine-tuning recipe reads a task"
    tokens = plan.out / f"{rung}.pretrain" / "model"
    start = "" if scratch else str(plan.out / f"{rung}.pretrain")
    folder = sources.task_folder(task, plan.corpora, plan.text)
    cfg = replace(cfg, data=replace(cfg.data, folder=str(folder), tokens=str(tokens)), start=start)
    return run(plan, cfg, f"{rung}.{'scratch' if scratch else 'finetune'}-{task}")


def finetuned() -> list[tuple[str, str, str, str]]:
    """Every fine-tuning run: its folder, the model's name, the task, how it started."""
    ways = [("gpt1.finetune", "GPT-1", "pretrained"), ("gpt1.scratch", "GPT-1", "scratch")]
    ways.append(("bert.finetune", "BERT", "pretrained"))
    return [(f"{name}-{task}", model, task, start) for task in sources.TASKS for name, model, start in ways]


def finetune_rows(plan: Climb) -> list[dict[str, Any]]:
    """Held-out accuracy of every fine-tuning run."""
    from foretell.tasks.measured import share

    rows = []
    for name, model, task, start in finetuned():
        card = read_json(sources.task_folder(task, plan.corpora, plan.text) / "card.json")
        accuracy = read_json(plan.out / name / "lineage.json")["result"]["val_accuracy"]
        n = card["n_examples"]["val"]
        rows.append(
            {
                "task": task,
                "shape": card["shape"],
                "model": model,
                "start": start,
                "accuracy": share(round(accuracy * n), n),
                "majority": card["majority"],
                "run": name,
            }
        )
    return rows


def masked_words(plan: Climb) -> dict[str, Any]:
    """Gaps in held-out sentences with BERT's guesses, and how often the first guess is the word."""
    from foretell.tasks.masked_words import gaps
    from foretell.tasks.measured import share

    pairs = lines(sources.signatures(plan.corpora, plan.text) / "val.jsonl")
    n = 20 if plan.scale == "smoke" else 200
    found = gaps(model_of(plan, "bert.pretrain"), [pair["target"] for pair in pairs], n, longest=24)
    right = sum(gap["guesses"][0]["token"] == gap["answer"].lower() for gap in found)
    return {"examples": found[:8], "accuracy": share(right, len(found))}


def gpt2(plan: Climb) -> None:
    """Pretrain GPT-2 at every size of the scale."""
    for each in SCALES[plan.scale]:
        run(plan, recipes.recipe(f"gpt2.pretrain:{each}"), f"gpt2.pretrain-{each}")


def gpt2_measured(plan: Climb) -> None:
    """Zero-shot choices, bits per byte and samples against size."""
    names = [f"gpt2.pretrain-{each}" for each in SCALES[plan.scale]]
    measured(plan, "zero_shot", weights(plan, *names), lambda: zero_shot(plan, names))
    generators = ["gpt1.pretrain", *names]
    measured(plan, "samples", weights(plan, *generators), lambda: {"rows": samples(plan, generators)})


def zero_shot(plan: Climb, names: list[str]) -> dict[str, Any]:
    """Which description fits a signature, chosen by likelihood; and how well held-out text is predicted."""
    from foretell.tasks.zero_shot import accuracy

    task = "which_description"
    questions = lines(sources.task_folder(task, plan.corpora, plan.text) / "val.jsonl")
    first = model_of(plan, names[0])
    fitting = [q for q in questions if fits(q, first)]
    questions = fitting[: 20 if plan.scale == "smoke" else 300]
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


STAGES = (
    Stage(name="corpus", weight=30, do=corpus),
    Stage(name="Transformer: translate", weight=100, do=transformer),
    Stage(name="Transformer: measure", weight=15, do=transformer_measured),
    Stage(name="GPT: pretrain", weight=90, do=gpt1),
    Stage(name="GPT: fine-tune", weight=100, do=gpt1_tasks),
    Stage(name="BERT: pretrain", weight=100, do=bert),
    Stage(name="BERT: fine-tune", weight=60, do=bert_tasks),
    Stage(name="GPT-2: pretrain", weight=120, do=gpt2),
    Stage(name="GPT-2: measure", weight=15, do=gpt2_measured),
)


# The table of the story.

PAPERS = (
    ("Transformer", "2017-06", "65M (base)", "4.5M sentence pairs", "transformer.translate"),
    ("GPT", "2018-06", "117M", "about 5 GB", "gpt1.pretrain"),
    ("BERT", "2018-10", "340M (large)", "about 12 GB", "bert.pretrain"),
    ("GPT-2", "2019-02", "1.5B", "40 GB", "gpt2.pretrain"),
    ("GPT-3", "2020-05", "175B", "45 TB before filtering", ""),
    ("InstructGPT", "2022-03", "175B", "45 TB", ""),
    ("GPT-4", "2023-03", "not published", "not published", ""),
)


def seconds_before(plan: Climb) -> dict[str, float]:
    """What each stage took in earlier calls, as the story tells it."""
    path = plan.out / "results" / "story.json"
    stages = read_json(path)["stages"] if path.exists() else []
    return {stage["name"]: stage["seconds"] or 0.0 for stage in stages}


def once_took(stage: dict[str, Any], before: dict[str, float]) -> dict[str, Any]:
    """The stage with what it once took, where it is found done now or waits: that is what people want to know."""
    took = before.get(stage["name"], 0.0)
    return {**stage, "seconds": took} if took and (stage["seconds"] or 0.0) < 0.5 * took else stage


def tell_story(plan: Climb, stages: list[dict[str, Any]]) -> None:
    """results/story.json: the papers' models beside what was trained here."""
    from foretell.runs import machine, peak_memory

    path = plan.out / "results" / "story.json"
    told = read_json(path) if path.exists() else {}
    rows = [story_row(plan, *paper) for paper in PAPERS]
    story = {
        "command": plan.command,
        "scale": plan.scale,
        "text": plan.text if plan.text == EMBEDDED else Path(plan.text).name,
        "started": told.get("started") or time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "seconds": sum(stage["seconds"] or 0 for stage in stages if stage["done"]),
        "peak_bytes": max(told.get("peak_bytes", 0), peak_memory()),
        "stages": stages,
        "rows": rows,
        "machine": machine(),
        "version": VERSION,
    }
    write_whole(path, json.dumps(story, indent=1))


def story_row(plan: Climb, model: str, date: str, parameters: str, data: str, stage: str) -> dict[str, Any]:
    """A paper's model and, where a run of it is finished here, what that came to."""
    row: dict[str, Any] = {"model": model, "date": date, "paper_parameters": parameters, "paper_data": data}
    name = f"{stage}-{size(plan)}" if stage == "gpt2.pretrain" else stage
    lineage = plan.out / name / "lineage.json"
    if not stage or not lineage.exists() or "result" not in read_json(lineage):
        return row
    last = lines(plan.out / name / "metrics.jsonl")[-1]
    result = read_json(lineage)["result"]
    measure = "val_bits_per_byte" if "val_bits_per_byte" in result else "val_loss"
    n = parameter_count(plan.out / name)
    found = {"measure": measure.removeprefix("val_"), "value": result[measure]}
    return {**row, "parameters": n, "tokens": last["tokens"], "seconds": last["seconds"], "result": found}


def parameter_count(run_folder: Path) -> int:
    """The parameters of a run's network."""
    from foretell.config import load
    from foretell.model.count import parameters

    cfg = load(RunConfig, (run_folder / "config.json").read_text())
    return sum(parameters(cfg.model).values())
