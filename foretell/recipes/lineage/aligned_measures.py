"""What is measured of a climb's aligned models: data tables, the reward model, win rates by size, the alignment tax."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from foretell.config import load
from foretell.corpus.jsonl import read_lines
from foretell.recipes import sources
from foretell.recipes.lineage.aligned import (
    HELD_OUT,
    LABELLERS,
    REWARD,
    SEED,
    amounts,
    folder_of_prompts,
    labellers,
    of_size,
    response,
)
from foretell.recipes.lineage.plan import SCALES, Climb, model_of, size
from foretell.train.config import RunConfig

Row = dict[str, Any]
BASELINE = "baseline"
PROMPTED = "GPT prompted"
TASKS = ("describes", "which_description")
SHOTS = 2


def alignment(plan: Climb) -> Row:
    """The content of results/aligned.json."""
    rankings = read_lines(plan.out / "labels" / "rankings.jsonl")
    rates, shown = win_rates(plan)
    rows, mixed = taxed(plan)
    return {
        "labellers": {"train": LABELLERS, "held_out": HELD_OUT, "simulated": True},
        "data": data_tables(plan, rankings),
        "agreement": agreement_of(rankings),
        "reward": reward_accuracy(plan, rankings),
        "win_rates": rates,
        "tax": rows,
        "recovered": mixed,
        "samples": shown,
    }


def data_tables(plan: Climb, rankings: Sequence[Row]) -> Row:
    """Prompts and labels by side, the use cases, and lengths in tokens: the paper's tables 6, 1 and 9."""
    folder, words = folder_of_prompts(plan), model_of(plan, of_size(plan, "sft", size(plan))).tokenizer
    prompts, demonstrations = read_lines(folder / "prompts.jsonl"), read_lines(folder / "demonstrations.jsonl")
    sides = ("train", "valid")
    sets = {"demonstrations": demonstrations, "rankings": rankings, "prompts of PPO": prompts}
    ks = Counter(len(row["outputs"]) for row in rankings)
    cases = Counter(row["use_case"] for row in prompts)
    some = prompts[:2000]
    lengths = sorted(len(words.encode(as_text(row["text"]))) for row in some)
    return {
        "sizes": [
            {"set": name, **{side: sum(row["split"] == side for row in rows) for side in sides}}
            for name, rows in sets.items()
        ],
        "use_cases": [{"use_case": name, "n": n, "share": n / len(prompts)} for name, n in cases.most_common()],
        "lengths": {"n": len(lengths), "mean": sum(lengths) / len(lengths), "median": lengths[len(lengths) // 2]},
        "outputs": [{"k": k, "rankings": n} for k, n in sorted(ks.items())],
        "pairs": sum(k * (k - 1) // 2 * n for k, n in ks.items()),
        "ties": sum(tied(row["ranks"]) for row in rankings),
    }


def as_text(prompt: Any) -> str:
    """A prompt as one text."""
    from foretell.align.made_quality import plain

    return plain(prompt)


def tied(ranks: Sequence[int]) -> int:
    """How many pairs of a ranking are ties."""
    return sum(n * (n - 1) // 2 for n in Counter(ranks).values())


def agreement_of(rankings: Sequence[Row]) -> Row | None:
    """How often two labellers order a held-out prompt's outputs alike."""
    from foretell.align.agreement import agreement

    found = agreement([row for row in rankings if row["split"] == "valid"], rounds=200)["pairwise"]
    rate = found.get("rate", found) if isinstance(found, Mapping) else None
    return None if rate is None or "value" not in rate else kept(rate)


def kept(m: Mapping[str, Any]) -> Row:
    """A measured value as the report reads it."""
    low, high = min(m["low"], m["value"]), max(m["high"], m["value"])
    return {"value": m["value"], "low": low, "high": high, "n": int(m["n"])}


def reward_accuracy(plan: Climb, rankings: Sequence[Row]) -> list[Row]:
    """Accuracy on held-out prompts by who ranked, beside always preferring the longer output."""
    from foretell.align.reward import load_reward
    from foretell.align.reward_report import reward_report

    reward, rows = load_reward(plan.out / REWARD), []
    for group in ("train", "held_out"):
        mine = [row for row in rankings if row["split"] == "valid" and row["labeller_group"] == group]
        found = reward_report(reward, mine)
        rows.append(
            {
                "group": group,
                "accuracy": kept(found["accuracy"]),
                "log_loss": kept(found["log_loss"]),
                "longer": kept(found["baselines"]["length"]),
                "prompts": len({row["prompt_id"] for row in mine}),
            }
        )
    return rows


def win_rates(plan: Climb) -> tuple[list[Row], list[Row]]:
    """Each model against the largest SFT model on held-out prompts, by size, role and labellers; and some answers."""
    from foretell.align.answering import Answering, fits
    from foretell.align.comparing import labelled
    from foretell.align.sides import Side, side_answers

    asked = [one for one in read_lines(folder_of_prompts(plan) / "prompts.jsonl") if one["split"] == "valid"]
    ways, chat = roles(plan), Answering(max_new_tokens=response(plan), seed=SEED)
    largest, gpt = model_of(plan, of_size(plan, "sft", size(plan))), model_of(plan, f"gpt2.pretrain-{size(plan)}")
    prompts = [one for one in asked if fits(largest, one, chat)]
    short = [one for one in prompts if fits(gpt, one, ways[PROMPTED][1])]
    if len(short) < min(len(prompts), amounts(plan).asked) / 2:
        del ways[PROMPTED]  # examples leave too little room in so small a context
    else:
        prompts = short
    prompts = prompts[: amounts(plan).asked]
    out = plan.out / "evaluation" / "winrate"
    own = str(plan.out / of_size(plan, "sft", size(plan)))
    base = Side(name=BASELINE, source=own, how=replace(chat, seed=SEED + 1))  # other draws than those it is compared by
    against = side_answers(base, largest, prompts, out, quiet=plan.quiet)
    rows, answers = [], {f"{BASELINE} (SFT)": against}
    for each in SCALES[plan.scale]:
        for role, (name, how) in ways.items():
            model = model_of(plan, name.format(each))
            side = Side(name=f"{role} {each}", source=str(plan.out / name.format(each)), how=how)
            mine = side_answers(side, model, prompts, out, quiet=plan.quiet)
            answers[side.name] = mine
            results, comparisons = labelled(prompts, mine, against, labellers(), SEED)
            n_parameters = sum(p.numel() for p in model.network.parameters())
            rows += rate_rows(role, each, n_parameters, results, comparisons)
    return rows, samples(prompts, answers)


def roles(plan: Climb) -> dict[str, tuple[str, Any]]:
    """Who is compared: the run of each size, and how it is asked."""
    from foretell.align.answering import Answering, prefix_of

    demonstrations = read_lines(folder_of_prompts(plan) / "demonstrations.jsonl")
    prefix = prefix_of([row for row in demonstrations if row["split"] == "train"])
    chat = Answering(max_new_tokens=response(plan), seed=SEED)
    return {
        "GPT": ("gpt2.pretrain-{}", replace(chat, style="plain")),
        PROMPTED: ("gpt2.pretrain-{}", replace(chat, style="prompted", prefix=prefix)),
        "SFT": ("instructgpt.sft-{}", chat),
        "PPO": ("instructgpt.ppo-{}", chat),
        "PPO-ptx": ("instructgpt.ptx-{}", chat),
    }


def rate_rows(role: str, each: str, n_parameters: int, results: Row, comparisons: Sequence[Row]) -> list[Row]:
    """A row for the labellers who train, and one for those held out."""
    from foretell.eval.win_rate import win_rate

    rows = []
    for group in ("train", "held_out"):
        rate = win_rate([one for one in comparisons if one["labeller_group"] == group])
        about = {"role": role, "size": each, "parameters": n_parameters, "group": group}
        rows.append({**about, "rate": kept(rate), "ties": rate["ties"], "words": results["words"]["a"]})
        rows[-1]["baseline_words"] = results["words"]["b"]
        like = results["like_lengths"]
        rows[-1]["like_lengths"] = None if like is None else kept(like)
    return rows


def samples(prompts: Sequence[Row], answers: Mapping[str, Mapping[str, str]], most: int = 6) -> list[Row]:
    """The answers of every model to the first prompts."""
    return [
        {
            "prompt": as_text(one["text"]),
            "answers": [{"model": name, "text": texts[one["prompt_id"]]} for name, texts in answers.items()],
        }
        for one in prompts[:most]
    ]


def taxed(plan: Climb) -> tuple[list[Row], list[Row]]:
    """A row for each model and size: bits per byte and tasks; and what the mix recovers at each size."""
    from foretell.corpus.batches import open_batches
    from foretell.eval.alignment_tax import recovered, tax, text_loss
    from foretell.eval.asking import Asking
    from foretell.tasks.in_words import in_words
    from foretell.tasks.source import Source

    n, rows, shares = amounts(plan), [], []
    tasks = [in_words(sources.task_folder(name, plan.corpora, plan.text)) for name in TASKS]
    shots = [Asking(shots=SHOTS, limit=n.questions, draw="once")]
    for each in SCALES[plan.scale]:
        cfg = load(RunConfig, (plan.out / f"gpt2.pretrain-{each}" / "config.json").read_text())
        held = open_batches(cfg.data, cfg.seed)
        names = {"GPT": f"gpt2.pretrain-{each}", "SFT": of_size(plan, "sft", each)}
        names |= {"start": of_size(plan, "start", each), "PPO": of_size(plan, "ppo", each)}
        names |= {"PPO-ptx": of_size(plan, "ptx", each)}
        models = {role: model_of(plan, name) for role, name in names.items()}
        text = {role: text_loss(model, held.evaluation(16, n.text)) for role, model in models.items()}
        out = plan.out / "evaluation" / f"tax-{each}"
        n_parameters = sum(p.numel() for p in models["GPT"].network.parameters())
        about = {"size": each, "parameters": n_parameters}
        rows += [{**row, **about} for row in tax(models, text, tasks, Source(), shots, out, quiet=plan.quiet)]
        shares.append({**about, "recovered": recovered(text["start"], text["PPO"], text["PPO-ptx"])})
    return rows, shares
