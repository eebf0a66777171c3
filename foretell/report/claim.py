"""A claim of the story: a row of the page's table, and what is said of one that nothing here has measured."""

from dataclasses import dataclass, replace

from foretell.report.read import Demo

NOT_YET = "not measured"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A row of the table of claims."""

    number: int
    statement: str
    metric: str = ""
    result: str = ""
    verdict: str = NOT_YET
    caution: str = ""
    """what few seeds demand to be said"""
    rung: str = ""
    """the part of the page that shows it"""


def unmeasured(claim: Claim, demo: Demo) -> Claim:
    """The claim with the command that measures it."""
    return replace(claim, result=f"{demo.command} measures it", verdict=NOT_YET)
