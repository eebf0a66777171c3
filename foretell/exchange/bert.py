"""BertForPreTraining and BertForSequenceClassification: post-norm encoders with segments."""

from collections.abc import Mapping
from typing import Any

from foretell.exchange import names
from foretell.exchange.fit import GELU_TO_THEIRS, activation, dropouts, need, refuse
from foretell.exchange.names import Entry, Tensors, pair
from foretell.model.config import Heads, Init, NetworkConfig

MODEL_TYPE, STOCK = "bert", "BertForPreTraining"
CLASSIFIER = "BertForSequenceClassification"
PRETRAINING = Heads(lm=True, lm_transform=True, next_sentence=True)
NEXT = "cls.seq_relationship"


def architecture(cfg: NetworkConfig) -> str:
    """The class for the heads that a network has."""
    return CLASSIFIER if cfg.heads.n_outputs else STOCK


def config_to(cfg: NetworkConfig) -> dict[str, Any]:
    """Their config.json; Unfit where the class cannot hold ours."""
    stock, n = architecture(cfg), cfg.heads.n_outputs
    classifier = Heads(lm=False, task_pooler=True, n_outputs=n, task_dropout=cfg.heads.task_dropout)
    need(cfg, stock, kind="encoder", norm_place="post", norm="layer", positions="learned", bias=True, qkv_bias=True)
    need(cfg, stock, tied=True, n_segments=2, embedding_norm=True, embedding_scale=False, qk_norm=False)
    need(cfg, stock, heads=classifier if n else PRETRAINING, activation={"gelu", "gelu_tanh", "relu"})
    return {
        "vocab_size": cfg.n_vocab,
        "max_position_embeddings": cfg.n_ctx,
        "hidden_size": cfg.d_model,
        "num_hidden_layers": cfg.n_layers,
        "num_attention_heads": cfg.n_heads,
        "intermediate_size": cfg.d_ff,
        "hidden_act": GELU_TO_THEIRS[cfg.activation],
        "layer_norm_eps": cfg.norm_eps,
        "hidden_dropout_prob": cfg.dropout.residual,
        "attention_probs_dropout_prob": cfg.dropout.attention,
        "classifier_dropout": cfg.heads.task_dropout,
        "initializer_range": cfg.init.std,
        "type_vocab_size": 2,
        "tie_word_embeddings": True,
        **({"num_labels": n, "id2label": {str(i): str(i) for i in range(n)}} if n else {}),
    }


def config_from(config: Mapping[str, Any]) -> NetworkConfig:
    """Our config of their config.json."""
    refuse(config, STOCK, position_embedding_type="absolute", is_decoder=False, tie_word_embeddings=True)
    refuse(config, STOCK, type_vocab_size=2, add_cross_attention=False)
    heads, d_model, n_heads = PRETRAINING, config.get("hidden_size", 768), config.get("num_attention_heads", 12)
    if CLASSIFIER in (config.get("architectures") or []):
        p = config.get("classifier_dropout")
        n = config.get("num_labels") or len(config.get("id2label") or (0, 1))
        task_dropout = config.get("hidden_dropout_prob", 0.1) if p is None else p
        heads = Heads(lm=False, task_pooler=True, n_outputs=n, task_dropout=task_dropout)
    residual = "hidden_dropout_prob"
    return NetworkConfig(
        kind="encoder",
        n_vocab=config.get("vocab_size", 30522),
        n_ctx=config.get("max_position_embeddings", 512),
        n_layers=config.get("num_hidden_layers", 12),
        d_model=d_model,
        n_heads=n_heads,
        d_head=d_model // n_heads,
        d_ff=config.get("intermediate_size", 3072),
        norm_place="post",
        norm_eps=config.get("layer_norm_eps", 1e-12),
        activation=activation(config.get("hidden_act", "gelu"), STOCK),
        n_segments=2,
        embedding_norm=True,
        dropout=dropouts(config, residual, "attention_probs_dropout_prob", residual),
        init=Init(std=config.get("initializer_range", 0.02)),
        heads=heads,
    )


def table(cfg: NetworkConfig) -> list[Entry]:
    """Their names and ours."""
    e = "bert.embeddings"
    entries = [
        Entry(f"{e}.word_embeddings.weight", ("embed.token.weight",)),
        Entry(f"{e}.position_embeddings.weight", ("embed.position.weight",)),
        Entry(f"{e}.token_type_embeddings.weight", ("embed.segment.weight",)),
        *pair(f"{e}.LayerNorm", "embed.norm"),
        *pair("bert.pooler.dense", "pooler.dense"),
    ]
    for i in range(cfg.n_layers):
        h, o = f"bert.encoder.layer.{i}", f"encoder.layers.{i}"
        for part in ("query", "key", "value"):
            entries += pair(f"{h}.attention.self.{part}", f"{o}.attention.{part}")
        entries += pair(f"{h}.attention.output.dense", f"{o}.attention.output")
        entries += pair(f"{h}.attention.output.LayerNorm", f"{o}.attention_norm")
        entries += pair(f"{h}.intermediate.dense", f"{o}.feed_forward.up")
        entries += pair(f"{h}.output.dense", f"{o}.feed_forward.output")
        entries += pair(f"{h}.output.LayerNorm", f"{o}.feed_forward_norm")
    if cfg.heads.n_outputs:
        return [*entries, *pair("classifier", "task_head.output")]
    entries += pair("cls.predictions.transform.dense", "lm_head.dense")
    entries += pair("cls.predictions.transform.LayerNorm", "lm_head.norm")
    return [*entries, Entry("cls.predictions.bias", ("lm_head.bias",)), *pair(NEXT, "next_sentence")]


def tensors_to(cfg: NetworkConfig, ours: Tensors) -> Tensors:
    """Their weights. Their first next-sentence logit means "B follows A"; it is our second."""
    return turned(names.to_theirs(table(cfg), ours))


def tensors_from(cfg: NetworkConfig, theirs: Tensors) -> Tensors:
    """Our weights."""
    tied = ("position_ids", "token_type_ids", "cls.predictions.decoder.weight", "cls.predictions.decoder.bias")
    renamed = {k.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias"): v
               for k, v in theirs.items()}  # fmt: skip
    return names.to_ours(table(cfg), turned(names.dropped(renamed, *tied)))


def turned(theirs: Tensors) -> Tensors:
    """The two next-sentence logits in the other order."""
    swapped = {name: value.flip(0) for name, value in theirs.items() if name.startswith(NEXT)}
    return {**theirs, **swapped}
