"""A conversation with a model: what was said so far, what of it the context holds, and the answer piece by piece.

    chat = Chat(system="Be brief.")
    chat = asked(chat, "Hello!")
    for piece in answer(model, chat, settings): ...
    chat = answered(chat, text)

Every function gives a new Chat or a value; none keeps anything. A tokenizer without the chat's tokens reads a plain
transcript (foretell.text.chat), and an answer then ends where the model would speak as the user.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from foretell.errors import BadUse
from foretell.generate.config import Sampling
from foretell.generate.engine import Batch, Completion
from foretell.generate.images import pictured, sight
from foretell.generate.model import Model
from foretell.generate.stops import Ending
from foretell.text.chat import Turn, answer_end, has_chat, marked, prompt_ids
from foretell.text.specials import IMAGE_MARK

UNFINISHED = "\ufffd"  # how the bytes at the end show that are no whole character yet: one, however many they are
TRANSCRIPT_STOPS = ("\n\nUser:", "\n\nSystem:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """What was said, by turns of user and assistant, and the system message before it all; empty is none.

    A mark (U+FFFC) in what the user says is the place of an image; `images` are theirs, in order.
    """

    system: str = ""
    turns: tuple[Turn, ...] = ()
    images: tuple[Any, ...] = ()
    """paths, contents of files, Pillow images or arrays of bytes"""

    @property
    def said(self) -> tuple[Turn, ...]:
        """The turns with the system message."""
        return (*([Turn("system", self.system)] if self.system else []), *self.turns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The ids that the model reads, their images, and how many of the first turns were left out for want of room."""

    ids: list[int]
    left_out: int
    images: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of an answer, in order; the last one has the completion, whose text is that of all pieces together."""

    text: str
    completion: Completion | None = None


def asked(chat: Chat, text: str, images: Sequence[Any] = ()) -> Chat:
    """The conversation with what the user says, `<image>` the places of its images, else before the text.

    BadUse where it is empty, where places and images are not as many, or the assistant's turn is due.
    """
    if not text.strip():
        raise BadUse("the message is empty; write something to answer")
    if chat.turns and chat.turns[-1].role == "user":
        raise BadUse("the last message has no answer yet; take it back with undone first")
    said = Turn("user", marked(text, len(images)))
    return replace(chat, turns=(*chat.turns, said), images=(*chat.images, *images))


def answered(chat: Chat, text: str) -> Chat:
    """The conversation with the assistant's answer."""
    return replace(chat, turns=(*chat.turns, Turn("assistant", marked(text, 0))))


def undone(chat: Chat) -> Chat:
    """The conversation without the last message and its answer; the same where there is none."""
    n = 1 if chat.turns and chat.turns[-1].role == "user" else 2
    turns = chat.turns[:-n]
    return replace(chat, turns=turns, images=chat.images[: n_marks(turns)])


def reset(chat: Chat) -> Chat:
    """The conversation with nothing said; the system message stays."""
    return replace(chat, turns=(), images=())


def with_system(chat: Chat, text: str) -> Chat:
    """The conversation under another system message; an empty one is none."""
    return replace(chat, system=marked(text, 0).strip())


def n_marks(turns: Sequence[Turn]) -> int:
    """How many images are told of."""
    return sum(turn.text.count(IMAGE_MARK) for turn in turns)


def kept(model: Model, chat: Chat, max_new_tokens: int) -> Kept:
    """What of a conversation fits into the context beside the answer: its beginning is cut, by pairs of turns.

    The system message and the last message are always kept; BadUse where they alone do not fit, or where there are
    images that the model does not see.
    """
    n_ctx = model.network.cfg.n_ctx
    more = sight(model).n_tokens - 1 if chat.images else 0  # places of an image beside its placeholder
    n = 0
    for left_out in range(0, max(len(chat.turns), 1), 2):
        ids = prompt_ids(model.tokenizer, Chat(system=chat.system, turns=chat.turns[left_out:]).said)
        images = chat.images[n_marks(chat.turns[:left_out]) :]
        n = len(ids) + more * len(images)
        if n + max_new_tokens <= n_ctx:
            return Kept(ids=ids, left_out=left_out, images=images)
    told = f"the message has {n} tokens with its marks" + (" and the system message" if chat.system else "")
    rule = f"and {max_new_tokens} are for the answer; the context holds {n_ctx}"
    raise BadUse(f"{told}, {rule}: shorten it or lower --max-new-tokens")


def room_for_answers(model: Model, wanted: int | None, usual: int = 256) -> int:
    """Tokens that an answer may have: those wanted, else the usual ones or half of the context if that is less."""
    n_ctx = model.network.cfg.n_ctx
    if wanted is None:
        return max(min(usual, n_ctx // 2), 1)
    if not 1 <= wanted < n_ctx:
        raise BadUse(f"max_new_tokens={wanted} leaves no room in a context of {n_ctx}; give 1 to {n_ctx - 1}")
    return wanted


def answer(
    model: Model, ids: Sequence[int], sampling: Sampling, number: int = 0, images: Sequence[Any] = ()
) -> Iterator[Piece]:
    """The pieces of the answer to a prompt's ids as they are sampled; what could still change is held back.

    Held back are bytes that are no whole character, and what may be the start of a stop text. number: what the draws
    follow from beside the seed, so that each turn of a conversation has draws of its own. Beside the answer's end, any
    special token ends it: a model must not speak as the user.
    """
    model.check("chat", "decoder")
    words = Ending(end_of(model), model.tokenizer.decode, model.tokenizer.n_vocab)
    specials = set(model.tokenizer.specials.values())
    batch, shown = Batch(model.network, words), ""
    with torch.inference_mode():
        prompts, looked = pictured(model, [ids], [images])
        batch.add(prompts, sampling, numbers=[number], seen=looked)
        while batch.rows:
            batch.step()
            if batch.rows and batch.rows[0].last in specials:
                batch.leave([batch.completion(batch.rows[0], "end", batch.rows[0].ids[:-1])])
            elif batch.rows:
                text = settled(model.tokenizer.decode(batch.rows[0].ids), sampling.stop)
                if text.startswith(shown) and len(text) > len(shown):
                    yield Piece(text=text[len(shown) :])
                    shown = text
    done = batch.done[number]
    if done.ids and done.ids[-1] in specials:  # the last that was allowed
        done = replace(done, ids=done.ids[:-1], text=model.tokenizer.decode(done.ids[:-1]), finish="end")
    yield Piece(text=done.text[len(shown) :] if done.text.startswith(shown) else "", completion=done)


def settled(text: str, stop: Sequence[str]) -> str:
    """The part of an unfinished text that what follows cannot change."""
    text = text.removesuffix(UNFINISHED)
    held = max((n for one in stop for n in range(1, len(one)) if text.endswith(one[:n])), default=0)
    return text[: len(text) - held].rstrip()  # some vocabularies take a space back before a comma


def end_of(model: Model) -> int:
    """The id that ends an answer, or -1 where the vocabulary has none."""
    return answer_end(model.tokenizer) if has_chat(model.tokenizer) or model.tokenizer.has_end else -1


def stops_of_chat(model: Model) -> tuple[str, ...]:
    """The texts at which an answer ends: in a plain transcript where another one begins to speak."""
    return () if has_chat(model.tokenizer) else TRANSCRIPT_STOPS


def tidied(model: Model, text: str) -> str:
    """An answer as the history keeps it: in the chat format as it is, in a transcript without spaces around it."""
    return text if has_chat(model.tokenizer) else text.strip()
