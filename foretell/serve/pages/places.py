"""Which pages a server has, as every page of it links to them."""

from pathlib import Path
from typing import TYPE_CHECKING

from foretell.serve.pages.words import Link, Visits

if TYPE_CHECKING:
    from fastapi import FastAPI

    from foretell.serve.labelling.desk import Desk
    from foretell.serve.state import State


def add_places(app: "FastAPI", state: "State", desk: "Desk | None", runs: Path | None) -> str:
    """The path of the first page; every visit knows the others. A server without models has no playground to offer."""
    links = places(playground=bool(state.models) or not runs, labelling=bool(desk), runs=bool(runs))
    app.add_middleware(Visits, links=links)
    return links[0][1]


def places(*, playground: bool, labelling: bool, runs: bool) -> list[Link]:
    """The names and the paths of the pages that there are."""
    found: list[Link] = []
    if playground:
        found += [("Complete", "/playground"), ("Chat", "/playground/chat"), ("Compare", "/compare")]
    if labelling:
        found += [("Arena", "/arena"), ("Label", "/label")]
    if runs:
        found += [("Runs", "/runs")]
    return found
