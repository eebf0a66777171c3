"""A decoder's task head as transformers' ...ForSequenceClassification keeps it: `score`, softmax(h W_y) without a bias.

Those classes read the last token that is not the config's pad_token_id: where a task's input ends in its extract token
and is padded behind it, that is the position that the head was trained on. A head whose bias is not zero does not fit.
"""

import torch

from foretell.exchange.fit import Held, Unfit, need
from foretell.exchange.names import Entry, Tensors
from foretell.model.config import Heads, NetworkConfig

SCORE, WEIGHT, BIAS = "score.weight", "task_head.output.weight", "task_head.output.bias"


def need_heads(cfg: NetworkConfig, stock: str) -> None:
    """Unfit unless the heads are the tied language head, a task head on the hidden state, or both.

    The tied head has no weights of its own, so that the class for a task's head loses nothing.
    """
    with_task = [
        Heads(lm=lm, n_outputs=cfg.heads.n_outputs, task_dropout=cfg.heads.task_dropout) for lm in (True, False)
    ]
    need(cfg, stock, heads=with_task if cfg.heads.n_outputs else [Heads()])


def heads_from(held: Held) -> Heads:
    """The heads that the file holds; one with `score` was saved by a class without a language head."""
    return Heads(lm=False, n_outputs=held[SCORE][0]) if len(held.get(SCORE, ())) == 2 else Heads()


def entries(cfg: NetworkConfig) -> list[Entry]:
    """The head's entry, where the network has one."""
    return [Entry(SCORE, (WEIGHT,))] if cfg.heads.n_outputs else []


def need_no_bias(ours: Tensors, stock: str) -> None:
    """Unfit if the head has learnt a bias."""
    if BIAS in ours and bool(ours[BIAS].any()):
        raise Unfit(f"{stock} cannot hold the task head's bias; it needs a bias of zero")


def with_bias(cfg: NetworkConfig, ours: Tensors) -> Tensors:
    """Our weights with the head's bias of zero, where the network has a head."""
    return {**ours, BIAS: torch.zeros(cfg.heads.n_outputs)} if cfg.heads.n_outputs else ours
