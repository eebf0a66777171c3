"""What is told of a text's tokens is what one plain pass says, whatever texts have in common."""

import pytest
import torch

from foretell.generate.told import told
from tests.generate.conftest import BASE, random_network

ROWS = [[5, 3, 9, 1], [5, 3, 9, 1, 22, 7], [4], [8, 8], [5, 3, 9, 1], list(range(1, 21)) * 2]


@pytest.mark.parametrize("most", [2**24, 23, 70])
def test_it_equals_a_plain_pass_of_each(network, monkeypatch, most):
    monkeypatch.setattr("foretell.generate.told.MOST_LOGITS", most)
    for row, found in zip(ROWS, told(network, ROWS, 4), strict=True):
        with torch.no_grad():
            logprobs = torch.log_softmax(network(torch.tensor([row]))[0].float(), -1)
        assert len(found) == len(row) - 1
        for place, one in enumerate(found):
            assert one.logprob == pytest.approx(logprobs[place, row[place + 1]].item(), abs=1e-5)
            assert [value for _, value in one.alternatives] == pytest.approx(
                logprobs[place].topk(4).values.tolist(), abs=1e-5
            )


def test_no_alternatives_and_more_than_there_are():
    network = random_network(BASE)
    assert [one.alternatives for one in told(network, [[1, 2]], 0)[0]] == [[]]
    ids = sorted(i for i, _ in told(network, [[1, 2]], 99)[0][0].alternatives)
    assert ids == list(range(23))


def test_the_likeliest_has_the_same_number_as_the_token_itself():
    """Exactly: a reader compares them with ==."""
    network = random_network(BASE)
    row = [5]
    for _ in range(6):
        with torch.no_grad():
            row.append(network(torch.tensor([row]))[0, -1].argmax().item())
    assert all(one.logprob == one.alternatives[0][1] for one in told(network, [row, row[:3]], 1)[0])
