from collections import Counter

import numpy as np
import pytest
import torch

from foretell.align.logprobs import all_logprobs, all_values
from foretell.align.update import (
    Learner,
    micro_batches,
    minibatches,
    policy_objective,
    policy_step,
    rows_of,
    update,
    value_objective,
)
from foretell.objective.config import PolicyOptimization
from foretell.objective.policy import policy_loss
from tests.align.test_logprobs import ANSWERS, PROMPTS, batch, network, scalar

CFG = PolicyOptimization(reward="r", minibatches=2, ptx_weight=27.8, ptx_rows=2)


def episodes(policy=None, value=None, seed=0):
    """A batch of four episodes with made advantages."""
    made, stream = batch(), torch.Generator().manual_seed(seed)
    shape = made.sampled.shape
    found = {"ids": made.ids, "starts": made.starts, "lengths": made.lengths}
    found["logp_old"] = all_logprobs(policy or network(), made)[0]
    found["values_old"] = all_values(value or scalar(), made)
    for name in ("advantages", "returns"):
        found[name] = torch.randn(shape, generator=stream)
    return found | {"weights": torch.ones(shape)}


def text_rows(first, n):
    rows = np.stack([np.random.default_rng([1, number]).integers(1, 11, 9) for number in range(first, first + n)])
    return {"inputs": torch.from_numpy(rows[:, :-1]), "targets": torch.from_numpy(rows[:, 1:])}


class Recorder(torch.optim.SGD):
    """Keeps the gradients that it is given and moves nothing."""

    def __init__(self, network):
        super().__init__(network.parameters(), lr=0.0)
        self.seen = []

    def step(self, closure=None):
        params = [p for group in self.param_groups for p in group["params"]]
        self.seen.append([torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in params])


def learner(model, objective):
    return Learner(network=model, optimizers=[Recorder(model)], objective=objective, clip=0.0)


def gradients(model, cfg, parts, texts):
    one = learner(model, policy_objective(cfg))
    told = policy_step(one, *([(part, True) for part in some] for some in (parts, texts)), norms=bool(parts))
    assert len(one.optimizers[0].seen) == 1
    return one.optimizers[0].seen[0], told


def test_every_episode_is_once_in_each_epoch_and_every_epoch_has_its_own_order():
    epochs = [minibatches(12, 3, 0, 5, epoch) for epoch in range(3)]
    for parts in epochs:
        assert [len(part) for part in parts] == [4, 4, 4]
        assert Counter(np.concatenate(parts).tolist()) == Counter(range(12))
    assert len({tuple(np.concatenate(parts)) for parts in epochs}) == 3
    assert not np.array_equal(epochs[0], minibatches(12, 3, 0, 6, 0))
    assert np.array_equal(epochs[0], minibatches(12, 3, 0, 5, 0))


def test_pretraining_gradients_are_added_with_their_weight_before_the_one_step():
    model, parts, texts = network(), [rows_of(episodes(), torch.arange(4))], [text_rows(0, 3), text_rows(3, 2)]
    both, told = gradients(model, CFG, parts, texts)
    episodes_alone, _ = gradients(model, CFG, parts, [])
    weighted = PolicyOptimization(reward="r", ptx_weight=1.0)
    text_alone, _ = gradients(model, weighted, [], texts)
    for total, a, b in zip(both, episodes_alone, text_alone, strict=True):
        torch.testing.assert_close(total, a + 27.8 * b, atol=1e-5, rtol=1e-5)
    norm = lambda grads: sum((g**2).sum() for g in grads).sqrt().item()  # noqa: E731
    assert told["ptx_ratio"] == pytest.approx(27.8 * norm(text_alone) / norm(episodes_alone), rel=1e-4)


