"""OpenAIGPTLMHeadModel and OpenAIGPTForSequenceClassification: GPT-1's post-norm decoder.

Radford et al. 2018, sections 3.1 and 4.1. Its activation "gelu" is the tanh approximation.
"""

from typing import Any

from foretell.exchange import names, score
from foretell.exchange.fit import (
    Config,
    Held,
    dropouts,
    head_sizes,
    labels,
    layers,
    need,
    need_patterns,
    number,
    refuse,
    size,
)
from foretell.exchange.names import Entry, Tensors, pair
from foretell.model.config import Init, NetworkConfig
from foretell.model.init import build_meta

MODEL_TYPE, STOCK, CLASSIFIER = "openai-gpt", "OpenAIGPTLMHeadModel", "OpenAIGPTForSequenceClassification"


def architecture(cfg: NetworkConfig) -> str:
    """The class for the heads that a network has."""
    return CLASSIFIER if cfg.heads.n_outputs else STOCK


def config_to(cfg: NetworkConfig) -> dict[str, Any]:
    """Their config.json; Unfit where the class cannot hold ours."""
    stock = architecture(cfg)
    need(cfg, stock, kind="decoder", norm_place="post", norm="layer", positions="learned", bias=True, qkv_bias=True)
    need(cfg, stock, tied=True, n_segments=0, embedding_norm=False, embedding_scale=False, qk_norm=False)
    need(cfg, stock, activation="gelu_tanh", d_ff=4 * cfg.d_model)
    need_patterns(cfg, stock, "dense")
    score.need_heads(cfg, stock)
    return {
        "vocab_size": cfg.n_vocab,
        "n_positions": cfg.n_ctx,
        "n_embd": cfg.d_model,
        "n_layer": cfg.n_layers,
        "n_head": cfg.n_heads,
        "afn": "gelu",
        "layer_norm_epsilon": cfg.norm_eps,
        "embd_pdrop": cfg.dropout.embedding,
        "attn_pdrop": cfg.dropout.attention,
        "resid_pdrop": cfg.dropout.residual,
        "initializer_range": cfg.init.std,
        "tie_word_embeddings": True,
        **labels(cfg.heads.n_outputs),
    }


def config_from(config: Config, held: Held) -> NetworkConfig:
    """Our config of their config.json and of the heads that the weight file holds."""
    refuse(config, STOCK, afn="gelu", tie_word_embeddings=True)
    d_model, n_heads, d_head = head_sizes(config, "n_embd", "n_head")
    return NetworkConfig(
        kind="decoder",
        n_vocab=size(config, "vocab_size"),
        n_ctx=size(config, "n_positions"),
        n_layers=layers(config, "n_layer", held),
        d_model=d_model,
        n_heads=n_heads,
        d_head=d_head,
        d_ff=4 * d_model,
        norm_place="post",
        norm_eps=number(config, "layer_norm_epsilon", 1e-5),
        dropout=dropouts(config, 0.1, "embd_pdrop", "attn_pdrop", "resid_pdrop"),
        init=Init(std=number(config, "initializer_range", 0.02)),
        heads=score.heads_from(held),
    )


def table(cfg: NetworkConfig) -> list[Entry]:
    """Their names and ours."""
    entries = [
        Entry("transformer.tokens_embed.weight", ("embed.token.weight",)),
        Entry("transformer.positions_embed.weight", ("embed.position.weight",)),
        *score.entries(cfg),
    ]
    for i in range(cfg.n_layers):
        h, o = f"transformer.h.{i}", f"decoder.layers.{i}"
        qkv = [f"{o}.attention.{part}" for part in ("query", "key", "value")]
        entries += pair(f"{h}.attn.c_attn", *qkv, transposed=True)
        entries += pair(f"{h}.attn.c_proj", f"{o}.attention.output", transposed=True)
        entries += pair(f"{h}.ln_1", f"{o}.attention_norm")
        entries += pair(f"{h}.mlp.c_fc", f"{o}.feed_forward.up", transposed=True)
        entries += pair(f"{h}.mlp.c_proj", f"{o}.feed_forward.output", transposed=True)
        entries += pair(f"{h}.ln_2", f"{o}.feed_forward_norm")
    return entries


def tensors_to(cfg: NetworkConfig, ours: Tensors) -> Tensors:
    """Their weights; Unfit where the class cannot hold ours."""
    return names.to_theirs(table(cfg), ours)


def tensors_from(cfg: NetworkConfig, theirs: Tensors) -> Tensors:
    """Our weights."""
    theirs = names.prefixed(theirs, "transformer.", "lm_head.", "score.")
    theirs = names.tied(theirs, {"lm_head.weight": "transformer.tokens_embed.weight"})
    kept = names.without(theirs, ".attn.bias", "position_ids")
    return names.to_ours(table(cfg), kept, build_meta(cfg).state_dict())
