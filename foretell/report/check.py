"""What held in the reference run of this version, and whether it still does.

reference_claims.json is made from a finished run by `foretell report RUNS --save-claims FILE`; nobody types it. A claim
whose verdict there was "holds here" is expected to hold wherever the same scale is climbed again.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from foretell.errors import BadUse
from foretell.report.claim import NOT_YET, Claim
from foretell.report.claims import claims
from foretell.report.read import Demo
from foretell.report.verdicts import HOLDS
from foretell.version import VERSION

REFERENCE = Path(__file__).with_name("reference_claims.json")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A claim's verdict in the reference run, and the result that it follows from."""

    number: int
    statement: str
    metric: str
    result: str
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The claims of a run, with what the run was."""

    version: str
    scale: str
    text: str
    command: str
    started: str
    processor: str
    claims: list[Kept]


def reference_of(demo: Demo) -> Reference:
    """The claims of a run as a reference. BadUse where its stages are not all done."""
    story = demo.story
    if story is None or not all(stage.done for stage in story.stages):
        raise BadUse(f"{demo.folder} is not finished, so it is no reference; {demo.command} goes on with it")
    kept = [
        Kept(number=one.number, statement=one.statement, metric=one.metric, result=one.result, verdict=one.verdict)
        for one in claims(demo)
    ]
    return Reference(
        version=VERSION,
        scale=story.scale,
        text=story.text,
        command=story.command,
        started=story.started,
        processor=str(story.machine.get("processor", "unknown")),
        claims=kept,
    )


def read_reference(path: Path) -> Reference:
    """A reference from its file; BadUse that names the file and the field where it is none."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Reference).validate_json(path.read_bytes(), strict=True)
    except OSError as error:
        raise BadUse(
            f"{path} cannot be read ({error.strerror}); foretell report RUNS --save-claims makes one"
        ) from error
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the file"
        raise BadUse(f"{path}: {where}: {problem['msg']}; foretell report RUNS --save-claims makes one") from error


def text_of(reference: Reference) -> str:
    """A reference as its file."""
    from dataclasses import asdict

    return json.dumps(asdict(reference), indent=1) + "\n"


def lost(demo: Demo, reference: Reference) -> list[tuple[Kept, Claim]]:
    """The claims that held in the reference run and do not here: what was kept, and what came out.

    BadUse where the run is of another scale: what holds at one need not at another.
    """
    scale = demo.story.scale if demo.story else "unknown"
    if scale != reference.scale:
        rule = f"is of scale {scale!r} and the reference run of {reference.scale!r}"
        raise BadUse(f"{demo.folder} {rule}; give --reference FILE of a run of the same scale")
    here = {claim.number: claim for claim in claims(demo)}
    return [(kept, here[kept.number]) for kept in reference.claims if gone(kept, here)]


def gone(kept: Kept, here: dict[int, Claim]) -> bool:
    """Whether a claim that held does not any more."""
    return kept.verdict == HOLDS and here[kept.number].verdict != HOLDS


def told(demo: Demo, reference: Reference) -> list[str]:
    """A line a claim: its verdict here, beside the reference's where that differs."""
    kept = {one.number: one.verdict for one in reference.claims}
    return [
        f"({claim.number}) {verdict_words(claim, kept.get(claim.number, NOT_YET))}: {claim.statement}"
        for claim in claims(demo)
    ]


def verdict_words(claim: Claim, before: str) -> str:
    """The verdict, and what it was where that differs."""
    return claim.verdict if claim.verdict == before else f"{claim.verdict} (reference: {before})"


def failure(found: Sequence[tuple[Kept, Claim]]) -> str:
    """The line that says which claims were lost."""
    parts = [
        f"claim ({kept.number}) held with {kept.result} and is now {claim.verdict} with {claim.result or 'no result'}"
        for kept, claim in found
    ]
    return "; ".join(parts)
