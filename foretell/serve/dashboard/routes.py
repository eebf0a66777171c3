"""Pages of runs, corpora, evaluations and reports, made anew of what lies in the folder whenever they are asked for.

A request names a slug of the listing; what the listing has not is a 404. Everything of a file is shown as text. A
report is a page with a script of its own, so that it is served in a sandbox, in which it reaches nothing of this
server, and with a policy that lets run only the script whose hash it tells.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretell.serve.accounts.people import framed
from foretell.serve.dashboard import corpora, runs
from foretell.serve.dashboard.charts import HEIGHT, WIDTH
from foretell.serve.dashboard.listing import Found, Listing, listed
from foretell.serve.dashboard.told import tables
from foretell.serve.pages.routes import POLICY, engine
from foretell.serve.refusals import Refused

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

PARTS = (("Runs", "/runs"), ("Corpora", "/corpora"), ("Evaluations", "/evaluations"), ("Reports", "/reports"))
MOST_REPORT = 64 * 2**20
HASH = re.compile(rb"'sha256-[A-Za-z0-9+/]{43}='")


def add_dashboard(app: "FastAPI", root: Path) -> None:
    """All of them."""
    add_pages(app, root)
    add_report(app, root)
    add_json(app, root)


def add_pages(app: "FastAPI", root: Path) -> None:
    """A list of each kind, and a page for each thing in it."""
    made = engine()

    def page(request: "Request", name: str, **told: Any) -> "Response":
        from starlette.responses import Response

        body = made.get_template(f"{name}.html.jinja").render(**framed(request, "runs"), parts=PARTS, **told)
        return Response(body, media_type="text/html", headers={"Content-Security-Policy": POLICY})

    def every(request: "Request", kind: str) -> "Response":
        found, row = of_kind(listed(root), kind), rows[kind]
        return page(request, kind, here=f"/{kind}", rows=[row(one) for one in found.values()], root=root.name)

    def run(request: "Request", slug: str) -> "Response":
        there = listed(root)
        found = known(there.runs, slug)
        told = runs.read(found)
        size = {"width": WIDTH, "height": HEIGHT}
        more = {"segments": runs.stretches(told), "events": runs.happened(told), "size": size}
        more["samples"] = runs.samples(found, list(there.evaluations.values()))
        about = tables(told.lineage) + tables({"config": told.config})
        return page(request, "run", here="/runs", found=found, live=runs.live(told), about=about, **more)

    def corpus(request: "Request", slug: str) -> "Response":
        found = known(listed(root).corpora, slug)
        card = runs.json_of(found.path / "card.json")
        told = {"funnel": corpora.funnel(card), "documents": corpora.documents(found.path)}
        return page(request, "corpus", here="/corpora", found=found, card=tables(corpora.rest(card)), **told)

    def evaluation(request: "Request", slug: str) -> "Response":
        found = known(listed(root).evaluations, slug)
        return page(request, "evaluation", here="/evaluations", found=found, tables=tables(runs.json_of(found.path)))

    def name_of(found: Found) -> dict[str, str]:
        return {"slug": found.slug, "name": found.name}

    rows: dict[str, Callable[[Found], Any]] = {
        "runs": runs.row,
        "corpora": corpora.row,
        "evaluations": name_of,
        "reports": name_of,
    }
    for kind in rows:
        app.get(f"/{kind}", include_in_schema=False)(of_kind_page(every, kind))
    for kind, one in {"runs": run, "corpora": corpus, "evaluations": evaluation}.items():
        app.get(f"/{kind}/{{slug}}", include_in_schema=False)(of_slug(one))


def of_kind_page(work: Callable[..., Any], kind: str) -> Callable[..., Any]:
    """A route of all things of a kind, made aside, since it reads files."""
    from starlette.requests import Request

    async def answer(request: Request) -> Any:
        return await asyncio.to_thread(work, request, kind)

    return answer


def of_slug(work: Callable[..., Any]) -> Callable[..., Any]:
    """A route of one thing, made aside."""
    from starlette.requests import Request

    async def answer(request: Request, slug: str) -> Any:
        return await asyncio.to_thread(work, request, slug)

    return answer


def add_report(app: "FastAPI", root: Path) -> None:
    """The report of a demo as it is."""

    def report(_: "Request", slug: str) -> "Response":
        from starlette.responses import Response

        body = content(known(listed(root).reports, slug).path)
        return Response(body, media_type="text/html", headers={"Content-Security-Policy": report_policy(body)})

    app.get("/reports/{slug}", include_in_schema=False)(of_slug(report))


def add_json(app: "FastAPI", root: Path) -> None:
    """What the pages of runs ask for again and again."""

    @app.get("/api/runs", include_in_schema=False)
    async def every() -> dict[str, Any]:
        return await asyncio.to_thread(lambda: {"runs": [runs.row(one) for one in listed(root).runs.values()]})

    @app.get("/api/runs/{slug}", include_in_schema=False)
    async def one(slug: str, have: str = "") -> dict[str, Any]:
        return await asyncio.to_thread(news, root, slug, have)


def news(root: Path, slug: str, have: str) -> dict[str, Any]:
    """How a run stands, or only its version where that is what somebody has."""
    run = runs.read(known(listed(root).runs, slug))
    return {"version": have} if runs.version(run) == have else json_ready(runs.live(run))


def json_ready(told: dict[str, Any]) -> dict[str, Any]:
    """The same as JSON can tell it."""
    found: dict[str, Any] = json.loads(json.dumps(told))
    return found


def of_kind(there: Listing, kind: str) -> Mapping[str, Found]:
    """The listing of one kind."""
    found: Mapping[str, Found] = getattr(there, kind)
    return found


def known(there: Mapping[str, Found], slug: str) -> Found:
    """What a slug names; Refused where nothing is called so."""
    if slug not in there:
        raise Refused(404, "there is nothing of this name in the folder of runs; see the list")
    return there[slug]


def content(path: Path) -> bytes:
    """A report; Refused where it is larger than a report can be, or has gone."""
    try:
        with path.open("rb") as file:
            body = file.read(MOST_REPORT + 1)
    except OSError as error:
        raise Refused(404, "the report has gone; see the list") from error
    if len(body) > MOST_REPORT:
        raise Refused(413, f"the report has more than {MOST_REPORT} bytes; open the file itself")
    return body


def report_policy(body: bytes) -> str:
    """The policy of a report: sandboxed, nothing from elsewhere, and of scripts those whose hashes its head tells."""
    head = body[: body.find(b"</head>")] if b"</head>" in body else b""
    hashes = " ".join(sorted({one.decode() for one in HASH.findall(head)})) or "'none'"
    return (
        f"sandbox allow-scripts; default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