def test_pretraining_adds_rows_and_no_step():
    for weight in (0.0, 27.8):
        cfg = PolicyOptimization(reward="r", minibatches=2, ptx_weight=weight, ptx_rows=2)
        model, value, read = network(), scalar(), []
        one, other = learner(model, policy_objective(cfg)), learner(value, value_objective(cfg))

        def rows(first, n, read=read):
            read.extend(range(first, first + n))
            return text_rows(first, n)

        found = [update(cfg, episodes(), one, other, rows if weight else None, 0, 0, step) for step in (0, 1)]
        assert len(one.optimizers[0].seen) == len(other.optimizers[0].seen) == 4
        assert ("ptx_loss" in found[0]) == bool(weight)
        assert read == (list(range(2 * 4 * 2)) if weight else [])  # 2 steps of 4 episodes, 2 rows for each, none twice


@pytest.mark.parametrize("seed", [1, 2])
def test_what_stands_behind_a_response_changes_no_gradient_and_no_measure(seed):
    clean = episodes()
    spoilt, stream = {name: x.clone() for name, x in clean.items()}, torch.Generator().manual_seed(seed)
    for i, (prompt, answer) in enumerate(zip(PROMPTS, ANSWERS, strict=True)):
        behind = spoilt["ids"][i, len(prompt) + len(answer) :]
        behind.copy_(torch.randint(11, behind.shape, generator=stream))
        for name in ("logp_old", "advantages", "returns", "values_old"):
            spoilt[name][i, len(answer) :] = float("nan")
    for model, objective in ((network(), policy_objective(CFG)), (scalar(), value_objective(CFG))):
        found = []
        for given in (clean, spoilt):
            terms = objective.terms(model, rows_of(given, torch.arange(4)))
            (terms["policy"] if "policy" in terms else terms["value"]).total.backward()
            found.append(
                ({name: term.value.item() for name, term in terms.items()}, [p.grad for p in model.parameters()])
            )
            model.zero_grad(set_to_none=True)
        assert found[0][0] == found[1][0]
        for a, b in zip(found[0][1], found[1][1], strict=True):
            assert (a is None and b is None) or torch.equal(a, b)


def test_the_first_step_finds_ratio_1_and_nothing_clipped():
    terms = policy_objective(CFG).terms(network(), rows_of(episodes(), torch.arange(4)))
    assert terms["ratio"].value.item() == pytest.approx(1, abs=1e-5)
    assert terms["moved"].value.item() <= 1e-6
    assert terms["approx_kl"].value.item() <= 1e-9
    assert terms["clipped"].value.item() == 0


def test_a_token_of_another_sampler_weighs_its_importance():
    given, model = episodes(), network()
    given["weights"] = torch.full_like(given["weights"], 0.25)
    loss = policy_objective(CFG).terms(model, rows_of(given, torch.arange(4)))["policy"].value
    plain = policy_loss(given["logp_old"], given["logp_old"], given["advantages"], given["lengths"]).value
    assert loss.item() == pytest.approx(0.25 * plain.item(), rel=1e-4)


@pytest.mark.parametrize("micro", [0, 1, 3])
def test_micro_batches_hold_a_minibatchs_episodes_once_and_are_no_wider_than_needed(micro):
    parts = [part for part, counts in micro_batches(episodes(), np.array([2, 0, 3]), micro) if counts]
    assert sum(len(part["ids"]) for part in parts) == 3
    assert all(len(part["ids"]) <= (micro or 3) for part in parts)
    for part in parts:
        assert part["ids"].shape[1] == (part["starts"] + part["lengths"]).max()
        assert part["advantages"].shape[1] == part["lengths"].max()


def test_a_value_step_leaves_the_policy_alone():
    policy, value = network(), scalar()
    before = [p.clone() for p in policy.parameters()]
    cfg = PolicyOptimization(reward="r", minibatches=1)
    one = learner(policy, policy_objective(cfg))
    other = Learner(network=value, optimizers=[torch.optim.SGD(value.parameters(), 0.1)],
                    objective=value_objective(cfg), clip=0.0)  # fmt: skip
    moved = [p.clone() for p in value.parameters()]
    update(cfg, episodes(), one, other, None, 0, 0, 0)
    assert all(torch.equal(a, b) for a, b in zip(before, policy.parameters(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(moved, value.parameters(), strict=True))
