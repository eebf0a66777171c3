"""Fine-tuning (Radford et al. 2018, section 3.2 and 3.3), for the four shapes of a task and both layouts.

    L2(C) = sum over (x, y) of log P(y | x^1 ... x^m),   P = softmax(h_l^m W_y)
    L3(C) = L2(C) + lambda L1(C)

An example is N sequences: 1 for classification and entailment, both orders for similarity, one per answer for multiple
choice. Similarity adds the two h_l^m before the linear layer; multiple choice scores each answer and takes the softmax
over them.

B batch   N sequences of an example   T positions   D d_model   C outputs
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from foretell.corpus.batches import IGNORED
from foretell.model.network import Network
from foretell.objective.cross_entropy import cross_entropy_sum
from foretell.objective.mean import Batch, Mean, Objective


def task(lm_weight: float) -> Objective:
    """L3 per example. Our choice: L1 of an example is the mean over its tokens, as the authors' own program has it."""

    def counts(batch: Batch) -> dict[str, Tensor]:
        n = torch.tensor(batch["label"].shape[0], device=batch["label"].device)
        return {"task": n, "lm": n} if lm_weight else {"task": n}

    def terms(model: Network, batch: Batch) -> dict[str, Mean]:
        hidden = model.hidden(flat(batch["inputs"]), flat(batch["segments"]), padding(model, batch))  # (B*N, T, D)
        n = counts(batch)["task"]
        choices = not batch["label"].is_floating_point() and batch["extract"].shape[1] > 1 and n_outputs(model) == 1
        outputs = task_outputs(model, hidden, batch["extract"], choices=choices).float()
        found = {"task": Mean(task_loss(outputs, batch["label"]), n)}
        if not batch["label"].is_floating_point():
            found["accuracy"] = Mean((outputs.argmax(-1) == batch["label"]).sum(), n)
        if lm_weight:
            found["lm"] = Mean(example_token_loss(model, hidden, batch), n)
        return found

    return Objective({"task": 1.0, "lm": lm_weight} if lm_weight else {"task": 1.0}, counts, terms)


def n_outputs(model: Network) -> int:
    """The outputs of the network's task head."""
    assert model.task_head is not None, "fine-tuning needs a task head"
    return model.task_head.output.out_features


def task_outputs(
    model: Network, hidden: Tensor, extract: Tensor, *, choices: bool
) -> Tensor:  # (B*N, T, D), (B, N) -> (B, C)
    """Class logits or values (B, C) of the N hidden states' sum; with `choices`, each answer's score (B, N)."""
    rows = torch.arange(hidden.shape[0], device=hidden.device)
    read = hidden[rows, extract.flatten()].unflatten(0, extract.shape)  # (B, N, D)
    if choices:
        return model.task_outputs(read)[..., 0]  # (B, N)
    return model.task_outputs(read.sum(1))


def task_loss(outputs: Tensor, label: Tensor) -> Tensor:  # (B, C), (B,) -> ()
    """Minus L2: cross-entropy of the class or the answer; squared error where the label is a number."""
    if label.is_floating_point():
        return F.mse_loss(outputs[:, 0], label.to(outputs.dtype), reduction="sum")
    return F.cross_entropy(outputs, label, reduction="sum")


def example_token_loss(model: Network, hidden: Tensor, batch: Batch) -> Tensor:  # (B*N, T, D) -> ()
    """Minus L1: each sequence's mean over its tokens, averaged over an example's sequences, summed over examples."""
    assert model.lm_head is not None, "lambda L1 needs a language-model head"
    targets = flat(batch["targets"])  # (B*N, T)
    lengths = (targets != IGNORED).sum(-1, keepdim=True).clamp(min=1)  # (B*N, 1)
    shares = (1 / (lengths * batch["inputs"].shape[1])).expand_as(targets)  # (B*N, T)
    rows, bias = model.lm_head.transform(hidden).flatten(0, 1), model.lm_head.bias  # (B*N*T, D)
    return cross_entropy_sum(rows, model.output_weight, bias, targets.flatten(), shares=shares.flatten())


def padding(model: Network, batch: Batch) -> Tensor | None:
    """Which tokens are real; a causal model whose padding comes last needs no mask."""
    return None if model.encoder is None else flat(batch["attend"])


def flat(x: Tensor) -> Tensor:  # (B, N, T) -> (B*N, T)
    """All sequences of all examples as rows."""
    return x.flatten(0, 1)
