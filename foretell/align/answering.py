"""What a model answers to prompts: sampled in batches, the same for a prompt whichever others are asked beside it.

    style       how a prompt is put to the model
    chat        as a conversation (foretell.text.chat): for models that were taught to answer
    plain       the text and an empty line: for models that only continue text
    prompted    after examples of a user and an assistant, in a plain transcript (Ouyang et al. 2022, section 3.5, give
                their baseline such a prefix, and do not print it: the examples are ours, demonstrations for training)

A draw is a function of (seed, prompt, number of the answer): more prompts, or another order, change no answer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from foretell.align.made_quality import plain as plain_text
from foretell.align.records import content_id
from foretell.align.simulated import Record
from foretell.errors import BadUse
from foretell.generate.chat import TRANSCRIPT_STOPS, end_of
from foretell.generate.config import Sampling
from foretell.generate.engine import Batch, Completion
from foretell.generate.model import Model
from foretell.generate.prompts import in_order, rows_at_once
from foretell.generate.stops import Ending
from foretell.runs import read_json
from foretell.text.chat import prompt_ids, turns_of

Style = Literal["chat", "plain", "prompted"]
STYLES: tuple[Style, ...] = get_args(Style)
EXAMPLES = 3  # of a prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """How prompts are put to a model and how it is sampled. prefix: the examples of the style `prompted`."""

    max_new_tokens: int = 64
    temperature: float = 1.0
    seed: int = 0
    style: Style = "chat"
    prefix: str = ""

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise ValueError(f"style={self.style!r} is none of {', '.join(STYLES)}")
        if (self.style == "prompted") != bool(self.prefix):
            raise ValueError(f"style={self.style!r} and a prefix of {len(self.prefix)} characters: prompted needs one")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A prompt's ids and the number that its draws follow from; `place` is whose answer it is."""

    place: int
    ids: list[int]
    number: int


def style_of(source: str | Path) -> Style:
    """`plain` for the folder of a run on plain text, else `chat`."""
    path = Path(source) / "config.json"
    if not path.is_file():
        return "chat"
    told = read_json(path)
    data = told.get("data") if isinstance(told, dict) else None
    return "plain" if isinstance(data, dict) and data.get("kind") == "text" else "chat"


def prefix_of(demonstrations: Sequence[Mapping[str, Any]], most: int = EXAMPLES) -> str:
    """The shortest demonstrations as a transcript's beginning; BadUse where there are none."""
    if not demonstrations:
        raise BadUse("a prompted model needs examples and there are no demonstrations; give a file of its prefix")
    told = [f"User: {plain_text(one['prompt'])}\n\nAssistant: {one['completion']}\n\n" for one in demonstrations]
    return "".join(sorted(dict.fromkeys(told), key=lambda one: (len(one), one))[:most])


def asked_ids(model: Model, prompt: Record, how: Answering) -> list[int]:
    """The ids of a prompt; BadUse, with the prompt's id, where answers would not fit behind them.

    Where a prefix leaves too little room, its last examples are left out, down to one.
    """
    room = model.network.cfg.n_ctx - how.max_new_tokens
    for ids in _forms(model, prompt, how):
        if len(ids) <= room:
            return ids
    told = f"prompt {prompt['prompt_id']} has {len(ids)} tokens, and an answer may have {how.max_new_tokens}"
    raise BadUse(f"{told}; the context holds {model.network.cfg.n_ctx}: leave it out or lower --max-new-tokens")


def fits(model: Model, prompt: Record, how: Answering) -> bool:
    """Whether answers fit behind a prompt."""
    try:
        asked_ids(model, prompt, how)
    except BadUse:
        return False
    return True


