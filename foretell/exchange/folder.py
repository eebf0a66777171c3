"""A model folder: Hugging Face's layout, so that other tools load it without custom code, and we load theirs.

    config.json  model.safetensors  tokenizer.json  tokenizer_config.json  generation_config.json  README.md
    foretell.json    the network's exact config, so that what we saved comes back exactly

A network that no stock class can hold keeps our own names under model_type "foretell". Never a pickle.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from foretell.config import dump, load
from foretell.errors import BadUse, Failed, nearest
from foretell.exchange import bert, gpt2, gpt_neo, marian, openai_gpt
from foretell.exchange.card import Card, card_text
from foretell.exchange.fit import Unfit
from foretell.exchange.names import Tensors
from foretell.model.config import NetworkConfig
from foretell.model.init import build_meta
from foretell.model.network import Network
from foretell.runs import read_json, whole_folder
from foretell.text.tokenizer import Tokenizer

LAYOUTS: dict[str, ModuleType] = {m.MODEL_TYPE: m for m in (gpt2, openai_gpt, bert, gpt_neo, marian)}
HEADS = ("lm_head", "pooler", "next_sentence", "task_head")  # may be new where a run starts
OWN, OWN_CONFIG, WEIGHTS, INDEX = "foretell", "foretell.json", "model.safetensors", "model.safetensors.index.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A model as it came from a folder; the tokenizer is None where there is none that we can read."""

    network: Network
    tokenizer: Tokenizer | None
    folder: Path


