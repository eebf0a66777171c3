"""A model folder: Hugging Face's layout, so that other tools load it without custom code, and we load theirs.

    config.json  model.safetensors  tokenizer.json  tokenizer_config.json  generation_config.json  README.md
    foretell.json    the network's exact config, so that what we saved comes back exactly

A network that no stock class can hold keeps our own names under model_type "foretell". Never a pickle.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors.torch import save_file

from foretell.config import dump, load
from foretell.errors import BadUse, nearest
from foretell.exchange import bert, gpt2, gpt_neo, llama, llava, marian, names, openai_gpt, weights
from foretell.exchange.card import Card, CardText, card_text
from foretell.exchange.fit import Held, Unfit, difference
from foretell.exchange.names import Tensors
from foretell.exchange.source import find_folder
from foretell.model.config import NetworkConfig
from foretell.model.init import build_meta
from foretell.model.network import Network
from foretell.runs import read_json, read_text, whole_folder
from foretell.text.chat import answer_end
from foretell.text.gpt1 import for_tasks
from foretell.text.tokenizer import Tokenizer

LAYOUTS: dict[str, ModuleType] = {m.MODEL_TYPE: m for m in (gpt2, openai_gpt, bert, gpt_neo, marian, llama, llava)}
HEADS = ("lm_head", "pooler", "next_sentence", "task_head", "vision")  # may be new where a run starts
BY_TOKEN = ("embed.token.weight", "lm_head.weight", "lm_head.bias")  # a row of each for every token
OWN, OWN_CONFIG = "foretell", "foretell.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A model as it came from a folder; the tokenizer is None where the folder has no tokenizer.json."""

    network: Network
    tokenizer: Tokenizer | None
    folder: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A network as other tools read it: their class, config and weights, or ours with the reason why not theirs."""

    stock: str
    why_not: str
    config: dict[str, Any]
    tensors: Tensors


def save_model(folder: Path, network: Network, tokenizer: Tokenizer | None, card: Card | CardText) -> str:
    """What other tools can load the folder as, after it is written whole. Only a folder of ours is ever replaced."""
    cfg = network.cfg
    check_replaceable(folder)
    ids = special_ids(cfg, tokenizer)
    ours = {name: value.detach().cpu().float().contiguous() for name, value in network.state_dict().items()}
    written = in_layout(cfg, ours)
    with whole_folder(folder) as aside:
        save_file(written.tensors, aside / weights.WEIGHTS, metadata={"format": "pt"})
        write_json(aside / "config.json", {**written.config, "dtype": "float32", **ids})
        (aside / OWN_CONFIG).write_text(dump(cfg))
        (aside / "README.md").write_text(card_of(card, cfg, written))
        if tokenizer is not None:
            tokenizer.save(aside, cfg.n_ctx)
            if cfg.vision is not None:
                for name, content in llava.processor_files(cfg).items():
                    write_json(aside / name, content)
            if cfg.kind != "encoder":
                write_json(aside / "generation_config.json", ids)
    if written.stock:
        return f"transformers loads it as {written.stock}"
    return f"no class of transformers can hold it ({written.why_not}); foretell.load reads it"


def card_of(card: Card | CardText, cfg: NetworkConfig, written: Written) -> str:
    """The text of README.md."""
    if isinstance(card, Card):
        return card_text(card, cfg, written.stock, written.why_not)
    return card(cfg, written.stock, written.why_not)


def check_replaceable(folder: Path) -> None:
    """BadUse if something stands at `folder` that is no model folder of ours: it would be deleted."""
    if not folder.exists() or (folder / OWN_CONFIG).exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    raise BadUse(f"{folder} exists and is not a model folder that foretell wrote; give another folder")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(content, indent=2) + "\n")


def in_layout(cfg: NetworkConfig, ours: Tensors) -> Written:
    """A network in the first stock layout that can hold it, or in our own."""
    reasons = {}
    for layout in LAYOUTS.values():
        try:
            config, tensors, stock = layout.config_to(cfg), layout.tensors_to(cfg, ours), layout.architecture(cfg)
        except Unfit as reason:
            reasons[layout] = str(reason)
            continue
        config |= {"model_type": layout.MODEL_TYPE, "architectures": [stock]}
        return Written(stock=stock, why_not="", config=config, tensors=tensors)
    return Written(stock="", why_not=reasons[nearest_layout(cfg)], config={"model_type": OWN}, tensors=ours)


def nearest_layout(cfg: NetworkConfig) -> ModuleType:
    """The layout of which the reader of a card would think."""
    if cfg.kind == "decoder":
        if cfg.positions == "rotary" and cfg.gated:
            return llama if cfg.vision is None else llava
        return gpt2 if cfg.norm_place == "pre" else openai_gpt
    return bert if cfg.kind == "encoder" else marian


def special_ids(cfg: NetworkConfig, tokenizer: Tokenizer | None) -> dict[str, Any]:
    """The ids that other tools need to start, stop and pad; a seq2seq starts from its end, an encoder only pads.

    Without a tokenizer, or an end in it, a decoder's are null: the defaults of its class are ids of another vocabulary.
    """
    if tokenizer is None:
        return dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id") if cfg.kind == "decoder" else ())
    check_vocabulary(cfg, tokenizer)
    if not tokenizer.has_end:
        return special_ids(cfg, None)
    end = tokenizer.end_of_text
    pad: dict[str, Any] = {"pad_token_id": tokenizer.pad}
    if cfg.heads.task_bias and answer_end(tokenizer) == tokenizer.pad:
        pad = {
            "pad_token_id": None
        }  # else their class takes an answer's end for padding, and reads the token before it
    if cfg.kind == "encoder":
        return pad
    start = {"decoder_start_token_id": end} if cfg.kind == "seq2seq" else {"bos_token_id": end}
    return {**start, "eos_token_id": end, **pad}


def check_vocabulary(cfg: NetworkConfig, tokenizer: Tokenizer) -> None:
    """BadUse if the tokenizer makes ids that the network has no embedding for."""
    if tokenizer.n_vocab > cfg.n_vocab:
        rule = f"the network has n_vocab={cfg.n_vocab}"
        raise BadUse(f"the tokenizer has {tokenizer.n_vocab} ids, but {rule}; give the one that it was trained with")


def load_model(source: str | Path) -> Loaded:
    """The model of a run folder, a model folder of ours or of Hugging Face, or hf:NAME. Weights become fp32.

    BadUse or Failed, one line, if it is none of these, of an unknown class, cut short, or a pickle.
    """
    folder = find_folder(source)
    network, tokenizer = load_network(folder), None
    if (folder / "tokenizer.json").exists():
        tokenizer = Tokenizer.load(folder)
        try:
            check_vocabulary(network.cfg, tokenizer)
        except BadUse as error:
            raise BadUse(f"{folder}: {error}") from error
    return Loaded(network=network, tokenizer=tokenizer, folder=folder)


def load_network(folder: Path) -> Network:
    """The network of a model folder. Nothing is allocated before config and file are seen to belong together."""
    config = read_json(folder / "config.json")
    if not isinstance(config, dict):
        raise BadUse(f"{folder / 'config.json'} holds no object of fields; copy it again from its source")
    model_type = str(config.get("model_type", ""))
    if model_type != OWN and model_type not in LAYOUTS:
        raise BadUse(f"{folder}: model_type {model_type!r} is not supported{nearest(model_type, [*LAYOUTS, OWN])}")
    files, layout = weights.weight_files(folder), LAYOUTS.get(model_type)
    held = weights.held(files)
    cfg = network_config(folder, layout, config, held)
    try:
        weights.check_sizes(cfg, held)
        theirs = weights.read(files)
        return filled(cfg, theirs if layout is None else layout.tensors_from(cfg, theirs))
    except BadUse as error:
        raise BadUse(f"{folder}: {error}") from error


def network_config(folder: Path, layout: ModuleType | None, config: Mapping[str, Any], held: Held) -> NetworkConfig:
    """The config of a folder's network: foretell.json where it is, which must not contradict config.json."""
    own = folder / OWN_CONFIG
    if layout is None:
        if not own.exists():
            raise BadUse(f"{folder} is of foretell's own layout but lacks {OWN_CONFIG}; copy the whole folder")
        return load(NetworkConfig, read_text(own), str(own))
    try:
        foreign: NetworkConfig = layout.config_from(config, held)
    except (BadUse, ValueError) as error:
        raise BadUse(f"{folder / 'config.json'}: {error}") from error
    if not own.exists():
        return foreign
    cfg = load(NetworkConfig, read_text(own), str(own))
    if differs := difference(cfg, foreign):
        name, one, other = differs
        rule = f"if another tool has written over it, remove {OWN_CONFIG}"
        raise BadUse(f"{folder}: {name} is {one!r} in {OWN_CONFIG} and {other!r} in config.json; {rule}")
    return cfg


