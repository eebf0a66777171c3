from cmath import exp as turned_by
from math import cos, sin

import pytest
import torch

from foretell.model.embed import Embedding, sinusoids
from foretell.model.rotary import angles, rotate


@pytest.mark.parametrize("d", [8, 7])
def test_sinusoids_are_the_formula(d):
    positions = torch.tensor([0, 1, 5, 300])
    want = []
    for pos in positions.tolist():
        want.append([(cos if c % 2 else sin)(pos / 10_000 ** ((c - c % 2) / d)) for c in range(d)])
    torch.testing.assert_close(sinusoids(positions, d), torch.tensor(want), rtol=0, atol=3e-5)


def test_rotary_turns_pairs_as_complex_numbers():
    x, base = torch.randn(1, 1, 3, 6), 100.0
    got = rotate(x, angles(torch.tensor([[0, 2, 7]]), 6, base))[0, 0]
    for t, position in enumerate([0, 2, 7]):
        for i in range(3):
            pair = complex(x[0, 0, t, i], x[0, 0, t, i + 3]) * turned_by(1j * position * base ** (-2 * i / 6))
            assert got[t, i].item() == pytest.approx(pair.real, abs=1e-5)
            assert got[t, i + 3].item() == pytest.approx(pair.imag, abs=1e-5)


def test_rotary_scores_depend_on_the_distance_alone():
    q, k = torch.randn(2, 1, 1, 1, 8)

    def score(i, j):
        return (rotate(q, angles(torch.tensor([[i]]), 8, 1e4)) * rotate(k, angles(torch.tensor([[j]]), 8, 1e4))).sum()

    torch.testing.assert_close(score(9, 4), score(105, 100), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(score(3, 3), (q * k).sum(), rtol=1e-4, atol=1e-5)
    assert abs(score(9, 4) - score(9, 5)) > 1e-3


def test_rotary_equals_llamas():
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

    q, k, positions = torch.randn(2, 3, 5, 8), torch.randn(2, 3, 5, 8), torch.randint(0, 50, (2, 5))
    turn = angles(positions, 8, 1e4)
    want_q, want_k = apply_rotary_pos_emb(q, k, turn[0, :, 0], turn[1, :, 0])
    torch.testing.assert_close(rotate(q, turn), want_q)
    torch.testing.assert_close(rotate(k, turn), want_k)


def test_an_embedding_is_the_sum_of_token_place_and_segment(tiny, shaken):
    cfg = tiny(n_segments=2, embedding_norm=True)
    embed = shaken(Embedding(cfg))
    ids, places, segments = torch.tensor([[3, 5, 3]]), torch.tensor([[0, 1, 9]]), torch.tensor([[0, 1, 1]])
    total = embed.token.weight[ids] + embed.position.weight[places] + embed.segment.weight[segments]
    torch.testing.assert_close(embed(ids, places, segments), embed.norm(total))
    first = embed.token.weight[ids] + embed.position.weight[places] + embed.segment.weight[0]
    torch.testing.assert_close(embed(ids, places), embed.norm(first))


def test_the_transformers_embeddings_are_scaled_before_the_sinusoids_are_added(tiny, shaken):
    embed = shaken(Embedding(tiny(positions="sinusoid", embedding_scale=True)))
    ids, places = torch.tensor([[3, 5, 3]]), torch.tensor([[0, 1, 9]])
    want = embed.token.weight[ids] * 12**0.5 + sinusoids(places, 12)
    torch.testing.assert_close(embed(ids, places), want)
    assert embed.position is None


def test_rotary_networks_add_no_position_to_the_embedding(tiny, shaken):
    embed = shaken(Embedding(tiny(positions="rotary")))
    ids, places = torch.tensor([[3, 5, 3]]), torch.tensor([[0, 1, 9]])
    assert torch.equal(embed(ids, places), embed.token.weight[ids])
