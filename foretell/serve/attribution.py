"""`/attribution`: which words, layers and heads made a model expect the last word of a sentence, for a picture.

It is the audit `attribution` of one sentence, whose numbers foretell/report/attribution.py draws. The thread of the
batch does it between two steps, and everybody waits for it meanwhile: so sentences are short.
"""

from typing import TYPE_CHECKING

import torch
from pydantic import BaseModel, Field

from foretell.audit.attribution import explained
from foretell.serve.answers import REFUSALS
from foretell.serve.asking import Asking
from foretell.serve.refusals import Refused
from foretell.serve.scheduler import Wanted
from foretell.serve.served import Served
from foretell.serve.wire import Name, Strict, Text

if TYPE_CHECKING:
    from fastapi import FastAPI

    from foretell.serve.state import State

MOST_TOKENS = 64  # of a sentence; the work grows with their square


class AttributionRequest(Strict):
    """A sentence whose last word is explained."""

    model: Name
    sentence: Text


class Layer(BaseModel):
    """What a layer would say after the context, and what it makes of the right word's first token."""

    layer: int
    token: str
    probability: float
    right: float
    rank: int


class AttributionAnswer(BaseModel):
    """A number for each token of the context by three methods, in nats but for rollout's shares; layers and heads."""

    model: str
    text: str
    word: str
    tokens: list[str]
    logprob: float
    baseline_logprob: float
    completeness_error: float
    integrated: list[float]
    left_out: list[float]
    rollout: list[float]
    lens: list[Layer]
    heads: list[list[float]] = Field(description="nats that each head gives, a row for each layer")


def add_attribution(app: "FastAPI", state: "State") -> None:
    """The route."""
    from starlette.requests import Request

    @app.post("/attribution", response_model=AttributionAnswer, responses=REFUSALS)
    async def attribution(asked: AttributionRequest, request: Request) -> AttributionAnswer:
        """Explain the last word of a sentence."""
        return await attribute(state.asking(request, asked.model), asked.sentence)


async def attribute(asking: Asking, sentence: str) -> AttributionAnswer:
    """The answer; Refused for a model that is no decoder, and a sentence of one word or of too many tokens."""
    served = asking.served
    if served.network.cfg.kind != "decoder" or served.network.lm_head is None:
        raise Refused(400, f"the model {served.name} continues no text; ask a decoder", param="model")
    n = len(served.encode(sentence))
    if n > MOST_TOKENS:
        raise Refused(400, f"the sentence has {n} tokens; at most {MOST_TOKENS} are explained", param="sentence")
    (one,) = calls = [Wanted(call=lambda: of_sentence(served, sentence))]
    asking.submit(calls)
    await asking.wait()
    return AttributionAnswer.model_validate(one.answer)


def of_sentence(served: Served, sentence: str) -> AttributionAnswer:
    """The audit's numbers under names without spaces. Gradients are wanted, which the batch's thread else forgoes."""
    with torch.inference_mode(False):
        found = explained(served.model, sentence)
    named = {name.replace(" ", "_"): value for name, value in found.items()}
    return AttributionAnswer.model_validate({**named, "model": served.name})