def filled(cfg: NetworkConfig, tensors: Tensors) -> Network:
    """A network with these weights, every name and shape compared before any is taken over."""
    network = build_meta(cfg)
    names.check(tensors, network.state_dict())
    network.load_state_dict(tensors, assign=True)
    return network.requires_grad_(True).eval()


def load_weights_into(network: Network, source: str | Path) -> list[str]:
    """The names of the parameters that the source does not have (new heads, left as they are); the rest is copied.

    Where the vocabulary has grown by what fine-tuning adds to it, the new tokens' rows are left as they are too.
    BadUse if the bodies differ, in a size, the vocabulary, or in what no shape shows: it is another model.
    """
    folder = find_folder(source)
    start = load_network(folder)
    grows = network.cfg.n_vocab == vocabulary_for_tasks(folder, start.cfg.n_vocab)
    wanted = replace(start.cfg, n_vocab=network.cfg.n_vocab) if grows else start.cfg
    here_cfg = network.cfg
    if here_cfg.vision is not None and start.cfg.vision is None:  # it learns to see, and has a place for images
        here_cfg = replace(here_cfg, vision=None)
        if here_cfg.n_vocab == start.cfg.n_vocab + 1:
            wanted = replace(start.cfg, n_vocab=here_cfg.n_vocab)
    if differs := difference(wanted, here_cfg):
        name, one, other = differs
        rule = "give a model of the same kind, sizes and vocabulary"
        raise BadUse(f"cannot start from {source}: {name} is {one!r} there and {other!r} here; {rule}")
    there, here = start.state_dict(), network.state_dict()
    missing = sorted(here.keys() - there.keys())
    assert all(name.split(".")[0] in HEADS for name in missing), "two bodies of equal configs hold equal names"
    shared = sorted(here.keys() & there.keys())
    for name in shared:  # all are seen to fit before any is copied
        n_new = network.cfg.n_vocab - start.cfg.n_vocab if name in BY_TOKEN else 0
        if here[name].shape != (there[name].shape[0] + n_new, *there[name].shape[1:]):
            shapes = f"{tuple(there[name].shape)} there and {tuple(here[name].shape)} here"
            raise BadUse(f"cannot start from {source}: {name} is {shapes}; give a model with the same heads")
    with torch.no_grad():
        for name in shared:
            here[name][: len(there[name])].copy_(there[name])
    return missing


def vocabulary_for_tasks(folder: Path, n_vocab: int) -> int:
    """The vocabulary of a model folder with the tokens that fine-tuning adds; that of wordpiece has its own."""
    if not (folder / "tokenizer.json").exists():
        return n_vocab
    tokenizer = Tokenizer.load(folder)
    grows = tokenizer.kind != "wordpiece" and tokenizer.n_vocab == n_vocab
    return for_tasks(tokenizer).n_vocab if grows else n_vocab
