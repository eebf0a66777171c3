"""A folder that is damaged, foreign or a pickle is refused in one line; a start takes over all but new heads."""

import builtins
import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from foretell.errors import BadUse, Failed
from foretell.exchange.card import Card
from foretell.exchange.folder import load_model, load_weights_into, save_model
from foretell.model.config import Dropout, Heads
from foretell.model.init import build
from tests.exchange.conftest import BERT, GPT1, GPT2, NEO, random_network
from tests.text.unmarked import unmarked_gpt1

CARD = Card(recipe="a test", data="three sentences", steps=3, metrics={"val_loss": 1.5}, limits="Not for cats.")


@pytest.fixture
def folder(tmp_path):
    save_model(tmp_path / "model", random_network(GPT2), None, CARD)
    return tmp_path / "model"


def edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_saved_model_comes_back_exactly(folder):
    again = load_model(folder)
    assert again.network.cfg == GPT2
    assert not again.network.training
    assert all(p.requires_grad for p in again.network.parameters())
    for key, value in random_network(GPT2).state_dict().items():
        assert torch.equal(again.network.state_dict()[key], value), key


def test_tied_weights_are_stored_once_and_as_torch_tensors(folder):
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", framework="pt") as file:
        assert file.metadata() == {"format": "pt"}
        assert "lm_head.weight" not in file.keys()  # noqa: SIM118  (no dict)


def test_the_card_says_what_it_is(folder):
    head, text = (folder / "README.md").read_text().removeprefix("---\n").split("---\n", 1)
    assert head.splitlines() == ["library_name: transformers", "pipeline_tag: text-generation", "tags: [foretell]"]
    for part in ("# a test", "GPT2LMHeadModel", "three sentences", "3 steps", "val_loss | 1.5000", "Not for cats."):
        assert part in text


def test_a_run_folder_is_its_model(folder):
    assert load_model(folder.parent).folder == folder


def test_a_run_that_is_not_finished_is_named(tmp_path):
    (tmp_path / "metrics.jsonl").write_text("")
    with pytest.raises(BadUse, match="not finished"):
        load_model(tmp_path)


def rewrite(change):
    def harm(folder):
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors")

    return harm


def truncate(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def another_size(folder):
    (folder / "foretell.json").unlink()
    edit(folder / "config.json", n_embd=32)


def shard(folder, name="b.safetensors", twice=(), index=None):
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    parts = {"a.safetensors": [*names[:7], *twice], name: names[7:]}
    for file, part in parts.items():
        save_file({name: tensors[name] for name in part}, folder / file)
    index = {"weight_map": {name: file for file, part in parts.items() for name in part}} if index is None else index
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


WTE = "transformer.wte.weight"
WHOLE = "transformer.h.1.ln_2.weight"
ATTENTION = "transformer.h.0.attn.c_attn.weight"


def too_many_layers(folder):
    edit(folder / "config.json", model_type="foretell")
    edit(folder / "foretell.json", n_layers=300)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (too_many_layers, "n_layers=300, but the weight file holds 28 tensors"),
        (truncate, "cut short"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b""), "cut short"),
        (rewrite(lambda tensors: tensors.pop(WHOLE)), f"lack {WHOLE}"),
        (rewrite(lambda tensors: tensors.update({"lora.a": torch.zeros(2)})), r"hold transformer\.lora\.a"),
        (rewrite(lambda tensors: tensors.update({ATTENTION: torch.zeros(16, 49)})), r"shape \(16, 49\)"),
        (rewrite(lambda tensors: tensors.update({ATTENTION: torch.zeros(1)})), r"shape \(1,\)"),
        (rewrite(lambda tensors: tensors.update({WTE: tensors[WTE].to(torch.int8)})), "int8"),
        (another_size, "belong together"),
        (lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"), "pickle.*never loaded"),
        (lambda folder: (folder / "model.safetensors").unlink(), "holds no model.safetensors"),
        (lambda folder: shard(folder, name="../outside.safetensors"), "plain .safetensors file of the same folder"),
        (lambda folder: shard(folder, index={"weight_map": {"a": "pytorch_model.bin"}}), "plain .safetensors file"),
        (lambda folder: shard(folder, index={"weight_map": {"a": 3}}), "plain .safetensors file"),
        (lambda folder: shard(folder, index={"weight_map": {"a": "absent.safetensors"}}), "it is missing, cut short"),
        (lambda folder: shard(folder, index=[1]), "no weight_map"),
        (lambda folder: shard(folder, twice=["transformer.wpe.weight"]), "another shard holds too"),
        (lambda folder: edit(folder / "config.json", model_type="gpt22"), "did you mean 'gpt2'"),
        (lambda folder: edit(folder / "config.json", model_type=None), "model_type 'None' is not supported"),
        (lambda folder: edit(folder / "config.json", model_type="foretell"), "lack embed.token.weight"),
        (lambda folder: edit(folder / "config.json", n_head=4), "n_heads is 2 in foretell.json and 4 in config.json"),
        (lambda folder: edit(folder / "foretell.json", n_layer=2), "n_layer.*did you mean 'n_layers'"),
        (lambda folder: (folder / "config.json").write_text("{"), "is not JSON"),
        (lambda folder: (folder / "config.json").write_text("[]"), "no object of fields"),
        (lambda folder: (folder / "config.json").unlink(), "holds no config.json"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "no tokenizer.json"),
    ],
)
def test_a_damaged_folder_is_refused_in_one_line(folder, harm, said):
    harm(folder)
    with pytest.raises(BadUse, match=said) as refused:
        load_model(folder)
    assert "\n" not in str(refused.value)


