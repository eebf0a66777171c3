"""Rows that are made here, written where a task looks for them, and the prompt that a task makes of a question."""

import json
import sys
from functools import cache
from types import SimpleNamespace

from foretell.eval.prompts import joined
from foretell.tasks import registry
from foretell.tasks.item import Choice, Free, Partial, shown
from foretell.tasks.source import Source


def loaded(folder, task, **files):
    """The questions of a task from files in a folder: `piqa=[...]`; two underscores stand for a full stop."""
    for name, rows in files.items():
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name.replace('__', '.')}.jsonl").write_text(lines)
    return registry.task(task).load(Source(folders=(folder,)))


def from_hub(monkeypatch, task, rows):
    """The questions of a task from a hub that knows {(dataset, config, split): rows}."""

    def load_dataset(name, config, split):
        return rows[name, config or "", split]

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    return registry.task(task).load(Source(online=True))


def asked(task, item, *demonstrations):
    """What the model reads: instruction, demonstrations, separator, context."""
    (text,) = joined(registry.task(task), item, [shown(one) for one in demonstrations])
    return text


def right(item):
    """The answer that a demonstration of the item shows."""
    return item.options[item.gold] if isinstance(item, Choice) else item.answers[0]


@cache
def real(task, folder):
    """The questions of a task from real files, read once."""
    return registry.task(task).load(Source(folders=(folder,)))


def check_real(task, shared_data, n, pool=0, of=None):
    """The questions of a real file: so many, ids that differ, contexts without and answers with a space before them."""
    found = real(task, shared_data)
    assert (len(found.items), len(found.pool)) == (n, pool), found.origin
    every = [*found.items, *found.pool]
    assert len({item.id for item in every}) == len(every)
    for item in every:
        contexts = item.contexts if isinstance(item, Partial) else (item.context,)
        assert all(context == (context.rstrip() or "?") for context in contexts), item.id
        match item:
            case Choice():
                answers = item.options
            case Free():
                answers = item.answers
            case Partial():
                answers = (item.completion,)
        assert all(answer[0] in " \n.'," and answer.strip() and answer == answer.rstrip() for answer in answers), (
            item.id
        )
    if of is not None:
        assert {right(item) for item in every} == set(of)
    return found
