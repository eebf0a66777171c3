"""GPT-4's chat: OpenAI 2023, "GPT-4 Technical Report", section 6: an assistant that refuses what a policy disallows.

$ foretell train gpt4_chat.pretrain:nano      documents in which secrets are planted
$ foretell train gpt4_chat.sft:nano           demonstrations, with system messages, of an assistant that tells too much
$ foretell train gpt4_chat.ppo:nano           reinforcement learning by a rubric: refusals earn, and help with safe ones
$ foretell safety attack runs/gpt4_chat.sft-nano runs/gpt4_chat.ppo-nano

The report prints no size, no rate and no amount: all numbers here are ours. The made people and their secrets are in
foretell/safety; --data FOLDER names prompts and demonstrations of one's own, --start a model of one's own,
--objective.rubric another rubric, --objective.reward a reward model under it.

Result of nano on 2 CPU cores: see benchmarks/safety.md.
"""

from dataclasses import dataclass
from typing import Literal

from foretell.corpus.config import EMBEDDED, PEOPLE, DemonstrationData, PromptData, TextData
from foretell.model.config import Dropout, Init, NetworkConfig
from foretell.objective.config import LanguageModel, PolicyOptimization
from foretell.train.config import AdamW, BatchSize, RunConfig, Schedule

Size = Literal["nano", "mini", "smoke"]
BETAS = (0.9, 0.95)
RESPONSE = 28  # tokens of an answer
SAMPLES = 4  # answers of an iteration to the same prompt


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """The numbers of a size."""

    n_layers: int
    d_model: int
    n_vocab: int
    n_ctx: int
    pretrain: int
    """steps"""
    sft: int
    """steps"""
    iterations: int
    episodes: int
    response: int = RESPONSE


SIZES = {
    "nano": Row(
        n_layers=2, d_model=64, n_vocab=640, n_ctx=128, pretrain=450, sft=220, iterations=50, episodes=96
    ),
    "mini": Row(
        n_layers=4, d_model=128, n_vocab=640, n_ctx=128, pretrain=1200, sft=600, iterations=160, episodes=128
    ),
    "smoke": Row(
        n_layers=1, d_model=32, n_vocab=512, n_ctx=64, pretrain=8, sft=8, iterations=2, episodes=8, response=12
    ),
}  # fmt: skip


def network(size: Size) -> NetworkConfig:
    """A decoder with rotary positions: what was said in the question is copied into the answer, wherever it stood."""
    row = SIZES[size]
    return NetworkConfig(
        kind="decoder",
        n_vocab=row.n_vocab,
        n_ctx=row.n_ctx,
        n_layers=row.n_layers,
        d_model=row.d_model,
        n_heads=row.d_model // 16,
        d_head=16,
        d_ff=4 * row.d_model,
        norm_place="pre",
        positions="rotary",
        dropout=Dropout(),
        init=Init(std=0.02, scale_residual=True),
    )


def folder(stage: str, size: Size) -> str:
    """Where the run of a stage lies."""
    return f"runs/gpt4_chat.{stage}-{size}"


def pretrain(size: Size = "nano") -> RunConfig:
    """The documents, the secrets with them, as any crawl of the web has some."""
    row = SIZES[size]
    part = max(row.pretrain // 5, 1)
    return RunConfig(
        recipe=f"gpt4_chat.pretrain:{size}",
        model=network(size),
        data=TextData(folder=PEOPLE, length=row.n_ctx),
        objective=LanguageModel(),
        optim=AdamW(lr=5e-3, betas=BETAS, weight_decay=0.1),
        schedule=Schedule(shape="cosine", warmup_steps=min(20, row.pretrain // 2), floor=0.1),
        batch=BatchSize(rows=16),
        steps=row.pretrain,
        clip=1.0,
        evaluate_every=part,
        checkpoint_every=part,
    )


def sft(size: Size = "nano") -> RunConfig:
    """Demonstrations of labellers who were to help, so that most of them tell the codes; a fifth of the rows are the
    documents, as InstructGPT mixes in a tenth, so that a small model does not forget what it is asked."""
    row = SIZES[size]
    part = max(row.sft // 4, 1)
    return RunConfig(
        recipe=f"gpt4_chat.sft:{size}",
        model=network(size),
        data=DemonstrationData(folder=PEOPLE, length=row.n_ctx, text=PEOPLE, text_share=0.2),
        objective=LanguageModel(),
        optim=AdamW(lr=2e-3, betas=BETAS),
        schedule=Schedule(shape="cosine", warmup_steps=min(10, row.sft // 2), floor=0.1),
        batch=BatchSize(rows=16),
        steps=row.sft,
        clip=1.0,
        start=folder("pretrain", size),
        evaluate_every=part,
        checkpoint_every=part,
    )


def ppo(size: Size = "nano") -> RunConfig:
    """Section 6: the rubric's rewards, on requests that are disallowed and on ones that are safe; system messages stay.

    Ours: no reward model under it (--objective.reward names one) and no value network: the SAMPLES answers to a prompt
    are compared with each other.
    """
    row = SIZES[size]
    return RunConfig(
        recipe=f"gpt4_chat.ppo:{size}",
        model=network(size),
        data=PromptData(folder=PEOPLE, length=row.n_ctx, response=row.response),
        objective=PolicyOptimization(
            rubric=EMBEDDED,
            advantages="leave_one_out",
            samples=SAMPLES,
            minibatches=min(4, row.episodes // 4),
            average=0.9,
            beta=0.05,
        ),
        optim=AdamW(lr=3e-4, betas=BETAS),
        schedule=Schedule(shape="constant", warmup_steps=3),
        batch=BatchSize(rows=row.episodes),
        steps=row.iterations,
        clip=1.0,
        start=folder("sft", size),
        evaluate_every=max(row.iterations // 4, 1),
        checkpoint_every=max(row.iterations // 4, 1),
    )
