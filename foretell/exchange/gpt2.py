"""GPT2LMHeadModel and GPT2ForSequenceClassification: pre-norm decoders with learned positions.

Radford et al. 2019, section 2.3.
"""

from typing import Any

from foretell.exchange import names, openai, score
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
from foretell.model.config import Init, NetworkConfig
from foretell.model.init import build_meta

MODEL_TYPE, STOCK, CLASSIFIER = "gpt2", "GPT2LMHeadModel", "GPT2ForSequenceClassification"


def architecture(cfg: NetworkConfig) -> str:
    """The class for the heads that a network has."""
    return CLASSIFIER if cfg.heads.n_outputs else STOCK


def config_to(cfg: NetworkConfig) -> dict[str, Any]:
    """Their config.json; Unfit where the class cannot hold ours."""
    stock = architecture(cfg)
    need(cfg, stock, kind="decoder", norm_place="pre", norm="layer", positions="learned", bias=True, qkv_bias=True)
    need(cfg, stock, gated=False, vision=None)
    need(cfg, stock, tied=True, n_segments=0, embedding_norm=False, embedding_scale=False, qk_norm=False)
    need(cfg, stock, activation=list(TO_THEIRS))
    need_patterns(cfg, stock, "dense")
    score.need_heads(cfg, stock)
    return {**openai.fields(cfg), "n_inner": cfg.d_ff, "activation_function": TO_THEIRS[cfg.activation]}


def config_from(config: Config, held: Held) -> NetworkConfig:
    """Our config of their config.json and of the heads that the weight file holds."""
    refuse(config, STOCK, scale_attn_weights=True, scale_attn_by_inverse_layer_idx=False, add_cross_attention=False)
    refuse(config, STOCK, tie_word_embeddings=True)
    d_model, n_heads, d_head = head_sizes(config, "n_embd", "n_head")
    return NetworkConfig(
        kind="decoder",
        n_vocab=size(config, "vocab_size"),
        n_ctx=size(config, "n_positions"),
        n_layers=layers(config, "n_layer", held),
        d_model=d_model,
        n_heads=n_heads,
        d_head=d_head,
        d_ff=4 * d_model if config.get("n_inner") is None else size(config, "n_inner"),
        norm_place="pre",
        norm_eps=number(config, "layer_norm_epsilon", 1e-5),
        activation=activation(config, "activation_function", "gelu_new"),
        dropout=dropouts(config, 0.1, "embd_pdrop", "attn_pdrop", "resid_pdrop"),
        init=Init(std=number(config, "initializer_range", 0.02), scale_residual=True),
        heads=score.heads_from(held),
    )


def table(cfg: NetworkConfig) -> list[Entry]:
    """Their names and ours."""
    entries = [
        Entry("transformer.wte.weight", ("embed.token.weight",)),
        Entry("transformer.wpe.weight", ("embed.position.weight",)),
        *pair("transformer.ln_f", "decoder.norm"),
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
    kept = names.without(openai.whole_names(theirs, "transformer.wte.weight"), ".attn.bias", ".attn.masked_bias")
    return names.to_ours(table(cfg), kept, build_meta(cfg).state_dict())
