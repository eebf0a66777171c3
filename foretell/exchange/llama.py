"""LlamaForCausalLM: pre-norm decoders with rotary positions, RMSNorm and SwiGLU (Touvron et al. 2023, section 2.2)."""

from collections.abc import Mapping
from typing import Any

from foretell.errors import BadUse
from foretell.exchange import names
from foretell.exchange.fit import Config, Held, head_sizes, layers, need, need_patterns, number, refuse, size
from foretell.exchange.names import Entry, Tensors
from foretell.model.config import Dropout, Heads, Init, NetworkConfig
from foretell.model.init import build_meta

MODEL_TYPE, STOCK = "llama", "LlamaForCausalLM"


def architecture(cfg: NetworkConfig) -> str:
    """The class."""
    return STOCK


def config_to(cfg: NetworkConfig) -> dict[str, Any]:
    """Their config.json; Unfit where the class cannot hold ours."""
    need(cfg, STOCK, vision=None)
    return fields(cfg, STOCK)


def fields(cfg: NetworkConfig, stock: str) -> dict[str, Any]:
    """The decoder's part of a config.json; Unfit where `stock` cannot hold it."""
    need(cfg, stock, kind="decoder", norm_place="pre", norm="rms_gain", positions="rotary", bias=False, n_segments=0)
    need(cfg, stock, activation="silu", gated=True, embedding_norm=False, embedding_scale=False, qk_norm=False)
    need(cfg, stock, heads=Heads())
    need_patterns(cfg, stock, "dense")
    return {
        "vocab_size": cfg.n_vocab,
        "max_position_embeddings": cfg.n_ctx,
        "hidden_size": cfg.d_model,
        "num_hidden_layers": cfg.n_layers,
        "num_attention_heads": cfg.n_heads,
        "num_key_value_heads": cfg.n_heads,
        "head_dim": cfg.d_head,
        "intermediate_size": cfg.d_ff,
        "hidden_act": "silu",
        "rms_norm_eps": cfg.norm_eps,
        "rope_theta": cfg.rotary_base,  # for transformers before 5
        "rope_parameters": {"rope_type": "default", "rope_theta": cfg.rotary_base},
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": cfg.dropout.attention,
        "initializer_range": cfg.init.std,
        "tie_word_embeddings": cfg.tied,
    }


def config_from(config: Config, held: Held) -> NetworkConfig:
    """Our config of their config.json."""
    refuse(config, STOCK, hidden_act="silu", attention_bias=False, mlp_bias=False, pretraining_tp=1, rope_scaling=None)
    d_model, n_heads, d_head = head_sizes(config, "hidden_size", "num_attention_heads")
    refuse(config, STOCK, num_key_value_heads=n_heads, head_dim=d_head)
    return NetworkConfig(
        kind="decoder",
        n_vocab=size(config, "vocab_size"),
        n_ctx=size(config, "max_position_embeddings"),
        n_layers=layers(config, "num_hidden_layers", held),
        d_model=d_model,
        n_heads=n_heads,
        d_head=d_head,
        d_ff=size(config, "intermediate_size"),
        norm_place="pre",
        norm="rms_gain",
        norm_eps=number(config, "rms_norm_eps", 1e-6),
        activation="silu",
        gated=True,
        positions="rotary",
        rotary_base=rotary_base(config),
        bias=False,
        tied=bool(config.get("tie_word_embeddings", False)),
        dropout=Dropout(attention=number(config, "attention_dropout", 0.0)),
        init=Init(std=number(config, "initializer_range", 0.02), scale_residual=True),
    )


def rotary_base(config: Config) -> float:
    """The base of the rotary positions, which no kind of scaling may change."""
    rope = config.get("rope_parameters") or {}
    if not isinstance(rope, Mapping):
        raise BadUse(f"rope_parameters={rope!r} is no object of fields; give the config.json that was saved")
    refuse(rope, STOCK, rope_type="default", partial_rotary_factor=1.0)
    return number(rope, "rope_theta", number(config, "rope_theta", 10_000.0))


def table(cfg: NetworkConfig, prefix: str = "") -> list[Entry]:
    """Their names and ours; `prefix` is what stands before theirs in a model with more parts."""
    entries = [
        Entry(f"{prefix}model.embed_tokens.weight", ("embed.token.weight",)),
        Entry(f"{prefix}model.norm.weight", ("decoder.norm.weight",)),
    ]
    entries += [] if cfg.tied else [Entry(f"{prefix}lm_head.weight", ("lm_head.weight",))]
    theirs = {
        "input_layernorm": "attention_norm",
        "self_attn.q_proj": "attention.query",
        "self_attn.k_proj": "attention.key",
        "self_attn.v_proj": "attention.value",
        "self_attn.o_proj": "attention.output",
        "post_attention_layernorm": "feed_forward_norm",
        "mlp.gate_proj": "feed_forward.gate",
        "mlp.up_proj": "feed_forward.up",
        "mlp.down_proj": "feed_forward.output",
    }
    for i in range(cfg.n_layers):
        entries += [
            Entry(f"{prefix}model.layers.{i}.{name}.weight", (f"decoder.layers.{i}.{own}.weight",))
            for name, own in theirs.items()
        ]
    return entries


def tensors_to(cfg: NetworkConfig, ours: Tensors) -> Tensors:
    """Their weights; Unfit where the class cannot hold ours."""
    return names.to_theirs(table(cfg), ours)


def tensors_from(cfg: NetworkConfig, theirs: Tensors) -> Tensors:
    """Our weights."""
    kept = names.without(theirs, ".rotary_emb.inv_freq")
    kept = names.tied(kept, {"lm_head.weight": "model.embed_tokens.weight"}) if cfg.tied else kept
    return names.to_ours(table(cfg), kept, build_meta(cfg).state_dict())
