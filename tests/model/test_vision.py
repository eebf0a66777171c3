from dataclasses import replace

import pytest
import torch
from torch import nn

from foretell.errors import BadUse
from foretell.model.config import NetworkConfig, VisionConfig
from foretell.model.count import flops_per_image, parameters
from foretell.model.init import build
from foretell.model.vision import numbered, patches, tower

SIGHT = VisionConfig(placeholder=16, image_size=8, patch_size=4, n_layers=2, d_model=8, n_heads=2, d_ff=16)
CONFIG = NetworkConfig(
    kind="decoder", n_vocab=17, n_ctx=32, n_layers=2, d_model=12, n_heads=3, d_head=4, d_ff=20, norm_place="pre",
    norm="rms_gain", activation="silu", gated=True, positions="rotary", bias=False, vision=SIGHT,
)  # fmt: skip
P = SIGHT.n_tokens
IMAGE = [16] * P


@pytest.fixture
def model(shaken):
    return shaken(build(CONFIG)).eval()


def images(n):
    return torch.rand(n, 3, 8, 8) * 2 - 1


def test_patches_are_cut_as_a_convolution_cuts_them():
    image = images(2)
    layer = nn.Conv2d(3, 5, 4, 4)
    want = layer(image).flatten(2).transpose(1, 2)
    found = patches(image, 4) @ layer.weight.flatten(1).t() + layer.bias
    torch.testing.assert_close(found, want)


def test_without_an_image_a_network_that_sees_computes_what_one_that_does_not_computes(model):
    blind = build(replace(CONFIG, vision=None)).eval()
    weights = model.state_dict()
    blind.load_state_dict({name: weights[name] for name in blind.state_dict()})
    ids = torch.randint(0, 16, (3, 10))
    assert torch.equal(model(ids), blind(ids)), "not a bit may differ"


def test_what_is_seen_stands_in_the_places_of_the_placeholders(model):
    image = images(1)
    ids = torch.tensor([[1, *IMAGE, 3]])
    rows = torch.cat([model.embed.token.weight[[1]], model.vision(image)[0], model.embed.token.weight[[3]]])[None]
    places = torch.arange(rows.shape[1])[None]
    torch.testing.assert_close(model(ids, images=image), model.logits(model.decoder(rows, places)))


def test_several_images_stand_between_words_in_their_order(model):
    one, two = images(1), images(1)
    both = torch.cat([one, two])
    ids = torch.tensor([[1, *IMAGE, 3, *IMAGE, 4]])
    before = model(ids, images=both)
    assert not torch.allclose(before[:, -1], model(ids, images=both.flip(0))[:, -1]), "their order must matter"
    apart = torch.cat([ids, ids])
    rows = model(apart, images=torch.cat([both, both.flip(0)]))
    torch.testing.assert_close(rows[:1], before)
    torch.testing.assert_close(rows[1:], model(ids, images=both.flip(0)))


def test_moving_a_row_with_its_images_changes_nothing_else(model):
    pictures = images(2)
    ids = torch.tensor([[1, *IMAGE, 3], [2, *IMAGE, 5]])
    torch.testing.assert_close(model(ids.flip(0), images=pictures.flip(0)), model(ids, images=pictures).flip(0))


def test_a_patch_sees_every_other_patch_and_a_word_only_what_stands_before_it(model):
    image = images(1)
    changed = image.clone()
    changed[:, :, -1, -1] += 0.5  # in the last patch
    assert (model.vision(image)[0, 0] - model.vision(changed)[0, 0]).abs().max() > 1e-4
    ids = torch.tensor([[1, 2, *IMAGE, 3]])
    before, after = model(ids, images=image), model(ids, images=changed)
    assert torch.equal(before[:, :2], after[:, :2])
    assert not torch.allclose(before[:, 2:], after[:, 2:])


def test_placeholders_are_numbered_in_the_order_of_reading():
    ids = torch.tensor([[16, 16, 1, 16, 16], [2, 16, 16, 16, 16]])
    want = [[17, 18, 1, 19, 20], [2, 21, 22, 23, 24]]
    assert numbered(ids, SIGHT, 17, 2).tolist() == want


@pytest.mark.parametrize(("n_places", "n_images"), [(P - 1, 1), (P + 1, 1), (2 * P, 1), (P, 2), (0, 1)])
def test_more_or_fewer_places_than_patches_are_refused(model, n_places, n_images):
    with pytest.raises(BadUse, match=f"{n_places} places for images and {n_images} images of {n_images * P} patches"):
        model(torch.tensor([[1, *[16] * n_places, 3]]), images=images(n_images))


def test_an_image_of_another_size_is_refused(model):
    with pytest.raises(BadUse, match=r"\(1, 3, 9, 8\) are given to a model that sees \(N, 3, 8, 8\)"):
        model(torch.tensor([[1, *IMAGE, 3]]), images=torch.zeros(1, 3, 9, 8))


def test_a_network_without_sight_refuses_images():
    with pytest.raises(BadUse, match="does not see"):
        build(replace(CONFIG, vision=None))(torch.tensor([[1, 2]]), images=images(1))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"patch_size": 3}, "image_size=8 is not a multiple of patch_size=3"),
        ({"n_heads": 3}, "d_model=8 is not a multiple of n_heads=3"),
        ({"n_layers": 0}, r"vision\.n_layers=0"),
        ({"placeholder": -1}, "placeholder=-1 is no token id"),
        ({"placeholder": 17}, "placeholder=17 is not among n_vocab=17"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        replace(CONFIG, vision=replace(SIGHT, **changes))


def test_an_encoder_does_not_see():
    with pytest.raises(ValueError, match="vision needs kind=decoder"):
        replace(CONFIG, kind="encoder")


def test_an_image_costs_what_its_matrices_and_its_attention_cost(model):
    found = parameters(CONFIG)
    assert found["vision"] == sum(p.numel() for p in model.vision.parameters())
    block, d = 4 * 8 * 8 + 2 * 8 * 16, 12
    matrices = 3 * 16 * 8 + 2 * block + 8 * d + d * d
    assert flops_per_image(CONFIG) == P * (6 * matrices + 12 * 2 * 8 * P)
    assert flops_per_image(replace(CONFIG, vision=None)) == 0


def test_the_tower_is_a_pre_norm_encoder_that_attends_everywhere():
    cfg = tower(SIGHT)
    assert (cfg.kind, cfg.norm_place, cfg.n_ctx, cfg.attention) == ("encoder", "pre", P, ("dense",))


def test_every_weight_of_sight_is_given_a_gradient(model):
    model(torch.tensor([[1, *IMAGE, 3]]), images=images(1)).square().sum().backward()
    silent = [name for name, p in model.vision.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert silent == []
