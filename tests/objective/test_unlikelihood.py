"""The unlikelihood of what was said before, against its definition worked out token by token."""

import math

import pytest
import torch

from foretell.objective import unlikelihood
from foretell.objective.build import build_objective
from foretell.objective.config import LanguageModel
from foretell.objective.lm import language_model
from foretell.objective.mean import IGNORED
from foretell.objective.unlikelihood import candidates, unlikely_repeats


def text_batch(n_vocab=6):
    ids = torch.randint(0, n_vocab, (5, 10))  # few words, so that most come again
    targets = ids[:, 1:].clone()
    targets[0, 4:] = IGNORED
    targets[3] = IGNORED
    return {"inputs": ids[:, :-1], "targets": targets}


def slow(chances, inputs, targets):
    """The definition."""
    total = 0.0
    for row in range(len(inputs)):
        for t, target in enumerate(targets[row].tolist()):
            if target != IGNORED:
                for c in set(inputs[row, : t + 1].tolist()) - {target}:
                    total -= math.log(max(1 - chances[row, t, c].item(), 1e-5))
    return total


def test_the_term_is_that_of_the_paper(network):
    model, batch = network("decoder"), text_batch()
    terms = unlikely_repeats(0.5).terms(model, batch)
    chances = model(batch["inputs"]).double().softmax(-1)
    assert terms["unlikelihood"].total.item() == pytest.approx(slow(chances, **batch), rel=1e-5)
    assert terms["unlikelihood"].n.item() == 4 + 3 * 9
    assert torch.equal(terms["lm"].total, language_model().terms(model, batch)["lm"].total)


def test_candidates_are_what_the_row_has_said_but_not_what_it_should_say():
    inputs, targets = torch.tensor([[2, 5, 2, 7]]), torch.tensor([[5, 2, 7, IGNORED]])
    said = [[inputs[0, j].item() for j in range(4) if one[j]] for one in candidates(inputs, targets)[0]]
    assert said == [[2], [5], [2, 5], []]


@pytest.mark.parametrize("chunk", [1, 2**27])
def test_the_gradient_is_that_of_the_definition_however_the_rows_are_cut(network, monkeypatch, chunk):
    monkeypatch.setattr(unlikelihood, "CHUNK_BYTES", chunk)
    model, batch = network("decoder"), text_batch()
    unlikely_repeats(1.0).terms(model, batch)["unlikelihood"].total.backward()
    got = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    logp = model(batch["inputs"]).log_softmax(-1)
    chosen = [
        logp[row, t, c]
        for row in range(5)
        for t, target in enumerate(batch["targets"][row].tolist())
        if target != IGNORED
        for c in set(batch["inputs"][row, : t + 1].tolist()) - {target}
    ]
    (-torch.log1p(-torch.stack(chosen).exp()).sum()).backward()
    for name, p in model.named_parameters():
        torch.testing.assert_close(got[name], p.grad, rtol=1e-4, atol=1e-5, msg=name)


def test_a_certain_repetition_has_a_finite_loss(network):
    model, batch = network("decoder"), text_batch()
    with torch.no_grad():
        model.lm_head.bias.fill_(-100.0) if model.lm_head.bias is not None else None
        model.output_weight.mul_(300)
    total = unlikely_repeats(1.0).terms(model, batch)["unlikelihood"].total
    assert torch.isfinite(total)


def test_training_with_it_makes_repetition_rarer(network):
    """A text that only repeats: likelihood learns to go on so, and unlikelihood holds it back."""
    ids = torch.tensor([[1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 3]] * 4)
    batch, chance = {"inputs": ids[:, :-1], "targets": ids[:, 1:]}, {}
    for weight in (0.0, 4.0):
        torch.manual_seed(0)
        model = network("decoder")
        objective, optimizer = (
            build_objective(LanguageModel(unlikelihood=weight)),
            torch.optim.Adam(model.parameters(), 0.02),
        )
        for _ in range(60):
            terms = objective.terms(model, batch)
            sum(objective.weights[name] * terms[name].value for name in objective.weights).backward()
            optimizer.step()
            optimizer.zero_grad()
        with torch.no_grad():  # at the end, where 1 was said before and 3 follows
            chance[weight] = model(batch["inputs"]).softmax(-1)[0, -1, 1].item()
    assert chance[4.0] < chance[0.0]


def test_counts_are_those_of_the_terms_and_0_is_plain_language_modelling(network):
    objective, batch = build_objective(LanguageModel(unlikelihood=0.5)), text_batch()
    assert objective.weights == {"lm": 1.0, "unlikelihood": 0.5}
    terms = objective.terms(network("decoder"), batch)
    assert all(torch.equal(n, terms[name].n) for name, n in objective.counts(batch).items())
    assert build_objective(LanguageModel()).weights == {"lm": 1.0}


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_alpha_is_a_number_of_at_least_0(value):
    with pytest.raises(ValueError, match=f"unlikelihood={value} is not at least 0"):
        LanguageModel(unlikelihood=value)
