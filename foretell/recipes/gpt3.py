"""GPT-3: Brown et al. 2020, "Language Models are Few-Shot Learners".

$ foretell show gpt3.pretrain:175B                       the config, its parameters, FLOPs and memory
$ foretell train gpt3.pretrain:125M --data FOLDER        the paper's smallest
$ foretell train gpt3.pretrain:nano                      the same on the documentation text of this machine

Result of nano on 2 CPU cores: see benchmarks/demo.md; the rung's few-shot evaluation comes with the evaluator.
"""

from dataclasses import dataclass
from typing import Literal

from foretell.corpus.config import TextData
from foretell.model.config import Init, NetworkConfig
from foretell.objective.config import LanguageModel
from foretell.train.config import AdamW, BatchSize, RunConfig, Schedule
from foretell.train.schedule import rows_after

Size = Literal["125M", "350M", "760M", "1.3B", "2.7B", "6.7B", "13B", "175B", "nano", "smoke"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row of table 2.1 as printed, and ours below them; `batch` in tokens."""

    n_layers: int
    d_model: int
    n_heads: int
    d_head: int
    batch: int
    lr: float
    n_ctx: int = 2048
    n_vocab: int = 50257
    tokens: int = 300_000_000_000


SIZES = {
    "125M": Row(n_layers=12, d_model=768, n_heads=12, d_head=64, batch=500_000, lr=6.0e-4),
    "350M": Row(n_layers=24, d_model=1024, n_heads=16, d_head=64, batch=500_000, lr=3.0e-4),
    "760M": Row(n_layers=24, d_model=1536, n_heads=16, d_head=96, batch=500_000, lr=2.5e-4),
    "1.3B": Row(n_layers=24, d_model=2048, n_heads=24, d_head=128, batch=1_000_000, lr=2.0e-4),
    "2.7B": Row(n_layers=32, d_model=2560, n_heads=32, d_head=80, batch=1_000_000, lr=1.6e-4),
    "6.7B": Row(n_layers=32, d_model=4096, n_heads=32, d_head=128, batch=2_000_000, lr=1.2e-4),
    "13B": Row(n_layers=40, d_model=5140, n_heads=40, d_head=128, batch=2_000_000, lr=1.0e-4),
    "175B": Row(n_layers=96, d_model=12288, n_heads=96, d_head=128, batch=3_200_000, lr=0.6e-4),
    "nano": Row(
        n_layers=4, d_model=128, n_heads=4, d_head=32, batch=2048, lr=3e-3, n_ctx=128, n_vocab=4096, tokens=1_600_000
    ),
    "smoke": Row(n_layers=2, d_model=32, n_heads=2, d_head=16, batch=384, lr=3e-3, n_ctx=48, n_vocab=512, tokens=4000),
}

WARMUP, RAMP, DECAY = 0.375e9 / 300e9, 8e9 / 300e9, 260e9 / 300e9  # shares of all tokens, section 2.3 and appendix B


def network(size: Size) -> NetworkConfig:
    """Section 2.1: GPT-2 with alternating dense and locally banded layers; d_head as printed, also where
    n_heads * d_head is not d_model (1.3B: 3072 against 2048; 13B: 5120 against 5140).

    The paper gives no width of the band; ours is 256, n_ctx/4 at small sizes. Deviation: query, key and value have no
    bias, so that the alternating layers fit GPT-Neo, the stock class for them.
    """
    row = SIZES[size]
    return NetworkConfig(
        kind="decoder",
        n_vocab=row.n_vocab,
        n_ctx=row.n_ctx,
        n_layers=row.n_layers,
        d_model=row.d_model,
        n_heads=row.n_heads,
        d_head=row.d_head,
        d_ff=4 * row.d_model,
        norm_place="pre",
        attention=("dense", "banded"),
        window=min(256, row.n_ctx // 4),
        qkv_bias=False,
        init=Init(std=0.02, position_std=0.01, scale_residual=True),
    )


def batch_size(row: Row) -> BatchSize:
    """Appendix B: from 32k tokens (a sixteenth at small sizes) linearly to the full batch over the first 4-12 billion.

    Ours is 8 billion of 300 for every size.
    """
    full = max(row.batch // row.n_ctx, 1)
    first = max(min(32_768 // row.n_ctx, full // 16), 1)
    return BatchSize(rows=full, micro=min(full, 16), ramp_from=first, ramp_rows=int(RAMP * row.tokens / row.n_ctx))


def steps_for(rows: int, batch: BatchSize) -> int:
    """How many steps read this many rows, the ramp included."""
    steps = seen = 0
    while seen < min(batch.ramp_rows, rows):
        seen, steps = seen + rows_after(batch, seen), steps + 1
    return steps + max(-(-(rows - seen) // batch.rows), 0)


def pretrain(size: Size = "175B") -> RunConfig:
    """Section 2.3 and appendix B: Adam 0.9/0.95, clip 1, cosine to a tenth over 260 of 300 billion tokens, warm-up
    over 375 million, weight decay 0.1, documents packed with an end-of-text token and no masking between them."""
    row = SIZES[size]
    batch = batch_size(row)
    steps = steps_for(row.tokens // row.n_ctx, batch)
    return RunConfig(
        recipe=f"gpt3.pretrain:{size}",
        model=network(size),
        data=TextData(length=row.n_ctx),
        objective=LanguageModel(),
        optim=AdamW(lr=row.lr, betas=(0.9, 0.95), weight_decay=0.1),
        schedule=Schedule(
            shape="cosine",
            warmup_steps=steps_for(int(WARMUP * row.tokens / row.n_ctx), batch),
            decay_to=DECAY,
            floor=0.1,
        ),
        batch=batch,
        steps=steps,
        clip=1.0,
        evaluate_every=max(steps // 10, 1),
        checkpoint_every=max(steps // 20, 1),
    )
