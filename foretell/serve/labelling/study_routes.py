"""The pages of the other kinds of task, what they send, and what came of it. Who may see results is in the rules."""

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, StrictInt

from foretell.align.answers import Answer, Kind, answers_of, exported, give, one_answer, save_draft, skip
from foretell.align.handed_in import NotOpen
from foretell.align.records import Turn, as_turns
from foretell.errors import BadUse
from foretell.serve import chat
from foretell.serve.accounts.people import Person, require
from foretell.serve.accounts.rules import may
from foretell.serve.answers import ChatAnswer
from foretell.serve.arena.routes import download
from foretell.serve.labelling.answered import answered
from foretell.serve.labelling.desk import Desk, place_of
from foretell.serve.labelling.questions import CATEGORIES, HELD, QUESTIONS, TITLES, TOLD, checked
from foretell.serve.labelling.routes import label_page
from foretell.serve.labelling.study import KINDS, Study, next_answer
from foretell.serve.labelling.study_results import study_results
from foretell.serve.labelling.told import REASONS
from foretell.serve.labelling.wire import Reason, Seconds, TaskId
from foretell.serve.refusals import Refused
from foretell.serve.state import State
from foretell.serve.wire import ChatRequest, Strict, Text

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

PATHS: dict[Kind, str] = {
    "pairwise": "/label/pairwise",
    "toxicity": "/label/toxicity",
    "red_team": "/label/red-team",
    "news": "/label/news",
}
MOST_TURNS, MOST_DRAFT, MOST_SAID, MOST_NOTE = 40, 4000, 8000, 2000
NEW_TOKENS = 200

Asked = Literal["pairwise", "toxicity", "news"]
Value = Annotated[str, Field(max_length=20)] | StrictInt


class Given(Strict):
    """The answers to a task's questions."""

    task: TaskId
    kind: Asked
    given: Annotated[dict[Annotated[str, Field(max_length=20)], Value], Field(max_length=8)]
    seconds: Seconds


class Half(Strict):
    """What is half done of a task: the answers so far."""

    task: TaskId
    kind: Asked
    given: Annotated[dict[Annotated[str, Field(max_length=20)], Value], Field(max_length=8)]


class Passed(Strict):
    """A task that somebody skips."""

    task: TaskId
    kind: Literal["pairwise", "toxicity", "red_team", "news"]
    reason: Reason
    seconds: Seconds


class Said(Strict):
    """A turn of whoever looks for a failure."""

    task: TaskId
    content: Annotated[Text, Field(min_length=1, max_length=MOST_SAID)]


class Marked(Strict):
    """Which turn failed, counted from 0, and how; -1 where none did."""

    task: TaskId
    failed: Annotated[StrictInt, Field(ge=HELD, lt=MOST_TURNS)]
    category: Annotated[Text, Field(max_length=60)] = ""
    note: Annotated[Text, Field(max_length=MOST_NOTE)] = ""
    seconds: Seconds


def add_studies(app: "FastAPI", state: State, desk: Desk, study: Study) -> None:
    """All of them."""
    add_study_pages(app, desk, study)
    add_study_saving(app, desk)
    add_red_team(app, state, desk)
    add_study_results(app, desk, study)


def add_study_pages(app: "FastAPI", desk: Desk, study: Study) -> None:
    """What there is to do, and a page for each kind."""
    from starlette.requests import Request
    from starlette.responses import RedirectResponse

    def overview(request: "Request") -> "Response":
        person = require(request)
        done = {kind: sum(one.labeller == person.name for one in answers_of(desk.store, kind)) for kind in KINDS}
        offered = [{"kind": kind, "path": PATHS[kind], "done": done[kind]} for kind in study.kinds()]
        sees = may(person, "/label/studies/results")
        return label_page(request, "label_studies", here="/label/studies", kinds=offered, titles=TITLES, sees=sees)

    def task(request: "Request", kind: Kind) -> "Response":
        person = require(request)
        if place_of(desk, person) not in ("work", "answers"):  # instructions and the test come first
            return RedirectResponse("/label", 303)
        same = {"here": "/label/studies", "kind": kind, "title": TITLES[kind], "told": TOLD[kind], "reasons": REASONS}
        found = next_answer(study, desk.store, person.name, kind)
        if found is None:
            return label_page(request, "label_study_none", **same)
        if kind == "red_team":
            more: dict[str, Any] = {"categories": CATEGORIES, "most": MOST_TURNS, "saved": found.given.get("turns", [])}
            return label_page(request, "label_red_team", task=found, **same, **more)
        shown = {**found.shown, **(study.entries[found.item] if kind == "news" else {})}
        more = {"questions": QUESTIONS[kind], "draft": json.dumps(found.given), "turns": turns_of(shown)}
        return label_page(request, "label_study", task=found, shown=shown, **same, **more)

    @app.get("/label/studies", include_in_schema=False)
    async def home(request: Request) -> Any:
        return await asyncio.to_thread(overview, request)

    for kind, path in PATHS.items():
        app.get(path, include_in_schema=False)(of_kind(task, kind))


