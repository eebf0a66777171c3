"""The model card: what a model is, said in the folder's README.md from the run's own record."""

from dataclasses import dataclass, field

from foretell.model.config import NetworkConfig
from foretell.model.count import parameters


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """What only the maker of a model knows."""

    recipe: str
    steps: int = 0
    metrics: dict[str, float] = field(default_factory=dict)


def card_text(card: Card, cfg: NetworkConfig, stock: str) -> str:
    """README.md: a YAML head as the hub reads it, then sentences for people."""
    tag = "translation" if cfg.kind == "seq2seq" else "fill-mask" if cfg.kind == "encoder" else "text-generation"
    n = sum(parameters(cfg).values())
    loads = (
        f"transformers loads it as {stock}." if stock else "transformers has no class for it; foretell.load reads it."
    )
    head = (
        f"---\nlicense: apache-2.0\nlibrary_name: {'transformers' if stock else 'foretell'}\npipeline_tag: {tag}\n---\n"
    )
    lines = [
        f"\n# {card.recipe}\n",
        f"A {cfg.kind} of {n:,} parameters ({cfg.n_layers} layers x {cfg.d_model}, context {cfg.n_ctx}). {loads}\n",
    ]
    if card.steps:
        lines.append(f"Trained by foretell for {card.steps:,} steps.\n")
    if card.metrics:
        rows = "\n".join(f"| {name} | {value:.4f} |" for name, value in sorted(card.metrics.items()))
        lines.append(f"| measure on held-out data | value |\n| --- | --- |\n{rows}\n")
    lines.append(
        "It says what its training text makes likely, true or not. Measure it on your use before you rely on it.\n"
    )
    return head + "\n".join(lines)
