"""InstructGPT at the scale of a climb: demonstrations, rankings of simulated labellers, a reward, PPO with and without
pretraining text mixed in, at every size of GPT-2's network.

    out/instructgpt.sft-<size>      16 epochs in the paper, AMOUNTS here: the same steps with fewer rows
    out/instructgpt.start-<size>    where PPO begins
    out/labels/                     rankings.jsonl and demonstrations.jsonl, as `foretell label export` writes them
    out/instructgpt.reward          one reward model, of the largest size, for every policy (as the paper's 6B)
    out/instructgpt.ppo-<size>      PPO alone
    out/instructgpt.ptx-<size>      with pretraining text
    out/results/aligned.json        aligned_measures.py

Nobody has ranked anything: the labellers are simulated, by a quality that this project made up
(foretell.align.made_quality). What the chapter shows is that the machinery does what it is told to.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from foretell import recipes
from foretell.corpus.config import DemonstrationData, PromptData, RankingData
from foretell.corpus.jsonl import read_lines
from foretell.objective.config import PolicyOptimization
from foretell.recipes import sources
from foretell.recipes.lineage.plan import SCALES, Climb, Stage, model_of, result, run, size, trains
from foretell.runs import read_json, whole_folder
from foretell.train.config import BatchSize, RunConfig

Row = dict[str, Any]
LABELLERS, HELD_OUT = 6, 3
SEED = 0  # of the labellers
NOISE = 0.3  # their temperature: two then agree on 73 % of pairs of such outputs, as people did (72.6 %); at 1 on 56 %
REWARD = "instructgpt.reward"


@dataclass(frozen=True, kw_only=True, slots=True)
class Amounts:
    """How much of each a scale can pay for."""

    sft: int
    """steps"""
    start: int
    """steps"""
    ranked: int
    """prompts whose outputs are ranked, to train on"""
    ranked_valid: int
    outputs: tuple[int, int]
    """fewest and most of a prompt"""
    rankings: int
    """rankings of a reward step"""
    iterations: int
    episodes: int
    text_rows: int
    """rows of pretraining text for each episode"""
    text_weight: float
    """27.8 in the paper, which does not state how the loss is normalised: with ours, and so few rows, the text's
    gradient was then 12 to 23 times the episodes', and the policy unlearnt to end an answer"""
    asked: int
    """held-out prompts that win rates are of"""
    text: int
    """held-out rows of text"""
    questions: int
    """of a public task"""


AMOUNTS = {
    "smoke": Amounts(
        sft=6, start=3, ranked=16, ranked_valid=6, outputs=(2, 3), rankings=8, iterations=2, episodes=16,
        text_rows=1, text_weight=0.5, asked=8, text=16, questions=4,
    ),
    "nano": Amounts(
        sft=80, start=40, ranked=384, ranked_valid=40, outputs=(4, 9), rankings=16, iterations=14, episodes=64,
        text_rows=1, text_weight=0.5, asked=100, text=128, questions=60,
    ),
    "mini": Amounts(
        sft=1000, start=140, ranked=1024, ranked_valid=128, outputs=(4, 9), rankings=16, iterations=128, episodes=64,
        text_rows=8, text_weight=0.5, asked=400, text=400, questions=400,
    ),
}  # fmt: skip


def amounts(plan: Climb) -> Amounts:
    """What this scale pays for."""
    return AMOUNTS[plan.scale]


def of_size(plan: Climb, stage: str, each: str) -> str:
    """The folder's name of a run."""
    return f"instructgpt.{stage}-{each}"


def folder_of_prompts(plan: Climb) -> Path:
    """Prompts and demonstrations made from the climb's text: what the SFT run has read."""
    return read_folder(plan, of_size(plan, "sft", size(plan)))


def read_folder(plan: Climb, name: str) -> Path:
    """What a run of the climb has read."""
    return Path(read_json(plan.out / name / "config.json")["data"]["folder"])


def prompts(plan: Climb) -> None:
    """Prompts and demonstrations made from the climb's text."""
    sources.instructions(plan.corpora, plan.text, quiet=plan.quiet)


def demonstrated(stage: str, each: str, plan: Climb) -> None:
    """Supervised fine-tuning, or where PPO begins, at a size."""
    n = {"sft": amounts(plan).sft, "start": amounts(plan).start}
    folder = sources.instructions(plan.corpora, plan.text, quiet=plan.quiet)
    run(plan, shown(plan, folder, stage, each, n[stage]), of_size(plan, stage, each))


