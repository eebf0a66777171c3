"""OpenAIGPTLMHeadModel and OpenAIGPTForSequenceClassification: GPT-1's post-norm decoder.

Radford et al. 2018, sections 3.1 and 4.1. Its activation "gelu" is the tanh approximation.
"""

from typing import Any

from foretell.exchange import names, openai, score
from foretell.exchange.fit import (
    Config,
    Held,
    dropouts,
    head_sizes,
    layers,
    need,
    need_patterns,
    number,
    refuse,
    size,
)
from foretell.exchange.names import Entry, Tensors
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
    need(cfg, stock, gated=False, vision=None)
    need(cfg, stock, tied=True, n_segments=0, embedding_norm=False, embedding_scale=False, qk_norm=False)
    need(cfg, stock, activation="gelu_tanh", d_ff=4 * cfg.d_model)
    need_patterns(cfg, stock, "dense")
    score.need_heads(cfg, stock)
    return {**openai.fields(cfg), "afn": "gelu"}


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
        entries += openai.block(i)
    return entries


def tensors_to(cfg: NetworkConfig, ours: Tensors) -> Tensors:
    """Their weights; Unfit where the class cannot hold ours."""
    return names.to_theirs(table(cfg), ours)


def tensors_from(cfg: NetworkConfig, theirs: Tensors) -> Tensors:
    """Our weights."""
    kept = names.without(openai.whole_names(theirs, "transformer.tokens_embed.weight"), ".attn.bias", "position_ids")
    return names.to_ours(table(cfg), kept, build_meta(cfg).state_dict())
