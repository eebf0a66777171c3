"""Masked tokens and the next sentence (Devlin et al. 2018, section 3.1): the sum of two means with their own counts.

B batch   T positions   D d_model   M masked positions   V n_vocab
"""

import torch.nn.functional as F
from torch import Tensor

from foretell.corpus.batches import IGNORED
from foretell.model.network import Network
from foretell.objective.lm import token_loss
from foretell.objective.mean import Batch, Mean, Objective, predicted


def masked_language_model(next_sentence: bool) -> Objective:
    """The mean over the masked tokens and, if asked for, the mean over the sentence pairs."""

    def counts(batch: Batch) -> dict[str, Tensor]:
        found = {"mlm": predicted(batch["targets"])}
        if next_sentence:
            found["next_sentence"] = found["mlm"].new_tensor(batch["is_next"].shape[0])
        return found

    def terms(model: Network, batch: Batch) -> dict[str, Mean]:
        hidden = model.hidden(batch["inputs"], batch["segments"], batch["attend"])  # (B, T, D)
        masked = batch["targets"] != IGNORED  # (B, T)
        found = {"mlm": token_loss(model, hidden[masked], batch["targets"][masked])}
        if next_sentence:
            logits = model.next_sentence_logits(hidden).float()  # (B, 2)
            n = found["mlm"].n.new_tensor(logits.shape[0])
            found["next_sentence"] = Mean(F.cross_entropy(logits, batch["is_next"], reduction="sum"), n)
            found["next_sentence_accuracy"] = Mean((logits.argmax(-1) == batch["is_next"]).sum(), n)
        if not model.training:
            guess = model.logits(hidden[masked]).argmax(-1)  # (M,)
            found["mlm_accuracy"] = Mean((guess == batch["targets"][masked]).sum(), found["mlm"].n)
        return found

    weights = {"mlm": 1.0, "next_sentence": 1.0} if next_sentence else {"mlm": 1.0}
    return Objective(weights, counts, terms)
