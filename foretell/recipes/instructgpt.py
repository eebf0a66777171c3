"""InstructGPT: Ouyang et al. 2022, "Training language models to follow instructions with human feedback".

$ foretell train instructgpt.sft:nano                          demonstrations: from runs/gpt2.pretrain-nano
$ foretell train instructgpt.sft:nano --select-by RUN          its best epoch, by a reward model
$ foretell train instructgpt.start:nano                        where PPO begins: 2 epochs, a tenth pretraining text
$ foretell train instructgpt.reward:nano --labels labels.db    a reward from rankings, from runs/instructgpt.sft-nano
$ foretell train instructgpt.ppo:nano                          the policy, from start, by reward
$ foretell train instructgpt.dpo:nano --labels labels.db       beside it: a policy from rankings, without a reward model

The three sizes of the paper are GPT-3's (its 6B is the 6.7B of table 2.1 there); all of them use the 6B reward model.
Each stage starts from the run folder of the stage before it; --start names another.

Result of nano on 2 CPU cores: see benchmarks/demo.md.
"""

from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

from foretell.corpus.config import EMBEDDED, DemonstrationData, PromptData, RankingData
from foretell.model.config import Dropout, Heads, NetworkConfig
from foretell.objective.config import LanguageModel, PolicyOptimization, Preference, Ranking
from foretell.recipes import gpt2, gpt3
from foretell.train.config import AdamW, BatchSize, RunConfig, Schedule

Size = Literal["1.3B", "6B", "175B", "mini", "nano", "pico", "smoke"]

DEMONSTRATIONS = 11_295 + 1_430  # table 6, training side, labellers and customers
RANKED = 6_623 + 26_584
EPISODES = 256_000  # appendix C.4
BETAS = (0.9, 0.95)  # appendix C: for everything
DROPOUT = Dropout(residual=0.2)  # appendix C.1
NONE = Dropout()


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """The numbers of appendix C that a size has of its own, and ours below them; `rows` are those of a step."""

    pretrained: str
    """the recipe and size whose network and weights the stages begin from"""
    reward: Size
    """whose reward model scores the policy"""
    demonstrations: int = DEMONSTRATIONS
    """an epoch of supervised fine-tuning, in rows"""
    epochs: int = 16
    """of supervised fine-tuning; one checkpoint of each is kept"""
    rows: int = 32
    """of supervised fine-tuning, and of where PPO begins"""
    micro: int = 1
    sft_lr: float
    start_lr: float
    ranked: int = RANKED
    """prompts with rankings: the reward model's one epoch"""
    reward_rows: int = 64
    reward_lr: float = 9e-6
    dpo_lr: float = 1e-6
    episodes: int = EPISODES
    ppo_rows: int = 512
    ppo_lr: float
    value_lr: float = 9e-6
    response: int
    """most tokens of a response"""


