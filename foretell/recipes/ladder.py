"""A ladder of small runs from which the loss of a large one is foretold: sizes and tokens by one rule.

$ foretell predict ladder --widths 16,20,24,28 --target 64        the table of the runs; --train trains them

    width d        n_layers layers, n_heads heads of d / n_heads, feed-forward 4 d
    parameters N   those in matrix products: blocks and output layer
    tokens         tokens_per_parameter N, times each of `shares`
    rates          Muon's the same at every width; AdamW's (embeddings, output layer, gains) as d^-1/2
    schedule       warm-up, stable, and a fall to zero over the last fifth

Muon's update has the same spectral norm at every width, which is what keeps the best rate of a hidden matrix where it
was (Yang et al. 2023); AdamW's rule is nanochat's. One tuned small run then serves all: at widths 16 and 32, on novels,
a rate of half or twice these ended within 0.5 % of them. The runs of a width share their steps until the first begins
its fall, so that a longer one is branched off the shorter (scaling/branches.py).
"""

from dataclasses import dataclass, replace

from foretell.corpus.config import EMBEDDED, TextData
from foretell.model.config import NetworkConfig
from foretell.objective.config import LanguageModel
from foretell.recipes import modern
from foretell.train.config import BatchSize, Machine, Muon, RunConfig, Schedule

FALL = 5  # one step in five is of the fall
TUNED_AT = 32  # the width at which the rates were tuned


@dataclass(frozen=True, kw_only=True, slots=True)
class Ladder:
    """The rule that every run of a ladder, and its target, is made by."""

    widths: tuple[int, ...] = (16, 20, 24, 28, 32)
    tokens_per_parameter: float = 20.0
    shares: tuple[float, ...] = (0.25, 0.5, 1.0)
    """the runs of a width, as shares of its tokens"""
    seeds: tuple[int, ...] = (0,)
    """those of the smaller half of the widths, whose losses differ most; the others have the first alone"""
    folder: str = EMBEDDED
    n_vocab: int = 512
    n_ctx: int = 64
    n_layers: int = 2
    n_heads: int = 2
    rows: int = 16
    lr: float = 0.03
    """AdamW's at width 32"""
    muon_lr: float = 0.02
    evaluate_rows: int = 0

    def __post_init__(self) -> None:
        if not self.widths or any(width < 1 or width % (2 * self.n_heads) for width in self.widths):
            rule = f"needs widths that are multiples of {2 * self.n_heads}: rotary heads have an even size"
            raise ValueError(f"widths={self.widths} {rule}")
        if not self.shares or not all(0 < share <= 1 for share in self.shares) or 1.0 not in self.shares:
            raise ValueError(f"shares={self.shares} are not in (0, 1] with 1 among them")
        if not self.seeds:
            raise ValueError("seeds is empty; give at least one")
        if not self.tokens_per_parameter > 0:
            raise ValueError(f"tokens_per_parameter={self.tokens_per_parameter} is not positive; Chinchilla's is 20")


def network(rule: Ladder, width: int) -> NetworkConfig:
    """The network of a width: the modern recipe's parts."""
    return replace(
        modern.network("nano"),
        n_vocab=rule.n_vocab,
        n_ctx=rule.n_ctx,
        n_layers=rule.n_layers,
        d_model=width,
        n_heads=rule.n_heads,
        d_head=width // rule.n_heads,
        d_ff=4 * width,
    )


def rung(rule: Ladder, width: int, share: float = 1.0, seed: int = 0) -> RunConfig:
    """The run of a width at a share of its tokens. The warm-up is that of the shortest, so that they can share it."""
    model = network(rule, width)
    steps, shortest = (n_steps(rule, model, part) for part in (share, min(rule.shares)))
    return RunConfig(
        recipe=f"ladder.{width}-{share:g}",
        model=model,
        data=TextData(folder=rule.folder, length=rule.n_ctx),
        objective=LanguageModel(),
        optim=Muon(lr=rule.lr * (TUNED_AT / width) ** 0.5, muon_lr=rule.muon_lr, momentum=0.9),
        schedule=Schedule(shape="linear", warmup_steps=max(shortest // 10, 1), decay_from=1 - 1 / FALL),
        batch=BatchSize(rows=rule.rows),
        steps=steps,
        seed=seed,
        evaluate_every=steps,
        evaluate_rows=rule.evaluate_rows,
        checkpoint_every=steps // FALL,  # the last but one lies where the fall begins, and is kept
        machine=Machine(threads=1),
    )


def n_steps(rule: Ladder, model: NetworkConfig, share: float) -> int:
    """The steps of a run, a multiple of FALL so that the fall begins at a whole step."""
    from foretell.model.count import matrix_parameters

    tokens = rule.tokens_per_parameter * matrix_parameters(model) * share
    return FALL * max(round(tokens / (rule.rows * rule.n_ctx * FALL)), 1)


def families(rule: Ladder) -> list[list[RunConfig]]:
    """The runs of each width and seed, the shortest first: each goes on from the one before it."""
    widths = sorted(rule.widths)
    return [
        [rung(rule, width, share, seed) for share in sorted(rule.shares)]
        for i, width in enumerate(widths)
        for seed in (rule.seeds if i < (len(widths) + 1) // 2 else rule.seeds[:1])
    ]
