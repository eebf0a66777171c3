"""An answer that is told to be kept only when it is in the store."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from foretell.align.handed_in import NotOpen
from foretell.serve.refusals import Refused

T = TypeVar("T")


async def answered(work: Callable[[], T]) -> T:
    """What some work on the store comes to, done aside; Refused with 409 where its task is not open."""
    try:
        return await asyncio.to_thread(work)
    except NotOpen as error:
        raise Refused(409, str(error), code="task_not_open") from error
