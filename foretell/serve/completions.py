"""`/v1/completions`: continuations of prompts, with echo, best_of and the legacy log-probabilities."""

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foretell.generate.told import Told, told
from foretell.serve import streams, wire
from foretell.serve.answers import CompletionAnswer, CompletionChoice, LegacyLogprobs, Usage
from foretell.serve.asking import Asking, aside, check_length, sampling
from foretell.serve.growing import Growing, Piece, tokens_of
from foretell.serve.logprobs import legacy
from foretell.serve.refusals import Refused
from foretell.serve.scheduler import Wanted
from foretell.serve.served import Served
from foretell.serve.spelling import Spelling
from foretell.serve.wire import CompletionRequest

if TYPE_CHECKING:
    from starlette.responses import Response

USUAL_TOKENS = 16  # OpenAI's
MOST_TOLD = 2**18  # log-probabilities of prompts in one answer
ALOUD = 4096  # tokens of prompts that are read for them at a time


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """A prompt as ids and text, its rows, and what is told of its tokens if that was asked for."""

    ids: list[int]
    text: str
    rows: list[Wanted]
    told: list[Told | None]


async def complete(asking: Asking, asked: CompletionRequest) -> "CompletionAnswer | Response":
    """The answer, or a stream of it."""
    served = asking.served
    served.check_writes()
    new = USUAL_TOKENS if asked.max_tokens is None else asked.max_tokens
    ids = await aside(characters(asked.prompt), lambda: prompts_of(served, asked))
    for one in ids:
        check_length(served, max(len(one), 1), new, ("prompt", "max_tokens"))
    n, best_of = check_choices(asked)
    rows = rows_of(served, asked, ids, new, best_of)
    telling = calls_of(served, asked, ids) if asked.echo and asked.logprobs is not None else []
    asking.submit([*telling, *(row for some in rows for row in some)], each=bool(asked.stream))
    await asking.wait(telling if asked.stream else None)
    heard = [told for call in telling for told in call.answer] or [[None] * len(one) for one in ids]
    prompts = [
        Prompt(ids=one, text=served.spelling.decode(one), rows=some, told=told)
        for one, some, told in zip(ids, rows, heard, strict=True)
    ]
    if asked.stream:
        return streams.response(stream(asking, asked, prompts))
    choices = [choice for prompt in prompts for choice in best(served.spelling, asked, prompt, n)]
    for index, choice in enumerate(choices):
        choice.index = index
    return CompletionAnswer(
        id=f"cmpl-{uuid.uuid4().hex}",
        created=int(time.time()),
        model=served.name,
        choices=choices,
        usage=usage(prompts),
    )


def check_choices(asked: CompletionRequest) -> tuple[int, int]:
    """How many continuations of a prompt are given, and of how many; Refused where that cannot be."""
    n = asked.n or 1
    best_of = asked.best_of or n
    if best_of < n:
        raise Refused(400, f"best_of={best_of} is less than n={n}; ask for at least as many", param="best_of")
    if asked.stream and best_of > n:
        raise Refused(400, "the best of several is known when all are done, so it cannot be streamed", param="best_of")
    if asked.suffix:
        raise Refused(400, "this model cannot write what stands before a suffix; leave it out", param="suffix")
    return n, best_of


def prompts_of(served: Served, asked: CompletionRequest) -> list[list[int]]:
    """The prompts as ids: a text, texts, ids, or rows of ids."""
    given = asked.prompt if asked.prompt is not None else ""
    if isinstance(given, str):
        return [served.encode(given)]
    if isinstance(given[0], int):
        return [checked(served, [i for i in given if isinstance(i, int)])]
    return [served.encode(one) if isinstance(one, str) else checked(served, one) for one in given]


def checked(served: Served, ids: list[int]) -> list[int]:
    """Ids that the network has, and at least one where nothing can stand before a text."""
    n_vocab = served.network.cfg.n_vocab
    wrong = next((i for i in ids if i >= n_vocab), None)
    if wrong is not None:
        raise Refused(400, f"token id {wrong}: the ids of this model are 0 to {n_vocab - 1}", param="prompt")
    if not ids:
        served.encode("")
    return ids


def rows_of(
    served: Served, asked: CompletionRequest, prompts: Sequence[list[int]], new: int, best_of: int
) -> list[list[Wanted]]:
    """The rows of each prompt; what a row draws follows from the seed and its place in the request alone."""
    if not new:
        return [[] for _ in prompts]
    how = sampling(served, asked, new, asked.logprobs or 0)
    return [
        [Wanted(prompt=ids, sampling=how, stream=place * best_of + i) for i in range(best_of)]
        for place, ids in enumerate(prompts)
    ]


def calls_of(served: Served, asked: CompletionRequest, prompts: Sequence[list[int]]) -> list[Wanted]:
    """Calls that read the prompts aloud, some at a time, so that the batch has its turns between them.

    Refused if so much would be told that the answer alone took long to write.
    """
    entries = sum(map(len, prompts)) * ((asked.logprobs or 0) + 1)
    if entries > MOST_TOLD:
        said = (
            f"{entries} log-probabilities of prompts are asked for; at most {MOST_TOLD} are told, send less at a time"
        )
        raise Refused(400, said, param="logprobs")
    some: list[list[list[int]]] = [[]]
    for ids in prompts:
        if some[-1] and sum(map(len, some[-1])) + len(ids) > ALOUD:
            some.append([])
        some[-1].append(ids)
    return [Wanted(call=lambda part=part: read_aloud(served, part, asked)) for part in some]  # type: ignore[misc]


