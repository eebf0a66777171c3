"""A task asked of a language model with K demonstrations: every question's prompt, the model's answer, its record.

    choices        the log-probability of each option after the prompt, in five normalisations; the likeliest
    free answers   beam search to a stop text (Brown et al. 2020, section 2.4: width 4, length penalty 0.6), or drawn
                   from the likeliest tokens where the task says so; of what is written, the sentences that it keeps

One JSON line a question is kept, with a hash of its prompt, so that a stopped evaluation goes on, and so that anyone
can see what was asked.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from foretell.corpus.sentences import sentences
from foretell.errors import BadUse
from foretell.eval.metrics import drop_f1, exact_answer, exact_match, f1, first_word, word_ended
from foretell.eval.prompts import Draw, Labels, Prompt, drawn, prompt
from foretell.eval.records import Record, append_records, digest, read_records
from foretell.eval.rouge import rouge_mean
from foretell.eval.scoring import likeliest, normalised, option_score
from foretell.generate.engine import Completion
from foretell.generate.model import Model
from foretell.generate.score import Score
from foretell.tasks.item import Choice, Free, Item, Partial
from foretell.tasks.task import Questions, Task

AT_ONCE = 64  # questions between two writes of records
ANSWER_CONTEXT = "Answer:"  # where a task names none
FREE_METRICS: dict[str, Callable[[str, Sequence[str]], float]] = {
    "exact_answer": exact_answer,
    "exact_match": exact_match,
    "first_word": first_word,
    "f1": f1,
    "drop_f1": drop_f1,
    "rouge": rouge_mean,
    "bleu": exact_answer,
}
MUST_END = ("exact_answer", "exact_match", "first_word")
"""where an answer that nothing ended is wrong"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """How a task is asked."""

    shots: int | Literal["few"] = 0
    """demonstrations; `few` is the paper's K of the task"""
    limit: int = 0
    """questions, or groups that are right as a whole, drawn at random; 0 takes all"""
    seed: int = 0
    draw: Draw = "each"
    labels: Labels = "right"

    def __post_init__(self) -> None:
        if self.limit < 0 or (self.shots != "few" and self.shots < 0):
            raise ValueError(f"limit={self.limit}, shots={self.shots}: both must be at least 0")

    def k(self, task: Task) -> int:
        """How many demonstrations that is."""
        return task.shots if self.shots == "few" else self.shots


def ask(
    model: Model, task: Task, questions: Questions, asking: Asking, path: Path, advance: Callable[[int], None]
) -> tuple[list[Record], int]:
    """The records of all questions that fit into the context, in order, and how many do not. What was answered to the
    same prompt in the same way is not asked again.

    `advance` is told how many questions were done.
    """
    items = chosen(task, questions.items, asking)
    prompts = {item.id: prompt_for(model, task, questions, item, asking) for item in items}
    known, found, waiting = read_records(path), {}, []
    for item in items:
        made = prompts[item.id]
        record = known.get(item.id)
        if record is not None and made is not None and record.items() >= same(task, item, made).items():
            found[item.id] = record
        elif made is not None:
            waiting.append(item)
    advance(len(items) - len(waiting))
    for some in in_parts(waiting, AT_ONCE):
        asked = [(item, made) for item in some if (made := prompts[item.id]) is not None]
        records = answered(model, task, asked, asking.seed)
        append_records(path, records)
        found |= {record["key"]: record for record in records}
        advance(len(some))
    return [found[item.id] for item in items if item.id in found], len(items) - len(found)


def chosen(task: Task, items: Sequence[Item], asking: Asking) -> list[Item]:
    """The questions that are asked: all, or `limit` that follow from seed and task. BadUse if two share an id.

    Where groups are right as a whole, `limit` groups are asked, each with all of its questions.
    """
    if len({item.id for item in items}) < len(items):
        raise BadUse(f"two questions of {task.name} have the same id; each needs its own")
    by_group = task.metric == "group_accuracy"
    names = [item.group if by_group else item.id for item in items]
    units = list(dict.fromkeys(names))
    if not asking.limit or asking.limit >= len(units):
        return list(items)
    taken = set(random.Random(f"{asking.seed} {task.name} limit").sample(units, asking.limit))
    return [item for item, name in zip(items, names, strict=True) if name in taken]


def prompt_for(model: Model, task: Task, questions: Questions, item: Item, asking: Asking) -> Prompt | None:
    """A question's prompt, within what the answer leaves of the context."""
    k = asking.k(task)
    demonstrations = drawn(task, questions, item, k, seed=asking.seed, draw=asking.draw, labels=asking.labels)
    n_ctx, count = model.network.cfg.n_ctx, lambda text: len(model.tokenizer.encode(text))
    match item:
        case Choice():
            answer = max(map(count, item.options)) - 1  # the last token is predicted and not read
        case Partial():
            answer = count(item.completion) - 1
        case Free():
            scored = count(item.answers[0]) if task.metric == "first_word" else 0
            answer = max(task.max_new_tokens, scored)
    return prompt(task, item, demonstrations, count, n_ctx - answer)


def asked_with(item: Item, made: Prompt) -> tuple[str, ...]:
    """The texts that a question is asked with: its prompts, and what is scored after them."""
    match item:
        case Choice():
            return (*made.texts, *item.options)
        case Partial():
            return (*made.texts, item.completion)
        case Free():
            return made.texts


