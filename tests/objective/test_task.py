import pytest
import torch

from foretell.model.config import Heads
from foretell.objective.mean import IGNORED
from foretell.objective.task import task


def batch_of(n_sequences, label):
    """Left-aligned sequences of unequal length; `extract` is each one's last token; text tokens are targets."""
    b = len(label)
    lengths = torch.tensor([[3 + (2 * i + 3 * j) % 7 for j in range(n_sequences)] for i in range(b)])  # (B, N)
    inputs = torch.randint(0, 19, (b, n_sequences, 10))
    attend = torch.arange(10) < lengths[..., None]
    targets = torch.where(torch.arange(10) < lengths[..., None] - 1, inputs.roll(-1, -1), IGNORED)
    segments = torch.zeros_like(inputs)
    return {
        "inputs": inputs,
        "segments": segments,
        "attend": attend,
        "targets": targets,
        "extract": lengths - 1,
        "label": torch.tensor(label),
    }


def sequences(batch, b):
    """An example's sequences without their padding: (ids, targets) each."""
    for ids, real, targets in zip(batch["inputs"][b], batch["attend"][b], batch["targets"][b], strict=True):
        yield ids[real], targets[real]


def slow_example(model, batch, b):
    """The task's loss, whether it was right, and L1 of one example, each sequence read alone and without padding."""
    read, l1 = [], []
    for ids, targets in sequences(batch, b):
        hidden = model.hidden(ids[None], torch.zeros_like(ids)[None])[0]
        read.append(hidden[len(ids) - 1])
        if model.lm_head is not None:
            logs = model.logits(hidden).log_softmax(-1)
            each = [-logs[t, target].item() for t, target in enumerate(targets.tolist()) if target != IGNORED]
            l1.append(sum(each) / len(each))
    label, outputs = batch["label"][b].item(), model.task_head.output.out_features
    if isinstance(label, float):
        loss, right = (model.task_outputs(sum(read))[0].item() - label) ** 2, None
    else:
        choices = len(read) > 1 and outputs == 1
        scores = torch.cat([model.task_outputs(h) for h in read]) if choices else model.task_outputs(sum(read))
        loss, right = -scores.log_softmax(-1)[label].item(), scores.argmax().item() == label
    return loss, right, sum(l1) / len(l1) if l1 else None


SHAPES = {
    "classification": (1, [0, 2, 1, 1], 3),
    "entailment": (1, [1, 0, 1], 2),
    "similarity": (2, [1, 0, 0, 1], 2),
    "similarity as a number": (2, [0.5, 3.0, 5.0], 1),
    "a number of one text": (1, [0.5, -3.0], 1),
    "multiple choice": (4, [3, 0, 1], 1),
}


@pytest.mark.parametrize("lm_weight", [0.0, 0.5])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_l2_plus_lambda_l1_example_by_example(network, shape, lm_weight):
    n_sequences, label, n_outputs = SHAPES[shape]
    model, batch = network("decoder", heads=Heads(n_outputs=n_outputs)), batch_of(n_sequences, label)
    objective = task(lm_weight)
    terms = objective.terms(model, batch)
    losses, right, l1 = zip(*(slow_example(model, batch, b) for b in range(len(label))), strict=True)
    assert terms["task"].total.item() == pytest.approx(sum(losses), rel=1e-4)
    assert ("accuracy" in terms) is (right[0] is not None)
    if right[0] is not None:
        assert terms["accuracy"].total.item() == sum(right)
    assert ("lm" in terms) is (lm_weight > 0)
    if lm_weight:
        assert terms["lm"].total.item() == pytest.approx(sum(l1), rel=1e-4)
        assert objective.weights == {"task": 1.0, "lm": lm_weight}
    assert all(term.n.item() == len(label) for term in terms.values())


def test_the_order_of_similaritys_two_texts_does_not_matter(network):
    model, batch = network("decoder", heads=Heads(n_outputs=2)), batch_of(2, [1, 0, 1])
    turned = {name: value if name == "label" else value.flip(1) for name, value in batch.items()}
    torch.testing.assert_close(task(0.5).terms(model, turned)["task"], task(0.5).terms(model, batch)["task"])


def test_the_answers_of_a_choice_may_stand_in_any_order(network):
    model, batch = network("decoder", heads=Heads(n_outputs=1)), batch_of(3, [2, 0])
    turned = {name: 2 - value if name == "label" else value.flip(1) for name, value in batch.items()}
    torch.testing.assert_close(task(0).terms(model, turned)["task"], task(0).terms(model, batch)["task"])


def test_bert_reads_its_first_position_through_the_pooler_and_never_its_padding(network):
    heads = Heads(lm=False, n_outputs=3, task_pooler=True)
    model, batch = network("encoder", n_segments=2, heads=heads), batch_of(1, [0, 2, 1])
    batch["extract"] = torch.zeros_like(batch["extract"])
    want = 0.0
    for b, label in enumerate(batch["label"].tolist()):
        ((ids, _),) = sequences(batch, b)
        outputs = model.task_outputs(model.hidden(ids[None])[:, 0])
        want -= outputs.log_softmax(-1)[0, label].item()
    assert task(0).terms(model, batch)["task"].total.item() == pytest.approx(want, rel=1e-4)


def test_counts_are_those_of_the_terms(network):
    model = network("decoder", heads=Heads(n_outputs=3))
    for lm_weight in (0.0, 0.5):
        objective, batch = task(lm_weight), batch_of(1, [0, 2, 1])
        counts, terms = objective.counts(batch), objective.terms(model, batch)
        assert set(counts) == set(objective.weights)
        assert all(torch.equal(n, terms[name].n) for name, n in counts.items())


def test_a_sequence_without_text_adds_nothing_to_l1(network):
    model, batch = network("decoder", heads=Heads(n_outputs=2)), batch_of(1, [1])
    batch["targets"] = torch.full_like(batch["targets"], IGNORED)
    assert task(0.5).terms(model, batch)["lm"].total.item() == 0
