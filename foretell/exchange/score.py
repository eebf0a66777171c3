"""A decoder's task head as transformers' ...ForSequenceClassification keeps it: `score`, softmax(h W_y) without a bias.

Those classes read the last token that is not the config's pad_token_id: where a task's input ends in its extract token
and is padded behind it, that is the position that the head was trained on.

A reward's bias has no place in them. It is kept as `score.bias`, which those classes do not read (they report it as
unexpected): their score is ours less one constant, so that no comparison of two outputs changes.
"""

from foretell.exchange.fit import Held, need
from foretell.exchange.names import Entry
from foretell.model.config import Heads, NetworkConfig

SCORE, WEIGHT = "score.weight", "task_head.output.weight"
SHIFT, BIAS = "score.bias", "task_head.output.bias"


def need_heads(cfg: NetworkConfig, stock: str) -> None:
    """Unfit unless the heads are the tied language head, a task head on the hidden state, or both.

    The tied head has no weights of its own, so that the class for a task's head loses nothing.
    """
    own = cfg.heads
    with_task = [
        Heads(lm=lm, n_outputs=own.n_outputs, task_dropout=own.task_dropout, task_bias=own.task_bias)
        for lm in (True, False)
    ]
    need(cfg, stock, heads=with_task if cfg.heads.n_outputs else [Heads()])


def heads_from(held: Held) -> Heads:
    """The heads that the file holds; one with `score` was saved by a class without a language head."""
    if len(held.get(SCORE, ())) != 2:
        return Heads()
    n_outputs = held[SCORE][0]
    return Heads(lm=False, n_outputs=n_outputs, task_bias=n_outputs == 1 and SHIFT in held)


def entries(cfg: NetworkConfig) -> list[Entry]:
    """The head's entry, where the network has one."""
    if not cfg.heads.n_outputs:
        return []
    return [Entry(SCORE, (WEIGHT,)), *([Entry(SHIFT, (BIAS,))] if cfg.heads.task_bias else [])]
