from math import log

import pytest
import torch

from foretell.model.init import build
from foretell.objective.lm import language_model
from foretell.objective.mean import IGNORED
from foretell.train.evaluate import evaluate
from tests.train.in_memory import Rows, network


def batches(size):
    for part in Rows(0).evaluation(size, 14):
        batch = {name: torch.from_numpy(value) for name, value in part.items()}
        batch["targets"][batch["inputs"][:, 0] % 2 == 0, 3:] = IGNORED  # rows of unequal length
        yield batch


@pytest.fixture
def model():
    model = build(network())
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.3 * torch.randn_like(p))
    return model


def test_is_the_mean_over_all_tokens_and_bits_per_byte_of_their_sum(model):
    found = evaluate(model, language_model(), batches(5))
    nats, n_tokens, n_bytes = 0.0, 0, 0
    for batch in batches(1):
        logs = model.eval()(batch["inputs"]).log_softmax(-1)[0]
        for t, target in enumerate(batch["targets"][0].tolist()):
            if target != IGNORED:
                nats -= logs[t, target].item()
                n_tokens += 1
        n_bytes += batch["n_bytes"].item()
    assert found["lm"] == found["loss"] == pytest.approx(nats / n_tokens, rel=1e-5)
    assert found["bits_per_byte"] == pytest.approx(nats / log(2) / n_bytes, rel=1e-5)


def test_the_size_of_the_batches_does_not_matter(model):
    one, seven, all_at_once = (evaluate(model, language_model(), batches(size)) for size in (1, 7, 14))
    assert one == pytest.approx(seven, rel=1e-6)
    assert one == pytest.approx(all_at_once, rel=1e-6)


def test_dropout_is_off_and_the_model_goes_on_as_it_was(model):
    model.train()
    first, again = (evaluate(model, language_model(), batches(5)) for _ in range(2))
    assert first == again
    assert model.training
    model.eval()
    evaluate(model, language_model(), batches(5))
    assert not model.training


def test_no_gradients_are_left(model):
    evaluate(model, language_model(), batches(5))
    assert all(p.grad is None for p in model.parameters())


def test_without_bytes_there_are_no_bits_per_byte(model):
    bare = ({k: v for k, v in batch.items() if k != "n_bytes"} for batch in batches(5))
    assert set(evaluate(model, language_model(), bare)) == {"lm", "loss"}
