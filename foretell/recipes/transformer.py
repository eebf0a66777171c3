"""Transformer: Vaswani et al. 2017, "Attention Is All You Need".

$ foretell train transformer.translate --data FOLDER      65M parameters; FOLDER holds train.jsonl and val.jsonl
$ foretell train transformer.translate:small --data FOLDER --data.source en --data.target de     line-aligned files
$ foretell train transformer.translate:nano               from a signature to the first sentence of its documentation

Result of nano on 2 CPU cores: see benchmarks/demo.md; of small on 29 000 pairs: benchmarks/translation.md.
"""

from dataclasses import dataclass
from typing import Literal

from foretell.corpus.config import TranslationData
from foretell.model.config import Dropout, Init, NetworkConfig
from foretell.objective.config import Translation
from foretell.train.config import AdamW, BatchSize, Muon, RunConfig, Schedule

Size = Literal["base", "big", "small", "mini", "nano", "smoke"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row of table 3, and of ours below it."""

    n_layers: int
    d_model: int
    n_heads: int
    d_ff: int
    dropout: float
    n_vocab: int
    n_ctx: int
    tokens: int
    warmup: int
    steps: int
    average: int
    lr_factor: float = 1.0
    """of eq. 3; below 1 where our few steps never leave the rates of the warm-up"""
    muon_lr: float = 0.0
    """of Muon on the blocks' matrices, with Adam on the rest; 0 is the paper's Adam on all"""


SIZES = {
    "base": Row(
        n_layers=6, d_model=512, n_heads=8, d_ff=2048, dropout=0.1, n_vocab=37000, n_ctx=512, tokens=25000,
        warmup=4000, steps=100_000, average=5,
    ),
    "big": Row(
        n_layers=6, d_model=1024, n_heads=16, d_ff=4096, dropout=0.3, n_vocab=37000, n_ctx=512, tokens=25000,
        warmup=4000, steps=300_000, average=20,
    ),
    "small": Row(
        n_layers=3, d_model=256, n_heads=4, d_ff=512, dropout=0.15, n_vocab=6000, n_ctx=128, tokens=2048,
        warmup=100, steps=6000, average=5, lr_factor=0.32, muon_lr=0.01,
    ),
    "mini": Row(
        n_layers=4, d_model=256, n_heads=4, d_ff=1024, dropout=0.1, n_vocab=8192, n_ctx=96, tokens=4096,
        warmup=1000, steps=6000, average=5,
    ),
    "nano": Row(
        n_layers=2, d_model=128, n_heads=4, d_ff=512, dropout=0.1, n_vocab=4096, n_ctx=64, tokens=1536,
        warmup=150, steps=500, average=3, lr_factor=0.5,
    ),
    "smoke": Row(
        n_layers=1, d_model=32, n_heads=2, d_ff=64, dropout=0.1, n_vocab=512, n_ctx=48, tokens=512,
        warmup=10, steps=12, average=2,
    ),
}  # fmt: skip


def network(size: Size) -> NetworkConfig:
    """Section 3: post-norm encoder and decoder, ReLU, sinusoids, one matrix for source, target and output.

    The paper does not say how weights begin; ours are Glorot-uniform, embeddings N(0, 1/d_model).
    Deviation: the paper counts 65M for base; with its 37000 tokens the sizes of table 3 give 63M.
    """
    row = SIZES[size]
    return NetworkConfig(
        kind="seq2seq",
        n_vocab=row.n_vocab,
        n_ctx=row.n_ctx,
        n_layers=row.n_layers,
        d_model=row.d_model,
        n_heads=row.n_heads,
        d_head=row.d_model // row.n_heads,
        d_ff=row.d_ff,
        norm_place="post",
        activation="relu",
        positions="sinusoid",
        embedding_scale=True,
        dropout=Dropout(embedding=row.dropout, residual=row.dropout),
        init=Init(kind="xavier"),
    )


def optimizer(size: Size) -> AdamW | Muon:
    """Section 5.3: Adam, whose peak rate is that of eq. 3.

    Deviation: `small` has Muon, which needs about half as many steps there (benchmarks/translation.md).
    """
    row = SIZES[size]
    lr = row.lr_factor * (row.d_model * row.warmup) ** -0.5
    if row.muon_lr:
        return Muon(lr=lr, muon_lr=row.muon_lr, betas=(0.9, 0.98), eps=1e-9, momentum=0.9)
    return AdamW(lr=lr, betas=(0.9, 0.98), eps=1e-9)


def translate(size: Size = "base") -> RunConfig:
    """Section 5: Adam, the warm-up of eq. 3, label smoothing 0.1, buckets of similar length, averaged checkpoints."""
    row = SIZES[size]
    return RunConfig(
        recipe=f"transformer.translate:{size}",
        model=network(size),
        data=TranslationData(length=row.n_ctx, tokens_per_bucket=row.tokens),
        objective=Translation(label_smoothing=0.1),
        optim=optimizer(size),
        schedule=Schedule(shape="inverse_sqrt", warmup_steps=row.warmup),
        batch=BatchSize(rows=1),
        steps=row.steps,
        evaluate_every=max(row.steps // 10, 1),
        checkpoint_every=max(row.steps // 40, 1),
        average=row.average,
    )
