"""The chat format: what a conversation looks like to the model, and which of its tokens the assistant wrote.

    <|system|>Be brief.<|end|><|user|>Hello!<|end|><|assistant|>Hi.<|end|>

Each <|...|> is one special token and comes from here alone: a text that spells one is encoded as the letters it holds,
so no user can end a turn or speak as the system. Ouyang et al. 2022 print no format; ours is the shortest that tells
the turns apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from foretell.errors import BadUse
from foretell.text.specials import CHAT, END_OF_TURN
from foretell.text.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says, once."""

    role: Literal["system", "user", "assistant"]
    text: str


def chat_ids(tokenizer: Tokenizer, turns: Sequence[Turn], *, answer: bool) -> list[int]:
    """The ids of a conversation; with `answer` it ends where the assistant is to speak, after <|assistant|>.

    Generation has ended when the model gives <|end|>.
    """
    check_turns(turns)
    if answer and turns[-1].role != "user":
        raise BadUse(f"the last turn is the {turns[-1].role}'s; an answer can follow only a user's turn")
    ids = [i for turn in turns for i in _turn_ids(tokenizer, turn)]
    return [*ids, tokenizer.special("<|assistant|>")] if answer else ids


def chat_ids_and_mask(tokenizer: Tokenizer, turns: Sequence[Turn]) -> tuple[list[int], list[bool]]:
    """The ids of a conversation, and True for what the assistant is to write: its texts and the <|end|> after each.

    <|assistant|> itself is given, so it is not learnt.
    """
    check_turns(turns)
    if turns[-1].role != "assistant":
        raise BadUse(f"the last turn is the {turns[-1].role}'s; a demonstration ends with the assistant's")
    ids: list[int] = []
    mask: list[bool] = []
    for turn in turns:
        said = _turn_ids(tokenizer, turn)
        ids += said
        mask += [False] + [turn.role == "assistant"] * (len(said) - 1)
    return ids, mask


def check_turns(turns: Sequence[Turn]) -> None:
    """Nothing; a BadUse unless user and assistant speak by turns, the user first, after at most one system message."""
    first = 1 if turns and turns[0].role == "system" else 0
    if len(turns) == first:
        raise BadUse("the conversation holds no user's turn; it needs at least one")
    for number, turn in enumerate(turns[first:]):
        due = ("user", "assistant")[number % 2]
        if turn.role != due:
            rule = "system may come first, then user and assistant by turns"
            raise BadUse(f"turn {first + number + 1} is {turn.role!r} where {due!r} is due; {rule}")


def _turn_ids(tokenizer: Tokenizer, turn: Turn) -> list[int]:
    """<|role|>, the text as plain text, <|end|>."""
    if not tokenizer.specials.keys() >= set(CHAT):
        lacks = f"the {tokenizer.kind} tokenizer lacks the chat's special tokens"
        raise BadUse(f"{lacks} {' '.join(CHAT)}; train one of the kind bpe, or add them with with_specials()")
    return [tokenizer.special(f"<|{turn.role}|>"), *tokenizer.encode(turn.text), tokenizer.special(END_OF_TURN)]
