import threading

import pytest
import torch
from torch.nn.utils import parameters_to_vector

from foretell.model.config import Heads, NetworkConfig
from foretell.model.init import build
from foretell.objective.lm import language_model
from foretell.objective.mean import IGNORED, Mean, Objective
from foretell.objective.mlm import masked_language_model
from foretell.objective.task import task
from foretell.train.step import clip_gradients, train_step

SIZES = {"n_vocab": 13, "n_ctx": 8, "n_layers": 1, "d_model": 8, "n_heads": 2, "d_head": 4, "d_ff": 12}


def lm_case():
    targets = torch.randint(0, 13, (8, 6))
    targets[:3, 2:] = IGNORED  # short rows: the parts of a batch hold different numbers of tokens
    batch = {"inputs": torch.randint(0, 13, (8, 6)), "targets": targets}
    return build(NetworkConfig(kind="decoder", norm_place="pre", **SIZES)), language_model(), batch


def mlm_case():
    targets = torch.where(torch.rand(8, 6) < 0.3, torch.randint(0, 13, (8, 6)), IGNORED)
    targets[0] = IGNORED  # a part without a masked token
    targets[7, :4] = 5
    batch = {
        "inputs": torch.randint(0, 13, (8, 6)),
        "segments": torch.randint(0, 2, (8, 6)),
        "attend": torch.arange(6) < torch.randint(1, 7, (8, 1)),
        "targets": targets,
        "is_next": torch.randint(0, 2, (8,)),
    }
    heads = Heads(lm_transform=True, next_sentence=True)
    cfg = NetworkConfig(kind="encoder", norm_place="post", n_segments=2, heads=heads, **SIZES)
    return build(cfg), masked_language_model(True), batch


def task_case():
    lengths = torch.randint(2, 7, (8, 2))
    targets = torch.where(torch.arange(6) < lengths[..., None] - 1, torch.randint(0, 13, (8, 2, 6)), IGNORED)
    batch = {
        "inputs": torch.randint(0, 13, (8, 2, 6)),
        "segments": torch.zeros(8, 2, 6, dtype=torch.long),
        "attend": torch.arange(6) < lengths[..., None],
        "targets": targets,
        "extract": lengths - 1,
        "label": torch.randint(0, 3, (8,)),
    }
    return build(NetworkConfig(kind="decoder", norm_place="post", heads=Heads(n_outputs=3), **SIZES)), task(0.5), batch


CASES = {"lm": lm_case, "mlm and next sentence": mlm_case, "task and lambda lm": task_case}


def cut_into(batch, sizes):
    parts = {name: value.split(sizes) for name, value in batch.items()}
    return [{name: part[i] for name, part in parts.items()} for i in range(len(sizes))]


def step_of(case, cut, clip=0.0, rate=0.5):
    """The change of the weights and the log of one step of plain gradient descent."""
    torch.manual_seed(1)
    model, objective, batch = CASES[case]()
    before = parameters_to_vector(model.parameters()).detach().clone()
    log = train_step(model, objective, cut_into(batch, cut), [torch.optim.SGD(model.parameters(), lr=rate)], clip)
    return parameters_to_vector(model.parameters()).detach() - before, log


def plain_gradient(case):
    """The gradient of the sum of weighted means over the whole batch, without train_step."""
    torch.manual_seed(1)
    model, objective, batch = CASES[case]()
    terms = objective.terms(model, batch)
    loss = sum(weight * terms[name].value for name, weight in objective.weights.items())
    loss.backward()
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters()]
    return parameters_to_vector(grads), loss.item(), {name: term.value.item() for name, term in terms.items()}


@pytest.mark.parametrize("cut", [[8], [4, 4], [1, 2, 5], [1] * 8])
@pytest.mark.parametrize("case", CASES)
def test_however_a_batch_is_cut_the_step_is_that_of_the_whole(case, cut):
    grad, loss, terms = plain_gradient(case)
    change, log = step_of(case, cut)
    torch.testing.assert_close(change, -0.5 * grad, rtol=1e-4, atol=1e-6)
    assert log["loss"] == pytest.approx(loss, rel=1e-5)
    assert log["grad_norm"] == pytest.approx(grad.norm().item(), rel=1e-4)
    assert log["skipped"] == 0
    for name, value in terms.items():
        assert log[name] == pytest.approx(value, rel=1e-5), name


class Ranks:
    """Two processes as threads: what each brings to a sum waits for the other."""

    def __init__(self, n):
        self.brought, self.barrier = [None] * n, threading.Barrier(n, timeout=20)

    def sum_for(self, rank):
        def add(x):
            self.brought[rank] = x.detach().clone()
            self.barrier.wait()
            total = sum(self.brought[1:], self.brought[0])
            self.barrier.wait()
            return total

        return add


