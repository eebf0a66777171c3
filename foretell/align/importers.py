"""Labels that other projects and tools wrote, as records of ours.

    hh           HH-RLHF: chosen, rejected, each a conversation as "\\n\\nHuman: ...\\n\\nAssistant: ..."
    sff          summarize-from-feedback: info, summaries, choice, worker, split, extra.confidence
    webgpt       texts and scores of two answers to one question; equal scores are ties
    qa           qa_feedback: four outputs and the six judgements of their pairs
    oasst        Open-Assistant: trees of messages with the rank of each reply
    pairs        prompt, chosen, rejected: texts, or messages of role and content (or of from and value)
    argilla      records with a ranking question (as Argilla 2 and its FeedbackDataset write them)
    labelstudio  tasks with annotations of a Ranker, with or without buckets
    jsonl        our own rankings, demonstrations, candidates or prompts

A file is JSON lines or one JSON list, packed with gzip or not. A row that cannot be a label is counted with its reason.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foretell.align.import_pairs import pairs
from foretell.align.import_tools import argilla, labelstudio
from foretell.align.label_rows import LeftOut, Row, ranking_of, text_of
from foretell.align.record_files import check_hash, lines, parse
from foretell.align.records import (
    Candidates,
    Demonstration,
    Extra,
    Output,
    Prompt,
    Ranking,
    Turn,
    competition,
    content_id,
)
from foretell.errors import BadUse

HUMAN, ASSISTANT = "\n\nHuman:", "\n\nAssistant:"
WEBGPT_HUMAN, WEBGPT_ASSISTANT = "## Human:\n", "\n## Assistant:\n"
PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What a file holds, and how many rows were left out, by reason."""

    rankings: list[Ranking] = field(default_factory=list)
    demonstrations: list[Demonstration] = field(default_factory=list)
    candidates: list[Candidates] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def read_labels(path: Path, form: str) -> Imported:
    """The labels of a file in one of the formats; BadUse where it holds none, or a row is of another format."""
    if form == "jsonl":
        return _ours(path)
    read = FORMATS[form]
    found = Imported()
    for where, row in rows(path):
        try:
            found.rankings.extend(read(row))
        except LeftOut as reason:
            found.left_out[str(reason)] += 1
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise BadUse(f"{where}: no row of {form} ({_reason(error)}); is --format right?") from error
    if not found.rankings:
        said = ", ".join(f"{n} {reason}" for reason, n in found.left_out.items()) or "no rows"
        raise BadUse(f"{path} holds no ranking ({said}); give a file with at least one")
    return found


def _reason(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())[:120]


def rows(path: Path) -> Iterator[tuple[str, Row]]:
    """The objects of a file of JSON lines or of one JSON list, each with the words that name its place."""
    numbered = lines(path)
    first = next(numbered, None)
    if first is None:
        raise BadUse(f"{path} is empty; give a file with at least one row")
    if first[1].lstrip().startswith("["):
        text = first[1] + "".join(line for _, line in numbered)
        found = _json(text, str(path))
        for number, row in enumerate(found, 1):
            yield f"{path}, row {number}", _object(row, f"{path}, row {number}")
        return
    for number, line in (first, *numbered):
        where = f"{path}, line {number}"
        yield where, _object(_json(line, where), where)


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BadUse(f"{where}: no JSON ({error.msg}); give JSON lines or one JSON list") from error


def _object(row: Any, where: str) -> Row:
    if not isinstance(row, dict):
        raise BadUse(f"{where}: no object; each row is one, as in {{...}}")
    return row


def _ours(path: Path) -> Imported:
    """Records of ours, of any kind in one file: a kind is known by the field that it alone has."""
    check_hash(path)
    found = Imported()
    for number, line in lines(path):
        where = f"{path}, line {number}"
        row = _object(_json(line, where), where)
        if "ranks" in row:
            found.rankings.append(parse(line, Ranking, where))
        elif "completion" in row:
            found.demonstrations.append(parse(line, Demonstration, where))
        elif "outputs" in row:
            found.candidates.append(parse(line, Candidates, where))
        else:
            found.prompts.append(parse(line, Prompt, where))
    if not (found.rankings or found.demonstrations or found.candidates or found.prompts):
        raise BadUse(f"{path} is empty; give a file with at least one row")
    return found


def hh(row: Row) -> Iterator[Ranking]:
    """The ranking of an HH-RLHF pair: the conversation up to the last answer, and the two answers to it.

    All pairs that start with the same turn are one group. Where the two conversations differ before their last answer,
    what they share ends at a turn of the human, and what follows is part of no one answer: left out.
    """
    chosen, rejected = _dialogue(text_of(row, "chosen")), _dialogue(text_of(row, "rejected"))
    if chosen[:-1] != rejected[:-1]:
        raise LeftOut("with conversations that differ before the last answer")
    if chosen[-1].role != "assistant" or rejected[-1].role != "assistant" or len(chosen) < 2:
        raise LeftOut("that end without an answer")
    outputs = (Output(text=chosen[-1].content), Output(text=rejected[-1].content))
    yield ranking_of(chosen[:-1], outputs, (1, 2), group=content_id(chosen[0].content))


def _dialogue(text: str) -> tuple[Turn, ...]:
    """The turns of a conversation; the marks are taken as such only at the start of a paragraph."""
    if not text.startswith(HUMAN):
        raise ValueError("a conversation does not start with '\\n\\nHuman:'")
    turns = []
    for part in text.replace(HUMAN, "\0user\0").replace(ASSISTANT, "\0assistant\0").split("\0")[1:]:
        turns.append(part)
    return tuple(
        Turn(role="user" if role == "user" else "assistant", content=said.strip())
        for role, said in zip(turns[::2], turns[1::2], strict=True)
    )


