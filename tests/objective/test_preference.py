"""DPO beside its formula, with every output read by itself."""

from copy import deepcopy
from itertools import combinations
from math import exp, log, log1p

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from foretell.corpus.rankings import Encoded, rows_of
from foretell.objective import preference as module
from foretell.objective.preference import foretold, output_logprobs, preference
from tests.objective.test_ranking_rows import made, tensors


@pytest.fixture(params=["learned", "rotary"])
def policy(request, network):
    return network("decoder", norm_place="pre", n_layers=2, positions=request.param).double()


def moved(model, by=0.05):
    other = deepcopy(model)
    with torch.no_grad():
        for p in other.parameters():
            p.add_(by * torch.randn_like(p))
    return other


def logprob(model, prompt, output):
    """log P(output | prompt), token by token, of a row that is read alone."""
    ids = torch.from_numpy(np.concatenate([prompt, output]))
    logits = model(ids[None])[0]
    places = range(len(prompt), len(ids))
    return torch.stack([logits[i - 1][ids[i]] - logits[i - 1].exp().sum().log() for i in places]).sum()


def slow_loss(model, reference, rankings, beta):
    """Eq. 7 over all pairs of each prompt, both outputs read anew each time."""
    total = 0
    for one in rankings:
        losses = []
        for i, j in combinations(range(len(one.ranks)), 2):
            if one.ranks[i] == one.ranks[j]:
                continue
            w, l = (i, j) if one.ranks[i] < one.ranks[j] else (j, i)
            ratio_w, ratio_l = (
                logprob(model, one.prompt, one.outputs[k]) - logprob(reference, one.prompt, one.outputs[k]).detach()
                for k in (w, l)
            )
            losses.append(-F.logsigmoid(beta * ratio_w - beta * ratio_l))
        total = total + torch.stack(losses).mean()
    return total


def test_is_the_formula_with_all_gradients(policy):
    reference, rankings = moved(policy), made(sizes=(4, 9, 2))
    term = preference(0.3, deepcopy(reference)).terms(policy, tensors(rankings))["preference"]
    want = slow_loss(policy, reference, rankings, 0.3)
    assert term.n.item() == 3
    torch.testing.assert_close(term.total, want, rtol=1e-12, atol=1e-12)
    parameters = list(policy.parameters())
    got, wanted = (torch.autograd.grad(loss, parameters) for loss in (term.total, want))
    for mine, theirs in zip(got, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-12)


def test_log_probabilities_are_those_of_each_output_alone(policy, monkeypatch):
    rankings = made(ties=False)
    want = [logprob(policy, one.prompt, output).item() for one in rankings for output in one.outputs]
    assert output_logprobs(policy, tensors(rankings)).tolist() == pytest.approx(want, rel=1e-12)
    monkeypatch.setattr(module, "CHUNK", 19 * 3)  # three rows of logits at a time
    assert output_logprobs(policy, tensors(rankings)).tolist() == pytest.approx(want, rel=1e-12)
    with torch.no_grad():
        assert output_logprobs(policy, tensors(rankings)).tolist() == pytest.approx(want, rel=1e-12)


def test_places_worked_by_hand():
    one = Encoded(prompt=np.array([5, 6]), outputs=(np.array([7, 1]), np.array([8])), ranks=(1, 2))
    batch = {name: torch.from_numpy(value) for name, value in rows_of([one]).items()}
    told = foretold(batch)
    assert (told.sources.tolist(), told.targets.tolist(), told.outputs.tolist()) == ([1, 2, 1], [7, 1, 8], [0, 0, 1])


def test_the_start_has_loss_log_2_and_its_rewards_are_zero(policy):
    found = preference(0.1, deepcopy(policy)).terms(policy, tensors(made()))
    assert found["preference"].value.item() == pytest.approx(log(2), rel=1e-12)
    assert (found["better"].value.item(), found["worse"].value.item()) == (0, 0)
    assert found["accuracy"].value.item() == 0.5


def test_one_pair_has_the_loss_of_its_margin(policy):
    reference, (one,) = moved(policy), made(sizes=(2,))
    found = preference(0.7, reference).terms(policy, tensors([one]))
    ratios = [(logprob(policy, one.prompt, o) - logprob(reference, one.prompt, o)).item() for o in one.outputs]
    better, worse = ratios if one.ranks == (1, 2) else ratios[::-1]
    assert found["preference"].total.item() == pytest.approx(log1p(exp(-0.7 * (better - worse))), rel=1e-9)
    assert found["better"].value.item() == pytest.approx(0.7 * better, rel=1e-9)
    assert found["worse"].value.item() == pytest.approx(0.7 * worse, rel=1e-9)


def test_nothing_flows_into_the_reference(policy):
    reference = moved(policy)
    objective = preference(0.1, reference)
    objective.terms(policy, tensors(made()))["preference"].total.backward()
    assert all(p.grad is None and not p.requires_grad for p in reference.parameters())
    assert any(p.grad is not None for p in policy.parameters())
    assert objective.counts(tensors(made()))["preference"].item() == 4