def of_kind(work: Callable[..., Any], kind: Kind) -> Callable[..., Any]:
    """A route of one kind of task, made aside."""
    from starlette.requests import Request

    async def answer(request: Request) -> Any:
        return await asyncio.to_thread(work, request, kind)

    return answer


def turns_of(shown: dict[str, Any]) -> tuple[Turn, ...]:
    """The prompt of what is shown, as turns."""
    prompt = shown.get("prompt", "")
    return as_turns(prompt if isinstance(prompt, str) else tuple(Turn(**turn) for turn in prompt))


def add_study_saving(app: "FastAPI", desk: Desk) -> None:
    """What those pages send."""
    from starlette.requests import Request

    @app.post("/label/studies/answer", include_in_schema=False)
    async def answer(given: Given, request: Request) -> dict[str, bool]:
        who, said = require(request).name, checked(given.kind, given.given)
        await answered(lambda: give(desk.store, who, given.task, given.kind, said, given.seconds))
        return {"saved": True}

    @app.post("/label/studies/draft", include_in_schema=False)
    async def draft(given: Half, request: Request) -> dict[str, bool]:
        who = require(request).name
        await answered(lambda: save_draft(desk.store, who, given.task, given.kind, given.given))
        return {"saved": True}

    @app.post("/label/studies/skip", include_in_schema=False)
    async def passed(given: Passed, request: Request) -> dict[str, bool]:
        who = require(request).name
        await answered(lambda: skip(desk.store, who, given.task, given.kind, given.reason, given.seconds))
        return {"saved": True}


def add_red_team(app: "FastAPI", state: State, desk: Desk) -> None:
    """A conversation that the server keeps turn by turn, so that what a model is said to have said it did say."""
    from starlette.requests import Request

    @app.post("/label/red-team/say", include_in_schema=False)
    async def say(given: Said, request: Request) -> dict[str, Any]:
        person = require(request)
        task = await answered(lambda: open_talk(desk, person, given.task))
        turns = [*task.given.get("turns", []), {"role": "user", "content": given.content}]
        if len(turns) >= MOST_TURNS:
            raise Refused(409, f"a conversation has at most {MOST_TURNS} turns; hand this one in")
        asking = state.asking(request, task.shown["model"])
        most = min(NEW_TOKENS, asking.served.n_ctx // 2)
        told = {"model": asking.served.name, "messages": turns, "max_tokens": most}
        asked = ChatRequest.model_validate(told)
        made = await chat.chat(asking, asked)
        assert isinstance(made, ChatAnswer), "no stream was asked for"
        text = made.choices[0].message.content
        turns.append({"role": "assistant", "content": text})
        await answered(lambda: save_draft(desk.store, person.name, given.task, "red_team", {"turns": turns}))
        return {"content": text}

    @app.post("/label/red-team/mark", include_in_schema=False)
    async def mark(given: Marked, request: Request) -> dict[str, bool]:
        person = require(request)
        await answered(lambda: marked(desk, person, given))
        return {"saved": True}


def open_talk(desk: Desk, person: Person, task: int) -> Answer:
    """The open conversation of somebody; NotOpen where it is none."""
    found = one_answer(desk.store, task)
    if found is None or (found.labeller, found.kind, found.state) != (person.name, "red_team", "assigned"):
        raise NotOpen(f"{person.name} has no open conversation {task}; load the page again")
    return found


def marked(desk: Desk, person: Person, given: Marked) -> Answer:
    """The conversation with the turn that failed; BadUse where that is none of the model's, or of no known kind."""
    turns = open_talk(desk, person, given.task).given.get("turns", [])
    roles = [turn["role"] for turn in turns]
    if "assistant" not in roles:
        raise BadUse("the model has said nothing yet; write to it first, or skip the task")
    if given.failed != HELD and roles[given.failed : given.failed + 1] != ["assistant"]:
        raise BadUse(f"turn {given.failed} is none of the model's; mark one that is")
    if (given.category in CATEGORIES) != (given.failed != HELD):
        raise BadUse("a failure has a category of the list, and what is none has no category")
    told = {"turns": turns, "failed": given.failed, "category": given.category, "note": given.note}
    return give(desk.store, person.name, given.task, "red_team", told, given.seconds)


def add_study_results(app: "FastAPI", desk: Desk, study: Study) -> None:
    """What came of all answers, and the answers themselves."""
    from starlette.requests import Request

    @app.get("/label/studies/results", include_in_schema=False)
    async def results(request: Request) -> Any:
        found = await asyncio.to_thread(study_results, study, desk.store)
        return label_page(request, "label_study_results", here="/label/studies", results=found, titles=TITLES)

    @app.get("/label/studies/results/{name}.jsonl", include_in_schema=False)
    async def lines(name: str) -> Any:
        kind = next((one for one in KINDS if one == name), None)
        if kind is None:
            raise Refused(404, "there is no such kind of task")
        return download(await asyncio.to_thread(exported, desk.store, kind), f"{kind}.jsonl")
