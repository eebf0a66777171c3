import pytest
import torch
import torch.nn.functional as F

from foretell.model.config import Heads
from foretell.objective.mean import IGNORED
from foretell.objective.mlm import masked_language_model


@pytest.fixture
def bert(network):
    return network("encoder", n_segments=2, heads=Heads(lm_transform=True, next_sentence=True))


@pytest.fixture
def batch():
    attend = torch.arange(7) < torch.tensor([[7], [5], [7]])
    targets = torch.full((3, 7), IGNORED)
    targets[0, [1, 6]], targets[2, 3] = torch.tensor([4, 8]), 11
    return {
        "inputs": torch.randint(0, 19, (3, 7)),
        "segments": (torch.arange(7) > 3).long().expand(3, 7),
        "attend": attend,
        "targets": targets,
        "is_next": torch.tensor([1, 0, 1]),
    }


def slow_terms(model, batch):
    """Each loss and each hit, one position and one pair at a time."""
    mlm, hits, pairs, right = [], [], [], []
    for b, targets in enumerate(batch["targets"].tolist()):
        row = {name: value[b : b + 1] for name, value in batch.items()}
        hidden = model.hidden(row["inputs"], row["segments"], row["attend"])
        for t, target in enumerate(targets):
            if target != IGNORED:
                logs = model.logits(hidden[:, t]).log_softmax(-1)[0].tolist()
                mlm.append(-logs[target])
                hits.append(logs.index(max(logs)) == target)
        logs = model.next_sentence_logits(hidden).log_softmax(-1)[0].tolist()
        pairs.append(-logs[row["is_next"].item()])
        right.append(logs.index(max(logs)) == row["is_next"].item())
    return {"mlm": mlm, "next_sentence": pairs, "next_sentence_accuracy": right, "mlm_accuracy": hits}


def test_the_terms_are_the_mean_over_masked_tokens_and_the_mean_over_pairs(bert, batch):
    terms, want = masked_language_model(True).terms(bert, batch), slow_terms(bert, batch)
    assert set(terms) == set(want)
    for name, each in want.items():
        assert terms[name].n.item() == len(each)
        assert terms[name].total.item() == pytest.approx(sum(each), rel=1e-5), name


def test_only_masked_positions_are_predicted(bert, batch):
    before = masked_language_model(True).terms(bert, batch)["mlm"]
    more = batch["targets"].clone()
    more[1, 2] = 3
    after = masked_language_model(True).terms(bert, {**batch, "targets": more})["mlm"]
    assert (before.n.item(), after.n.item()) == (3, 4)
    assert after.total > before.total


def test_counts_follow_from_the_batch_and_are_those_of_the_terms(bert, batch):
    for objective in (masked_language_model(True), masked_language_model(False)):
        counts, terms = objective.counts(batch), objective.terms(bert, batch)
        assert set(counts) == set(objective.weights)
        assert all(torch.equal(n, terms[name].n) for name, n in counts.items())
    assert set(counts) == {"mlm"}, "without the next sentence there is one term"


def test_gradients_equal_those_of_whole_logits(bert, batch):
    terms = masked_language_model(True).terms(bert.train(), batch)
    (terms["mlm"].total + terms["next_sentence"].total).backward()
    got = {name: p.grad.clone() for name, p in bert.named_parameters()}
    bert.zero_grad()
    hidden = bert.hidden(batch["inputs"], batch["segments"], batch["attend"])
    whole = F.cross_entropy(bert.logits(hidden).flatten(0, 1), batch["targets"].flatten(), reduction="sum")
    (whole + F.cross_entropy(bert.next_sentence_logits(hidden), batch["is_next"], reduction="sum")).backward()
    for name, p in bert.named_parameters():
        torch.testing.assert_close(got[name], p.grad, rtol=1e-4, atol=1e-5, msg=name)


def test_a_batch_without_a_masked_token_is_a_loss_of_zero(bert, batch):
    empty = {**batch, "targets": torch.full_like(batch["targets"], IGNORED)}
    term = masked_language_model(False).terms(bert.train(), empty)["mlm"]
    term.total.backward()
    assert (term.total.item(), term.n.item(), term.value.item()) == (0, 0, 0)
