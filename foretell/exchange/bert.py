"""BertForPreTraining, BertForMaskedLM and BertForSequenceClassification: post-norm encoders with segments.

Devlin et al. 2018, section 3. Two of our dropouts, after the embeddings and after sub-layers, are one number there: the
latter. Their first next-sentence logit means "B follows A"; it is our second.
"""

from typing import Any

from foretell.exchange import names
from foretell.exchange.fit import (
    TO_THEIRS,
    Config,
    Held,
    activation,
    dropouts,
    head_sizes,
    labels,
    layers,
    need,
    number,
    refuse,
    size,
)
from foretell.exchange.names import Entry, Tensors, pair
from foretell.model.config import Heads, Init, NetworkConfig
from foretell.model.init import build_meta

MODEL_TYPE, STOCK, MASKED = "bert", "BertForPreTraining", "BertForMaskedLM"
CLASSIFIER = "BertForSequenceClassification"
WORDS = "bert.embeddings.word_embeddings.weight"
COPIES = {"cls.predictions.decoder.weight": WORDS, "cls.predictions.decoder.bias": "cls.predictions.bias"}


def architecture(cfg: NetworkConfig) -> str:
    """The class for the heads that a network has."""
    if cfg.heads.n_outputs:
        return CLASSIFIER
    return STOCK if cfg.heads.next_sentence else MASKED


def config_to(cfg: NetworkConfig) -> dict[str, Any]:
    """Their config.json; Unfit where the class cannot hold ours."""
    stock, n = architecture(cfg), cfg.heads.n_outputs
    heads = Heads(lm_transform=True, next_sentence=cfg.heads.next_sentence)
    if n:
        heads = Heads(lm=False, task_pooler=True, n_outputs=n, task_dropout=cfg.heads.task_dropout)
    need(cfg, stock, kind="encoder", norm_place="post", norm="layer", positions="learned", bias=True, qkv_bias=True)
    need(cfg, stock, gated=False, vision=None)
    need(cfg, stock, tied=True, n_segments=2, embedding_norm=True, embedding_scale=False, qk_norm=False)
    need(cfg, stock, heads=heads, activation=list(TO_THEIRS))
    return {
        "vocab_size": cfg.n_vocab,
        "max_position_embeddings": cfg.n_ctx,
        "hidden_size": cfg.d_model,
        "num_hidden_layers": cfg.n_layers,
        "num_attention_heads": cfg.n_heads,
        "intermediate_size": cfg.d_ff,
        "hidden_act": TO_THEIRS[cfg.activation],
        "layer_norm_eps": cfg.norm_eps,
        "hidden_dropout_prob": cfg.dropout.residual,
        "attention_probs_dropout_prob": cfg.dropout.attention,
        "classifier_dropout": cfg.heads.task_dropout,
        "initializer_range": cfg.init.std,
        "type_vocab_size": 2,
        "tie_word_embeddings": True,
        **labels(n),
    }


def config_from(config: Config, held: Held) -> NetworkConfig:
    """Our config of their config.json and of the heads that the weight file holds.

    The published weights say BertForMaskedLM and hold the next-sentence head too, so the file is asked, not the name.
    """
    refuse(config, STOCK, position_embedding_type="absolute", is_decoder=False, tie_word_embeddings=True)
    refuse(config, STOCK, type_vocab_size=2, add_cross_attention=False)
    d_model, n_heads, d_head = head_sizes(config, "hidden_size", "num_attention_heads")
    hidden = "hidden_dropout_prob"
    return NetworkConfig(
        kind="encoder",
        n_vocab=size(config, "vocab_size"),
        n_ctx=size(config, "max_position_embeddings"),
        n_layers=layers(config, "num_hidden_layers", held),
        d_model=d_model,
        n_heads=n_heads,
        d_head=d_head,
        d_ff=size(config, "intermediate_size"),
        norm_place="post",
        norm_eps=number(config, "layer_norm_eps", 1e-12),
        activation=activation(config, "hidden_act", "gelu"),
        n_segments=2,
        embedding_norm=True,
        dropout=dropouts(config, 0.1, hidden, "attention_probs_dropout_prob", hidden),
        init=Init(std=number(config, "initializer_range", 0.02)),
        heads=heads_from(config, held),
    )


def heads_from(config: Config, held: Held) -> Heads:
    """The heads that the file holds."""
    classes = held.get("classifier.weight", ())
    if len(classes) == 2:
        own = "classifier_dropout" if config.get("classifier_dropout") is not None else "hidden_dropout_prob"
        return Heads(lm=False, task_pooler=True, n_outputs=classes[0], task_dropout=number(config, own, 0.1))
    return Heads(lm_transform=True, next_sentence="cls.seq_relationship.weight" in held)


def table(cfg: NetworkConfig) -> list[Entry]:
    """Their names and ours."""
    e, transform = "bert.embeddings", "cls.predictions.transform"
    entries = [
        Entry(WORDS, ("embed.token.weight",)),
        Entry(f"{e}.position_embeddings.weight", ("embed.position.weight",)),
        Entry(f"{e}.token_type_embeddings.weight", ("embed.segment.weight",)),
        *pair(f"{e}.LayerNorm", "embed.norm"),
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
    if cfg.heads.task_pooler or cfg.heads.next_sentence:
        entries += pair("bert.pooler.dense", "pooler.dense")
    if cfg.heads.n_outputs:
        return [*entries, *pair("classifier", "task_head.output")]
    entries += [*pair(f"{transform}.dense", "lm_head.dense"), *pair(f"{transform}.LayerNorm", "lm_head.norm")]
    entries.append(Entry("cls.predictions.bias", ("lm_head.bias",)))
    return [*entries, *pair("cls.seq_relationship", "next_sentence")] if cfg.heads.next_sentence else entries


def tensors_to(cfg: NetworkConfig, ours: Tensors) -> Tensors:
    """Their weights."""
    return names.to_theirs(table(cfg), turned(ours))


def tensors_from(cfg: NetworkConfig, theirs: Tensors) -> Tensors:
    """Our weights."""
    renamed = {
        name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias"): value
        for name, value in theirs.items()
    }  # as the published weights name them
    kept = names.without(names.tied(renamed, COPIES), "position_ids", "token_type_ids")
    return turned(names.to_ours(table(cfg), kept, build_meta(cfg).state_dict()))


def turned(ours: Tensors) -> Tensors:
    """Our weights with the two next-sentence logits in the other order."""
    return {name: value.flip(0) if name.startswith("next_sentence.") else value for name, value in ours.items()}
