"""`/v1/chat/completions`: the next turn of a conversation.

A model whose tokenizer has the chat's special tokens reads them; for any other the conversation is written as a plain
transcript, which a model that has learnt text alone continues:

    Be brief.                       the system message, if there is one
                                    an empty line
    User: Hello!
    Assistant: Hi.
    User: Who are you?
    Assistant:                      and stops before `\\nUser:` or `\\nAssistant:`
"""

import time
import uuid
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from foretell.serve import streams
from foretell.serve.answers import AnswerMessage, ChatAnswer, ChatChoice, ChatLogprobs, Usage
from foretell.serve.asking import Asking, aside, check_length, sampling
from foretell.serve.growing import Growing, Piece, tokens_of
from foretell.serve.logprobs import chat as chat_logprobs
from foretell.serve.refusals import Refused
from foretell.serve.scheduler import Wanted
from foretell.serve.served import Served
from foretell.serve.wire import ChatRequest, Message
from foretell.text.chat import Turn, chat_ids, check_turns
from foretell.text.specials import CHAT

if TYPE_CHECKING:
    from starlette.responses import Response

NAMES = {"user": "User", "assistant": "Assistant"}
TRANSCRIPT_STOPS = tuple(f"\n{name}:" for name in NAMES.values())


async def chat(asking: Asking, asked: ChatRequest) -> "ChatAnswer | Response":
    """The answer, or a stream of it."""
    served = asking.served
    served.check_writes()
    turns = turns_of(asked.messages)
    ids = await aside(sum(len(turn.text) for turn in turns), lambda: prompt_of(served, turns))
    rows = rows_of(served, asked, ids)
    asking.submit(rows, each=bool(asked.stream))
    if asked.stream:
        return streams.response(stream(asking, asked, ids, rows))
    await asking.wait()
    return ChatAnswer(
        id=f"chatcmpl-{uuid.uuid4().hex}",
        created=int(time.time()),
        model=served.name,
        choices=[choice(served, asked, index, row) for index, row in enumerate(rows)],
        usage=usage(ids, rows),
    )


def turns_of(messages: Sequence[Message]) -> list[Turn]:
    """The turns of a conversation; Refused unless they can be answered."""
    turns = []
    for place, message in enumerate(messages):
        role = "system" if message.role == "developer" else message.role
        turns.append(Turn(role, text_of(message, place)))
    check_turns(turns)
    if turns[-1].role != "user":
        raise Refused(400, "the last message is the assistant's; an answer can follow only a user's", param="messages")
    return turns


def text_of(message: Message, place: int) -> str:
    """The text of a message; Refused for an image: the server reads text alone."""
    if isinstance(message.content, str):
        return message.content
    texts = []
    for part in message.content:
        if part.type == "image_url":
            raise Refused(
                400, "no images are read here; send text, or use foretell chat", param=f"messages.{place}.content"
            )
        texts.append(part.text)
    return "".join(texts)


def prompt_of(served: Served, turns: Sequence[Turn]) -> list[int]:
    """The ids of a conversation, up to where the assistant is to speak."""
    if served.chats:
        for turn in turns:
            served.check_characters(turn.text)
        return chat_ids(served.tokenizer, turns, answer=True)
    return served.encode(transcript(turns))


def transcript(turns: Sequence[Turn]) -> str:
    """A conversation as plain text."""
    lines = [turn.text + "\n" if turn.role == "system" else f"{NAMES[turn.role]}: {turn.text}" for turn in turns]
    return "\n".join([*lines, f"{NAMES['assistant']}:"])


def rows_of(served: Served, asked: ChatRequest, ids: list[int]) -> list[Wanted]:
    """A row of each answer; without a limit it may fill the context."""
    room = served.n_ctx if served.network.cfg.kind == "seq2seq" else served.n_ctx - len(ids)
    param = "max_completion_tokens" if asked.max_completion_tokens is not None else "max_tokens"
    given = asked.max_completion_tokens if asked.max_completion_tokens is not None else asked.max_tokens
    new = max(room, 1) if given is None else given
    check_length(served, len(ids), new, ("messages", param))
    if asked.top_logprobs and not asked.logprobs:
        raise Refused(400, "top_logprobs needs logprobs=true", param="top_logprobs")
    how = sampling(served, asked, new, asked.top_logprobs or 0, () if served.chats else TRANSCRIPT_STOPS)
    ends = frozenset(served.tokenizer.special(name) for name in CHAT) if served.chats else frozenset()
    return [Wanted(prompt=ids, sampling=how, stream=i, ends=ends) for i in range(asked.n or 1)]


def choice(served: Served, asked: ChatRequest, index: int, row: Wanted) -> ChatChoice:
    """One answer."""
    assert row.completion is not None, "all are done"
    return ChatChoice(
        index=index,
        message=AnswerMessage(content=said(served, row.completion.text)),
        logprobs=logprobs(served, asked, *tokens_of(served.spelling, row, with_end=False)),
        finish_reason="length" if row.completion.finish == "length" else "stop",
    )


def said(served: Served, text: str) -> str:
    """An answer without the space that a transcript has before it."""
    return text if served.chats else text.removeprefix(" ")


def logprobs(served: Served, asked: ChatRequest, ids: list[int], told: list) -> ChatLogprobs | None:
    """What is told of some tokens, if it was asked for."""
    return chat_logprobs(served.spelling, ids, told, asked.top_logprobs or 0) if asked.logprobs else None


def usage(ids: Sequence[int], rows: Sequence[Wanted]) -> Usage:
    """The tokens of the prompt and of all answers."""
    made = sum(len(row.row.ids) for row in rows if row.row is not None)
    return Usage(prompt_tokens=len(ids), completion_tokens=made, total_tokens=len(ids) + made)


def stream(asking: Asking, asked: ChatRequest, ids: list[int], rows: Sequence[Wanted]) -> streams.Events:
    """The events of the answers: the role of each, its pieces, and at the end the usage."""
    served = asking.served
    head = streams.head("chatcmpl", "chat.completion.chunk", served.name)
    growing = {index: Growing(served.spelling, row, with_end=False) for index, row in enumerate(rows)}

    def piece(index: int, new: Piece) -> streams.Chunk:
        begins = growing[index].flow.sent == len(new.text)
        told = logprobs(served, asked, new.ids, new.told)
        delta = {"content": said(served, new.text) if begins else new.text}
        one = {"index": index, "delta": delta, "finish_reason": new.finish}
        return {**head, "choices": [{**one, "logprobs": told.model_dump() if told is not None else None}]}

    def first() -> Iterable[streams.Chunk]:
        for index in growing:
            delta = {"role": "assistant", "content": ""}
            yield {**head, "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": None}]}

    def last() -> Iterable[streams.Chunk]:
        if asked.stream_options is not None and asked.stream_options.include_usage:
            yield {**head, "choices": [], "usage": usage(ids, rows).model_dump()}

    return streams.streamed(asking, growing, first(), piece, last)