def test_a_shard_that_is_a_link_out_of_the_folder_is_refused(folder):
    shard(folder)
    (folder / "b.safetensors").rename(folder.parent / "secret.safetensors")
    (folder / "b.safetensors").symlink_to("../secret.safetensors")
    with pytest.raises(BadUse, match="of the same folder"):
        load_model(folder)


def test_sharded_weights_are_put_together(folder):
    shard(folder)
    assert torch.equal(load_model(folder).network.embed.token.weight, random_network(GPT2).embed.token.weight)


def test_shards_as_the_cache_of_the_hub_links_them_are_read(folder):
    shard(folder)
    inside = folder.parent / "models--one--gpt2" / "snapshots" / "0123abcd"
    blobs = inside.parents[1] / "blobs"
    blobs.mkdir(parents=True)
    inside.parent.mkdir()
    folder.rename(inside)
    for i, path in enumerate(sorted(inside.glob("*.safetensors"))):
        path.rename(blobs / str(i))
        path.symlink_to(f"../../blobs/{i}")
    assert torch.equal(load_model(inside).network.embed.token.weight, random_network(GPT2).embed.token.weight)


def test_a_model_of_the_hub_is_its_snapshot(folder, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub, "snapshot_download", lambda name, allow_patterns: str(folder))
    assert load_model("hf:one/gpt2").folder == folder


def test_without_network_the_remedy_is_named(monkeypatch):
    hub = pytest.importorskip("huggingface_hub")

    def offline(name, allow_patterns):
        raise OSError(f"cannot reach the hub\nfor {name}")

    monkeypatch.setattr(hub, "snapshot_download", offline)
    with pytest.raises(Failed, match=r"hf:one/gpt2 could not be had .*or give a folder") as refused:
        load_model("hf:one/gpt2")
    assert "\n" not in str(refused.value)


def test_without_the_client_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "huggingface_hub":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadUse, match=r"pip install 'foretell\[hub\]'"):
        load_model("hf:one/gpt2")


def test_only_a_model_folder_of_ours_is_replaced(folder, tmp_path):
    save_model(folder, random_network(GPT2, seed=1), None, CARD)
    assert torch.equal(load_model(folder).network.embed.token.weight, random_network(GPT2, 1).embed.token.weight)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("ten years of work")
    with pytest.raises(BadUse, match="not a model folder that foretell wrote"):
        save_model(mine, random_network(GPT2), None, CARD)
    assert (mine / "thesis.txt").read_text() == "ten years of work"


def test_a_tokenizer_with_more_ids_than_embeddings_is_refused(tmp_path, tokenizer, folder):
    with pytest.raises(BadUse, match="the tokenizer has 290 ids, but the network has n_vocab=40"):
        save_model(tmp_path / "m", random_network(GPT2), tokenizer, CARD)
    assert not (tmp_path / "m").exists()
    tokenizer.save(folder, 24)
    with pytest.raises(BadUse, match="the tokenizer has 290 ids"):
        load_model(folder)


