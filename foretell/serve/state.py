"""What the routes of a server share."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from foretell.serve.asking import Asking, Bell
from foretell.serve.metrics import Counts
from foretell.serve.served import Served, found
from foretell.serve.settings import Limits

if TYPE_CHECKING:
    from starlette.requests import Request


class State:
    """What the routes share: the models, the counts, and the bell of the event loop that serves."""

    def __init__(self, models: Mapping[str, Served], limits: Limits) -> None:
        self.models, self.limits, self.counts = models, limits, Counts()
        self.bell: Bell | None = None

    def asking(self, request: "Request", model: str) -> Asking:
        """What one request has under way with a model; Refused where there is no such model."""
        served = found(self.models, model)
        assert self.bell is not None, "the application has begun"
        return Asking(request, served, self.limits, self.bell)