SIZES = {
    "1.3B": Row(
        pretrained="gpt3.pretrain:1.3B", reward="6B", sft_lr=9.65e-6, start_lr=5e-6, ppo_lr=8.05e-6, response=1024
    ),
    "6B": Row(
        pretrained="gpt3.pretrain:6.7B", reward="6B", sft_lr=9.65e-6, start_lr=1.04e-5, ppo_lr=8.05e-6, response=1024
    ),
    "175B": Row(
        pretrained="gpt3.pretrain:175B", reward="6B", sft_lr=5.03e-6, start_lr=2.45e-6, ppo_lr=2.55e-6, response=1024,
        rows=8, value_lr=5e-6,
    ),
    "mini": Row(
        pretrained="gpt2.pretrain:mini", reward="mini", sft_lr=3e-4, start_lr=3e-4, ppo_lr=3e-5, response=64,
        demonstrations=700, epochs=4, rows=16, micro=0, ranked=1024, reward_rows=16, reward_lr=1e-4, episodes=8192,
        ppo_rows=64, value_lr=1e-4, dpo_lr=3e-5,
    ),
    "nano": Row(
        pretrained="gpt2.pretrain:nano", reward="nano", sft_lr=5e-4, start_lr=5e-4, ppo_lr=1e-4, response=32,
        demonstrations=1400, epochs=4, rows=16, micro=0, ranked=1024, reward_rows=16, reward_lr=3e-4, episodes=4096,
        ppo_rows=64, value_lr=3e-4, dpo_lr=1e-4,
    ),
    "pico": Row(
        pretrained="gpt2.pretrain:pico", reward="nano", sft_lr=1e-3, start_lr=1e-3, ppo_lr=2e-4, response=32,
        demonstrations=1400, epochs=4, rows=16, micro=0, ranked=1024, reward_rows=16, reward_lr=3e-4, episodes=4096,
        ppo_rows=64, value_lr=3e-4, dpo_lr=2e-4,
    ),
    "smoke": Row(
        pretrained="gpt2.pretrain:smoke", reward="smoke", sft_lr=1e-3, start_lr=1e-3, ppo_lr=3e-4, response=16,
        demonstrations=24, epochs=4, rows=8, micro=0, ranked=32, reward_rows=8, reward_lr=1e-3, episodes=64,
        ppo_rows=16, value_lr=1e-3, dpo_lr=3e-4,
    ),
}  # fmt: skip


def network(size: Size, dropout: Dropout = NONE) -> NetworkConfig:
    """The pretrained network: GPT-3's at the paper's sizes, GPT-2's at ours."""
    rung, _, of = SIZES[size].pretrained.partition(".pretrain:")
    made = gpt3.network(of) if rung == "gpt3" else gpt2.network(of)  # type: ignore[arg-type]
    return replace(made, dropout=dropout)


def folder(stage: str, size: Size) -> str:
    """Where the run of a stage lies."""
    return f"runs/instructgpt.{stage}-{size}"


def cosine() -> Schedule:
    """Appendix C: cosine to a tenth of the peak, without warm-up."""
    return Schedule(shape="cosine", floor=0.1)


def sft(size: Size = "1.3B") -> RunConfig:
    """Appendix C.1: 16 epochs, residual dropout 0.2, batches of 32 (175B: 8), 9.65e-6 (175B: 5.03e-6).

    The paper says neither that examples are packed nor that they are not: at its sizes a row is one, so that a batch
    is 32 demonstrations; at ours rows are packed. Weight decay and clipping are not stated: 0 and 1. A checkpoint of
    each epoch stays, because the paper selects among them by the reward model's score on held-out prompts:
    foretell train instructgpt.sft --select-by RUN (foretell/align/selection.py). Ours take 4 epochs.
    """
    row = SIZES[size]
    steps = ceil(row.epochs * row.demonstrations / row.rows)
    epoch = ceil(steps / row.epochs)
    return RunConfig(
        recipe=f"instructgpt.sft:{size}",
        model=network(size, DROPOUT),
        data=demonstrations(size),
        objective=LanguageModel(),
        optim=AdamW(lr=row.sft_lr, betas=BETAS),
        schedule=cosine(),
        batch=BatchSize(rows=row.rows, micro=row.micro),
        steps=steps,
        clip=1.0,
        start=f"runs/{row.pretrained.replace(':', '-')}",
        evaluate_every=epoch,
        evaluate_rows=256,
        checkpoint_every=epoch,
        keep=row.epochs,
    )


