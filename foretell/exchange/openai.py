"""What OpenAI's two layouts share, GPT-1's and GPT-2's: names of fields and of a block's weights.

Their matrices are stored the other way round (Conv1D), and query, key and value as one.
"""

from typing import Any

from foretell.exchange.fit import labels
from foretell.exchange.names import Entry, Tensors, pair, prefixed, tied
from foretell.model.config import NetworkConfig


def fields(cfg: NetworkConfig) -> dict[str, Any]:
    """The fields of config.json that mean the same in both."""
    return {
        "vocab_size": cfg.n_vocab,
        "n_positions": cfg.n_ctx,
        "n_embd": cfg.d_model,
        "n_layer": cfg.n_layers,
        "n_head": cfg.n_heads,
        "layer_norm_epsilon": cfg.norm_eps,
        "embd_pdrop": cfg.dropout.embedding,
        "attn_pdrop": cfg.dropout.attention,
        "resid_pdrop": cfg.dropout.residual,
        "initializer_range": cfg.init.std,
        "tie_word_embeddings": True,
        **labels(cfg.heads.n_outputs),
    }


def block(i: int) -> list[Entry]:
    """The names of the i-th block's weights."""
    h, o = f"transformer.h.{i}", f"decoder.layers.{i}"
    qkv = [f"{o}.attention.{part}" for part in ("query", "key", "value")]
    return [
        *pair(f"{h}.ln_1", f"{o}.attention_norm"),
        *pair(f"{h}.attn.c_attn", *qkv, transposed=True),
        *pair(f"{h}.attn.c_proj", f"{o}.attention.output", transposed=True),
        *pair(f"{h}.ln_2", f"{o}.feed_forward_norm"),
        *pair(f"{h}.mlp.c_fc", f"{o}.feed_forward.up", transposed=True),
        *pair(f"{h}.mlp.c_proj", f"{o}.feed_forward.output", transposed=True),
    ]


def whole_names(theirs: Tensors, embedding: str) -> Tensors:
    """Their weights under the names that a saved model has: bare bodies are prefixed, the tied head is left out."""
    return tied(prefixed(theirs, "transformer.", "lm_head.", "score."), {"lm_head.weight": embedding})