def shown(plan: Climb, folder: Path, stage: str, each: str, steps: int) -> RunConfig:
    """The config of a run on demonstrations, from the pretrained model of its size."""
    cfg = shortened(recipes.recipe(f"instructgpt.{stage}:{each}"), steps)
    assert isinstance(cfg.data, DemonstrationData), "both read demonstrations"
    pretrained = f"gpt2.pretrain-{each}"
    text = str(read_folder(plan, pretrained)) if cfg.data.text else ""
    data = replace(cfg.data, folder=str(folder), text=text)
    return replace(cfg, data=data, start=str(plan.out / pretrained))


def shortened(cfg: RunConfig, steps: int) -> RunConfig:
    """The run with so many steps, four times evaluated; the learning rate falls within them."""
    part = max(steps // 4, 1)
    return replace(cfg, steps=steps, evaluate_every=part, checkpoint_every=part, evaluate_rows=64)


def ranked(plan: Climb) -> None:
    """Outputs of the largest SFT model, ranked by simulated labellers: out/labels, made once."""
    folder = plan.out / "labels"
    if (folder / "rankings.jsonl").exists():
        return
    rows = rankings(plan)
    demonstrations = read_lines(folder_of_prompts(plan) / "demonstrations.jsonl")
    with whole_folder(folder) as aside:
        for name, some in (("rankings", rows), ("demonstrations", demonstrations)):
            (aside / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some), encoding="utf-8")


def rankings(plan: Climb) -> list[Row]:
    """One labeller's ranking of each prompt to train on; of a held-out prompt, one by every labeller."""
    from foretell.align.answering import Answering, answers, fits
    from foretell.align.sampling import how_many
    from foretell.align.simulated import simulate

    n, model = amounts(plan), model_of(plan, of_size(plan, "sft", size(plan)))
    how = Answering(max_new_tokens=response(plan), seed=SEED)
    prompts = [one for one in undemonstrated(plan) if fits(model, one, how)]
    train = [one for one in prompts if one["split"] == "train"][: n.ranked]
    valid = [one for one in prompts if one["split"] == "valid"][: n.ranked_valid]
    asked = train + valid
    counts = [how_many(SEED, one["prompt_id"], *n.outputs) for one in asked]
    told = {"model": of_size(plan, "sft", size(plan)), "temperature": how.temperature, "seed": SEED}
    outputs = {
        one["prompt_id"]: [{"text": text, **told} for text in dict.fromkeys(texts)]
        for one, texts in zip(asked, answers(model, asked, how, counts), strict=True)
    }
    several = {key: some for key, some in outputs.items() if len(some) > 1}
    seen, everybody = labellers()[:LABELLERS], labellers()
    return [
        *simulate([one for one in train if one["prompt_id"] in several], several, labellers=seen, seed=SEED, each=1),
        *simulate([one for one in valid if one["prompt_id"] in several], several, labellers=everybody, seed=SEED),
    ]


def undemonstrated(plan: Climb) -> list[Row]:
    """The prompts without a demonstration: those that outputs are sampled for."""
    folder = folder_of_prompts(plan)
    shown = {row["prompt_id"] for row in read_lines(folder / "demonstrations.jsonl")}
    return [row for row in read_lines(folder / "prompts.jsonl") if row["prompt_id"] not in shown]


def labellers() -> Any:
    """The panel: who trains, then who is held out."""
    from foretell.align.simulated import panel

    return panel(LABELLERS, held_out=HELD_OUT, temperature=NOISE, seed=SEED)


def response(plan: Climb) -> int:
    """Tokens that an answer may have at this scale."""
    data = recipes.recipe(f"instructgpt.ppo:{size(plan)}").data
    assert isinstance(data, PromptData), "PPO reads prompts"
    return data.response


