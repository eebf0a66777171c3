"""BERT: Devlin et al. 2018, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding".

$ foretell train bert.pretrain --data FOLDER              110M parameters, 900 000 steps at length 128
$ foretell train bert.pretrain_long --data FOLDER         then 100 000 steps at length 512
$ foretell train bert.pretrain:nano                       the same on the documentation text of this machine
$ foretell train bert.finetune:nano                       a task, from runs/bert.pretrain-nano

Result of nano on 2 CPU cores: see benchmarks/demo.md.
"""

from dataclasses import dataclass, replace
from typing import Literal

from foretell.corpus.config import EMBEDDED, SegmentData, TaskData
from foretell.model.config import Dropout, Heads, NetworkConfig
from foretell.objective.config import MaskedLanguageModel, Task
from foretell.train.config import AdamW, BatchSize, RunConfig, Schedule

Size = Literal["base", "large", "mini", "nano", "smoke"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """The models of section 3 and ours below them."""

    n_layers: int
    d_model: int
    n_heads: int
    n_ctx: int
    short: int
    n_vocab: int
    rows: int
    lr: float
    warmup: int
    steps: int
    task_lr: float
    task_rows: int
    task_steps: int


SIZES = {
    "base": Row(
        n_layers=12, d_model=768, n_heads=12, n_ctx=512, short=128, n_vocab=30522, rows=256, lr=1e-4, warmup=10_000,
        steps=1_000_000, task_lr=3e-5, task_rows=32, task_steps=6000,
    ),
    "large": Row(
        n_layers=24, d_model=1024, n_heads=16, n_ctx=512, short=128, n_vocab=30522, rows=256, lr=1e-4, warmup=10_000,
        steps=1_000_000, task_lr=3e-5, task_rows=32, task_steps=6000,
    ),
    "mini": Row(
        n_layers=6, d_model=384, n_heads=6, n_ctx=256, short=128, n_vocab=8192, rows=32, lr=5e-4, warmup=500,
        steps=6000, task_lr=1e-4, task_rows=32, task_steps=600,
    ),
    "nano": Row(
        n_layers=4, d_model=128, n_heads=4, n_ctx=128, short=128, n_vocab=4096, rows=16, lr=1.5e-3, warmup=60,
        steps=450, task_lr=5e-4, task_rows=16, task_steps=100,
    ),
    "smoke": Row(
        n_layers=2, d_model=32, n_heads=2, n_ctx=48, short=48, n_vocab=512, rows=8, lr=2e-3, warmup=4,
        steps=12, task_lr=1e-3, task_rows=8, task_steps=6,
    ),
}  # fmt: skip


def network(size: Size) -> NetworkConfig:
    """Section 3: a bidirectional encoder, GELU, segments, dropout 0.1. The norms' eps is the program's 1e-12."""
    row = SIZES[size]
    return NetworkConfig(
        kind="encoder",
        n_vocab=row.n_vocab,
        n_ctx=row.n_ctx,
        n_layers=row.n_layers,
        d_model=row.d_model,
        n_heads=row.n_heads,
        d_head=row.d_model // row.n_heads,
        d_ff=4 * row.d_model,
        norm_place="post",
        norm_eps=1e-12,
        activation="gelu",
        n_segments=2,
        embedding_norm=True,
        dropout=Dropout(embedding=0.1, attention=0.1, residual=0.1),
        heads=Heads(lm=True, lm_transform=True, next_sentence=True),
    )


def pretrain(size: Size = "base") -> RunConfig:
    """Appendix A.2: 90 % of the steps at length 128; Adam 1e-4, weight decay 0.01, warm-up 10 000, linear decay.

    Deviation: Adam's bias correction, which the authors' program leaves out, is kept.
    """
    row = SIZES[size]
    steps = row.steps if row.short == row.n_ctx else row.steps * 9 // 10
    return RunConfig(
        recipe=f"bert.pretrain:{size}",
        model=network(size),
        data=SegmentData(length=row.short),
        objective=MaskedLanguageModel(),
        optim=AdamW(lr=row.lr, eps=1e-6, weight_decay=0.01),
        schedule=Schedule(shape="linear", warmup_steps=row.warmup),
        batch=BatchSize(rows=row.rows),
        steps=steps,
        clip=1.0,
        evaluate_every=max(steps // 10, 1),
        checkpoint_every=max(steps // 20, 1),
    )


def pretrain_long(size: Size = "base") -> RunConfig:
    """Appendix A.2: the remaining 10 % of the steps at full length, to learn the later positions.

    Deviation: the learning rate falls to 0 in each of the two phases instead of once over both.
    """
    row, short = SIZES[size], pretrain(size)
    return replace(
        short,
        recipe=f"bert.pretrain_long:{size}",
        data=SegmentData(length=row.n_ctx),
        optim=replace(short.optim, lr=row.lr / 10),
        schedule=Schedule(shape="linear", warmup_steps=row.warmup // 10),
        steps=max(row.steps // 10, 1),
        start=f"runs/bert.pretrain-{size}",
    )


def finetune(size: Size = "base") -> RunConfig:
    """Section 4.1 and appendix A.3: batch 32, 2e-5 to 5e-5, 3 epochs; the [CLS] vector through the pooler.

    `steps` is 3 epochs of a task of about 64 000 examples. The task's card sets n_outputs.
    """
    row = SIZES[size]
    return RunConfig(
        recipe=f"bert.finetune:{size}",
        model=replace(network(size), heads=Heads(lm=False, task_pooler=True, n_outputs=2, task_dropout=0.1)),
        data=TaskData(folder=EMBEDDED, tokenizer="wordpiece", length=row.n_ctx, layout="bert"),
        objective=Task(),
        optim=AdamW(lr=row.task_lr, eps=1e-6, weight_decay=0.01),
        schedule=Schedule(shape="linear", warmup_steps=max(row.task_steps // 10, 1)),
        batch=BatchSize(rows=row.task_rows),
        steps=row.task_steps,
        clip=1.0,
        start=f"runs/bert.pretrain-{size}",
        evaluate_every=max(row.task_steps // 2, 1),
        evaluate_rows=0,
        checkpoint_every=max(row.task_steps // 4, 1),
    )
