"""transformers computes what we compute of images and text, from our folders, and we what it computes, from its own."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from foretell.errors import BadUse
from foretell.exchange.card import Card
from foretell.exchange.folder import load_model, load_weights_into, save_model
from foretell.model.config import NetworkConfig, VisionConfig
from foretell.model.init import build

transformers = pytest.importorskip("transformers")
SIGHT = VisionConfig(placeholder=40, image_size=12, patch_size=4, n_layers=2, d_model=16, n_heads=2, d_ff=24)
TEXT = NetworkConfig(
    kind="decoder", n_vocab=41, n_ctx=64, n_layers=2, d_model=24, n_heads=2, d_head=12, d_ff=40, norm_place="pre",
    norm="rms_gain", norm_eps=1e-6, activation="silu", gated=True, positions="rotary", bias=False,
)  # fmt: skip
SEES = replace(TEXT, vision=SIGHT)
P = SIGHT.n_tokens
IDS = torch.tensor([[1, 2, *[40] * P, 3, 4, *[40] * P, 5], [6, *[40] * P, 7, 8, 9, *[40] * P, 1]])
IMAGES = torch.rand(4, 3, 12, 12, generator=torch.Generator().manual_seed(0)) * 2 - 1


def random_network(cfg):
    network = build(cfg, 1).eval()
    torch.manual_seed(5)
    with torch.no_grad():
        for p in network.parameters():
            p.add_(0.2 * torch.randn_like(p))
    return network


def saved(cfg, folder):
    network = random_network(cfg)
    told = save_model(folder, network, None, Card(recipe="test"))
    return network, told


def their_config(**changes):
    text = transformers.LlamaConfig(
        vocab_size=41, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=64, tie_word_embeddings=changes.pop("tied", False),
    )  # fmt: skip
    vision = transformers.SiglipVisionConfig(
        hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=12, patch_size=4,
        vision_use_head=changes.pop("head", True),
    )  # fmt: skip
    plain = {"image_token_index": 40, "vision_feature_layer": -1, "vision_feature_select_strategy": "full"}
    return transformers.LlavaConfig(vision_config=vision, text_config=text, **{**plain, **changes})


@pytest.mark.slow
@pytest.mark.parametrize("tied", [True, False])
def test_their_class_computes_our_logits(tmp_path, tied):
    network, told = saved(replace(SEES, tied=tied), tmp_path / "m")
    assert told == "transformers loads it as LlavaForConditionalGeneration"
    theirs, info = transformers.LlavaForConditionalGeneration.from_pretrained(tmp_path / "m", output_loading_info=True)
    assert not any(info[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    with torch.no_grad():
        want = theirs.eval()(input_ids=IDS, pixel_values=IMAGES).logits
        found = network(IDS, images=IMAGES)
        assert (found - want).abs().max() < 1e-4
        assert found.std() > 0.05
        words = torch.randint(0, 40, (2, 9))
        assert (network(words) - theirs(input_ids=words).logits).abs().max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize(("tied", "head"), [(False, True), (True, False)])
def test_we_compute_their_logits_and_give_their_weights_back(tmp_path, tied, head):
    torch.manual_seed(3)
    theirs = transformers.LlavaForConditionalGeneration(their_config(tied=tied, head=head)).eval()
    theirs.save_pretrained(tmp_path / "theirs")
    ours = load_model(tmp_path / "theirs").network
    assert ours.cfg.vision == SIGHT
    with torch.no_grad():
        want = theirs(input_ids=IDS, pixel_values=IMAGES).logits
        assert (ours(IDS, images=IMAGES) - want).abs().max() < 1e-4
    save_model(tmp_path / "ours", ours, None, Card(recipe="test"))
    again = transformers.LlavaForConditionalGeneration.from_pretrained(tmp_path / "ours").state_dict()
    for name, value in theirs.state_dict().items():
        if "post_layernorm" not in name and ".head." not in name:
            assert torch.equal(value, again[name]), name


@pytest.mark.slow
@pytest.mark.parametrize("tied", [True, False])
def test_the_decoder_alone_is_a_llama(tmp_path, tied):
    network, told = saved(replace(TEXT, tied=tied), tmp_path / "m")
    assert told.endswith("LlamaForCausalLM")
    theirs = transformers.LlamaForCausalLM.from_pretrained(tmp_path / "m").eval()
    words = torch.randint(0, 41, (2, 20))
    with torch.no_grad():
        assert (network(words) - theirs(words).logits).abs().max() < 1e-4
    theirs.save_pretrained(tmp_path / "theirs")
    back = load_model(tmp_path / "theirs").network.state_dict()
    assert all(torch.equal(value, back[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("cfg", [TEXT, SEES, replace(SEES, tied=False)])
def test_what_is_written_comes_back_bit_for_bit_also_without_our_config(tmp_path, cfg):
    network, _ = saved(cfg, tmp_path / "m")
    for _ in range(2):
        back = load_model(tmp_path / "m").network
        assert back.state_dict().keys() == network.state_dict().keys()
        assert all(torch.equal(value, back.state_dict()[name]) for name, value in network.state_dict().items())
        (tmp_path / "m" / "foretell.json").unlink(missing_ok=True)


@pytest.mark.parametrize("older", [True, False])
def test_names_of_older_towers_and_of_models_in_memory_are_known(tmp_path, older):
    network, _ = saved(replace(SEES, tied=False), tmp_path / "m")
    path = tmp_path / "m" / "model.safetensors"

    def renamed(name):
        if older:
            return name.replace("vision_tower.", "vision_tower.vision_model.")
        name = name.replace("language_model.lm_head", "lm_head").replace("language_model.model", "model.language_model")
        return f"model.{name}" if name.startswith(("vision_tower", "multi_modal")) else name

    tensors = {renamed(name): value for name, value in load_file(path).items()}
    save_file(tensors, path, metadata={"format": "pt"})
    (tmp_path / "m" / "foretell.json").unlink()
    back = load_model(tmp_path / "m").network.state_dict()
    assert all(torch.equal(value, back[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("place", "name", "value", "told"),
    [
        ("", "vision_feature_layer", -2, "vision_feature_layer=-2 is not supported"),
        ("", "vision_feature_select_strategy", "default", "strategy='default' is not supported"),
        ("", "projector_hidden_act", "relu", "projector_hidden_act='relu'"),
        ("", "image_token_index", None, "image_token_index=None is no token id"),
        ("", "image_token_index", 41, "placeholder=41 is not among n_vocab=41"),
        ("", "vision_config", None, "vision_config is None, no object"),
        ("vision_config", "model_type", "clip_vision_model", "vision_config of 'clip_vision_model' is not supported"),
        ("vision_config", "patch_size", 5, "image_size=12 is not a multiple"),
        ("vision_config", "image_size", 24, "position_embedding.weight has shape"),
        ("text_config", "model_type", "gpt2", "text_config of 'gpt2' is not supported"),
        ("text_config", "num_key_value_heads", 1, "num_key_value_heads=1 is not supported"),
        ("text_config", "rope_parameters", {"rope_type": "linear", "rope_theta": 1e4}, "rope_type='linear'"),
        ("text_config", "hidden_act", "gelu", "hidden_act='gelu' is not supported"),
        ("text_config", "attention_bias", True, "attention_bias=True is not supported"),
    ],
)
def test_another_layout_is_refused_in_one_line(tmp_path, place, name, value, told):
    saved(SEES, tmp_path / "m")
    (tmp_path / "m" / "foretell.json").unlink()
    path = tmp_path / "m" / "config.json"
    config = json.loads(path.read_text())
    (config[place] if place else config)[name] = value
    path.write_text(json.dumps(config))
    with pytest.raises(BadUse, match=told) as error:
        load_model(tmp_path / "m")
    assert "\n" not in str(error.value)


def test_a_text_decoder_learns_to_see(tmp_path):
    text, _ = saved(replace(TEXT, n_vocab=40), tmp_path / "text")
    network = build(SEES, 2)
    fresh = {name: value.clone() for name, value in network.state_dict().items()}
    missing = load_weights_into(network, tmp_path / "text")
    assert {name.split(".")[0] for name in missing} == {"vision"}
    for name, value in network.state_dict().items():
        if name.startswith("vision"):
            assert torch.equal(value, fresh[name])
    words = torch.randint(0, 40, (1, 12))
    torch.testing.assert_close(network.eval()(words)[..., :40], text(words))
    assert torch.equal(network.embed.token.weight[40], fresh["embed.token.weight"][40])


def test_a_body_of_other_sizes_does_not_begin_one_that_sees(tmp_path):
    saved(replace(TEXT, n_vocab=38), tmp_path / "text")
    with pytest.raises(BadUse, match="n_vocab is 38 there and 41 here"):
        load_weights_into(build(SEES), tmp_path / "text")


@pytest.mark.parametrize(("cfg", "use"), [(SEES, "image-text-to-text"), (TEXT, "text-generation")])
def test_the_card_names_the_use_as_the_hub_does(tmp_path, cfg, use):
    saved(cfg, tmp_path / "model")
    assert f"pipeline_tag: {use}\n" in (tmp_path / "model" / "README.md").read_text()