def characters(prompt: wire.Prompt | None) -> int:
    """How long the texts of a prompt are."""
    if isinstance(prompt, str):
        return len(prompt)
    return sum(len(one) for one in prompt or () if isinstance(one, str))


def read_aloud(served: Served, prompts: Sequence[list[int]], asked: CompletionRequest) -> list[list[Told | None]]:
    """What is told of each prompt's tokens: nothing of the first, which follows nothing."""
    if served.network.cfg.kind != "decoder":
        raise Refused(400, f"a {served.network.cfg.kind} tells no log-probabilities of its prompt", param="echo")
    some = [ids for ids in prompts if ids]
    heard = iter(told(served.network, some, asked.logprobs or 0))
    return [[None, *next(heard)] if ids else [] for ids in prompts]


def best(spelling: Spelling, asked: CompletionRequest, prompt: Prompt, n: int) -> list[CompletionChoice]:
    """The n continuations of a prompt whose tokens are the likeliest on average, the likeliest first if of several."""
    if not prompt.rows:  # no new token was asked for
        return [choice(spelling, asked, prompt, None) for _ in range(n)]
    rows = prompt.rows
    if len(rows) > n:
        rows = sorted(rows, key=mean_logprob, reverse=True)[:n]
    return [choice(spelling, asked, prompt, row) for row in rows]


def mean_logprob(row: Wanted) -> float:
    """The mean log-probability of a continuation's tokens, the one that ended it included."""
    assert row.completion is not None, "all are done"
    return sum(row.completion.logprobs) / len(row.completion.logprobs)


def choice(spelling: Spelling, asked: CompletionRequest, prompt: Prompt, row: Wanted | None) -> CompletionChoice:
    """One continuation as it is answered."""
    echo = bool(asked.echo)
    ids, heard = tokens_of(spelling, row, with_end=True) if row is not None else ([], [])
    done = row.completion if row is not None else None
    text = done.text if done is not None else ""
    logprobs = None
    if asked.logprobs is not None:
        logprobs = joined(spelling, asked.logprobs, prompt, ids, heard, len(prompt.text), echo=echo)
    return CompletionChoice(
        index=0,
        text=prompt.text + text if echo else text,
        logprobs=logprobs,
        finish_reason="length" if done is None or done.finish == "length" else "stop",
    )


def joined(
    spelling: Spelling, n: int, prompt: Prompt, ids: list[int], heard: Sequence[Told], begins: int, *, echo: bool
) -> LegacyLogprobs:
    """The log-probabilities of a prompt, if it is echoed, and of what follows it."""
    offsets = [begins + offset for offset in spelling.offsets(ids)[:-1]]
    if not echo:
        return legacy(spelling, ids, heard, offsets, n)
    before = spelling.offsets(prompt.ids)[:-1]
    return legacy(spelling, [*prompt.ids, *ids], [*prompt.told, *heard], [*before, *offsets], n)


def usage(prompts: Sequence[Prompt]) -> Usage:
    """The tokens of all prompts, each once, and of all rows, those of best_of that are not given included."""
    read = sum(len(prompt.ids) for prompt in prompts)
    made = sum(len(row.row.ids) for prompt in prompts for row in prompt.rows if row.row is not None)
    return Usage(prompt_tokens=read, completion_tokens=made, total_tokens=read + made)


def stream(asking: Asking, asked: CompletionRequest, prompts: Sequence[Prompt]) -> streams.Events:
    """The events of a request: the prompts if they are echoed, the pieces of each row, and the usage at the end."""
    spelling, n = asking.served.spelling, asked.logprobs
    head = streams.head("cmpl", "text_completion", asking.served.name)
    flat = [(prompt, row) for prompt in prompts for row in prompt.rows]
    growing = {index: Growing(spelling, row, with_end=True) for index, (_, row) in enumerate(flat)}

    def one(index: int, text: str, logprobs: LegacyLogprobs | None, finish: str | None) -> streams.Chunk:
        told = logprobs.model_dump() if logprobs is not None else None
        return {**head, "choices": [{"index": index, "text": text, "logprobs": told, "finish_reason": finish}]}

    def first() -> Iterable[streams.Chunk]:
        each = [prompt for prompt in prompts for _ in prompt.rows or range(asked.n or 1)]
        for index, prompt in enumerate(each):
            if asked.echo:
                logprobs = joined(spelling, n, prompt, [], [], 0, echo=True) if n is not None else None
                yield one(index, prompt.text, logprobs, None if prompt.rows else "length")
            elif not prompt.rows:
                yield one(index, "", None, "length")

    def piece(index: int, new: Piece) -> streams.Chunk:
        begins = len(flat[index][0].text)
        offsets = [begins + offset for offset in new.offsets]
        return one(
            index, new.text, legacy(spelling, new.ids, new.told, offsets, n) if n is not None else None, new.finish
        )

    def last() -> Iterable[streams.Chunk]:
        if asked.stream_options is not None and asked.stream_options.include_usage:
            yield {**head, "choices": [], "usage": usage(prompts).model_dump()}

    return streams.streamed(asking, growing, first(), piece, last)
