"""Whether a config fits another library's class: each field that must have a value, and a refusal that names it."""

from collections.abc import Mapping
from typing import Any

from foretell.errors import BadUse
from foretell.model.config import Dropout, NetworkConfig


class Unfit(BadUse):
    """A config that a stock class cannot hold."""


def need(cfg: NetworkConfig, stock: str, **wanted: object) -> None:
    """Unfit unless every named field has the wanted value, or one of them if a set is given."""
    for name, value in wanted.items():
        there = getattr(cfg, name)
        if there not in (value if isinstance(value, set) else {value}):
            raise Unfit(f"{stock} cannot hold {name}={there!r} (it needs {value!r}); kept in foretell's own layout")
    if cfg.n_heads * cfg.d_head != cfg.d_model:
        size = cfg.n_heads * cfg.d_head
        raise Unfit(f"{stock} cannot hold n_heads x d_head = {size} beside d_model={cfg.d_model}; kept in our layout")


def refuse(config: Mapping[str, Any], stock: str, **plain: object) -> None:
    """BadUse if a foreign config has another value than the plain one in a field that changes the mathematics."""
    for name, value in plain.items():
        there = config.get(name, value)
        if there != value:
            raise BadUse(f"{stock} with {name}={there!r} is not supported (only {value!r}); it would compute otherwise")


def dropouts(config: Mapping[str, Any], embedding: str, attention: str, residual: str) -> Dropout:
    """The three dropouts of a foreign config, by its names for them."""
    return Dropout(
        embedding=float(config.get(embedding, 0.1)),
        attention=float(config.get(attention, 0.1)),
        residual=float(config.get(residual, 0.1)),
    )


GELU_TO_THEIRS = {"gelu_tanh": "gelu_new", "gelu": "gelu", "relu": "relu"}
GELU_TO_OURS = {"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu": "gelu", "relu": "relu"}


def activation(name: str, stock: str) -> Any:
    """Our name of a foreign activation."""
    if name not in GELU_TO_OURS:
        raise BadUse(f"{stock} with activation {name!r} is not supported; known: {', '.join(GELU_TO_OURS)}")
    return GELU_TO_OURS[name]