def answered(model: Model, task: Task, asked: Sequence[tuple[Item, Prompt]], seed: int = 0) -> list[Record]:
    """The records of some questions."""
    if all(isinstance(item, Free) for item, _ in asked):
        return written(model, task, asked, seed)
    if any(isinstance(item, Free) for item, _ in asked):
        raise BadUse(f"{task.name} mixes questions with options and without; make two tasks of them")
    return selected(model, task, asked)


def selected(model: Model, task: Task, asked: Sequence[tuple[Item, Prompt]]) -> list[Record]:
    """The records of questions with options: all scores, and which option each normalisation takes."""
    pairs = [pair for item, made in asked for pair in options(item, made)]
    scores = iter(model.score(pairs))
    alone = unconditional(model, task, [item for item, _ in asked])
    records = []
    for item, made in asked:
        found = [option_score(next(scores), option, alone.get(option)) for _, option in options(item, made)]
        norms = list(normalised(found[0]))
        picks = {norm: likeliest(found, norm) for norm in norms}
        gold = item.gold if isinstance(item, Choice | Partial) else -1
        record = base(task, item, made) | {"scores": [list(one) for one in found], "chosen": picks, "gold": gold}
        records.append(record | {"value": float(picks[task.norm] == gold)})
    return records


def options(item: Item, made: Prompt) -> list[tuple[str, str]]:
    """The pairs (context, completion) whose likelihoods are compared."""
    if isinstance(item, Partial):
        return [(text, item.completion) for text in made.texts]
    assert isinstance(item, Choice), "a free question has no options"
    return [(made.texts[0], option) for option in item.options]


def unconditional(model: Model, task: Task, items: Sequence[Item]) -> dict[str, Score]:
    """Each option's score after the answer context alone; what a Partial question compares has none."""
    texts = sorted({option for item in items if isinstance(item, Choice) for option in item.options})
    before = task.answer_context.rstrip() or ANSWER_CONTEXT
    return dict(zip(texts, model.score([(before, text) for text in texts]), strict=True))


def written(model: Model, task: Task, asked: Sequence[tuple[Item, Prompt]], seed: int = 0) -> list[Record]:
    """The records of free questions. An answer that nothing ended is wrong where the very answer is asked for.

    A last word (metric `first_word`) is also scored: `logprob` is that of the first answer after the same prompt.
    """
    found = generated(model, task, asked, seed)
    scores = last_words(model, asked) if task.metric == "first_word" else []
    records = []
    for i, ((item, made), completion) in enumerate(zip(asked, found, strict=True)):
        assert isinstance(item, Free), "a question with options is not written"
        text = kept(completion.text, task.keep_sentences)
        wrong = task.metric in MUST_END and unended(task, completion.finish, completion.text)
        value = 0.0 if wrong else FREE_METRICS[task.metric](text, item.answers)
        told = {"output": text, "finish": completion.finish, "answers": list(item.answers)}
        scored = {"logprob": scores[i].logprob} if scores else {}
        records.append(base(task, item, made) | told | scored | {"value": value})
    return records


def generated(model: Model, task: Task, asked: Sequence[tuple[Item, Prompt]], seed: int) -> list[Completion]:
    """What the model writes, searched or drawn. Draws follow from the seed, the task, and the questions asked at once,
    so that an evaluation that was stopped between two writes of records draws what it would have drawn.
    """
    texts = [made.texts[0] for _, made in asked]
    n, stop = task.max_new_tokens, task.stop
    if task.top_k:
        draws = random.Random(f"{seed} {task.name} {asked[0][0].id}").getrandbits(32)
        return model.generate(texts, max_new_tokens=n, stop=stop, top_k=task.top_k, seed=draws)
    return model.generate(texts, max_new_tokens=n, stop=stop, beam=task.beam, length_penalty=task.length_penalty)


def last_words(model: Model, asked: Sequence[tuple[Item, Prompt]]) -> list[Score]:
    """The score of each question's first answer after its prompt."""
    return model.score([(made.texts[0], item.answers[0]) for item, made in asked if isinstance(item, Free)])


def kept(text: str, n: int) -> str:
    """The first n sentences of what was written, joined with spaces; all of it if n is 0."""
    return " ".join(sentences(text)[:n]) if n else text


def unended(task: Task, finish: str, text: str) -> bool:
    """Whether nothing ended an answer: no stop text, no end of the text, and for a word nothing that follows it."""
    return finish == "length" and not (task.metric == "first_word" and word_ended(text))


def base(task: Task, item: Item, made: Prompt) -> Record:
    """What every record holds."""
    shots = {"demonstrations": made.n_demonstrations, "dropped": made.dropped, "group": item.group}
    return {"key": item.id, **same(task, item, made), **shots}


def same(task: Task, item: Item, made: Prompt) -> Record:
    """What must be the same in a record for its value to stand: the prompt, what is right, and how it is answered."""
    right = item.answers if isinstance(item, Free) else item.gold
    scored = (task.metric, task.norm, task.answer_context, right)
    searched = (task.stop, task.max_new_tokens, task.beam, task.length_penalty, task.top_k, task.keep_sentences)
    how = searched if isinstance(item, Free) else ()
    return {"prompt": digest(*asked_with(item, made)), "how": digest(repr((*scored, *how)))}


def in_parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Items in stretches of a size."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
