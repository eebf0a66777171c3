import pytest
import torch
import torch.nn.functional as F

from foretell.model.block import Reach
from foretell.model.config import Dropout, Heads
from foretell.model.sparse import allowed

PATTERNS = [("dense",), ("banded",), ("strided",), ("dense", "banded")]
POSITIONS = ["learned", "sinusoid", "rotary"]


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("attention", PATTERNS)
def test_a_later_token_never_changes_an_earlier_output(network, attention, positions):
    model = network(attention=attention, positions=positions, window=3)
    ids = torch.randint(0, 16, (2, 12))
    before = model(ids)
    for t in (0, 5, 11):
        changed = ids.clone()
        changed[:, t] = 16
        after = model(changed)
        torch.testing.assert_close(after[:, :t], before[:, :t], rtol=0, atol=1e-6)
        assert (after[:, t] - before[:, t]).abs().max() > 1e-3, "the token itself must be read"


@pytest.mark.parametrize(("attention", "reach"), [(("banded",), 4), (("strided",), 12), (("dense",), 12)])
def test_two_layers_of_a_band_reach_twice_as_far(network, attention, reach):
    model = network(attention=attention, window=3, positions="rotary")
    ids = torch.randint(0, 16, (1, 13))
    changed = ids.clone()
    changed[0, 0] = 16
    moved = (model(changed) - model(ids)).abs().amax(-1)[0] > 1e-6
    assert moved.nonzero().max().item() == reach


