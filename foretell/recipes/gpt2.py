"""GPT-2: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners".

$ foretell train gpt2.pretrain:124M --data FOLDER     the paper's smallest (printed as 117M); also 355M, 774M, 1558M
$ foretell train gpt2.pretrain:nano                      the same on the documentation text of this machine
$ foretell generate runs/gpt2.pretrain-nano "Return the"

Result of nano on 2 CPU cores: see benchmarks/demo.md.
"""

from dataclasses import dataclass
from typing import Literal

from foretell.corpus.config import TextData
from foretell.model.config import Dropout, Init, NetworkConfig
from foretell.objective.config import LanguageModel
from foretell.train.config import AdamW, BatchSize, RunConfig, Schedule

Size = Literal["124M", "355M", "774M", "1558M", "117M", "345M", "762M", "1542M", "mini", "nano", "pico", "smoke"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row of table 2 and ours below them; the names are the true parameter counts (117M ... 1542M as printed)."""

    n_layers: int
    d_model: int
    n_heads: int
    n_ctx: int
    n_vocab: int
    rows: int
    micro: int
    lr: float
    warmup: int
    steps: int


SIZES = {
    "124M": Row(
        n_layers=12, d_model=768, n_heads=12, n_ctx=1024, n_vocab=50257, rows=512, micro=8, lr=6e-4, warmup=2000,
        steps=100_000,
    ),
    "355M": Row(
        n_layers=24, d_model=1024, n_heads=16, n_ctx=1024, n_vocab=50257, rows=512, micro=4, lr=3e-4, warmup=2000,
        steps=100_000,
    ),
    "774M": Row(
        n_layers=36, d_model=1280, n_heads=20, n_ctx=1024, n_vocab=50257, rows=512, micro=2, lr=2.5e-4, warmup=2000,
        steps=100_000,
    ),
    "1558M": Row(
        n_layers=48, d_model=1600, n_heads=25, n_ctx=1024, n_vocab=50257, rows=512, micro=1, lr=2e-4, warmup=2000,
        steps=100_000,
    ),
    "mini": Row(
        n_layers=6, d_model=384, n_heads=6, n_ctx=256, n_vocab=8192, rows=16, micro=0, lr=1e-3, warmup=300,
        steps=6000,
    ),
    "nano": Row(
        n_layers=4, d_model=128, n_heads=4, n_ctx=128, n_vocab=4096, rows=16, micro=0, lr=2e-3, warmup=60,
        steps=450,
    ),
    "pico": Row(
        n_layers=2, d_model=64, n_heads=2, n_ctx=128, n_vocab=4096, rows=16, micro=0, lr=3e-3, warmup=60,
        steps=450,
    ),
    "smoke": Row(
        n_layers=2, d_model=32, n_heads=2, n_ctx=48, n_vocab=512, rows=8, micro=0, lr=3e-3, warmup=4,
        steps=12,
    ),
}  # fmt: skip
PRINTED = {"117M": "124M", "345M": "355M", "762M": "774M", "1542M": "1558M"}
SIZES |= {printed: SIZES[true] for printed, true in PRINTED.items()}  # the paper's names for the same models


def network(size: Size) -> NetworkConfig:
    """Section 2.3: pre-norm, a norm after the last block, residual projections scaled by 1/sqrt(N) at the start.

    N is the number of residual layers: two a block. The paper does not say how wide positions begin: 0.01, as in its
    program. It says nothing of dropout; for the paper's sizes the program's 0.1 is kept after the embeddings and the
    sub-layers, and dropped where text is not repeated.
    Deviation: no dropout of attention weights, for which all T x T of them would have to be stored: on a CPU that takes
    the 124M model from 3 to 5 GiB (benchmarks/memory.md).
    """
    row = SIZES[size]
    p = 0.1 if row.n_vocab == 50257 else 0.0
    return NetworkConfig(
        kind="decoder",
        n_vocab=row.n_vocab,
        n_ctx=row.n_ctx,
        n_layers=row.n_layers,
        d_model=row.d_model,
        n_heads=row.n_heads,
        d_head=row.d_model // row.n_heads,
        d_ff=4 * row.d_model,
        norm_place="pre",
        dropout=Dropout(embedding=p, residual=p),
        init=Init(std=0.02, position_std=0.01, scale_residual=True),
    )


def pretrain(size: Size = "124M") -> RunConfig:
    """Section 2.3: batches of 512 sequences. The learning rate was tuned by hand and is not given; nor is the length.

    Ours: GPT-3's rate for the size, cosine to a tenth, 100 000 steps (52 billion tokens, some 5 epochs of WebText).
    """
    row = SIZES[size]
    return RunConfig(
        recipe=f"gpt2.pretrain:{size}",
        model=network(size),
        data=TextData(length=row.n_ctx),
        objective=LanguageModel(),
        optim=AdamW(lr=row.lr, betas=(0.9, 0.95), weight_decay=0.1),
        schedule=Schedule(shape="cosine", warmup_steps=row.warmup, floor=0.1),
        batch=BatchSize(rows=row.rows, micro=row.micro),
        steps=row.steps,
        clip=1.0,
        evaluate_every=max(row.steps // 10, 1),
        checkpoint_every=max(row.steps // 20, 1),
    )