def _forms(model: Model, prompt: Record, how: Answering) -> Iterator[list[int]]:
    if how.style == "chat":
        yield prompt_ids(model.tokenizer, turns_of(prompt["text"]))
        return
    text = plain_text(prompt["text"])
    if how.style == "plain":
        yield model.tokenizer.encode(f"{text}\n\n")
        return
    examples = how.prefix.split("User: ")[1:]
    for many in range(max(len(examples), 1), 0, -1):
        kept = "".join(f"User: {one}" for one in examples[:many]) or how.prefix
        yield model.tokenizer.encode(f"{kept}User: {text}\n\nAssistant:")


def answers(
    model: Model,
    prompts: Sequence[Record],
    how: Answering,
    counts: Sequence[int] | None = None,
    done: Callable[[int], None] = lambda place: None,
) -> list[list[str]]:
    """The answers to each prompt, as many as its count (else 1); `done` is told a prompt's place after each answer."""
    counts = [1] * len(prompts) if counts is None else counts
    names = {prompt["prompt_id"] for prompt in prompts}
    if len(names) < len(prompts):
        raise BadUse(f"{len(prompts)} prompts have {len(names)} ids; give each an id of its own")
    asked = []
    for place, (prompt, count) in enumerate(zip(prompts, counts, strict=True)):
        ids = asked_ids(model, prompt, how)
        asked += [Asked(place=place, ids=ids, number=draw_number(prompt, one)) for one in range(count)]
    found: list[dict[int, str]] = [{} for _ in prompts]
    for one, completion in completed(model, asked, sampling_of(how), ending(model, how)):
        found[one.place][one.number] = text_of(model, completion, how)
        done(one.place)
    return [
        [texts[draw_number(prompt, i)] for i in range(len(texts))] for prompt, texts in zip(prompts, found, strict=True)
    ]


def draw_number(prompt: Record, one: int) -> int:
    """What the draws of a prompt's answer follow from beside the seed."""
    return int(content_id([prompt["prompt_id"], one])[:13], 16)


def sampling_of(how: Answering) -> Sampling:
    """The engine's settings; a transcript ends where the user would speak."""
    stop = TRANSCRIPT_STOPS if how.style == "prompted" else ()
    return Sampling(max_new_tokens=how.max_new_tokens, temperature=how.temperature, seed=how.seed, stop=stop)


def ending(model: Model, how: Answering) -> Ending:
    """What ends an answer: in the chat style the end of a turn, else that of a text."""
    words = model.tokenizer
    end = end_of(model) if how.style == "chat" else words.end_of_text if words.has_end else -1
    return Ending(end, words.decode, words.n_vocab)


def text_of(model: Model, completion: Completion, how: Answering) -> str:
    """An answer's text up to the first special token, which a model must not write; no spaces around a transcript's."""
    specials = set(model.tokenizer.specials.values())
    cut = next((i for i, one in enumerate(completion.ids) if one in specials), None)
    text = completion.text if cut is None else model.tokenizer.decode(completion.ids[:cut])
    return text if how.style == "chat" else text.strip()


def completed(
    model: Model, asked: Sequence[Asked], sampling: Sampling, ending: Ending
) -> Iterator[tuple[Asked, Completion]]:
    """Each of what is asked with its completion, as they end; new ones join the batch as others leave."""
    model.check("answer", "decoder")
    waiting = [asked[i] for i in in_order([one.ids for one in asked])] if asked else []
    room = sampling.max_new_tokens + max((len(one.ids) for one in asked), default=0)
    most, batch = rows_at_once(model.network, room, None), Batch(model.network, ending)
    running: dict[int, Asked] = {}
    while waiting or batch.rows:
        with torch.inference_mode():
            free = most - len(batch.rows)
            if waiting and (not batch.rows or free >= max(most // 2, 1)):
                new, waiting = waiting[:free], waiting[free:]
                running |= {one.number: one for one in new}
                batch.add([one.ids for one in new], sampling, numbers=[one.number for one in new])
            batch.step()
        for number in [number for number in running if number in batch.done]:
            yield running.pop(number), batch.done.pop(number)
