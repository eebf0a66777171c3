"""Exports of two labelling tools: Argilla and Label Studio.

Neither fixes what the texts beside the ranking are called: a field whose name has prompt, instruction, question, input
or context in it is the prompt, and the ranked values name the fields or items of the outputs.
"""

from collections.abc import Iterator
from typing import Any

from foretell.align.label_rows import LeftOut, Row, ranking_of
from foretell.align.records import Output, Ranking, Turn, content_id

PROMPTS = ("prompt", "instruction", "question", "input", "context", "text", "chat")
REST = "_"  # what Label Studio calls the list of items that were put into no bucket


def argilla(row: Row) -> Iterator[Ranking]:
    """A ranking for each submitted response to a ranking question; the user is the labeller, equal ranks are ties.

    The values that are ranked are the names of the fields with the outputs. A value is a list of names, best first, or
    a list of objects with value and rank, or an object with a list of each.
    """
    fields = row["fields"] if "fields" in row else {k: v for k, v in row.items() if isinstance(v, str)}
    asked = row.get("responses", row)
    made = []
    for answers in asked.values():
        for answer in answers if isinstance(answers, list) else []:
            ranked = _argilla_value(answer.get("value")) if isinstance(answer, dict) else {}
            if not ranked or answer.get("status", "submitted") != "submitted":
                continue
            if any(name not in fields for name in ranked):
                continue  # a question with labels to choose from, which are no outputs
            made.append(_ranked_fields(row, fields, ranked, str(answer.get("user_id") or "")))
    if not made:
        raise LeftOut("records without a submitted ranking of their fields")
    yield from made


def _ranked_fields(row: Row, fields: Row, ranked: dict[str, int], user: str) -> Ranking:
    prompt = _prompt({name: text for name, text in fields.items() if name not in ranked})
    outputs = tuple(Output(text=str(fields[name]), model=name) for name in ranked)
    group = content_id(str(row.get("id") or row.get("external_id") or prompt))
    return ranking_of(prompt, outputs, closed_up(ranked.values()), group, labeller=user)


def _argilla_value(value: Any) -> dict[str, int]:
    """The rank of each name, or nothing where the value is no ranking."""
    if isinstance(value, dict) and isinstance(value.get("value"), list) and isinstance(value.get("rank"), list):
        return dict(zip(value["value"], value["rank"], strict=True))
    if not isinstance(value, list) or len(value) < 2:
        return {}
    if all(isinstance(one, dict) and {"value", "rank"} <= set(one) for one in value):
        return {one["value"]: one["rank"] for one in value}
    return {name: place for place, name in enumerate(value, 1)} if all(isinstance(one, str) for one in value) else {}


def _prompt(fields: Row) -> Any:
    for wanted in PROMPTS:
        for name, value in fields.items():
            if wanted in name.lower() and value:
                return _conversation(value)
    raise LeftOut("without a field that is called prompt, instruction, question, input or context")


def _conversation(value: Any) -> Any:
    """A text, or the turns of a list of role and content."""
    if isinstance(value, list):
        return tuple(Turn(role=one["role"], content=one["content"]) for one in value)
    return str(value)


def closed_up(given: Any) -> tuple[int, ...]:
    """Ranks as in 1, 2, 2, 4 in the order of those given, whatever numbers they are."""
    values = list(given)
    return tuple(1 + sum(other < one for other in values) for one in values)


def labelstudio(row: Row) -> Iterator[Ranking]:
    """A ranking for each annotation of a task that has a Ranker's result; who completed it is the labeller.

    A plain Ranker gives the ids of all items in their order, without ties. With buckets, those of one bucket are ties,
    and buckets rank in the order in which they stand; items in none of them are left out.
    """
    data = row["data"]
    items = _items(data)
    prompt = _prompt({name: value for name, value in data.items() if not _is_items(value)})
    made = []
    for annotation in row["annotations"]:
        if annotation.get("was_cancelled"):
            continue
        for result in annotation["result"]:
            ranked = _ranker(result.get("value", {}).get("ranker"))
            if not ranked:
                continue
            outputs = tuple(items[name] for name in ranked)
            who, seconds = _person(annotation.get("completed_by")), annotation.get("lead_time")
            group = content_id(str(row.get("id") or prompt))
            ranks = closed_up(ranked.values())
            made.append(ranking_of(prompt, outputs, ranks, group, labeller=who, seconds=seconds))
    if not made:
        raise LeftOut("tasks without a ranking")
    yield from made


def _is_items(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "id" in one for one in value)


def _items(data: Row) -> dict[str, Output]:
    """The outputs by the id of their item; the text is its body, html, text or title."""
    lists = [value for value in data.values() if _is_items(value)]
    if len(lists) != 1:
        raise ValueError(f"data has {len(lists)} lists of items with ids, it must have one")
    return {
        str(one["id"]): Output(
            text=str(next(one[name] for name in ("body", "text", "html", "title") if one.get(name))),
            model=str(one.get("model") or ""),
            order=place,
        )
        for place, one in enumerate(lists[0])
    }


def _ranker(value: Any) -> dict[str, int]:
    if isinstance(value, list):
        return {str(name): place for place, name in enumerate(value, 1)}
    buckets = [some for name, some in (value or {}).items() if name != REST]
    return {str(name): place for place, some in enumerate(buckets, 1) for name in some}


def _person(who: Any) -> str:
    """The labeller of an annotation: a number, or an object with an e-mail address, of which the id is taken."""
    told = who.get("id", "") if isinstance(who, dict) else who
    return "" if told is None else str(told)
