"""A score is the sum of the completion's log-probabilities, whatever the batch."""

import pytest
import torch

from foretell.errors import BadUse
from foretell.generate.score import score
from tests.generate.conftest import BASE, random_network

PAIRS = [([1, 2, 3], [4, 5]), ([9], [8, 7, 6, 5]), ([2] * 30, [1]), ([4, 4], [4]), ([7, 1, 2], [22, 3, 19]), ([5], [])]


def slow(network, context, completion):
    """One token at a time."""
    total = 0.0
    for i, token in enumerate(completion):
        with torch.no_grad():
            logits = network(torch.tensor([[*context, *completion[:i]]]))[0, -1].double()
        total += torch.log_softmax(logits, -1)[token].item()
    return total


def test_is_the_sum_of_the_tokens_log_probabilities(network):
    for (context, completion), found in zip(PAIRS, score(network, PAIRS), strict=True):
        assert found.logprob == pytest.approx(slow(network, context, completion), abs=1e-4)
        assert found.n == len(completion)


def test_is_the_same_for_any_batch_size(network):
    one, seven = score(network, PAIRS, tokens=1), score(network, PAIRS, tokens=7)
    assert [s.logprob for s in one] == pytest.approx([s.logprob for s in seven], abs=1e-5)
    assert [s.greedy for s in one] == [s.greedy for s in seven]


def test_greedy_says_whether_each_token_was_the_likeliest():
    network = random_network(BASE)
    with torch.no_grad():
        best = network(torch.tensor([[3, 9]]))[0, -1].argmax().item()
    assert [s.greedy for s in score(network, [([3, 9], [best]), ([3, 9], [(best + 1) % 23])])] == [True, False]


def test_a_long_context_loses_its_beginning():
    network, context = random_network(BASE), [i % 22 + 1 for i in range(60)]
    assert score(network, [(context, [5, 6])])[0].logprob == pytest.approx(
        score(network, [(context[-39:], [5, 6])])[0].logprob
    )


def test_too_long_a_completion_and_an_empty_context_are_refused():
    with pytest.raises(BadUse, match="41 tokens, the context holds 40"):
        score(random_network(BASE), [([1], [1] * 41)])
    with pytest.raises(BadUse, match="context is empty"):
        score(random_network(BASE), [([], [1])])