@pytest.mark.parametrize("cut", [[4, 4], [1, 7]])
@pytest.mark.parametrize("case", CASES)
def test_two_ranks_that_add_their_gradients_take_the_step_of_one(case, cut):
    want, want_log = step_of(case, [8], clip=0.1)
    torch.manual_seed(1)
    _, objective, batch = CASES[case]()
    parts, ranks, found = cut_into(batch, cut), Ranks(2), {}
    models = []
    for _ in parts:
        torch.manual_seed(1)
        models.append(CASES[case]()[0])

    def one(rank):
        model, add = models[rank], ranks.sum_for(rank)
        for p in model.parameters():
            p.register_post_accumulate_grad_hook(lambda p: setattr(p, "grad", add(p.grad)))
        before = parameters_to_vector(model.parameters()).detach().clone()
        optimizers = [torch.optim.SGD(model.parameters(), lr=0.5)]
        log = train_step(model, objective, [parts[rank]], optimizers, 0.1, add)
        found[rank] = parameters_to_vector(model.parameters()).detach() - before, log

    threads = [threading.Thread(target=one, args=(rank,)) for rank in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for rank in range(2):
        change, log = found[rank]
        torch.testing.assert_close(change, want, rtol=1e-4, atol=1e-6)
        assert log == pytest.approx(want_log, rel=1e-4)


def test_the_log_of_nothing_to_predict_is_zero_and_not_a_division():
    model, objective, batch = lm_case()
    empty = {**batch, "targets": torch.full_like(batch["targets"], IGNORED)}
    log = train_step(model, objective, [empty], [torch.optim.SGD(model.parameters(), lr=0.1)], 1.0)
    assert (log["loss"], log["lm"], log["grad_norm"], log["skipped"]) == (0, 0, 0, 0)


def broken(objective, by):
    def terms(model, batch):
        return {name: Mean(term.total * by, term.n) for name, term in objective.terms(model, batch).items()}

    return objective._replace(terms=terms)


@pytest.mark.parametrize("by", [float("nan"), float("inf")])
@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_a_gradient_that_is_not_finite_leaves_weights_and_optimizer_alone(by, clip):
    model, objective, batch = lm_case()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    train_step(model, objective, [batch], [optimizer], clip)
    weights = [p.detach().clone() for p in model.parameters()]
    state = {k: v.clone() for p in optimizer.state.values() for k, v in p.items()}
    log = train_step(model, broken(objective, by), [batch], [optimizer], clip)
    assert log["skipped"] == 1
    assert all(torch.equal(a, b) for a, b in zip(weights, model.parameters(), strict=True))
    assert all(torch.equal(state[k], v) for p in list(optimizer.state.values())[-1:] for k, v in p.items())
    assert all(p.grad is None for p in model.parameters()), "the bad gradient must not wait for the next step"
    assert train_step(model, objective, [batch], [optimizer], clip)["skipped"] == 0


def test_one_bad_micro_batch_skips_the_whole_step():
    model, objective, batch = lm_case()
    calls = []

    def terms(model, part):
        calls.append(part)
        found = objective.terms(model, part)
        return found if len(calls) != 2 else {"lm": Mean(found["lm"].total * float("nan"), found["lm"].n)}

    log = train_step(
        model,
        Objective(objective.weights, objective.counts, terms),
        cut_into(batch, [2, 2, 4]),
        [torch.optim.SGD(model.parameters(), lr=0.1)],
        0,
    )
    assert log["skipped"] == 1


def test_clipping_shortens_the_step_to_the_norm_and_reports_what_it_was():
    whole, log = step_of("lm", [8], rate=1.0)
    clipped, clipped_log = step_of("lm", [8], clip=0.25 * log["grad_norm"], rate=1.0)
    torch.testing.assert_close(clipped, 0.25 * whole, rtol=1e-4, atol=1e-7)
    assert clipped_log["grad_norm"] == pytest.approx(log["grad_norm"])


def test_clipping_equals_torchs_and_leaves_a_short_gradient_alone():
    model = torch.nn.Linear(3, 4)
    for clip in (0.1, 100.0):
        grads = [torch.randn_like(p) for p in model.parameters()]
        for p, grad in zip(model.parameters(), grads, strict=True):
            p.grad = grad.clone()
        norm = clip_gradients(model, clip)
        ours = [p.grad.clone() for p in model.parameters()]
        for p, grad in zip(model.parameters(), grads, strict=True):
            p.grad = grad.clone()
        torch.testing.assert_close(norm, torch.nn.utils.clip_grad_norm_(model.parameters(), clip))
        torch.testing.assert_close(ours, [p.grad for p in model.parameters()], rtol=1e-4, atol=1e-6)


def test_a_term_without_a_weight_is_reported_and_not_learnt():
    model, objective, batch = lm_case()

    def terms(model, part):
        found = objective.terms(model, part)
        return {**found, "seen": Mean(found["lm"].total.detach() * 0 + 6, torch.tensor(3))}

    watched = objective._replace(terms=terms)
    before = plain_gradient("lm")[0].norm().item()
    torch.manual_seed(1)
    model, _, batch = lm_case()
    log = train_step(model, watched, cut_into(batch, [4, 4]), [torch.optim.SGD(model.parameters(), lr=0.1)], 0)
    assert log["seen"] == 2
    assert log["loss"] == log["lm"]
    assert log["grad_norm"] == pytest.approx(before, rel=1e-4)