def rewarded(plan: Climb) -> None:
    """The reward model, once over the rankings, from the largest SFT model."""
    n, cfg = amounts(plan), recipes.recipe(f"instructgpt.reward:{size(plan)}")
    assert isinstance(cfg.data, RankingData), "a reward model reads rankings"
    rows = read_lines(plan.out / "labels" / "rankings.jsonl")
    steps = max(sum(row["split"] == "train" for row in rows) // n.rankings, 1)
    cfg = shortened(replace(cfg, start=str(plan.out / of_size(plan, "sft", size(plan)))), steps)
    data = replace(cfg.data, folder=str(plan.out / "labels"))
    run(plan, replace(cfg, data=data, batch=BatchSize(rows=n.rankings)), REWARD)


def optimized(stage: str, each: str, plan: Climb) -> None:
    """PPO without (`ppo`) or with (`ptx`) pretraining text, at a size."""
    run(plan, policy(plan, each, mixed=stage == "ptx"), of_size(plan, stage, each))


def policy(plan: Climb, each: str, *, mixed: bool) -> RunConfig:
    """PPO's config of a size. Without the mix all else is the same."""
    n, cfg = amounts(plan), recipes.recipe(f"instructgpt.ppo:{each}")
    assert isinstance(cfg.data, PromptData), "PPO reads prompts"
    assert isinstance(cfg.objective, PolicyOptimization), "PPO's objective"
    objective = replace(
        cfg.objective,
        reward=str(plan.out / REWARD),
        ptx_rows=n.text_rows,
        ptx_weight=n.text_weight if mixed else 0.0,
        average=average_over(n.iterations),
    )
    text = str(read_folder(plan, f"gpt2.pretrain-{each}"))  # read without the mix too: its held-out loss is told
    data = replace(cfg.data, folder=str(folder_of_prompts(plan)), text=text)
    cfg = replace(cfg, objective=objective, batch=BatchSize(rows=n.episodes), data=data)
    return shortened(replace(cfg, start=str(plan.out / of_size(plan, "start", each))), n.iterations)


def average_over(iterations: int) -> float:
    """The decay whose half-life is the share of the run that it is in the paper: 86 of 500 iterations at 0.992."""
    return 0.992 ** (500 / iterations)


def measured_alignment(plan: Climb) -> None:
    """results/aligned.json."""
    from foretell.recipes.lineage.aligned_measures import alignment
    from foretell.recipes.lineage.plan import measured, weights

    names = [f"gpt2.pretrain-{each}" for each in SCALES[plan.scale]] + [REWARD]
    names += [of_size(plan, stage, each) for each in SCALES[plan.scale] for stage in ("sft", "start", "ppo", "ptx")]
    made_from = [*weights(plan, *names), plan.out / "labels" / "rankings.jsonl"]
    measured(plan, "aligned", made_from, lambda: alignment(plan))


def stages(plan: Climb) -> list[Stage]:
    """The chapter's stages, each after those that it needs."""
    sizes, folder = SCALES[plan.scale], "prompts"
    sft, reward = of_size(plan, "sft", size(plan)), "InstructGPT: reward model"
    found = [Stage(name=folder, chapter="InstructGPT: demonstrations", weight=9, do=prompts, needs=("tasks",))]
    for each in sizes:
        small = 0.4 if each == "pico" else 1.0
        for stage, seconds in (("sft", 27), ("start", 14)):
            found.append(
                training(
                    plan, stage, each, "InstructGPT: demonstrations", small * seconds, demonstrated,
                    (f"gpt2.pretrain-{each}", folder),
                )
            )  # fmt: skip
    told = "InstructGPT: rankings"
    labels: tuple[str, ...] = ("labels/rankings.jsonl", "labels/demonstrations.jsonl")
    found.append(Stage(name=told, chapter=told, weight=9, do=ranked, needs=(sft,), makes=labels))
    found.append(Stage(name=reward, chapter=reward, weight=8, do=rewarded, needs=(told, sft), makes=trains(REWARD)))
    for each in sizes:
        small = 0.4 if each == "pico" else 1.0
        for stage, seconds in (("ppo", 36), ("ptx", 60)):
            needs = (of_size(plan, "start", each), reward)
            found.append(training(plan, stage, each, "InstructGPT: PPO", small * seconds, optimized, needs))
    told = "InstructGPT: measure"
    everything = tuple(stage.name for stage in found)
    found.append(
        Stage(name=told, chapter=told, weight=15, do=measured_alignment, needs=everything, makes=result("aligned"))
    )
    return found


def training(
    plan: Climb, stage: str, each: str, chapter: str, seconds: float, do: Callable[..., None], needs: tuple[str, ...]
) -> Stage:
    """A run of a size as a stage."""
    name = of_size(plan, stage, each)
    work = partial(do, stage, each)
    return Stage(name=name, chapter=chapter, weight=seconds, do=work, needs=needs, makes=trains(name))
