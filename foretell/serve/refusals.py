"""Errors in OpenAI's shape: every answer that is not what was asked for is one of these."""

import json
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from foretell.errors import BadUse, Failed, first_line
from foretell.serve.scheduler import Busy

TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error", 500: "server_error"}
MOST_SAID = 400  # characters of a message


class Refused(Exception):
    """An answer that is an error: its status, what it says, and which field it is about."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None, after: float = 0
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code, self.after = status, message, param, code, after

    @property
    def headers(self) -> dict[str, str]:
        """Those that the status asks for."""
        found = {"Retry-After": str(max(1, ceil(self.after)))} if self.status in (429, 503) else {}
        return found | ({"WWW-Authenticate": "Bearer"} if self.status == 401 else {})

    @property
    def content(self) -> dict[str, Any]:
        """What is sent."""
        kind = TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        message = self.message.encode("utf-8", "replace").decode()[:MOST_SAID]
        return {"error": {"message": message, "type": kind, "param": self.param, "code": self.code}}

    @property
    def body(self) -> bytes:
        """What is sent, as JSON."""
        return json.dumps(self.content).encode()


def refused(error: BaseException) -> Refused:
    """An error of ours as an answer; what nobody foresaw is told by its kind alone."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, Busy):
        return Refused(429, str(error), code="queue_full", after=error.after)
    if isinstance(error, BadUse | ValueError):
        return Refused(400, first_line(error))
    if isinstance(error, Failed):
        return Refused(503, first_line(error), after=1)
    return Refused(503, f"the model could not answer ({type(error).__name__}); try again", after=1)


def of_validation(errors: Sequence[Mapping[str, Any]]) -> Refused:
    """What is wrong with a request that does not fit its schema: of the field that went wrong deepest."""
    if not errors:
        return Refused(400, "the request is not as it should be")
    first = max(errors, key=lambda error: len(error["loc"]))
    if first["type"] == "json_invalid":
        return Refused(400, "the request is no JSON; send one JSON object")
    place = [part for part in first["loc"] if part not in ("body", "path", "query")]
    names = [str(part) for part in place if isinstance(part, int) or str(part).replace("_", "").isalnum()]
    field = ".".join(names) or None
    if first["type"] == "unknown_field":
        name = ".".join([*names, first["msg"]])
        return Refused(400, f"the field {name} is not known; leave it out", param=name if name.isascii() else None)
    if first["type"] == "value_error" and "surrogate" in first["msg"]:
        return Refused(
            400, f"{field or 'the request'} holds half of a surrogate pair; send whole characters", param=field
        )
    return Refused(400, f"{field or 'the request'}: {first['msg'].removeprefix('Value error, ')[:200]}", param=field)
