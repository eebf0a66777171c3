"""What the pages of admins send."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt

from foretell.align.handing import MOST_OVERLAP
from foretell.serve.accounts.people import Role
from foretell.serve.accounts.wire import Name
from foretell.serve.wire import Strict, Text

Overlap = Annotated[StrictInt, Field(ge=1, le=MOST_OVERLAP)]
Share = Annotated[float, Field(ge=0, le=1)]


class Somebody(Strict):
    """An account."""

    name: Name


class InRole(Somebody):
    """An account, new or not, and its role."""

    role: Role


class Active(Somebody):
    """Whether an account may sign in."""

    active: Literal["yes", "no"]


class Screened(Somebody):
    """How somebody's screening test ended, as an admin decides; open: it is taken again."""

    screened: Literal["passed", "failed", "open"]


class Handed(Strict):
    """How a prompt is handed out."""

    prompt: Annotated[Text, Field(min_length=1, max_length=100)]
    open: StrictBool
    overlap: Overlap | None
    purpose: Literal["", "gold", "screening"]


class Held(Strict):
    """What holds for all prompts."""

    overlap: Overlap
    gold_every: Annotated[StrictInt, Field(ge=0, le=1000)]
    screen_rankings: Share
    screen_flags: Share


class Published(Strict):
    """A new version of the instructions."""

    version: Annotated[Text, Field(min_length=1, max_length=100)]
    told: Annotated[Text, Field(min_length=1, max_length=50_000)]
