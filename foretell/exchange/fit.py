"""Whether a config fits: each of our fields that a stock class needs, each of its fields that we must understand.

Sizes are never guessed: a missing n_head would change the mathematics, and no shape would show it.
"""

from collections.abc import Mapping
from dataclasses import fields
from math import isfinite
from typing import Any, Literal

from foretell.errors import BadUse
from foretell.model.config import Dropout, NetworkConfig

Config = Mapping[str, Any]  # config.json
Held = Mapping[str, tuple[int, ...]]  # what the weight file holds: names and shapes
Activation = Literal["relu", "gelu", "gelu_tanh"]

TO_THEIRS = {"gelu_tanh": "gelu_new", "gelu": "gelu", "relu": "relu"}
TO_OURS: dict[str, Activation] = {
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu": "gelu",
    "relu": "relu",
}
NOT_THE_BODY = ("heads", "dropout", "init", "attention", "window", "rotary_base")


class Unfit(BadUse):
    """A network that a stock class cannot hold."""


def need(cfg: NetworkConfig, stock: str, **wanted: object) -> None:
    """Unfit unless every named field has the wanted value, or one of them if a list is given."""
    for name, value in wanted.items():
        there, known = getattr(cfg, name), value if isinstance(value, list) else [value]
        if there not in known:
            raise Unfit(f"{stock} cannot hold {name}={there!r}; it needs {' or '.join(repr(v) for v in known)}")
    if cfg.n_heads * cfg.d_head != cfg.d_model:
        rule = f"it needs them to be d_model={cfg.d_model}"
        raise Unfit(f"{stock} cannot hold n_heads={cfg.n_heads} x d_head={cfg.d_head}; {rule}")


def need_patterns(cfg: NetworkConfig, stock: str, *known: str) -> None:
    """Unfit unless every layer's attention is of a known pattern."""
    for i in range(cfg.n_layers):
        if cfg.pattern(i) not in known:
            rule = f"it needs {' or '.join(known)}"
            raise Unfit(f"{stock} cannot hold attention={cfg.pattern(i)!r} in layer {i}; {rule}")


def refuse(config: Config, stock: str, **plain: object) -> None:
    """BadUse if a foreign config has another value than the plain one in a field that changes the mathematics."""
    for name, value in plain.items():
        there = config.get(name, value)
        if there != value:
            raise BadUse(
                f"{stock} with {name}={there!r} is not supported; only {value!r} computes what our network does"
            )


def size(config: Config, name: str, default: int | None = None) -> int:
    """A whole number of at least 1 of a foreign config; without a default it must be there."""
    there = config.get(name, default)
    if isinstance(there, bool) or not isinstance(there, int) or there < 1:
        said = f"{name}={there!r} is not a whole number of at least 1" if name in config else f"{name} is missing"
        raise BadUse(f"{said}; give the config.json that the weights were saved with")
    return there


def number(config: Config, name: str, default: float) -> float:
    """A finite number of a foreign config, or its class's default."""
    there = config.get(name, default)
    if isinstance(there, bool) or not isinstance(there, int | float) or not isfinite(there):
        raise BadUse(f"{name}={there!r} is not a number; give the config.json that the weights were saved with")
    return float(there)


def layers(config: Config, name: str, held: Held) -> int:
    """The number of layers, which is never more than the file has tensors: else building them would take for ever."""
    n = size(config, name)
    if n > len(held):
        raise BadUse(
            f"{name}={n}, but the weight file holds {len(held)} tensors; weights and config do not belong together"
        )
    return n


def head_sizes(config: Config, width: str, heads: str) -> tuple[int, int, int]:
    """d_model, n_heads and d_head of a foreign config, in which the heads share the width equally."""
    d_model, n_heads = size(config, width), size(config, heads)
    if d_model % n_heads:
        raise BadUse(f"{width}={d_model} is not a multiple of {heads}={n_heads}; one of them is wrong")
    return d_model, n_heads, d_model // n_heads


def dropouts(config: Config, default: float, embedding: str, attention: str, residual: str) -> Dropout:
    """The three dropouts of a foreign config, by its names for them."""
    return Dropout(
        embedding=number(config, embedding, default),
        attention=number(config, attention, default),
        residual=number(config, residual, default),
    )


def activation(config: Config, name: str, default: str) -> Activation:
    """Our name of a foreign activation."""
    there = config.get(name, default)
    if not isinstance(there, str) or there not in TO_OURS:
        raise BadUse(f"{name}={there!r} is not supported; known: {', '.join(TO_OURS)}")
    return TO_OURS[there]


def labels(n: int) -> dict[str, Any]:
    """The fields that tell a sequence classifier its number of outputs."""
    return {"id2label": {str(i): str(i) for i in range(n)}, "label2id": {str(i): i for i in range(n)}} if n else {}


def difference(one: NetworkConfig, other: NetworkConfig) -> tuple[str, object, object] | None:
    """The first field in which the bodies of two networks compute otherwise, with both values; None if none does.

    Shapes would not show most of them: the number of heads, the norm's place, the activation, the window.
    """
    for name in [field.name for field in fields(NetworkConfig) if field.name not in NOT_THE_BODY]:
        if getattr(one, name) != getattr(other, name):
            return name, getattr(one, name), getattr(other, name)
    patterns = [[cfg.pattern(i) for i in range(cfg.n_layers)] for cfg in (one, other)]
    if patterns[0] != patterns[1]:
        return "attention", one.attention, other.attention
    if set(patterns[0]) != {"dense"} and one.window != other.window:
        return "window", one.window, other.window
    if one.positions == "rotary" and one.rotary_base != other.rotary_base:
        return "rotary_base", one.rotary_base, other.rotary_base
    return None
