"""The routes by which models are asked, and by which the server is looked after."""

from typing import TYPE_CHECKING

from foretell.serve import answers, chat, completions, embeddings, wire
from foretell.serve.asking import aside
from foretell.serve.attribution import add_attribution
from foretell.serve.metrics import Metric, by_model, exposition
from foretell.serve.refusals import Refused
from foretell.serve.served import Served, found

if TYPE_CHECKING:
    from fastapi import FastAPI

    from foretell.serve.state import State

STREAM: answers.Responses = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "or a stream"}
}


def add_routes(app: "FastAPI", state: "State") -> None:
    """All of them."""
    add_asking(app, state)
    add_words(app, state)
    add_attribution(app, state)
    add_state(app, state)


def add_asking(app: "FastAPI", state: "State") -> None:
    """Completions, chat and embeddings."""
    from starlette.requests import Request
    from starlette.responses import Response

    also: answers.Responses = {**answers.REFUSALS, **STREAM}

    @app.post("/v1/completions", response_model=answers.CompletionAnswer, responses=also)
    async def complete(asked: wire.CompletionRequest, request: Request) -> answers.CompletionAnswer | Response:
        """Continue prompts."""
        return await completions.complete(state.asking(request, asked.model), asked)

    @app.post("/v1/chat/completions", response_model=answers.ChatAnswer, responses=also)
    async def answer(asked: wire.ChatRequest, request: Request) -> answers.ChatAnswer | Response:
        """Answer in a conversation."""
        return await chat.chat(state.asking(request, asked.model), asked)

    @app.post("/v1/embeddings", response_model=answers.EmbeddingAnswer, responses=answers.REFUSALS)
    async def embed(asked: wire.EmbeddingRequest, request: Request) -> answers.EmbeddingAnswer:
        """Texts as vectors."""
        return await embeddings.embed(state.asking(request, asked.model), asked)


def add_words(app: "FastAPI", state: "State") -> None:
    """The models, and their tokens."""

    @app.get("/v1/models", responses=answers.REFUSALS)
    async def models() -> answers.ModelList:
        """The models that are served."""
        return answers.ModelList(data=[entry(served) for served in state.models.values()])

    @app.get("/v1/models/{name}", responses=answers.REFUSALS)
    async def model(name: str) -> answers.ModelEntry:
        """One of them."""
        return entry(found(state.models, name))

    @app.post("/tokenize", responses=answers.REFUSALS)
    async def tokenize(asked: wire.TokenizeRequest) -> answers.TokenizeAnswer:
        """The tokens of a text."""
        served = found(state.models, asked.model)
        ids = await aside(len(asked.prompt), lambda: served.tokenizer.encode(asked.prompt))
        names = [served.spelling.name(i) for i in ids]
        return answers.TokenizeAnswer(count=len(ids), max_model_len=served.n_ctx, tokens=ids, token_strs=names)

    @app.post("/detokenize", responses=answers.REFUSALS)
    async def detokenize(asked: wire.DetokenizeRequest) -> answers.DetokenizeAnswer:
        """The text of tokens."""
        served = found(state.models, asked.model)
        return answers.DetokenizeAnswer(prompt=served.spelling.decode(completions.checked(served, asked.tokens)))


def add_state(app: "FastAPI", state: "State") -> None:
    """Whether it is well, and what it has counted."""
    from starlette.responses import PlainTextResponse

    @app.get("/health", responses=answers.REFUSALS)
    async def health() -> dict[str, str]:
        """Whether every model's batch is at work."""
        for served in state.models.values():
            if not served.scheduler.thread.is_alive():
                raise Refused(503, f"the batch of {served.name} has ended; start the server again")
        return {"status": "ok"}

    @app.get("/metrics", response_class=PlainTextResponse, responses=answers.REFUSALS)
    async def metrics() -> PlainTextResponse:
        """What was counted, for Prometheus."""
        text = exposition([*state.counts.metrics(), *of_models(list(state.models.values()))])
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")


def entry(served: Served) -> answers.ModelEntry:
    """A model as it is listed."""
    return answers.ModelEntry(id=served.name, created=served.created, max_model_len=served.n_ctx)


def of_models(models: list[Served]) -> list[Metric]:
    """What each model's batch has counted."""
    batches = {served.name: served.scheduler for served in models}
    kept = {served.name: served.kept for served in models}
    running = [(name, len(batch.running)) for name, batch in batches.items()]
    waiting = [(name, batch.n_waiting) for name, batch in batches.items()]
    return [
        by_model("foretell_rows_running", "gauge", "rows of the batch", running),
        by_model("foretell_rows_waiting", "gauge", "rows that wait", waiting),
        by_model("foretell_steps_total", "counter", "steps of the batch", [(n, b.steps) for n, b in batches.items()]),
        by_model("foretell_tokens_made_total", "counter", "new tokens", [(n, b.made) for n, b in batches.items()]),
        by_model("foretell_tokens_read_total", "counter", "of prompts", [(n, b.read) for n, b in batches.items()]),
        by_model(
            "foretell_failures_total", "counter", "rows that failed", [(n, b.failures) for n, b in batches.items()]
        ),
        by_model(
            "foretell_first_tokens_total",
            "counter",
            "first tokens",
            [(n, b.first_token[0]) for n, b in batches.items()],
        ),
        by_model(
            "foretell_first_token_seconds_total",
            "counter",
            "from a request to its first token",
            [(n, b.first_token[1]) for n, b in batches.items()],
        ),
        by_model(
            "foretell_prefix_asked_total", "counter", "tokens of prompts", [(n, k.asked) for n, k in kept.items()]
        ),
        by_model("foretell_prefix_found_total", "counter", "not read again", [(n, k.found) for n, k in kept.items()]),
    ]
