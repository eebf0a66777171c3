"""GPTNeoForCausalLM: pre-norm decoders whose layers are dense or locally banded, in turn.

Brown et al. 2020, section 2.1, has that pattern. GPT-Neo does not divide scores by sqrt(d_head): the division is folded
into its query weights. Where sqrt(d_head) is no power of two that rounds, so that queries come back to within 2^-23 of
themselves after the first exchange, and exactly after any later one.
"""

from collections.abc import Sequence
from typing import Any

from foretell.errors import BadUse
from foretell.exchange import names
from foretell.exchange.fit import (
    TO_THEIRS,
    Config,
    Held,
    activation,
    dropouts,
    head_sizes,
    layers,
    need,
    need_patterns,
    number,
    refuse,
    size,
)
from foretell.exchange.names import Entry, Tensors, pair
from foretell.model.config import Heads, Init, NetworkConfig, Pattern
from foretell.model.init import build_meta

MODEL_TYPE, STOCK = "gpt_neo", "GPTNeoForCausalLM"
PATTERN_TO_THEIRS = {"dense": "global", "banded": "local"}
PATTERN_TO_OURS: dict[str, Pattern] = {"global": "dense", "local": "banded"}


def architecture(cfg: NetworkConfig) -> str:
    """The class."""
    return STOCK


def config_to(cfg: NetworkConfig) -> dict[str, Any]:
    """Their config.json; Unfit where the class cannot hold ours."""
    need(cfg, STOCK, kind="decoder", norm_place="pre", norm="layer", positions="learned", bias=True, qkv_bias=False)
    need(cfg, STOCK, gated=False, vision=None)
    need(cfg, STOCK, tied=True, n_segments=0, embedding_norm=False, embedding_scale=False, qk_norm=False)
    need(cfg, STOCK, heads=Heads(), activation=list(TO_THEIRS))
    need_patterns(cfg, STOCK, *PATTERN_TO_THEIRS)
    return {
        "vocab_size": cfg.n_vocab,
        "max_position_embeddings": cfg.n_ctx,
        "hidden_size": cfg.d_model,
        "num_layers": cfg.n_layers,
        "num_heads": cfg.n_heads,
        "intermediate_size": cfg.d_ff,
        "attention_types": [[[PATTERN_TO_THEIRS[cfg.pattern(i)] for i in range(cfg.n_layers)], 1]],
        "window_size": cfg.window,
        "activation_function": TO_THEIRS[cfg.activation],
        "layer_norm_epsilon": cfg.norm_eps,
        "embed_dropout": cfg.dropout.embedding,
        "attention_dropout": cfg.dropout.attention,
        "resid_dropout": cfg.dropout.residual,
        "initializer_range": cfg.init.std,
        "tie_word_embeddings": True,
    }


def config_from(config: Config, held: Held) -> NetworkConfig:
    """Our config of their config.json."""
    refuse(config, STOCK, tie_word_embeddings=True)
    d_model, n_heads, d_head = head_sizes(config, "hidden_size", "num_heads")
    n_layers, given = layers(config, "num_layers", held), config.get("intermediate_size") is not None
    return NetworkConfig(
        kind="decoder",
        n_vocab=size(config, "vocab_size"),
        n_ctx=size(config, "max_position_embeddings"),
        n_layers=n_layers,
        d_model=d_model,
        n_heads=n_heads,
        d_head=d_head,
        d_ff=size(config, "intermediate_size") if given else 4 * d_model,
        norm_place="pre",
        norm_eps=number(config, "layer_norm_epsilon", 1e-5),
        activation=activation(config, "activation_function", "gelu_new"),
        attention=shortest(patterns(config.get("attention_types"), n_layers)),
        window=size(config, "window_size", 256),
        qkv_bias=False,
        dropout=dropouts(config, 0.0, "embed_dropout", "attention_dropout", "resid_dropout"),
        init=Init(std=number(config, "initializer_range", 0.02), scale_residual=True),
    )


def patterns(types: Any, n_layers: int) -> list[Pattern]:
    """The layers' patterns of attention_types, e.g. [[["global", "local"], 12]]; BadUse unless one a layer."""
    found: list[Pattern] = []
    try:
        for kinds, times in types:
            if len(kinds) * times <= n_layers:  # more would be refused below, and could fill the memory
                found += [PATTERN_TO_OURS[kind] for kind in kinds] * times
    except (TypeError, ValueError, KeyError) as error:
        rule = 'it is a list such as [[["global", "local"], 12]]'
        raise BadUse(f"attention_types={types!r} is not supported; {rule}") from error
    if len(found) != n_layers:
        raise BadUse(f"attention_types={types!r} does not name one pattern for each of num_layers={n_layers}")
    return found


def shortest(found: Sequence[Pattern]) -> tuple[Pattern, ...]:
    """The shortest turn of patterns that makes these layers."""
    turns = (tuple(found[:n]) for n in range(1, len(found)))
    return next((turn for turn in turns if all(p == turn[i % len(turn)] for i, p in enumerate(found))), tuple(found))


def table(cfg: NetworkConfig) -> list[Entry]:
    """Their names and ours."""
    entries = [
        Entry("transformer.wte.weight", ("embed.token.weight",)),
        Entry("transformer.wpe.weight", ("embed.position.weight",)),
        *pair("transformer.ln_f", "decoder.norm"),
    ]
    for i in range(cfg.n_layers):
        h, o = f"transformer.h.{i}", f"decoder.layers.{i}"
        entries += pair(f"{h}.ln_1", f"{o}.attention_norm")
        for theirs, part in (("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value")):
            entries += pair(f"{h}.attn.attention.{theirs}", f"{o}.attention.{part}", bias=False)
        entries += pair(f"{h}.attn.attention.out_proj", f"{o}.attention.output")
        entries += pair(f"{h}.ln_2", f"{o}.feed_forward_norm")
        entries += pair(f"{h}.mlp.c_fc", f"{o}.feed_forward.up")
        entries += pair(f"{h}.mlp.c_proj", f"{o}.feed_forward.output")
    return entries


def tensors_to(cfg: NetworkConfig, ours: Tensors) -> Tensors:
    """Their weights, the queries divided by sqrt(d_head)."""
    return names.to_theirs(table(cfg), scaled(ours, cfg.d_head**-0.5))


def tensors_from(cfg: NetworkConfig, theirs: Tensors) -> Tensors:
    """Our weights, the queries multiplied by sqrt(d_head)."""
    theirs = names.tied(theirs, {"lm_head.weight": "transformer.wte.weight"})
    kept = names.without(theirs, ".attention.bias", ".attention.masked_bias")
    return scaled(names.to_ours(table(cfg), kept, build_meta(cfg).state_dict()), cfg.d_head**0.5)


def scaled(ours: Tensors, factor: float) -> Tensors:
    """Our weights with their queries times a factor, in double precision: rounded once, so that nothing drifts."""
    return {
        name: (value.double() * factor).float() if name.endswith(".query.weight") else value
        for name, value in ours.items()
    }