def save_model(folder: Path, network: Network, tokenizer: Tokenizer | None, card: Card) -> str:
    """What other tools can load the folder as, after it is written whole."""
    cfg = network.cfg
    ours = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    layout, config = stock_layout(cfg)
    stock = "" if layout is None else architecture(layout, cfg)
    tensors = ours if layout is None else layout.tensors_to(cfg, ours)
    config |= {"model_type": OWN if layout is None else layout.MODEL_TYPE, "dtype": "float32"}
    config |= {"architectures": [stock]} if stock else {}
    config |= special_ids(cfg, tokenizer)
    with whole_folder(folder) as aside:
        save_file(tensors, aside / WEIGHTS, metadata={"format": "pt"})
        (aside / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        (aside / OWN_CONFIG).write_text(dump(cfg))
        (aside / "README.md").write_text(card_text(card, cfg, stock))
        if tokenizer is not None:
            tokenizer.save(aside, cfg.n_ctx)
            (aside / "generation_config.json").write_text(json.dumps(special_ids(cfg, tokenizer), indent=2) + "\n")
    return (
        f"transformers loads it as {stock}" if stock else "no class of transformers can hold it; foretell.load reads it"
    )


def stock_layout(cfg: NetworkConfig) -> tuple[ModuleType | None, dict[str, Any]]:
    """The layout of another library that can hold a config, with its config.json; or none."""
    for layout in LAYOUTS.values():
        try:
            return layout, layout.config_to(cfg)
        except Unfit:
            continue
    return None, {}


def why_not(cfg: NetworkConfig, model_type: str) -> str:
    """The reason why a layout cannot hold a config; empty if it can."""
    try:
        LAYOUTS[model_type].config_to(cfg)
    except Unfit as reason:
        return str(reason)
    return ""


def architecture(layout: ModuleType, cfg: NetworkConfig) -> str:
    """The stock class of a layout for the heads that a network has."""
    return str(bert.architecture(cfg) if layout is bert else layout.STOCK)


def special_ids(cfg: NetworkConfig, tokenizer: Tokenizer | None) -> dict[str, Any]:
    """The ids that other tools need to start, stop and pad; a seq2seq starts from its end."""
    if tokenizer is None:
        return {}
    end, pad = tokenizer.end_of_text, tokenizer.pad
    start = {"decoder_start_token_id": end} if cfg.kind == "seq2seq" else {"bos_token_id": end}
    return {**start, "eos_token_id": end, "pad_token_id": pad}


def load_model(source: str | Path) -> Loaded:
    """The model of a run folder, a model folder of ours or of Hugging Face, or hf:NAME. Weights become fp32.

    BadUse or Failed, one line, if it is none of these, of an unknown class, cut short, or a pickle.
    """
    folder = find_folder(source)
    config = read_json(folder / "config.json")
    model_type = config.get("model_type", "")
    if model_type != OWN and model_type not in LAYOUTS:
        raise BadUse(f"{folder}: model_type {model_type!r} is not supported{nearest(model_type, list(LAYOUTS))}")
    layout = LAYOUTS.get(model_type)
    own = folder / OWN_CONFIG
    cfg = load(NetworkConfig, own.read_text(), str(own)) if own.exists() else foreign_config(layout, config, folder)
    theirs = {name: value.float() for name, value in read_weights(folder).items()}
    try:
        ours = theirs if layout is None else layout.tensors_from(cfg, theirs)
        network = filled(cfg, ours)
    except BadUse as error:
        raise BadUse(f"{folder}: {error}") from error
    return Loaded(network=network, tokenizer=read_tokenizer(folder), folder=folder)


def foreign_config(layout: ModuleType | None, config: dict[str, Any], folder: Path) -> NetworkConfig:
    """Our config of a foreign config.json."""
    if layout is None:
        raise BadUse(f"{folder} is of foretell's own layout but lacks {OWN_CONFIG}; copy the whole folder")
    try:
        cfg: NetworkConfig = layout.config_from(config)
    except (BadUse, ValueError, TypeError) as error:
        raise BadUse(f"{folder}/config.json: {error}") from error
    return cfg


def filled(cfg: NetworkConfig, tensors: Tensors) -> Network:
    """A network with these weights; every shape is compared before anything is taken over."""
    network = build_meta(cfg)
    wanted = network.state_dict()
    problem = next((name for name in wanted if name not in tensors), None)
    if problem:
        raise BadUse(f"the weights lack {problem}; the file is cut short or of another config")
    for name, value in wanted.items():
        if tensors[name].shape != value.shape:
            there, want = tuple(tensors[name].shape), tuple(value.shape)
            raise BadUse(
                f"{name} has shape {there}, the config asks for {want}; weights and config do not belong together"
            )
    network.load_state_dict({name: tensors[name] for name in wanted}, assign=True)
    return network.requires_grad_(True).eval()


def find_folder(source: str | Path) -> Path:
    """The folder that holds config.json and weights: a run's `model`, the folder itself, or a snapshot of the hub."""
    if str(source).startswith("hf:"):
        return snapshot(str(source).removeprefix("hf:"))
    folder = Path(source)
    if not folder.is_dir():
        raise BadUse(f"{folder} is no folder; give a run folder, a Hugging Face folder, or hf:NAME")
    if (folder / "model" / "config.json").exists():
        return folder / "model"
    if (folder / "metrics.jsonl").exists():
        raise BadUse(f"{folder} is a run that is not finished; the same foretell train command continues it")
    if not (folder / "config.json").exists():
        raise BadUse(f"{folder} holds no config.json; give a run folder, a Hugging Face folder, or hf:NAME")
    return folder


def snapshot(name: str) -> Path:
    """The folder of a model of the hub, from its cache or downloaded; only files that are no code and no pickle."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise BadUse(f"hf:{name} needs the package huggingface_hub; pip install 'foretell[hub]'") from error
    wanted = ["*.safetensors", "*.json", "*.txt", "*.jinja", "*.bpe"]
    try:
        return Path(snapshot_download(name, allow_patterns=wanted))
    except Exception as error:  # the client raises many kinds, all of them: it could not be had
        reason = " ".join(str(error).split())[:120]
        raise Failed(
            f"hf:{name} could not be had ({reason}); check the name and the network, or give a folder"
        ) from error


def read_weights(folder: Path) -> Tensors:
    """All tensors of model.safetensors, or of the shards that its index names, which never lie outside the folder."""
    if (folder / WEIGHTS).exists():
        return read_safetensors(folder / WEIGHTS)
    if (folder / INDEX).exists():
        shards = sorted(set(read_json(folder / INDEX).get("weight_map", {}).values()))
        for shard in shards:
            if Path(shard).name != shard or (folder / shard).is_symlink():
                raise BadUse(f"{folder / INDEX} names {shard!r}; a shard must be a plain file of the same folder")
        return {name: value for shard in shards for name, value in read_safetensors(folder / shard).items()}
    if any(folder.glob("*.bin")) or any(folder.glob("*.pt")):
        raise BadUse(f"{folder} holds its weights as a pickle, which is never loaded; convert it to safetensors first")
    raise BadUse(f"{folder} holds no {WEIGHTS}; give a folder with weights")


def read_safetensors(path: Path) -> Tensors:
    """The tensors of a file; BadUse if it is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dict)
    except (SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())
        raise BadUse(f"{path} cannot be read ({reason}); it is cut short or no safetensors file") from error


def read_tokenizer(folder: Path) -> Tokenizer | None:
    """The folder's tokenizer, if it has one of a kind that we read."""
    return Tokenizer.load(folder) if (folder / "tokenizer.json").exists() else None


def load_weights_into(network: Network, source: str | Path) -> list[str]:
    """The names of the parameters that the source does not have (new heads, left as they are); the rest is copied.

    BadUse if a weight has another shape: the run starts from a model of another size or vocabulary.
    """
    there = load_model(source).network.state_dict()
    here = network.state_dict()
    for name in here.keys() & there.keys():
        if here[name].shape != there[name].shape:
            shapes = f"{tuple(there[name].shape)} there and {tuple(here[name].shape)} here"
            raise BadUse(f"cannot start from {source}: {name} is {shapes}; give the same sizes and vocabulary")
    missing = sorted(here.keys() - there.keys())
    body = [name for name in missing if name.split(".")[0] not in HEADS]
    if body:
        raise BadUse(f"cannot start from {source}: it lacks {body[0]}; give a model of the same kind and size")
    with torch.no_grad():
        for name in here.keys() & there.keys():
            here[name].copy_(there[name])
    return missing
