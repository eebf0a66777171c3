"""Language modelling and translation: the likelihood of each next token.

    L1(U) = sum_i log P(u_i | u_{i-k}, ..., u_{i-1}; Theta)      Radford et al. 2018, eq. 1

B batch   T positions   S source positions   N tokens   D d_model
"""

from torch import Tensor

from foretell.corpus.batches import IGNORED
from foretell.model.network import Network
from foretell.model.sparse import Branches, branches
from foretell.objective.cross_entropy import cross_entropy_sum
from foretell.objective.mean import Batch, Mean, Objective, predicted


def language_model() -> Objective:
    """Minus L1 per token: `inputs (B, T)` and `targets (B, T)`, the tokens one later.

    Where texts are packed into a row and none is to see another, `positions (B, T)` and `ends (B, T)` say how. With
    `images (N, 3, S, S)` the placeholders among the inputs are their patches.
    """

    def terms(model: Network, batch: Batch) -> dict[str, Mean]:
        if "images" in batch:
            return {"lm": seen_loss(model, batch)}
        return {"lm": token_loss(model, model.hidden(batch["inputs"], branches=apart(batch)), batch["targets"])}

    return Objective({"lm": 1.0}, lambda batch: {"lm": predicted(batch["targets"])}, terms)


def translation(label_smoothing: float) -> Objective:
    """The smoothed cross-entropy of the target per token, and the plain one, `nll`, beside it for the report.

    Vaswani et al. 2017, section 5.4; the smoothing is uniform over the whole vocabulary, as in Szegedy et al. 2015.
    """

    def terms(model: Network, batch: Batch) -> dict[str, Mean]:
        memory = model.encode(batch["source"], batch["source_attend"])  # (B, S, D)
        hidden = model.hidden(batch["inputs"], memory=memory, memory_attend=batch["source_attend"])  # (B, T, D)
        found = {"translation": token_loss(model, hidden, batch["targets"], label_smoothing)}
        if label_smoothing and not model.training:
            found["nll"] = token_loss(model, hidden, batch["targets"])
        return found

    return Objective({"translation": 1.0}, lambda batch: {"translation": predicted(batch["targets"])}, terms)


def seen_loss(model: Network, batch: Batch) -> Mean:
    """The loss of the answers to what images are asked.

    Few positions are answers: the rest is not multiplied by the output matrix, which is half of a small network.
    """
    ids, seen = model.placed(batch["inputs"], batch["images"])
    hidden = model.hidden(ids, branches=apart(batch), seen=seen)  # (B, T, D)
    learnt = batch["targets"] != IGNORED  # (B, T)
    return token_loss(model, hidden[learnt], batch["targets"][learnt])


def apart(batch: Batch) -> Branches | None:
    """What each token of a batch sees where its rows are packed or branch; None for plain causality."""
    return branches(batch["positions"], batch["ends"]) if "ends" in batch else None


def token_loss(model: Network, hidden: Tensor, targets: Tensor, smoothing: float = 0.0) -> Mean:  # (..., D), (...)
    """Summed cross-entropy of the predicted tokens, and how many they are."""
    assert model.lm_head is not None, "a token loss needs a language-model head"
    rows = model.lm_head.transform(hidden.flatten(0, -2))  # (N, D)
    total = cross_entropy_sum(rows, model.output_weight, model.lm_head.bias, targets.flatten(), smoothing)
    return Mean(total, predicted(targets))
