"""GPTNeoForCausalLM: pre-norm decoders whose layers are dense or locally banded, in turn (GPT-3's pattern).

GPT-Neo does not divide scores by sqrt(d_head); the division is folded into its query weights.
"""

from collections.abc import Mapping
from typing import Any

from foretell.exchange import names
from foretell.exchange.fit import GELU_TO_THEIRS, activation, dropouts, need, refuse
from foretell.exchange.names import Entry, Tensors, pair
from foretell.model.config import Heads, Init, NetworkConfig, Pattern

MODEL_TYPE, STOCK = "gpt_neo", "GPTNeoForCausalLM"
TO_THEIRS = {"dense": "global", "banded": "local"}
TO_OURS: dict[str, Pattern] = {"global": "dense", "local": "banded"}


def config_to(cfg: NetworkConfig) -> dict[str, Any]:
    """Their config.json; Unfit where the class cannot hold ours."""
    need(cfg, STOCK, kind="decoder", norm_place="pre", norm="layer", positions="learned", bias=True, qkv_bias=False)
    need(cfg, STOCK, tied=True, n_segments=0, embedding_norm=False, embedding_scale=False, qk_norm=False)
    need(cfg, STOCK, heads=Heads(), activation={"gelu", "gelu_tanh", "relu"})
    patterns = {cfg.pattern(i) for i in range(cfg.n_layers)}
    need(cfg, STOCK, **({} if patterns <= TO_THEIRS.keys() else {"attention": ("dense", "banded")}))
    return {
        "vocab_size": cfg.n_vocab,
        "max_position_embeddings": cfg.n_ctx,
        "hidden_size": cfg.d_model,
        "num_layers": cfg.n_layers,
        "num_heads": cfg.n_heads,
        "intermediate_size": cfg.d_ff,
        "attention_types": [[[TO_THEIRS[cfg.pattern(i)]], 1] for i in range(cfg.n_layers)],
        "window_size": cfg.window,
        "activation_function": GELU_TO_THEIRS[cfg.activation],
        "layer_norm_epsilon": cfg.norm_eps,
        "embed_dropout": cfg.dropout.embedding,
        "attention_dropout": cfg.dropout.attention,
        "resid_dropout": cfg.dropout.residual,
        "initializer_range": cfg.init.std,
        "tie_word_embeddings": True,
    }


def config_from(config: Mapping[str, Any]) -> NetworkConfig:
    """Our config of their config.json."""
    refuse(config, STOCK, tie_word_embeddings=True)
    d_model, n_heads = config.get("hidden_size", 2048), config.get("num_heads", 16)
    types = config.get("attention_types", [[["global", "local"], 12]])
    patterns = tuple(TO_OURS[kind] for kinds, times in types for kind in kinds * times)
    return NetworkConfig(
        kind="decoder",
        n_vocab=config.get("vocab_size", 50257),
        n_ctx=config.get("max_position_embeddings", 2048),
        n_layers=config.get("num_layers", 24),
        d_model=d_model,
        n_heads=n_heads,
        d_head=d_model // n_heads,
        d_ff=config.get("intermediate_size") or 4 * d_model,
        norm_place="pre",
        norm_eps=config.get("layer_norm_epsilon", 1e-5),
        activation=activation(config.get("activation_function", "gelu_new"), STOCK),
        attention=patterns,
        window=config.get("window_size", 256),
        qkv_bias=False,
        dropout=dropouts(config, "embed_dropout", "attention_dropout", "resid_dropout"),
        init=Init(std=config.get("initializer_range", 0.02), scale_residual=True),
    )


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
    return scaled(names.to_theirs(table(cfg), ours), cfg.d_head**-0.5)


def tensors_from(cfg: NetworkConfig, theirs: Tensors) -> Tensors:
    """Our weights, the queries multiplied by sqrt(d_head)."""
    kept = names.dropped(theirs, "lm_head.weight", ".attention.bias", ".attention.masked_bias")
    return names.to_ours(table(cfg), scaled(kept, cfg.d_head**0.5))


def scaled(theirs: Tensors, factor: float) -> Tensors:
    """The weights with their queries times a factor."""
    return {name: value * factor if ".q_proj." in name else value for name, value in theirs.items()}