def sff(row: Row) -> Iterator[Ranking]:
    """The ranking of a comparison of two summaries; the worker is the labeller, the batch the instructions' version.

    valid1, on which the authors chose models, and valid2, on which they told final figures, are both `valid` here; the
    source's own name of the split, its batch and the confidence are in `extra`.
    """
    info, choice = row["info"], row["choice"]
    if choice not in (0, 1) or len(row["summaries"]) != 2:
        raise ValueError(f"choice is {choice!r} of {len(row['summaries'])} summaries")
    outputs = tuple(Output(text=text_of(one, "text"), model=str(one.get("policy") or "")) for one in row["summaries"])
    split = str(row.get("split") or "")
    told = {"split": split, "batch": row.get("batch"), **(row.get("extra") or {})}
    post = info.get("post") or info.get("article")
    if not post:
        raise LeftOut("without a post or an article")
    title = (
        f"SUBREDDIT: r/{info['subreddit']}\nTITLE: {info.get('title') or ''}\nPOST: " if info.get("subreddit") else ""
    )
    yield ranking_of(
        f"{title}{post}\nTL;DR:",
        outputs,
        (1, 2) if choice == 0 else (2, 1),
        group=str(info.get("id") or content_id(post)),
        split="valid" if split.startswith("valid") else "train" if split == "train" else None,
        labeller=str(row.get("worker") or ""),
        instructions=str(row.get("batch") or ""),
        extra={name: value for name, value in told.items() if isinstance(value, str | int | float | bool)},
    )


def webgpt(row: Row) -> Iterator[Ranking]:
    """The ranking of two answers to one question; the scores stay in `extra`."""
    (first, one), (second, other) = (_question(text) for text in row["texts"])
    high, low = (float(score) for score in row["scores"])
    if first != second:
        raise LeftOut("with two questions")
    extra: Extra = {"score_1": high, "score_2": low}
    yield ranking_of(first, (Output(text=one), Output(text=other)), competition((high, low)), first, extra=extra)


def _question(text: str) -> tuple[str, str]:
    question, mark, answer = text.removeprefix(WEBGPT_HUMAN).partition(WEBGPT_ASSISTANT)
    if not mark or not text.startswith(WEBGPT_HUMAN):
        raise ValueError("a text is no question and answer as '## Human:' and '## Assistant:'")
    return question.strip(), answer.strip()


def qa(row: Row) -> Iterator[Ranking]:
    """The ranking of four outputs that follows from the judgements of their pairs: 0 a tie, 1 the first, 2 the second.

    An output has a point for each that it beats and half a one for each tie. Where ranks by points do not give back all
    six judgements, as with ties of which one output is better than a tie of the other, no ranking does: the row becomes
    six rankings of two, so that nothing is told that was not judged.
    """
    pairwise = row["pairwise"]
    if len(row["outputs"]) != 4 or len(pairwise) != len(PAIRS) or not set(pairwise) <= {0, 1, 2}:
        raise ValueError(f"{len(row['outputs'])} outputs and the judgements {pairwise}")
    question, outputs = text_of(row, "prompt"), [Output(text=str(text)) for text in row["outputs"]]
    passages = "\n\n".join(f"{title}: {' '.join(sentences)}" for title, *sentences in row.get("passages") or [])
    prompt = f"{passages}\n\n{question}" if passages else question
    ranks = _by_points(pairwise)
    if [0 if ranks[i] == ranks[j] else 1 if ranks[i] < ranks[j] else 2 for i, j in PAIRS] == list(pairwise):
        yield ranking_of(prompt, tuple(outputs), ranks, question)
        return
    for (one, other), judged in zip(PAIRS, pairwise, strict=True):
        yield ranking_of(prompt, (outputs[one], outputs[other]), ((1, 1), (1, 2), (2, 1))[judged], question)


def _by_points(pairwise: list[int]) -> tuple[int, ...]:
    wins = [0.0] * 4
    for (one, other), judged in zip(PAIRS, pairwise, strict=True):
        wins[one] += (0.5, 1, 0)[judged]
        wins[other] += (0.5, 0, 1)[judged]
    return competition(wins)


def oasst(row: Row) -> Iterator[Ranking]:
    """A ranking for each message of a tree that has two to nine ranked replies of the assistant."""
    made = list(_tree(row["prompt"], (), str(row.get("message_tree_id") or row["prompt"]["message_id"])))
    if not made:
        raise LeftOut("trees without two ranked replies")
    yield from made


def _tree(message: Row, before: tuple[Turn, ...], group: str) -> Iterator[Ranking]:
    role = "user" if message["role"] == "prompter" else "assistant"
    path = (*before, Turn(role=role, content=text_of(message, "text")))  # type: ignore[arg-type]
    replies = [one for one in message.get("replies") or [] if not one.get("deleted")]
    ranked = [one for one in replies if one["role"] == "assistant" and one.get("rank") is not None]
    if role == "user" and 2 <= len(ranked) <= 9:
        outputs = tuple(Output(text=text_of(one, "text"), model=str(one.get("model_name") or "")) for one in ranked)
        yield ranking_of(path, outputs, competition([-one["rank"] for one in ranked]), group)
    for one in replies:
        yield from _tree(one, path, group)


FORMATS: dict[str, Callable[[Row], Iterator[Ranking]]] = {
    "hh": hh,
    "sff": sff,
    "webgpt": webgpt,
    "qa": qa,
    "oasst": oasst,
    "pairs": pairs,
    "argilla": argilla,
    "labelstudio": labelstudio,
}
NAMES = (*FORMATS, "jsonl")
