"""The ranking objective over rows that branch, beside the same outputs read one by one."""

from itertools import combinations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from foretell.corpus.rankings import Encoded, rows_of
from foretell.model.config import Heads, NetworkConfig
from foretell.model.init import build
from foretell.objective.ranking import output_rewards, ranking
from foretell.train.step import train_step
from tests.objective.conftest import TINY

REWARD = Heads(lm=False, n_outputs=1, task_bias=True)
END = 18


def made(seed=0, sizes=(4, 9, 2, 3), ties=True):
    draw = np.random.default_rng(seed)
    found = []
    for k in sizes:
        prompt = draw.integers(0, END, draw.integers(1, 6))
        outputs = tuple(np.append(draw.integers(0, END, draw.integers(0, 6)), END) for _ in range(k))
        ranks = draw.permutation(k) + 1
        if ties and k == 9:
            ranks[ranks == 5] = 4
        found.append(Encoded(prompt=prompt, outputs=outputs, ranks=tuple(ranks.tolist())))
    return found


def tensors(rankings):
    return {name: torch.from_numpy(value) for name, value in rows_of(rankings).items()}


def alone(model, prompt, output):
    """The reward of an output, read by itself and without anything behind it."""
    ids = torch.from_numpy(np.concatenate([prompt, output]))[None]
    return model.task_outputs(model.hidden(ids)[:, -1])[0, 0]


def slow_loss(model, rankings):
    """Eq. 1 with both outputs of every pair read anew: 2 C(K, 2) forward passes of a prompt."""
    found, n_pairs = [], 0
    for one in rankings:
        pairs = [(i, j) for i, j in combinations(range(len(one.ranks)), 2) if one.ranks[i] != one.ranks[j]]
        losses = []
        for i, j in pairs:
            better, worse = (i, j) if one.ranks[i] < one.ranks[j] else (j, i)
            margin = alone(model, one.prompt, one.outputs[better]) - alone(model, one.prompt, one.outputs[worse])
            losses.append(-F.logsigmoid(margin))
        n_pairs += len(pairs)
        found.append(torch.stack(losses).mean())
    return torch.stack(found).sum(), n_pairs


@pytest.fixture(params=["learned", "rotary"])
def reward(request, network):
    return network("decoder", heads=REWARD, norm_place="pre", n_layers=2, positions=request.param)


def test_equals_pairs_that_are_read_separately_with_all_gradients(reward):
    model, rankings = reward.double(), made()
    term = ranking().terms(model, tensors(rankings))["ranking"]
    want, n_pairs = slow_loss(model, rankings)
    assert (term.n.item(), n_pairs) == (4, 6 + 35 + 1 + 3)
    torch.testing.assert_close(term.total, want, rtol=1e-12, atol=1e-12)
    parameters = list(model.parameters())
    got, wanted = (torch.autograd.grad(loss, parameters) for loss in (term.total, want))
    for mine, theirs in zip(got, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("positions", ["learned", "rotary"])
def test_a_reward_is_the_same_alone_in_a_batch_packed_and_behind_a_shared_prompt(positions):
    sizes = {**TINY, "norm_place": "pre", "n_layers": 3, "d_model": 32, "positions": positions}
    reward = build(NetworkConfig(kind="decoder", heads=REWARD, **sizes)).eval()
    rankings = made(ties=False)
    together = output_rewards(reward, tensors(rankings))
    by_ranking = torch.cat([output_rewards(reward, tensors([one])) for one in rankings])
    pairs = [(one.prompt, output) for one in rankings for output in one.outputs]
    each = torch.stack([alone(reward, prompt, output) for prompt, output in pairs])
    torch.testing.assert_close(together, each, rtol=0, atol=1e-6)
    torch.testing.assert_close(by_ranking, each, rtol=0, atol=1e-6)


def test_nothing_behind_an_outputs_end_changes_its_reward_and_its_end_does(reward):
    batch = tensors(made(sizes=(3, 2)))
    before = output_rewards(reward, batch)
    width = batch["inputs"].shape[1]
    for number, last in enumerate(batch["last"].tolist()):
        row, place = divmod(last, width)
        behind = batch["inputs"].clone()
        behind[row, place + 1 :] = (behind[row, place + 1 :] + 1) % 19
        after = output_rewards(reward, {**batch, "inputs": behind})
        torch.testing.assert_close(after[number], before[number], rtol=0, atol=1e-6)
        behind = batch["inputs"].clone()
        behind[row, place] = 0
        assert abs(output_rewards(reward, {**batch, "inputs": behind})[number] - before[number]) > 1e-4


def test_the_report_has_accuracy_and_log_loss_of_all_pairs(reward):
    rankings = made()
    objective, batch = ranking(), tensors(rankings)
    found = objective.terms(reward, batch)
    rewards = iter(output_rewards(reward, batch).tolist())
    right, log_loss = [], []
    for one in rankings:
        mine = [next(rewards) for _ in one.outputs]
        for i, j in combinations(range(len(mine)), 2):
            if one.ranks[i] != one.ranks[j]:
                margin = (mine[i] - mine[j]) * (1 if one.ranks[i] < one.ranks[j] else -1)
                right.append(0.5 * (1 + np.sign(margin)))  # two outputs may be equal
                log_loss.append(float(np.log1p(np.exp(-margin))))
    assert found["accuracy"].value.item() == pytest.approx(np.mean(right), abs=1e-6)
    assert found["log_loss"].value.item() == pytest.approx(np.mean(log_loss), abs=1e-6)
    assert objective.weights == {"ranking": 1.0}
    assert objective.counts(batch)["ranking"].item() == 4


def test_a_step_does_not_depend_on_how_its_rankings_are_cut(network):
    weights = []
    for cut in ([4], [1, 3], [1, 1, 1, 1]):
        torch.manual_seed(0)
        model = network("decoder", heads=REWARD).double().train()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        rankings, parts = made(), []
        for n in cut:
            parts.append(tensors(rankings[:n]))
            rankings = rankings[n:]
        found = train_step(model, ranking(), parts, [optimizer], 0.0)
        assert not found["skipped"]
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    for other in weights[1:]:
        torch.testing.assert_close(other, weights[0], rtol=1e-6, atol=1e-9)
