"""MarianMTModel: the Transformer of 2017, post-norm encoder and decoder with fixed sinusoids.

Marian keeps all sines before all cosines where the paper, and we, put them in turn: coordinate 2i of ours is i of
theirs, 2i+1 is d_model/2 + i. The same reordering of every weight that reads or writes the residual stream gives the
same network.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from foretell.errors import BadUse
from foretell.exchange import names
from foretell.exchange.fit import GELU_TO_THEIRS, activation, dropouts, need, refuse
from foretell.exchange.names import Entry, Tensors, pair
from foretell.model.config import Heads, Init, NetworkConfig

MODEL_TYPE, STOCK = "marian", "MarianMTModel"


def config_to(cfg: NetworkConfig) -> dict[str, Any]:
    """Their config.json; Unfit where the class cannot hold ours."""
    need(cfg, STOCK, kind="seq2seq", norm_place="post", norm="layer", positions="sinusoid", bias=True, qkv_bias=True)
    need(cfg, STOCK, tied=True, n_segments=0, embedding_norm=False, qk_norm=False, heads=Heads(), norm_eps=1e-5)
    need(cfg, STOCK, activation={"gelu", "gelu_tanh", "relu"}, d_model=cfg.d_model - cfg.d_model % 2)
    sizes = {"layers": cfg.n_layers, "attention_heads": cfg.n_heads, "ffn_dim": cfg.d_ff}
    return {
        "vocab_size": cfg.n_vocab,
        "decoder_vocab_size": cfg.n_vocab,
        "max_position_embeddings": cfg.n_ctx,
        "d_model": cfg.d_model,
        **{f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in sizes.items()},
        "num_hidden_layers": cfg.n_layers,
        "activation_function": GELU_TO_THEIRS[cfg.activation],
        "scale_embedding": cfg.embedding_scale,
        "static_position_embeddings": True,
        "share_encoder_decoder_embeddings": True,
        "dropout": cfg.dropout.residual,
        "attention_dropout": cfg.dropout.attention,
        "activation_dropout": 0.0,
        "init_std": cfg.init.std,
        "pad_token_id": 0,  # the class asks for one; a tokenizer that is saved beside names the real ones
        "eos_token_id": 0,
        "decoder_start_token_id": 0,
        "tie_word_embeddings": True,
    }


def config_from(config: Mapping[str, Any]) -> NetworkConfig:
    """Our config of their config.json."""
    refuse(config, STOCK, share_encoder_decoder_embeddings=True, tie_word_embeddings=True)
    for name in ("layers", "attention_heads", "ffn_dim"):
        sides = config.get(f"encoder_{name}"), config.get(f"decoder_{name}")
        if sides[0] != sides[1]:
            raise BadUse(
                f"{STOCK} with {sides[0]} encoder and {sides[1]} decoder {name} is not supported; equal ones are"
            )
    d_model, n_heads = config.get("d_model", 1024), config.get("encoder_attention_heads", 16)
    return NetworkConfig(
        kind="seq2seq",
        n_vocab=config.get("vocab_size", 58101),
        n_ctx=config.get("max_position_embeddings", 1024),
        n_layers=config.get("encoder_layers", 12),
        d_model=d_model,
        n_heads=n_heads,
        d_head=d_model // n_heads,
        d_ff=config.get("encoder_ffn_dim", 4096),
        norm_place="post",
        activation=activation(config.get("activation_function", "gelu"), STOCK),
        positions="sinusoid",
        embedding_scale=config.get("scale_embedding", False),
        dropout=dropouts(config, "dropout", "attention_dropout", "dropout"),
        init=Init(kind="xavier"),
    )


def table(cfg: NetworkConfig) -> list[Entry]:
    """Their names and ours."""
    entries = [Entry("model.shared.weight", ("embed.token.weight",))]
    parts = (("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value"), ("out_proj", "output"))
    for side in ("encoder", "decoder"):
        for i in range(cfg.n_layers):
            h, o = f"model.{side}.layers.{i}", f"{side}.layers.{i}"
            kinds = [("self_attn", "attention")] + ([("encoder_attn", "cross")] if side == "decoder" else [])
            for theirs, ours in kinds:
                for their_part, part in parts:
                    entries += pair(f"{h}.{theirs}.{their_part}", f"{o}.{ours}.{part}")
                entries += pair(f"{h}.{theirs}_layer_norm", f"{o}.{ours}_norm")
            entries += pair(f"{h}.fc1", f"{o}.feed_forward.up")
            entries += pair(f"{h}.fc2", f"{o}.feed_forward.output")
            entries += pair(f"{h}.final_layer_norm", f"{o}.feed_forward_norm")
    return entries


def tensors_to(cfg: NetworkConfig, ours: Tensors) -> Tensors:
    """Their weights, and the bias of zeros that the class keeps."""
    order = torch.cat([torch.arange(0, cfg.d_model, 2), torch.arange(1, cfg.d_model, 2)])
    found = names.to_theirs(table(cfg), {name: reordered(name, value, order) for name, value in ours.items()})
    return {**found, "final_logits_bias": torch.zeros(1, cfg.n_vocab)}


def tensors_from(cfg: NetworkConfig, theirs: Tensors) -> Tensors:
    """Our weights. A bias on the logits, which the paper does not have, is refused."""
    bias = theirs.get("final_logits_bias")
    if bias is not None and bias.any():
        raise BadUse(
            f"this {STOCK} has a bias on its logits (final_logits_bias), which our network does not; not imported"
        )
    tied = ("embed_positions.weight", "embed_tokens.weight", "lm_head.weight", "final_logits_bias")
    kept = names.to_ours(table(cfg), names.dropped(theirs, *tied))
    order = torch.stack(
        [torch.arange(cfg.d_model // 2), torch.arange(cfg.d_model // 2) + cfg.d_model // 2], 1
    ).flatten()
    return {name: reordered(name, value, order) for name, value in kept.items()}


def reordered(name: str, value: Tensor, order: Tensor) -> Tensor:
    """A weight with its residual-stream coordinates in another order: columns where it reads, rows where it writes."""
    layer, _, kind = name.rpartition(".")
    if layer.endswith(("_norm", ".output")):
        return value[order]
    if kind == "bias":
        return value
    return value[..., order]
