"""GPT-1: Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training".

$ foretell train gpt1.pretrain --data FOLDER         117M parameters, 100 epochs of books: the paper
$ foretell train gpt1.pretrain:nano                  the same function on the documentation text of this machine
$ foretell train gpt1.finetune:nano                  L3 = L2 + 0.5 L1 on a task, from runs/gpt1.pretrain-nano

Result of nano on 2 CPU cores: see benchmarks/demo.md.
"""

from dataclasses import dataclass, replace
from typing import Literal

from foretell.corpus.config import EMBEDDED, TaskData, TextData
from foretell.model.config import Dropout, Heads, NetworkConfig
from foretell.objective.config import LanguageModel, Task
from foretell.train.config import AdamW, BatchSize, RunConfig, Schedule

Size = Literal["117M", "mini", "nano", "smoke"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """The model of section 4.1 and ours below it."""

    n_layers: int
    d_model: int
    n_heads: int
    n_ctx: int
    n_vocab: int
    rows: int
    lr: float
    warmup: int
    steps: int
    task_lr: float
    task_rows: int
    task_steps: int


SIZES = {
    "117M": Row(
        n_layers=12, d_model=768, n_heads=12, n_ctx=512, n_vocab=40478, rows=64, lr=2.5e-4, warmup=2000,
        steps=3_000_000, task_lr=6.25e-5, task_rows=32, task_steps=6000,
    ),
    "mini": Row(
        n_layers=6, d_model=384, n_heads=6, n_ctx=256, n_vocab=8192, rows=16, lr=5e-4, warmup=500,
        steps=6000, task_lr=1e-4, task_rows=32, task_steps=600,
    ),
    "nano": Row(
        n_layers=4, d_model=128, n_heads=4, n_ctx=128, n_vocab=4096, rows=16, lr=7e-4, warmup=100,
        steps=400, task_lr=5e-4, task_rows=16, task_steps=100,
    ),
    "smoke": Row(
        n_layers=2, d_model=32, n_heads=2, n_ctx=48, n_vocab=512, rows=8, lr=2e-3, warmup=4,
        steps=12, task_lr=1e-3, task_rows=8, task_steps=6,
    ),
}  # fmt: skip


def network(size: Size) -> NetworkConfig:
    """Section 4.1, "Model specifications": post-norm, GELU, learned positions, dropout 0.1 everywhere, N(0, 0.02).

    The paper says GELU; the authors' program uses its tanh approximation, and so do we.
    """
    row = SIZES[size]
    return NetworkConfig(
        kind="decoder",
        n_vocab=row.n_vocab,
        n_ctx=row.n_ctx,
        n_layers=row.n_layers,
        d_model=row.d_model,
        n_heads=row.n_heads,
        d_head=row.d_model // row.n_heads,
        d_ff=4 * row.d_model,
        norm_place="post",
        dropout=Dropout(embedding=0.1, attention=0.1, residual=0.1),
    )


def pretrain(size: Size = "117M") -> RunConfig:
    """Section 3.1, L1; section 4.1 for the numbers: Adam, 2.5e-4, 2000 updates of warm-up, cosine to 0, w = 0.01.

    100 epochs of BooksCorpus are about 3 million updates; the paper gives epochs, not updates.
    """
    row = SIZES[size]
    return RunConfig(
        recipe=f"gpt1.pretrain:{size}",
        model=network(size),
        data=TextData(tokenizer="gpt1", length=row.n_ctx),
        objective=LanguageModel(),
        optim=AdamW(lr=row.lr, weight_decay=0.01),
        schedule=Schedule(shape="cosine", warmup_steps=row.warmup),
        batch=BatchSize(rows=row.rows),
        steps=row.steps,
        clip=1.0,
        evaluate_every=max(row.steps // 10, 1),
        checkpoint_every=max(row.steps // 20, 1),
    )


def finetune(size: Size = "117M") -> RunConfig:
    """Section 3.2, L3 = L2 + lambda L1 with lambda 0.5; section 4.1: batch 32, linear decay, warm-up over 0.2 %.

    The paper trains 3 epochs; `steps` is that for a task of about 64 000 examples. The task's card sets n_outputs.
    """
    row = SIZES[size]
    return RunConfig(
        recipe=f"gpt1.finetune:{size}",
        model=replace(network(size), heads=Heads(n_outputs=2, task_dropout=0.1)),
        data=TaskData(folder=EMBEDDED, tokenizer="gpt1", length=row.n_ctx, layout="gpt1"),
        objective=Task(lm_weight=0.5),
        optim=AdamW(lr=row.task_lr, weight_decay=0.01),
        schedule=Schedule(shape="linear", warmup_steps=max(round(0.002 * row.task_steps), 1)),
        batch=BatchSize(rows=row.task_rows),
        steps=row.task_steps,
        clip=1.0,
        start=f"runs/gpt1.pretrain-{size}",
        evaluate_every=max(row.task_steps // 2, 1),
        evaluate_rows=0,
        checkpoint_every=max(row.task_steps // 4, 1),
    )
