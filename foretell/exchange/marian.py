"""MarianMTModel: the Transformer of 2017, post-norm encoder and decoder with fixed sinusoids.

Vaswani et al. 2017, section 3. Marian keeps all sines before all cosines where the paper, and we, put them in turn:
coordinate 2i of ours is i of theirs, 2i+1 is d_model/2 + i. The same reordering of every weight that reads or writes
the residual stream gives the same network, to the last bit of each weight.
"""

from typing import Any

import torch
from torch import Tensor

from foretell.errors import BadUse
from foretell.exchange import names
from foretell.exchange.fit import (
    TO_THEIRS,
    Config,
    Held,
    Unfit,
    activation,
    dropouts,
    head_sizes,
    layers,
    need,
    number,
    refuse,
    size,
)
from foretell.exchange.names import Entry, Tensors, pair
from foretell.model.config import Heads, Init, NetworkConfig
from foretell.model.embed import sinusoids
from foretell.model.init import build_meta

MODEL_TYPE, STOCK = "marian", "MarianMTModel"
SIDES, PARTS = ("encoder", "decoder"), ("layers", "attention_heads", "ffn_dim")
COPIES = ("lm_head.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight")


def architecture(cfg: NetworkConfig) -> str:
    """The class."""
    return STOCK


def config_to(cfg: NetworkConfig) -> dict[str, Any]:
    """Their config.json; Unfit where the class cannot hold ours."""
    need(cfg, STOCK, kind="seq2seq", norm_place="post", norm="layer", positions="sinusoid", bias=True, qkv_bias=True)
    need(cfg, STOCK, gated=False, vision=None)
    need(cfg, STOCK, tied=True, n_segments=0, embedding_norm=False, qk_norm=False, heads=Heads(), norm_eps=1e-5)
    need(cfg, STOCK, activation=list(TO_THEIRS))
    if cfg.d_model % 2:
        raise Unfit(f"{STOCK} cannot hold d_model={cfg.d_model}; it needs an even one")
    sizes = dict(zip(PARTS, (cfg.n_layers, cfg.n_heads, cfg.d_ff), strict=True))
    return {
        "vocab_size": cfg.n_vocab,
        "decoder_vocab_size": cfg.n_vocab,
        "max_position_embeddings": cfg.n_ctx,
        "d_model": cfg.d_model,
        **{f"{side}_{name}": value for side in SIDES for name, value in sizes.items()},
        "activation_function": TO_THEIRS[cfg.activation],
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
        "forced_eos_token_id": None,  # its default would end a long output with token 0
        "tie_word_embeddings": True,
    }


def config_from(config: Config, held: Held) -> NetworkConfig:
    """Our config of their config.json."""
    n_vocab = size(config, "vocab_size")
    d_model, n_heads, d_head = head_sizes(config, "d_model", "encoder_attention_heads")
    refuse(config, STOCK, share_encoder_decoder_embeddings=True, tie_word_embeddings=True)
    refuse(config, STOCK, static_position_embeddings=True, normalize_before=False, normalize_embedding=False)
    refuse(config, STOCK, add_final_layer_norm=False, add_bias_logits=False)
    if config.get("decoder_vocab_size") is not None:
        refuse(config, STOCK, decoder_vocab_size=n_vocab)
    for name in PARTS:
        refuse(config, STOCK, **{f"decoder_{name}": size(config, f"encoder_{name}")})
    scale = config.get("scale_embedding", False)
    if not isinstance(scale, bool):
        raise BadUse(f"scale_embedding={scale!r} is not true or false; give the config.json of these weights")
    return NetworkConfig(
        kind="seq2seq",
        n_vocab=n_vocab,
        n_ctx=size(config, "max_position_embeddings"),
        n_layers=layers(config, "encoder_layers", held),
        d_model=d_model,
        n_heads=n_heads,
        d_head=d_head,
        d_ff=size(config, "encoder_ffn_dim"),
        norm_place="post",
        activation=activation(config, "activation_function", "gelu"),
        positions="sinusoid",
        embedding_scale=scale,
        dropout=dropouts({"attention_dropout": 0.0, **config}, 0.1, "dropout", "attention_dropout", "dropout"),
        init=Init(kind="xavier", std=number(config, "init_std", 0.02)),
    )


def table(cfg: NetworkConfig) -> list[Entry]:
    """Their names and ours."""
    entries = [Entry("model.shared.weight", ("embed.token.weight",))]
    parts = (("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value"), ("out_proj", "output"))
    for side in SIDES:
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
    found = names.to_theirs(table(cfg), {name: reordered(name, value, (-1, 2)) for name, value in ours.items()})
    return {**found, "final_logits_bias": torch.zeros(1, cfg.n_vocab)}


def tensors_from(cfg: NetworkConfig, theirs: Tensors) -> Tensors:
    """Our weights. What the paper does not have, a bias on the logits or learned positions, is refused."""
    bias = theirs.get("final_logits_bias")
    if bias is not None and bool(bias.any()):
        rule = "our network has none, as the paper"
        raise BadUse(f"{STOCK} with a final_logits_bias that is not zero is not supported; {rule}")
    for name, value in theirs.items():
        if name.endswith("embed_positions.weight") and not are_sinusoids(value):
            raise BadUse(f"{STOCK} with {name} that are not the paper's sinusoids is not supported; ours are fixed")
    theirs = names.tied(theirs, dict.fromkeys(COPIES, "model.shared.weight"))
    kept = names.without(theirs, "embed_positions.weight", "final_logits_bias")
    found = names.to_ours(table(cfg), kept, build_meta(cfg).state_dict())
    return {name: reordered(name, value, (2, -1)) for name, value in found.items()}


def are_sinusoids(value: Tensor) -> bool:  # (C, D) -> ()
    """Whether positions in their order are the paper's, up to the rounding of large angles and of half precision."""
    if value.ndim != 2:
        return False
    ours = sinusoids(torch.arange(value.shape[0]), value.shape[1])  # (C, D)
    return torch.allclose(torch.cat([ours[:, ::2], ours[:, 1::2]], 1), value, rtol=0, atol=2e-2)


def reordered(name: str, value: Tensor, shape: tuple[int, int]) -> Tensor:
    """A weight with its residual-stream coordinates in another order: columns where it reads, rows where it writes.

    Coordinates written as a matrix of this shape are read along its columns: (-1, 2) takes turns apart into halves,
    (2, -1) puts halves in turn.
    """
    layer, _, kind = name.rpartition(".")
    if layer.endswith(("_norm", ".output")):
        return value.unflatten(0, shape).transpose(0, 1).flatten(0, 1)
    return value if kind == "bias" else value.unflatten(-1, shape).transpose(-1, -2).flatten(-2)
