"""The chat format: what a conversation looks like to the model, and which of its tokens the assistant wrote.

    <|system|>Be brief.<|end|><|user|>Hello!<|end|><|assistant|>Hi.<|end|>

Each <|...|> is one special token and comes from here alone: a text that spells one is encoded as the letters it holds,
so no user can end a turn or speak as the system. Ouyang et al. 2022 print no format; ours is the shortest that tells
the turns apart.

Where the vocabulary has <|image|>, the character U+FFFC in a turn's text is that token: the place of one image.

A tokenizer without these tokens, such as GPT-2's as published, reads a plain transcript: one turn of the user is its
text and an empty line, more turns begin with "System: ", "User: " and "Assistant: "; an answer ends with the end of
text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from foretell.errors import BadUse
from foretell.text.specials import CHAT, END_OF_TURN, IMAGE, IMAGE_MARK, IMAGE_PLACE
from foretell.text.tokenizer import Tokenizer

Role = Literal["system", "user", "assistant"]
ROLE: dict[str, Role] = {role: role for role in get_args(Role)}


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says, once."""

    role: Role
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


def has_chat(tokenizer: Tokenizer) -> bool:
    """Whether a tokenizer has the chat's special tokens."""
    return tokenizer.specials.keys() >= set(CHAT)


def turns_of(prompt: str | Sequence[Mapping[str, str]]) -> tuple[Turn, ...]:
    """The turns of a prompt as labels hold it: a text, which the user said, or a list of role and content.

    ValueError where it is neither.
    """
    if isinstance(prompt, str):
        return (Turn("user", prompt),)
    try:
        return tuple(Turn(ROLE[one["role"]], str(one["content"])) for one in prompt)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"a prompt is a text, or a list of objects with role and content; {prompt!r:.60} is none"
        ) from error


def prompt_ids(tokenizer: Tokenizer, turns: Sequence[Turn]) -> list[int]:
    """The ids of a conversation up to where the assistant is to speak, in the chat format or as a plain transcript."""
    if has_chat(tokenizer):
        return chat_ids(tokenizer, turns, answer=True)
    check_turns(turns)
    if turns[-1].role != "user":
        raise BadUse(f"the last turn is the {turns[-1].role}'s; an answer can follow only a user's turn")
    if len(turns) == 1:
        return said_ids(tokenizer, f"{turns[0].text}\n\n")
    said = "".join(f"{turn.role.capitalize()}: {turn.text}\n\n" for turn in turns)
    return said_ids(tokenizer, f"{said}Assistant:")


def answer_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """The ids of an answer, with the token that ends it."""
    return [*tokenizer.encode(text), answer_end(tokenizer)]


def answer_end(tokenizer: Tokenizer) -> int:
    """The id that ends an answer: <|end|> in the chat format, else the end of text."""
    return tokenizer.special(END_OF_TURN) if has_chat(tokenizer) else tokenizer.end_of_text


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


def marked(text: str, n_images: int) -> str:
    """The text with a mark for each of n images: at the places `<image>`, or before all where it has none.

    BadUse where the places are not as many as the images. A mark that the text itself holds is a space.
    """
    found = (
        text.replace(IMAGE_MARK, " ").replace(IMAGE_PLACE, IMAGE_MARK) if n_images else text.replace(IMAGE_MARK, " ")
    )
    n = found.count(IMAGE_MARK)
    if n not in (0, n_images):
        raise BadUse(f"{n} places {IMAGE_PLACE} for {n_images} images; give one image for each place, or no place")
    return found if n else IMAGE_MARK * n_images + found


def said_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """The ids of what is said, one <|image|> at each place of an image if the vocabulary has it."""
    if IMAGE_MARK not in text or IMAGE not in tokenizer.specials:
        return tokenizer.encode(text)
    first, *rest = (tokenizer.encode(part) for part in text.split(IMAGE_MARK))
    return [*first, *(i for part in rest for i in (tokenizer.special(IMAGE), *part))]


def _turn_ids(tokenizer: Tokenizer, turn: Turn) -> list[int]:
    """<|role|>, the text as plain text, <|end|>."""
    if not has_chat(tokenizer):
        lacks = f"the {tokenizer.kind} tokenizer lacks the chat's special tokens"
        raise BadUse(f"{lacks} {' '.join(CHAT)}; train one of the kind bpe, or add them with with_specials()")
    return [tokenizer.special(f"<|{turn.role}|>"), *said_ids(tokenizer, turn.text), tokenizer.special(END_OF_TURN)]
