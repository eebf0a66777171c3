import pytest
import torch
import torch.nn.functional as F

from foretell.objective.lm import language_model, translation
from foretell.objective.mean import IGNORED


def minus_log_likelihoods(logits, targets):
    """-log P of each target that is to be predicted, token by token."""
    found = []
    for row, wanted in zip(logits, targets.tolist(), strict=True):
        for z, target in zip(row, wanted, strict=True):
            if target != IGNORED:
                found.append((z.exp().sum().log() - z[target]).item())
    return found


def text_batch():
    ids = torch.randint(0, 19, (3, 8))
    targets = ids[:, 1:].clone()
    targets[0, 4:] = IGNORED
    return {"inputs": ids[:, :-1], "targets": targets}


def translation_batch():
    source = torch.randint(0, 19, (3, 5))
    real = torch.arange(5) < torch.tensor([[5], [2], [4]])
    return {**text_batch(), "source": source, "source_attend": real}


def test_the_language_models_loss_is_minus_equation_1(network):
    model, batch, objective = network("decoder"), text_batch(), language_model()
    term = objective.terms(model, batch)["lm"]
    each = minus_log_likelihoods(model(batch["inputs"]), batch["targets"])
    assert term.n.item() == len(each) == 18
    assert term.total.item() == pytest.approx(sum(each), rel=1e-5)
    assert objective.weights == {"lm": 1.0}


def test_the_gradient_reaches_the_network_as_torchs_does(network):
    model, batch = network("decoder"), text_batch()
    language_model().terms(model, batch)["lm"].total.backward()
    got = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    F.cross_entropy(model(batch["inputs"]).flatten(0, 1), batch["targets"].flatten(), reduction="sum").backward()
    for name, p in model.named_parameters():
        torch.testing.assert_close(got[name], p.grad, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("tied", [True, False])
def test_a_tied_output_and_one_of_its_own_are_both_read(network, tied):
    model, batch = network("decoder", tied=tied), text_batch()
    each = minus_log_likelihoods(model(batch["inputs"]), batch["targets"])
    assert language_model().terms(model, batch)["lm"].total.item() == pytest.approx(sum(each), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_translations_loss_is_the_smoothed_likelihood_given_the_source(network, smoothing):
    model, batch, objective = network("seq2seq"), translation_batch(), translation(smoothing)
    logits = model(batch["inputs"], source=batch["source"], source_attend=batch["source_attend"])
    real = batch["targets"] != IGNORED
    logs = logits.log_softmax(-1)[real]
    smoothed = torch.full_like(logs, smoothing / 19)
    smoothed[torch.arange(len(logs)), batch["targets"][real]] += 1 - smoothing
    terms = objective.terms(model, batch)
    assert terms["translation"].total.item() == pytest.approx(-(smoothed * logs).sum().item(), rel=1e-5)
    if smoothing:
        plain = minus_log_likelihoods(logits, batch["targets"])
        assert terms["nll"].value.item() == pytest.approx(sum(plain) / len(plain), rel=1e-5)
    assert ("nll" in objective.terms(model.train(), batch)) is False, "a report is not made in training"


def test_counts_are_those_of_the_terms(network):
    for model, batch, objective in (
        (network("decoder"), text_batch(), language_model()),
        (network("seq2seq"), translation_batch(), translation(0.1)),
    ):
        counts, terms = objective.counts(batch), objective.terms(model, batch)
        assert set(counts) == set(objective.weights)
        assert all(torch.equal(n, terms[name].n) for name, n in counts.items())
