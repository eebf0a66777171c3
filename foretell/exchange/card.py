"""The model card: what a model is, said in the folder's README.md from the run's own record."""

from collections.abc import Callable
from dataclasses import dataclass, field

from foretell.model.config import NetworkConfig
from foretell.model.count import parameters

CardText = Callable[[NetworkConfig, str, str], str]
"""makes README.md of the network's config, the stock class that loads it, and why there is none"""

LIMITS = "It says what its training text makes likely, true or not. Measure it on your use before you rely on it."

SHIFTED = (
    "It is a reward: the bias that sets its zero is `score.bias`, which foretell adds and transformers leaves out, so "
    "that its scores there differ by that constant."
)
ONE_SEQUENCE = (
    "It gives the outputs of one sequence: for similarity the two orders' are summed, for a choice each one's compared."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """What only the maker of a model knows. The licence of the weights is theirs to state, so none is put here."""

    recipe: str
    data: str = ""
    """what it was trained on, in a few words"""
    steps: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    """measured on held-out data, the loss among them"""
    limits: str = ""
    """what it is not fit for, beyond what holds for every model"""


def card_text(card: Card, cfg: NetworkConfig, stock: str, why_not: str) -> str:
    """README.md: a YAML head as the hub reads it, then sentences for people. `why_not` is said if `stock` is empty."""
    n = sum(parameters(cfg).values())
    shape = f"{cfg.n_layers} layers x {cfg.d_model}, context {cfg.n_ctx}"
    library = "transformers" if stock else "foretell"
    lines = [
        f"---\nlibrary_name: {library}\npipeline_tag: {task(cfg)}\ntags: [foretell]\n---\n",
        f"# {card.recipe}\n",
        f"A {cfg.kind} of {n:,} parameters ({shape}). {loaded_by(stock, why_not)}\n",
    ]
    if cfg.heads.n_outputs and stock and cfg.kind == "decoder":
        what = SHIFTED if cfg.heads.task_bias else ONE_SEQUENCE
        lines.append(f"Its head reads the last token that is not padding. {what}\n")
    if card.data:
        lines.append(f"Trained on {card.data}.\n")
    if card.steps:
        lines.append(f"Trained by foretell for {card.steps:,} steps.\n")
    if card.metrics:
        rows = "\n".join(f"| {name} | {value:.4f} |" for name, value in sorted(card.metrics.items()))
        lines.append(f"| measure on held-out data | value |\n| --- | --- |\n{rows}\n")
    lines.append(f"## Limits\n\n{LIMITS}{' ' + card.limits if card.limits else ''}\n")
    return "\n".join(lines)


def loaded_by(stock: str, why_not: str) -> str:
    """Which tool loads the folder."""
    if stock:
        return f"transformers loads it as {stock}; foretell.load reads it too."
    return f"transformers cannot load it: {why_not}. foretell.load reads it."


def task(cfg: NetworkConfig) -> str:
    """What the hub calls the network's use."""
    if cfg.heads.n_outputs:
        return "text-classification"
    if cfg.vision is not None:
        return "image-text-to-text"
    return {"seq2seq": "translation", "encoder": "fill-mask", "decoder": "text-generation"}[cfg.kind]
