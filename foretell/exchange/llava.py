"""LlavaForConditionalGeneration: a Llama decoder that sees through SigLIP's vision transformer (Liu et al. 2023).

Its projector reads the last block's output, all patches (vision_feature_layer -1, strategy full). What transformers'
tower has beside that, a last norm and a pooling head, LLaVA does not use: the norm is written as one that does nothing,
and neither is read. LLaVA-1.5 itself has CLIP's tower, with a class token that ours lacks, and is refused.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from foretell.errors import BadUse
from foretell.exchange import llama, names
from foretell.exchange.fit import TO_THEIRS, Config, Held, Unfit, activation, head_sizes, layers, number, refuse, size
from foretell.exchange.names import Entry, Tensors, pair
from foretell.model.config import NetworkConfig, VisionConfig
from foretell.model.init import build_meta
from foretell.text.specials import IMAGE

MODEL_TYPE, STOCK, TOWER = "llava", "LlavaForConditionalGeneration", "siglip_vision_model"
PATCHES, NORM = "vision_tower.embeddings.patch_embedding.weight", "vision_tower.post_layernorm"
UNUSED = (f"{NORM}.", "vision_tower.head.")
CHANNELS = 3


def architecture(cfg: NetworkConfig) -> str:
    """The class."""
    return STOCK


def config_to(cfg: NetworkConfig) -> dict[str, Any]:
    """Their config.json; Unfit where the class cannot hold ours."""
    vision = cfg.vision
    if vision is None:
        raise Unfit(f"{STOCK} cannot hold vision=None; it needs a network that sees")
    text = llama.fields(cfg, STOCK)
    ids = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    return {
        "text_config": {**text, **ids, "model_type": llama.MODEL_TYPE},
        "vision_config": {
            "model_type": TOWER,
            "hidden_size": vision.d_model,
            "intermediate_size": vision.d_ff,
            "num_hidden_layers": vision.n_layers,
            "num_attention_heads": vision.n_heads,
            "num_channels": CHANNELS,
            "image_size": vision.image_size,
            "patch_size": vision.patch_size,
            "hidden_act": {**TO_THEIRS, "gelu_tanh": "gelu_pytorch_tanh"}[vision.activation],
            "layer_norm_eps": vision.norm_eps,
            "attention_dropout": 0.0,
            "vision_use_head": False,
        },
        "image_token_index": vision.placeholder,
        "image_seq_length": vision.n_tokens,
        "projector_hidden_act": "gelu",
        "multimodal_projector_bias": True,
        "vision_feature_layer": -1,
        "vision_feature_select_strategy": "full",
        "tie_word_embeddings": cfg.tied,
    }


def config_from(config: Config, held: Held) -> NetworkConfig:
    """Our config of their config.json."""
    refuse(config, STOCK, projector_hidden_act="gelu", multimodal_projector_bias=True)
    for name, only in (("vision_feature_layer", -1), ("vision_feature_select_strategy", "full")):
        if config.get(name) != only:  # their defaults are other ones
            raise BadUse(f"{STOCK} with {name}={config.get(name)!r} is not supported; only {only!r} is what we compute")
    text, vision = part(config, "text_config"), part(config, "vision_config")
    for of, name, only in ((text, "text_config", llama.MODEL_TYPE), (vision, "vision_config", TOWER)):
        if of.get("model_type") != only:
            raise BadUse(f"{STOCK} with a {name} of {of.get('model_type')!r} is not supported; only {only!r} is")
    tied = bool(config.get("tie_word_embeddings") or text.get("tie_word_embeddings"))
    decoder = llama.config_from({**text, "tie_word_embeddings": tied}, held)
    refuse(vision, TOWER, num_channels=CHANNELS)
    width, n_heads, _ = head_sizes(vision, "hidden_size", "num_attention_heads")
    index = config.get("image_token_index", config.get("image_token_id"))
    if isinstance(index, bool) or not isinstance(index, int):
        raise BadUse(
            f"image_token_index={index!r} is no token id; give the config.json that the weights were saved with"
        )
    told = VisionConfig(
        placeholder=index,
        image_size=size(vision, "image_size"),
        patch_size=size(vision, "patch_size"),
        n_layers=layers(vision, "num_hidden_layers", held),
        d_model=width,
        n_heads=n_heads,
        d_ff=size(vision, "intermediate_size"),
        activation=activation(vision, "hidden_act", "gelu_pytorch_tanh"),
        norm_eps=number(vision, "layer_norm_eps", 1e-6),
    )
    return replace(decoder, vision=told)


def part(config: Config, name: str) -> Config:
    """A part of a config.json that must be there."""
    found = config.get(name)
    if not isinstance(found, Mapping):
        raise BadUse(f"{name} is {found!r}, no object of fields; give the config.json that the weights were saved with")
    return found


def table(cfg: NetworkConfig) -> list[Entry]:
    """Their names and ours."""
    assert cfg.vision is not None, "a network of this layout sees"
    tower, own = "vision_tower", "vision.encoder.layers"
    entries = llama.table(cfg, "language_model.")
    entries += pair(f"{tower}.embeddings.patch_embedding", "vision.patch")
    entries += [Entry(f"{tower}.embeddings.position_embedding.weight", ("vision.position.weight",))]
    entries += pair("multi_modal_projector.linear_1", "vision.projector.up")
    entries += pair("multi_modal_projector.linear_2", "vision.projector.output")
    theirs = {
        "layer_norm1": "attention_norm",
        "self_attn.q_proj": "attention.query",
        "self_attn.k_proj": "attention.key",
        "self_attn.v_proj": "attention.value",
        "self_attn.out_proj": "attention.output",
        "layer_norm2": "feed_forward_norm",
        "mlp.fc1": "feed_forward.up",
        "mlp.fc2": "feed_forward.output",
    }
    for i in range(cfg.vision.n_layers):
        for name, ours in theirs.items():
            entries += pair(f"{tower}.encoder.layers.{i}.{name}", f"{own}.{i}.{ours}")
    return entries


def tensors_to(cfg: NetworkConfig, ours: Tensors) -> Tensors:
    """Their weights; Unfit where the class cannot hold ours."""
    assert cfg.vision is not None, "a network of this layout sees"
    found, w = names.to_theirs(table(cfg), ours), cfg.vision.patch_size
    found[PATCHES] = found[PATCHES].unflatten(1, (CHANNELS, w, w)).contiguous()
    norm = {f"{NORM}.weight": torch.ones(cfg.vision.d_model), f"{NORM}.bias": torch.zeros(cfg.vision.d_model)}
    return found | norm


def tensors_from(cfg: NetworkConfig, theirs: Tensors) -> Tensors:
    """Our weights; the names of older and newer transformers alike."""
    kept = {name: value for name, value in map(named, theirs.items()) if not name.startswith(UNUSED)}
    kept = names.without(kept, ".rotary_emb.inv_freq", ".position_ids")
    if cfg.tied:
        kept = names.tied(kept, {"language_model.lm_head.weight": "language_model.model.embed_tokens.weight"})
    if PATCHES in kept:
        kept[PATCHES] = kept[PATCHES].flatten(1)
    return names.to_ours(table(cfg), kept, build_meta(cfg).state_dict())


def named(item: tuple[str, torch.Tensor]) -> tuple[str, torch.Tensor]:
    """A tensor by the name that it has in files: those in memory, and those of older towers, are others."""
    name, value = item
    if name.startswith("model.language_model."):
        name = f"language_model.model.{name.removeprefix('model.language_model.')}"
    name = f"language_model.{name}" if name.startswith("lm_head.") else name.removeprefix("model.")
    return name.replace("vision_tower.vision_model.", "vision_tower.", 1), value


def processor_files(cfg: NetworkConfig) -> dict[str, dict[str, Any]]:
    """What transformers' LlavaProcessor needs beside the tokenizer, by file: how images become patches."""
    assert cfg.vision is not None, "a network of this layout sees"
    pixels = {
        "image_processor_type": "SiglipImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"height": cfg.vision.image_size, "width": cfg.vision.image_size},
        "resample": 3,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }
    whole = {
        "processor_class": "LlavaProcessor",
        "patch_size": cfg.vision.patch_size,
        "vision_feature_select_strategy": "full",
        "num_additional_image_tokens": 0,
        "image_token": IMAGE,
    }
    return {"preprocessor_config.json": pixels, "processor_config.json": whole}
