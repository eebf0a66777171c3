"""What is read off the hidden states: token logits, next sentence, a task's classes or scores.

B batch   T positions   D d_model   V n_vocab   C outputs
"""

import torch
from torch import Tensor, nn

from foretell.model.block import activation, norm
from foretell.model.config import NetworkConfig


class LanguageHead(nn.Module):
    """Logits of tokens: the hidden state times the token embeddings (tied) or a matrix of its own.

    With `lm_transform` (BERT) a dense layer, the activation and a norm come first and a bias last.
    """

    def __init__(self, cfg: NetworkConfig) -> None:
        super().__init__()
        transform, d = cfg.heads.lm_transform, cfg.d_model
        self.dense = nn.Linear(d, d) if transform else None
        self.activation = activation(cfg.activation)
        self.norm = norm(cfg) if transform else nn.Identity()
        self.bias = nn.Parameter(torch.zeros(cfg.n_vocab)) if transform else None
        self.weight = None if cfg.tied else nn.Parameter(torch.empty(cfg.n_vocab, d))

    def transform(self, hidden: Tensor) -> Tensor:  # (..., D) -> (..., D)
        """What is multiplied with the output matrix."""
        return hidden if self.dense is None else self.norm(self.activation(self.dense(hidden)))


class Pooler(nn.Module):
    """BERT's pooler: tanh of a dense layer on the first position's hidden state."""

    def __init__(self, cfg: NetworkConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(cfg.d_model, cfg.d_model)

    def forward(self, hidden: Tensor) -> Tensor:  # (..., D) -> (..., D)
        return torch.tanh(self.dense(hidden))


class TaskHead(nn.Module):
    """The only new weights of fine-tuning besides delimiters: softmax(h W_y), no bias (Radford et al. 2018, eq. 3).

    On BERT's pooler it has one, as the authors' program does (Devlin et al. 2018 write no bias either). A reward has
    one with `task_bias`, which sets its zero (Ouyang et al. 2022, section 3.5).
    """

    def __init__(self, cfg: NetworkConfig) -> None:
        super().__init__()
        self.dropout = nn.Dropout(cfg.heads.task_dropout)
        self.output = nn.Linear(cfg.d_model, cfg.heads.n_outputs, bias=cfg.heads.task_pooler or cfg.heads.task_bias)

    def forward(self, hidden: Tensor) -> Tensor:  # (..., D) -> (..., C)
        return self.output(self.dropout(hidden))
