"""transformers computes what we compute, from our folders, and we what it computes, from its own."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from foretell.errors import BadUse
from foretell.exchange.card import Card
from foretell.exchange.folder import load_model, save_model
from tests.exchange.conftest import BERT, CONFIGS, GPT2, MARIAN, NEO, random_network

transformers = pytest.importorskip("transformers")
IDS = torch.randint(1, 40, (3, 21), generator=torch.Generator().manual_seed(1))
LENGTHS = torch.tensor([21, 13, 6])
REAL = torch.arange(21) < LENGTHS[:, None]
PADDED = torch.where(REAL, IDS, 0)
SEGMENTS = (torch.arange(21) > 4).long().expand(3, -1)
PLAIN = {"vocab_size": 40, "n_positions": 24, "n_embd": 16, "n_layer": 2, "n_head": 2}
BERT_SIZES = {
    "vocab_size": 40,
    "max_position_embeddings": 24,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
}
THEIR_SIZES = {
    "GPT2LMHeadModel": PLAIN,
    "GPT2ForSequenceClassification": {**PLAIN, "pad_token_id": 0, "num_labels": 5},
    "OpenAIGPTLMHeadModel": PLAIN,
    "OpenAIGPTForSequenceClassification": {**PLAIN, "pad_token_id": 0, "num_labels": 1},
    "GPTNeoForCausalLM": {
        "vocab_size": 40,
        "max_position_embeddings": 24,
        "hidden_size": 16,
        "num_layers": 4,
        "num_heads": 2,
        "attention_types": [[["global", "local"], 2]],
        "window_size": 7,
    },
    "BertForPreTraining": BERT_SIZES,
    "BertForMaskedLM": BERT_SIZES,
    "BertForSequenceClassification": BERT_SIZES,
    "MarianMTModel": {
        "vocab_size": 40,
        "max_position_embeddings": 24,
        "d_model": 16,
        "activation_function": "gelu_new",
        "pad_token_id": 0,
        "decoder_start_token_id": 0,
        **{f"{side}_{part}": 2 for side in ("encoder", "decoder") for part in ("layers", "attention_heads")},
        **{f"{side}_ffn_dim": 24 for side in ("encoder", "decoder")},
    },
}


def our_outputs(network):
    """What a network of ours says of the padded rows, by the names that transformers has for it."""
    heads = network.cfg.heads
    with torch.no_grad():
        if network.cfg.kind == "seq2seq":
            return {"logits": network(IDS[:, :9], source=PADDED, source_attend=REAL)}
        if network.cfg.kind == "decoder":
            hidden = network.hidden(PADDED)
            last = hidden[torch.arange(3), LENGTHS - 1]
            return {"logits": network.task_outputs(last) if heads.n_outputs else network.logits(hidden)}
        hidden = network.hidden(PADDED, SEGMENTS, REAL)
        if heads.n_outputs:
            return {"logits": network.task_outputs(hidden[:, 0])}
        if not heads.next_sentence:
            return {"logits": network.logits(hidden)}
        follows = network.next_sentence_logits(hidden).flip(-1)
        return {"prediction_logits": network.logits(hidden), "seq_relationship_logits": follows}


def their_outputs(model):
    given = {"input_ids": PADDED, "attention_mask": REAL.long()}
    if model.config.model_type == "bert":
        given["token_type_ids"] = SEGMENTS
    if model.config.model_type == "marian":
        given["decoder_input_ids"] = IDS[:, :9]
    with torch.no_grad():
        return model(**given)


def assert_alike(network, model):
    theirs = their_outputs(model)
    for part, found in our_outputs(network).items():
        wanted, real = theirs[part], slice(None)
        if found.ndim == 3 and found.shape[1] == 21:
            real = REAL  # what stands at padding is nobody's business
        torch.testing.assert_close(found[real], wanted[real], rtol=0, atol=2e-5)


def loaded_by_them(name, folder):
    if (config := json.loads((folder / "config.json").read_text())).get("pad_token_id") is None:
        (folder / "config.json").write_text(json.dumps({**config, "pad_token_id": 0}))  # as a tokenizer would say
    model, info = getattr(transformers, name).from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert not info["mismatched_keys"]
    return model.eval()


def made_by_them(name):
    """A network of theirs in which nothing is left at zero or one."""
    cls = getattr(transformers, name)
    model = cls(cls.config_class(**THEIR_SIZES[name])).eval()
    with torch.no_grad():
        for key, p in model.named_parameters():
            if "embed_positions" not in key:
                p.add_(torch.randn_like(p) * 0.2)
    return model


def test_our_folder_is_loaded_by_the_stock_class_with_equal_outputs(stock, tmp_path):
    name, network = stock
    said = save_model(tmp_path / "model", network, None, Card(recipe="a test"))
    assert said == f"transformers loads it as {name}"
    assert_alike(network, loaded_by_them(name, tmp_path / "model"))


@pytest.mark.parametrize("name", CONFIGS)
def test_their_own_folder_is_loaded_by_us_with_equal_outputs(name, tmp_path):
    theirs = made_by_them(name)
    theirs.save_pretrained(tmp_path / "theirs")
    assert_alike(load_model(tmp_path / "theirs").network, theirs)


def test_weights_come_back_from_them_to_the_bit(stock, tmp_path):
    name, network = stock
    save_model(tmp_path / "ours", network, None, Card(recipe="a test"))
    loaded_by_them(name, tmp_path / "ours").save_pretrained(tmp_path / "theirs")
    first = load_model(tmp_path / "ours").network.state_dict()
    again = load_model(tmp_path / "theirs").network.state_dict()
    assert first.keys() == again.keys()
    for key, value in first.items():
        assert torch.equal(again[key], value), key


def test_only_the_queries_of_gpt_neo_are_rounded_and_only_once(stock, tmp_path):
    name, network = stock
    save_model(tmp_path / "one", network, None, Card(recipe="a test"))
    once = load_model(tmp_path / "one").network
    save_model(tmp_path / "two", once, None, Card(recipe="a test"))
    twice = load_model(tmp_path / "two").network.state_dict()
    for key, value in network.state_dict().items():
        if name == "GPTNeoForCausalLM" and key.endswith("query.weight"):
            torch.testing.assert_close(once.state_dict()[key], value, rtol=2**-23, atol=0)
            assert torch.equal(twice[key], once.state_dict()[key])
        else:
            assert torch.equal(once.state_dict()[key], value), key


def test_the_config_comes_back_from_theirs_alone(stock, tmp_path):
    name, network = stock
    save_model(tmp_path / "m", network, None, Card(recipe="a test"))
    (tmp_path / "m" / "foretell.json").unlink()
    cfg, again = network.cfg, load_model(tmp_path / "m").network.cfg
    heads = cfg.heads if cfg.kind != "decoder" or not cfg.heads.n_outputs else replace(cfg.heads, lm=False)
    task_dropout = cfg.heads.task_dropout if cfg.kind == "encoder" else 0.0  # a decoder's classifier has none there
    assert replace(again, init=cfg.init) == replace(cfg, heads=replace(heads, task_dropout=task_dropout)), name


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened(dtype, tmp_path):
    made_by_them("GPT2LMHeadModel").to(dtype).save_pretrained(tmp_path / "half")
    theirs = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "half", dtype=torch.float32).eval()
    assert_alike(load_model(tmp_path / "half").network, theirs)


def test_a_bare_upload_with_masks_and_a_tied_copy_is_read(tmp_path):
    theirs = made_by_them("GPT2LMHeadModel")
    theirs.save_pretrained(tmp_path / "bare")
    path = tmp_path / "bare" / "model.safetensors"
    bare = {name.removeprefix("transformer."): value for name, value in load_file(path).items()}
    bare["h.0.attn.bias"] = torch.ones(1, 1, 24, 24, dtype=torch.uint8)
    bare["lm_head.weight"] = bare.pop("wte.weight")  # the copy instead of the original
    save_file(bare, path)
    assert_alike(load_model(tmp_path / "bare").network, theirs)


def test_published_names_of_norms_are_read(tmp_path):
    theirs = made_by_them("BertForPreTraining")
    theirs.config.architectures = ["BertForMaskedLM"]  # as the published weights say, and hold both heads
    theirs.save_pretrained(tmp_path / "old")
    path = tmp_path / "old" / "model.safetensors"
    renamed = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in load_file(path).items()
    }
    save_file(renamed, path)
    assert any("gamma" in name for name in renamed)
    assert_alike(load_model(tmp_path / "old").network, theirs)


def test_positions_that_were_saved_as_sinusoids_are_read_and_learned_ones_refused(tmp_path):
    theirs = made_by_them("MarianMTModel")
    theirs.save_pretrained(tmp_path / "m")
    path, name = tmp_path / "m" / "model.safetensors", "model.encoder.embed_positions.weight"
    saved = {**load_file(path), name: theirs.state_dict()[name].clone()}
    save_file(saved, path)
    assert_alike(load_model(tmp_path / "m").network, theirs)
    save_file({**saved, name: saved[name].flip(0).contiguous()}, path)
    with pytest.raises(BadUse, match="not the paper's sinusoids"):
        load_model(tmp_path / "m")


def test_a_bias_on_the_logits_is_refused(tmp_path):
    theirs = made_by_them("MarianMTModel")
    theirs.final_logits_bias[0, 3] = 0.5
    theirs.save_pretrained(tmp_path / "m")
    with pytest.raises(BadUse, match="final_logits_bias"):
        load_model(tmp_path / "m")


def test_an_untied_output_is_refused_whatever_the_config_says(tmp_path):
    made_by_them("GPT2LMHeadModel").save_pretrained(tmp_path / "m")
    path = tmp_path / "m" / "model.safetensors"
    save_file({**load_file(path), "lm_head.weight": torch.randn(40, 16)}, path)
    with pytest.raises(BadUse, match=r"lm_head\.weight differs from transformer\.wte\.weight"):
        load_model(tmp_path / "m")


@pytest.mark.parametrize(
    ("cfg", "field", "value"),
    [
        (GPT2, "scale_attn_weights", False),
        (GPT2, "scale_attn_by_inverse_layer_idx", True),
        (GPT2, "add_cross_attention", True),
        (GPT2, "tie_word_embeddings", False),
        (GPT2, "activation_function", "silu"),
        (GPT2, "n_head", None),
        (GPT2, "n_head", 3),
        (GPT2, "n_head", 0),
        (GPT2, "n_embd", "16"),
        (GPT2, "n_layer", True),
        (GPT2, "n_layer", 10**9),
        (GPT2, "n_positions", 10**12),
        (GPT2, "layer_norm_epsilon", float("nan")),
        (GPT2, "embd_pdrop", 1.5),
        (NEO, "attention_types", [[["global"], 1]]),
        (NEO, "attention_types", [[["global"], 10**12]]),
        (NEO, "attention_types", [[["sparse"], 3]]),
        (NEO, "attention_types", 5),
        (BERT, "position_embedding_type", "relative_key"),
        (BERT, "is_decoder", True),
        (BERT, "type_vocab_size", 3),
        (MARIAN, "decoder_layers", 3),
        (MARIAN, "decoder_vocab_size", 41),
        (MARIAN, "share_encoder_decoder_embeddings", False),
        (MARIAN, "normalize_before", True),
        (MARIAN, "scale_embedding", 2),
    ],
)
def test_a_field_that_changes_the_mathematics_or_makes_no_sense_is_refused(tmp_path, cfg, field, value):
    folder = tmp_path / "m"
    save_model(folder, random_network(cfg), None, Card(recipe="a test"))
    (folder / "foretell.json").unlink()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, field: value}))
    with pytest.raises(
        BadUse, match=field.replace("n_positions", "n_ctx").replace("embd_pdrop", r"dropout\.embedding")
    ):
        load_model(folder)
