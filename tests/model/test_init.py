import pytest
import torch

from foretell.model.config import Heads, Init
from foretell.model.init import build, build_meta

WIDE = {"n_vocab": 400, "n_ctx": 300, "d_model": 64, "n_heads": 4, "d_head": 32, "d_ff": 160}


def stds(model):
    return {name: p.std().item() for name, p in model.named_parameters() if p.ndim > 1}


def test_every_matrix_has_the_std_of_the_config_and_the_places_theirs(tiny):
    cfg = tiny(**WIDE, init=Init(std=0.05, position_std=0.01), heads=Heads(n_outputs=40), tied=False)
    for name, std in stds(build(cfg)).items():
        assert std == pytest.approx(0.01 if name == "embed.position.weight" else 0.05, rel=0.05), name


def test_biases_begin_at_zero_and_gains_at_one(tiny):
    model = build(tiny(kind="encoder", embedding_norm=True, heads=Heads(lm_transform=True, next_sentence=True)))
    vectors = {name: p for name, p in model.named_parameters() if p.ndim == 1}
    gains = [name for name in vectors if name.endswith("norm.weight")]
    assert len(gains) == 1 + 1 + 1 + 2 * 2, "embedding, last, head, and two of each layer"
    assert all((p == (1 if name in gains else 0)).all() for name, p in vectors.items())


def test_gpt2_scales_what_writes_to_the_residual_stream_by_the_number_of_residual_layers(tiny):
    plain, scaled = (stds(build(tiny(**WIDE, n_layers=8, init=Init(scale_residual=on)))) for on in (False, True))
    for name, std in plain.items():
        writes = name.endswith(("attention.output.weight", "feed_forward.output.weight"))
        assert scaled[name] == pytest.approx(std / 16**0.5 if writes else std, rel=1e-4), name


def test_with_zero_residual_every_block_begins_as_the_identity(tiny):
    model = build(tiny(init=Init(zero_residual=True))).eval()
    ids = torch.randint(0, 17, (2, 5))
    places = torch.arange(5).expand(2, 5)
    torch.testing.assert_close(model.hidden(ids), model.decoder.norm(model.embed(ids, places)))
    zero = sorted(name for name, p in model.named_parameters() if p.ndim > 1 and not p.any())
    assert zero == [
        f"decoder.layers.{i}.{part}.output.weight" for i in (0, 1) for part in ("attention", "feed_forward")
    ]


def test_xavier_is_uniform_within_glorots_bound_and_embeddings_are_normal(tiny):
    model = build(tiny(**WIDE, kind="seq2seq", positions="sinusoid", init=Init(kind="xavier")))
    for name, p in model.named_parameters():
        if p.ndim > 1 and not name.startswith("embed"):
            bound = (6 / sum(p.shape)) ** 0.5
            assert 0.98 * bound < p.abs().max() <= bound, name
            assert p.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
    assert model.embed.token.weight.std().item() == pytest.approx(64**-0.5, rel=0.05)


@pytest.mark.parametrize("kind", ["normal", "xavier"])
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tiny, kind):
    cfg = tiny(init=Init(kind=kind))
    first, again, other = build(cfg, seed=3), build(cfg, seed=3), build(cfg, seed=4)
    for (name, a), b, c in zip(first.named_parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b), name
        assert a.ndim == 1 or not torch.equal(a, c), name


def test_no_parameter_is_moved_by_the_existence_of_another(tiny):
    small = dict(build(tiny(n_layers=1)).named_parameters())
    large = dict(build(tiny(n_layers=3, tied=False, n_segments=2, heads=Heads(n_outputs=2))).named_parameters())
    assert all(torch.equal(p, large[name]) for name, p in small.items())


def test_no_two_parameters_draw_the_same_numbers(tiny):
    matrices = [p.flatten()[:20] for p in build(tiny()).parameters() if p.ndim > 1]
    assert len({tuple(p.tolist()) for p in matrices}) == len(matrices)


def test_building_leaves_the_callers_random_stream_alone(tiny):
    torch.manual_seed(5)
    want = torch.rand(3)
    torch.manual_seed(5)
    build(tiny())
    assert torch.equal(torch.rand(3), want)


def test_the_largest_gpt3_is_counted_without_a_byte_of_it(tiny):
    n, d = 96, 12288
    sizes = {"n_vocab": 50257, "n_ctx": 2048, "n_layers": n, "d_model": d, "n_heads": 96, "d_head": 128, "d_ff": 4 * d}
    model = build_meta(tiny(**sizes))
    assert all(t.is_meta for t in (*model.parameters(), *model.buffers()))
    a_block = 4 * (d * d + d) + (4 * d * d + 4 * d) + (4 * d * d + d) + 4 * d
    assert sum(p.numel() for p in model.parameters()) == n * a_block + (50257 + 2048) * d + 2 * d


def test_nothing_of_a_built_network_is_left_unfilled(tiny):
    model = build(tiny(kind="seq2seq", tied=False, heads=Heads(lm_transform=True, next_sentence=True, n_outputs=2)))
    assert not list(model.buffers()), "a buffer would be left as it was found in memory"
    assert all(p.isfinite().all() and p.abs().max() < 3 for p in model.parameters())


def test_a_score_with_a_bias_begins_as_wide_as_the_hidden_state_asks(tiny):
    sizes = {**WIDE, "d_model": 2048, "n_layers": 1}
    heads = Heads(n_outputs=1, task_bias=True)
    for init in (Init(), Init(kind="xavier")):
        model = build(tiny(**sizes, heads=heads, init=init))
        assert stds(model)["task_head.output.weight"] == pytest.approx(2049**-0.5, rel=0.05)
        assert not model.task_head.output.bias.any()
    plain = build(tiny(**sizes, heads=Heads(n_outputs=1)))
    assert plain.task_head.output.bias is None
    assert stds(plain)["task_head.output.weight"] == pytest.approx(0.02, rel=0.05)
