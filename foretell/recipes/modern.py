"""Today's best practice on the decoder, each part kept only because it lowers the loss at equal time on a CPU.

$ foretell train modern.pretrain:nano
$ foretell train modern.pretrain:124M --data FOLDER

Result of nano on 2 CPU cores: see benchmarks/modern.md, which holds the table of ablations.
"""

from dataclasses import dataclass
from typing import Literal

from foretell.corpus.config import TextData
from foretell.model.config import Init, NetworkConfig
from foretell.objective.config import LanguageModel
from foretell.train.config import BatchSize, Muon, RunConfig, Schedule

Size = Literal["124M", "mini", "nano", "smoke"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """The shapes of GPT-2, with fewer steps."""

    n_layers: int
    d_model: int
    n_heads: int
    n_ctx: int
    n_vocab: int
    rows: int
    micro: int
    steps: int


SIZES = {
    "124M": Row(n_layers=12, d_model=768, n_heads=6, n_ctx=1024, n_vocab=50257, rows=512, micro=8, steps=10_000),
    "mini": Row(n_layers=6, d_model=384, n_heads=3, n_ctx=256, n_vocab=8192, rows=16, micro=0, steps=3000),
    "nano": Row(n_layers=4, d_model=128, n_heads=2, n_ctx=128, n_vocab=4096, rows=16, micro=0, steps=200),
    "smoke": Row(n_layers=2, d_model=32, n_heads=2, n_ctx=48, n_vocab=512, rows=8, micro=0, steps=12),
}


def network(size: Size) -> NetworkConfig:
    """Rotary positions, QK-norm, ReLU^2, no biases, residual projections that begin at zero.

    RMSNorm without gains did not pay: LayerNorm with gains stays (benchmarks/modern.md).
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
        norm_place="pre",
        activation="relu2",
        positions="rotary",
        bias=False,
        qk_norm=True,
        tied=False,
        init=Init(std=0.02, zero_residual=True),
    )


def pretrain(size: Size = "124M") -> RunConfig:
    """Muon on the blocks' matrices, AdamW on the rest; warm-up, stable, then a long linear decay."""
    row = SIZES[size]
    return RunConfig(
        recipe=f"modern.pretrain:{size}",
        model=network(size),
        data=TextData(length=row.n_ctx),
        objective=LanguageModel(),
        optim=Muon(lr=0.024, muon_lr=0.015, momentum=0.9),
        schedule=Schedule(shape="linear", warmup_steps=max(row.steps // 50, 1), decay_from=0.4),
        batch=BatchSize(rows=row.rows, micro=row.micro),
        steps=row.steps,
        evaluate_every=max(row.steps // 10, 1),
        checkpoint_every=max(row.steps // 20, 1),
    )