def start(size: Size = "1.3B") -> RunConfig:
    """Appendix C.3: where PPO begins, and what its KL is measured from. From the pretrained network again: 2 epochs of
    demonstrations with 10 % pretraining text; 5e-6, 1.04e-5, 2.45e-6; no dropout is stated, so none.

    Ours: the 10 % are of the rows, and come beside the 2 epochs.
    """
    row, made = SIZES[size], sft(size)
    steps = ceil(2 * row.demonstrations / 0.9 / row.rows)
    return replace(
        made,
        recipe=f"instructgpt.start:{size}",
        model=network(size),
        data=replace(demonstrations(size), text=EMBEDDED, text_share=0.1),
        optim=replace(made.optim, lr=row.start_lr),
        steps=steps,
        evaluate_every=max(steps // 4, 1),
        checkpoint_every=max(steps // 4, 1),
        keep=0,
    )


def demonstrations(size: Size) -> DemonstrationData:
    """The demonstrations, as rows of the network's context."""
    return DemonstrationData(length=network(size).n_ctx, packed=SIZES[size].pretrained.startswith("gpt2"))


def reward(size: Size = "6B") -> RunConfig:
    """Section 3.5 and appendix C.2: a scalar head in place of the unembedding; one epoch, 9e-6, cosine to a tenth,
    batches of 64 prompts with all comparisons of each.

    It starts from the SFT model as section 3.5 says (appendix C.2: from GPT-3 fine-tuned on public sets, with like
    results). The paper has the 6B alone; 1.3B and 175B are ours.
    """
    row = SIZES[size]
    steps = ceil(row.ranked / row.reward_rows)
    return RunConfig(
        recipe=f"instructgpt.reward:{size}",
        model=replace(network(size), heads=Heads(lm=False, n_outputs=1, task_bias=True)),
        data=RankingData(length=network(size).n_ctx),
        objective=Ranking(),
        optim=AdamW(lr=row.reward_lr, betas=BETAS),
        schedule=cosine(),
        batch=BatchSize(rows=row.reward_rows, micro=row.micro),
        steps=steps,
        clip=1.0,
        start=folder("sft", size),
        evaluate_every=max(steps // 8, 1),
        evaluate_rows=256,
        checkpoint_every=max(steps // 8, 1),
    )


def ppo(size: Size = "1.3B") -> RunConfig:
    """Section 3.5 and appendix C.4: 256 000 episodes, 512 a step in 8 minibatches, one epoch of them; KL weight 0.02,
    clip 0.2, no discount; a constant rate after 10 steps of warm-up from a tenth; pretraining gradients times 27.8 of
    8 rows an episode; the average of weights with decay 0.992.

    Not printed: the policy's rate. Ours is the highest that appendix E.9 found stable without pretraining text, and the
    lowest tried for 175B.
    """
    row, n_ctx = SIZES[size], network(size).n_ctx
    steps = ceil(row.episodes / row.ppo_rows)
    return RunConfig(
        recipe=f"instructgpt.ppo:{size}",
        model=network(size),
        data=PromptData(length=n_ctx, response=row.response, text=EMBEDDED),
        objective=PolicyOptimization(reward=folder("reward", row.reward), value_lr=row.value_lr, ptx_weight=27.8),
        optim=AdamW(lr=row.ppo_lr, betas=BETAS),
        schedule=Schedule(shape="constant", warmup_steps=10),
        batch=BatchSize(rows=row.ppo_rows, micro=row.micro),
        steps=steps,
        clip=1.0,
        start=folder("start", size),
        evaluate_every=max(steps // 10, 1),
        checkpoint_every=max(steps // 20, 1),
    )


def dpo(size: Size = "1.3B") -> RunConfig:
    """No part of the paper: DPO (Rafailov et al. 2023, appendix B) on the same rankings, from the SFT model and
    measured against it: beta 0.1, batches of 64, 1e-6 after 150 steps of warm-up, one epoch. Theirs is RMSprop, ours
    AdamW.
    """
    row, made = SIZES[size], reward(size)
    return replace(
        made,
        recipe=f"instructgpt.dpo:{size}",
        model=network(size),
        objective=Preference(),
        optim=replace(made.optim, lr=row.dpo_lr),
        schedule=Schedule(shape="constant", warmup_steps=min(150, made.steps // 4)),
    )
