"""Whose a request is, for the tasks and the arena: one place to ask, so that accounts can answer it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request

    from foretell.serve.labelling.desk import Desk


def operator(desk: "Desk", request: "Request") -> str:
    """The name under which what comes with a request is kept: that of the one person at this machine."""
    del request  # an account of its own comes with the request where there are any
    return desk.labeller