def test_each_layer_is_given_its_own_pattern(network):
    model = network(n_layers=3, attention=("dense", "banded", "strided"), window=3)
    ids, places = torch.randint(0, 17, (2, 12)), torch.arange(12)
    want = model.embed(ids, places.expand(2, 12))
    for pattern, block in zip(model.cfg.attention, model.decoder.layers.values(), strict=True):
        want = block(want, Reach(allowed(pattern, 3, places, places)))
    torch.testing.assert_close(model.hidden(ids), model.decoder.norm(want), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("positions", POSITIONS)
def test_one_layer_reads_the_order_of_the_tokens_before(network, positions):
    model = network(n_layers=1, positions=positions)
    one, other = model.hidden(torch.tensor([[3, 5, 8, 2]])), model.hidden(torch.tensor([[5, 8, 3, 2]]))
    assert (one - other)[0, 3].abs().max() > 1e-3


def test_padding_on_the_left_changes_nothing_where_positions_are_relative(network):
    model = network(positions="rotary")
    ids = torch.randint(0, 17, (1, 5))
    real = torch.arange(8)[None] >= 3
    got = model.hidden(F.pad(ids, (3, 0), value=7), attend=real)
    torch.testing.assert_close(got[:, 3:], model.hidden(ids), rtol=1e-4, atol=1e-5)


def test_layers_take_the_patterns_in_turn(tiny):
    cfg = tiny(n_layers=5, attention=("dense", "banded", "strided"))
    assert [cfg.pattern(i) for i in range(5)] == ["dense", "banded", "strided", "dense", "banded"]


def test_every_position_of_an_encoder_is_read_by_every_other(network):
    model = network(kind="encoder", norm_place="post")
    ids = torch.randint(0, 16, (1, 6))
    changed = ids.clone()
    changed[0, 5] = 16
    assert ((model(changed) - model(ids)).abs().amax(-1) > 1e-4).all()


@pytest.mark.parametrize("place", ["post", "pre"])
def test_padding_changes_nothing_in_an_encoder(network, place):
    model = network(kind="encoder", norm_place=place, n_segments=2)
    ids, segments = torch.randint(0, 17, (1, 5)), torch.tensor([[0, 0, 1, 1, 1]])
    padded, padded_segments = F.pad(ids, (0, 4), value=7), F.pad(segments, (0, 4))
    real = torch.arange(9)[None] < 5
    want = model.hidden(ids, segments)
    torch.testing.assert_close(model.hidden(padded, padded_segments, real)[:, :5], want, rtol=1e-5, atol=1e-5)
    wrong = model.hidden(padded, padded_segments)[:, :5]
    assert (wrong - want).abs().max() > 1e-3, "without the mask the padding must be seen, or this test proves nothing"


def test_a_causal_model_takes_a_padding_mask_too(network):
    model, ids = network(), torch.randint(0, 17, (2, 6))
    real = torch.arange(6) < torch.tensor([[6], [3]])
    got, want = model.hidden(ids, attend=real), model.hidden(ids)
    torch.testing.assert_close(got[real], want[real], rtol=1e-5, atol=1e-5)


def test_rows_of_padding_alone_stay_finite(network):
    model = network(kind="encoder")
    assert (
        model.hidden(torch.zeros(2, 3, dtype=torch.long), attend=torch.tensor([[True] * 3, [False] * 3]))
        .isfinite()
        .all()
    )


def test_padding_of_the_source_changes_nothing_in_a_translation(network):
    model = network(kind="seq2seq", norm_place="post", positions="sinusoid", activation="relu")
    source, target = torch.randint(0, 17, (1, 4)), torch.randint(0, 17, (1, 6))
    padded, real = F.pad(source, (0, 3)), torch.arange(7)[None] < 4
    torch.testing.assert_close(
        model(target, source=padded, source_attend=real), model(target, source=source), rtol=1e-5, atol=1e-5
    )


def test_a_translation_reads_its_source_and_never_later_targets(network):
    model = network(kind="seq2seq", norm_place="post", positions="sinusoid")
    source, target = torch.randint(0, 16, (1, 4)), torch.randint(0, 16, (1, 6))
    other_source, other_target = source.clone(), target.clone()
    other_source[0, 3] = other_target[0, 4] = 16
    before = model(target, source=source)
    assert ((model(target, source=other_source) - before).abs().amax(-1) > 1e-4).all()
    after = model(other_target, source=source)
    torch.testing.assert_close(after[:, :4], before[:, :4], rtol=0, atol=1e-6)
    assert ((after - before)[:, 4:].abs().amax(-1) > 1e-4).all()


def test_tied_outputs_share_the_token_embeddings(network):
    tied, own = network(), network(tied=False)
    assert tied.output_weight is tied.embed.token.weight
    assert own.output_weight is own.lm_head.weight
    ids = torch.randint(0, 17, (2, 3))
    for model in (tied, own):
        torch.testing.assert_close(model(ids), model.hidden(ids) @ model.output_weight.T)


def test_berts_output_is_dense_activation_norm_and_a_bias(network):
    model = network(kind="encoder", activation="gelu", heads=Heads(lm_transform=True))
    head, hidden = model.lm_head, torch.randn(2, 3, 12)
    inner = F.layer_norm(
        F.gelu(F.linear(hidden, head.dense.weight, head.dense.bias)), (12,), head.norm.weight, head.norm.bias
    )
    torch.testing.assert_close(model.logits(hidden), inner @ model.embed.token.weight.T + head.bias)


def test_the_next_sentence_is_read_from_the_pooled_first_position(network):
    model = network(kind="encoder", heads=Heads(next_sentence=True))
    hidden = torch.randn(3, 5, 12)
    pooled = torch.tanh(hidden[:, 0] @ model.pooler.dense.weight.T + model.pooler.dense.bias)
    want = pooled @ model.next_sentence.weight.T + model.next_sentence.bias
    torch.testing.assert_close(model.next_sentence_logits(hidden), want)


@pytest.mark.parametrize("pooler", [False, True])
def test_a_task_is_read_from_the_hidden_state_or_its_pooling(network, pooler):
    model = network(heads=Heads(n_outputs=3, task_pooler=pooler))
    hidden = torch.randn(4, 12)
    read = torch.tanh(hidden @ model.pooler.dense.weight.T + model.pooler.dense.bias) if pooler else hidden
    want = read @ model.task_head.output.weight.T + (model.task_head.output.bias if pooler else 0)
    torch.testing.assert_close(model.task_outputs(hidden), want)


def test_heads_that_are_not_asked_for_are_not_there(network):
    model = network(heads=Heads(lm=False))
    assert not [name for name, _ in model.named_parameters() if not name.startswith(("embed.", "decoder."))]


@pytest.mark.parametrize("place", ["embedding", "attention", "residual"])
def test_each_dropout_acts_in_training_alone(network, place):
    model, ids = network(dropout=Dropout(**{place: 0.5})), torch.randint(0, 17, (2, 6))
    assert torch.equal(model(ids), model(ids))
    model.train()
    assert not torch.equal(model(ids), model(ids))


def test_qk_norm_and_rms_norm_ignore_the_scale_of_what_they_read(network):
    model = network(qk_norm=True, norm="rms", positions="rotary", bias=False)
    ids = torch.randint(0, 17, (2, 6))
    before = model.hidden(ids)
    with torch.no_grad():
        for layer in model.decoder.layers.values():
            layer.attention.query.weight *= 50
            layer.attention.key.weight *= 50
    torch.testing.assert_close(model.hidden(ids), before, rtol=1e-3, atol=1e-3)


def test_gradients_reach_every_parameter(network):
    model = network(kind="seq2seq", norm_place="post", heads=Heads(lm_transform=True), n_segments=1)
    model(torch.randint(0, 17, (2, 3)), source=torch.randint(0, 17, (2, 4))).square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or p.grad.abs().max() == 0] == []
