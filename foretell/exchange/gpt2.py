"""GPT2LMHeadModel: pre-norm decoders with learned positions."""

from collections.abc import Mapping
from typing import Any

from foretell.exchange import names
from foretell.exchange.fit import GELU_TO_THEIRS, activation, dropouts, need, refuse
from foretell.exchange.names import Entry, Tensors, pair
from foretell.model.config import Heads, Init, NetworkConfig

MODEL_TYPE, STOCK = "gpt2", "GPT2LMHeadModel"


def config_to(cfg: NetworkConfig) -> dict[str, Any]:
    """Their config.json; Unfit where the class cannot hold ours."""
    need(cfg, STOCK, kind="decoder", norm_place="pre", norm="layer", positions="learned", bias=True, qkv_bias=True)
    need(cfg, STOCK, tied=True, n_segments=0, embedding_norm=False, embedding_scale=False, qk_norm=False)
    need(cfg, STOCK, heads=Heads(), attention={("dense",)}, activation={"gelu", "gelu_tanh", "relu"})
    return {
        "vocab_size": cfg.n_vocab,
        "n_positions": cfg.n_ctx,
        "n_embd": cfg.d_model,
        "n_layer": cfg.n_layers,
        "n_head": cfg.n_heads,
        "n_inner": cfg.d_ff,
        "activation_function": GELU_TO_THEIRS[cfg.activation],
        "layer_norm_epsilon": cfg.norm_eps,
        "embd_pdrop": cfg.dropout.embedding,
        "attn_pdrop": cfg.dropout.attention,
        "resid_pdrop": cfg.dropout.residual,
        "initializer_range": cfg.init.std,
        "tie_word_embeddings": True,
    }


def config_from(config: Mapping[str, Any]) -> NetworkConfig:
    """Our config of their config.json."""
    refuse(config, STOCK, scale_attn_weights=True, scale_attn_by_inverse_layer_idx=False, add_cross_attention=False)
    refuse(config, STOCK, tie_word_embeddings=True)
    d_model, n_heads = config.get("n_embd", 768), config.get("n_head", 12)
    return NetworkConfig(
        kind="decoder",
        n_vocab=config.get("vocab_size", 50257),
        n_ctx=config.get("n_positions", 1024),
        n_layers=config.get("n_layer", 12),
        d_model=d_model,
        n_heads=n_heads,
        d_head=d_model // n_heads,
        d_ff=config.get("n_inner") or 4 * d_model,
        norm_place="pre",
        norm_eps=config.get("layer_norm_epsilon", 1e-5),
        activation=activation(config.get("activation_function", "gelu_new"), STOCK),
        dropout=dropouts(config, "embd_pdrop", "attn_pdrop", "resid_pdrop"),
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
        qkv = [f"{o}.attention.{part}" for part in ("query", "key", "value")]
        entries += pair(f"{h}.ln_1", f"{o}.attention_norm")
        entries += pair(f"{h}.attn.c_attn", *qkv, transposed=True)
        entries += pair(f"{h}.attn.c_proj", f"{o}.attention.output", transposed=True)
        entries += pair(f"{h}.ln_2", f"{o}.feed_forward_norm")
        entries += pair(f"{h}.mlp.c_fc", f"{o}.feed_forward.up", transposed=True)
        entries += pair(f"{h}.mlp.c_proj", f"{o}.feed_forward.output", transposed=True)
    return entries


def tensors_to(cfg: NetworkConfig, ours: Tensors) -> Tensors:
    """Their weights."""
    return names.to_theirs(table(cfg), ours)


def tensors_from(cfg: NetworkConfig, theirs: Tensors) -> Tensors:
    """Our weights. A bare GPT2Model's names, as in OpenAI's own upload, lack the prefix."""
    theirs = {
        name if name.startswith(("transformer.", "lm_head.")) else f"transformer.{name}": v
        for name, v in theirs.items()
    }
    return names.to_ours(table(cfg), names.dropped(theirs, "lm_head.weight", ".attn.bias", ".attn.masked_bias"))
