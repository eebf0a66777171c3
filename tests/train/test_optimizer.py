from math import sqrt

import pytest
import torch

from foretell.model.config import Heads, NetworkConfig
from foretell.model.init import build
from foretell.train.config import AdamW, Muon
from foretell.train.optimizer import build_optimizers, set_rate

SIZES = {"n_vocab": 13, "n_ctx": 8, "n_layers": 2, "d_model": 8, "n_heads": 2, "d_head": 4, "d_ff": 12}
ADAMW = AdamW(lr=0.01, weight_decay=0.1)
MUON = Muon(lr=0.01, muon_lr=0.02, weight_decay=0.1, muon_weight_decay=0.2)
HEADS = Heads(lm_transform=True, next_sentence=True, n_outputs=2)
NETWORKS = [
    NetworkConfig(kind="decoder", norm_place="pre", **SIZES),
    NetworkConfig(kind="decoder", norm_place="pre", tied=False, bias=False, norm="rms", **SIZES),
    NetworkConfig(kind="encoder", norm_place="post", n_segments=2, embedding_norm=True, heads=HEADS, **SIZES),
    NetworkConfig(kind="seq2seq", norm_place="post", positions="sinusoid", **SIZES),
]


def groups(model, cfg):
    names = {p: name for name, p in model.named_parameters()}
    return [
        (group, [names[p] for p in group["params"]]) for o in build_optimizers(model, cfg) for group in o.param_groups
    ]


@pytest.mark.parametrize("optim", [ADAMW, MUON])
@pytest.mark.parametrize("net", NETWORKS)
def test_each_parameter_is_held_once(net, optim):
    model = build(net)
    held = [name for _, names in groups(model, optim) for name in names]
    assert sorted(held) == sorted(name for name, _ in model.named_parameters())


@pytest.mark.parametrize("optim", [ADAMW, MUON])
@pytest.mark.parametrize("net", NETWORKS)
def test_biases_and_gains_are_not_decayed_and_all_else_is(net, optim):
    for group, names in groups(build(net), optim):
        for name in names:
            vector = name.endswith("bias") or "norm" in name
            assert (group["weight_decay"] > 0) is not vector, name


@pytest.mark.parametrize("net", NETWORKS)
def test_muon_moves_the_blocks_matrices_alone(net):
    model = build(net)
    muon, adamw = build_optimizers(model, MUON)
    assert (type(muon), type(adamw)) == (torch.optim.Muon, torch.optim.AdamW)
    held = {id(p) for group in muon.param_groups for p in group["params"]}
    for name, p in model.named_parameters():
        in_block = ".layers." in name and name.endswith(".weight") and "norm" not in name
        assert (id(p) in held) is in_block, name
    assert [group["lr"] for group in muon.param_groups] == [0.02]
    assert {group["lr"] for group in adamw.param_groups} == {0.01}


def gpt1_rule(p, gradients, cfg):
    """Adam as printed by Kingma and Ba, and GPT-1's decay beside it: p -= lr (adam + w p)."""
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        m = cfg.betas[0] * m + (1 - cfg.betas[0]) * g
        v = cfg.betas[1] * v + (1 - cfg.betas[1]) * g * g
        adam = m / (1 - cfg.betas[0] ** t) / (sqrt(v / (1 - cfg.betas[1] ** t)) + cfg.eps)
        p -= cfg.lr * (adam + cfg.weight_decay * p)
    return p


def test_adamw_is_adam_with_gpt1s_decay():
    model, gradients = build(NETWORKS[0]), [0.3, -0.2, 0.5, 0.01, -0.4]
    (optimizer,) = build_optimizers(model, ADAMW)
    matrix, bias = model.decoder.layers["0"].attention.query.weight, model.decoder.layers["0"].attention.query.bias
    start = matrix[2, 3].item()
    for g in gradients:
        matrix.grad, bias.grad = torch.full_like(matrix, g), torch.full_like(bias, g)
        optimizer.step()
    assert matrix[2, 3].item() == pytest.approx(gpt1_rule(start, gradients, ADAMW), rel=1e-5)
    undecayed = AdamW(lr=ADAMW.lr, weight_decay=0.0)
    assert bias[1].item() == pytest.approx(gpt1_rule(0.0, gradients, undecayed), rel=1e-5)


def test_rates_are_shares_of_each_groups_peak():
    optimizers = build_optimizers(build(NETWORKS[0]), MUON)
    for share in (0.5, 0.1, 1.0):
        set_rate(optimizers, share)
        assert optimizers[0].param_groups[0]["lr"] == pytest.approx(0.02 * share)
        assert all(group["lr"] == pytest.approx(0.01 * share) for group in optimizers[1].param_groups)