def test_a_start_copies_all_but_the_new_head(folder):
    network = build(replace(GPT2, heads=Heads(n_outputs=3), dropout=Dropout(residual=0.3)), seed=5)
    head = network.task_head.output.weight.clone()
    assert load_weights_into(network, folder) == ["task_head.output.weight"]
    assert torch.equal(network.task_head.output.weight, head)
    for key, value in random_network(GPT2).state_dict().items():
        assert torch.equal(network.state_dict()[key], value), key


def test_a_start_leaves_the_heads_that_it_does_not_need(tmp_path):
    save_model(tmp_path / "m", random_network(BERT), None, CARD)
    network = build(replace(BERT, heads=Heads(lm=False, task_pooler=True, n_outputs=2)), seed=5)
    assert load_weights_into(network, tmp_path / "m") == ["task_head.output.bias", "task_head.output.weight"]
    assert torch.equal(network.pooler.dense.weight, random_network(BERT).pooler.dense.weight)


@pytest.mark.parametrize(
    "changes",
    [
        {"n_vocab": 41},
        {"n_ctx": 48},
        {"n_layers": 3},
        {"kind": "encoder"},
        {"n_heads": 4, "d_head": 4},
        {"norm_place": "post"},
        {"norm_eps": 1e-3},
        {"activation": "relu"},
        {"attention": ("banded",)},
    ],
)
def test_a_start_from_another_body_is_refused_though_its_shapes_may_fit(folder, changes):
    network = build(replace(GPT2, **changes))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    field, value = next(iter(changes.items()))
    with pytest.raises(BadUse, match="cannot start from") as refused:
        load_weights_into(network, folder)
    assert f"{field} is {getattr(GPT2, field)!r} there and {value!r} here" in str(refused.value)
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in before.items())


def test_a_start_from_another_window_is_refused(tmp_path):
    save_model(tmp_path / "m", random_network(NEO), None, CARD)
    with pytest.raises(BadUse, match="window is 5 there and 6 here"):
        load_weights_into(build(replace(NEO, window=6)), tmp_path / "m")


def test_a_start_from_a_head_of_other_classes_is_refused_and_nothing_is_copied(tmp_path):
    save_model(tmp_path / "m", random_network(replace(GPT2, heads=Heads(n_outputs=3))), None, CARD)
    network = build(replace(GPT2, heads=Heads(n_outputs=2)))
    before = network.embed.token.weight.clone()
    with pytest.raises(BadUse, match=r"task_head\.output\.\w+ is"):
        load_weights_into(network, tmp_path / "m")
    assert torch.equal(network.embed.token.weight, before)


@pytest.mark.parametrize("tied", [True, False])
def test_a_start_from_a_published_vocabulary_keeps_new_rows_for_the_delimiters_alone(tmp_path, tied):
    unmarked = unmarked_gpt1()
    cfg = replace(GPT1, n_vocab=unmarked.n_vocab, tied=tied)
    start = random_network(cfg)
    save_model(tmp_path / "m", start, unmarked, CARD)
    network = build(replace(cfg, n_vocab=cfg.n_vocab + 4, heads=Heads(n_outputs=2)), seed=5)
    new = network.embed.token.weight[cfg.n_vocab :].clone()
    assert load_weights_into(network, tmp_path / "m") == ["task_head.output.weight"]
    assert torch.equal(network.embed.token.weight[: cfg.n_vocab], start.embed.token.weight)
    assert torch.equal(network.embed.token.weight[cfg.n_vocab :], new)
    assert torch.equal(network.output_weight[: cfg.n_vocab], start.output_weight)
    with pytest.raises(BadUse, match="n_vocab is"):
        load_weights_into(build(replace(cfg, n_vocab=cfg.n_vocab + 3)), tmp_path / "m")


def test_a_config_that_is_no_text_is_named(folder):
    for name in ("foretell.json", "config.json"):
        (folder / name).write_bytes(bytes(range(256)))
        with pytest.raises(BadUse, match=f"{name} is no UTF-8 text"):
            load_model(folder)


@pytest.mark.parametrize("cfg", [GPT1, GPT2], ids=["GPT-1", "GPT-2"])
def test_the_card_of_a_decoders_head_says_that_it_reads_one_sequence(cfg, tmp_path):
    save_model(tmp_path / "m", random_network(replace(cfg, heads=Heads(n_outputs=2))), None, CARD)
    assert "for similarity the two orders' are summed" in (tmp_path / "m" / "README.md").read_text()
