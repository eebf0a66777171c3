"""The answers of the API as OpenAI's clients read them."""

from typing import Any, Literal

from pydantic import BaseModel


class Usage(BaseModel):
    """How many tokens were read and made."""

    prompt_tokens: int
    completion_tokens: int = 0
    total_tokens: int


class LegacyLogprobs(BaseModel):
    """Of each token: its text, log-probability, the likeliest there, and at which character it begins."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None] | None
    text_offset: list[int]


class CompletionChoice(BaseModel):
    """One continuation."""

    index: int
    text: str
    logprobs: LegacyLogprobs | None = None
    finish_reason: Literal["stop", "length"]


class CompletionAnswer(BaseModel):
    """What `/v1/completions` answers."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage


class TopLogprob(BaseModel):
    """A token that was likely."""

    token: str
    logprob: float
    bytes: list[int]


class TokenLogprob(TopLogprob):
    """A token that was chosen."""

    top_logprobs: list[TopLogprob]


class ChatLogprobs(BaseModel):
    """The log-probabilities of an answer's tokens."""

    content: list[TokenLogprob]
    refusal: None = None


class AnswerMessage(BaseModel):
    """What the assistant said."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class ChatChoice(BaseModel):
    """One answer."""

    index: int
    message: AnswerMessage
    logprobs: ChatLogprobs | None = None
    finish_reason: Literal["stop", "length"]


class ChatAnswer(BaseModel):
    """What `/v1/chat/completions` answers."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage


class Embedding(BaseModel):
    """A text as a vector, or as the base64 of its float32 numbers."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(BaseModel):
    """How many tokens were read."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingAnswer(BaseModel):
    """What `/v1/embeddings` answers."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class ModelEntry(BaseModel):
    """A model that is served."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "foretell"
    max_model_len: int


class ModelList(BaseModel):
    """What `/v1/models` answers."""

    object: Literal["list"] = "list"
    data: list[ModelEntry]


class TokenizeAnswer(BaseModel):
    """What `/tokenize` answers."""

    count: int
    max_model_len: int
    tokens: list[int]
    token_strs: list[str]


class DetokenizeAnswer(BaseModel):
    """What `/detokenize` answers."""

    prompt: str


class ErrorBody(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorAnswer(BaseModel):
    """Every answer that is an error."""

    error: ErrorBody


Responses = dict[int | str, dict[str, Any]]
REFUSALS: Responses = {status: {"model": ErrorAnswer} for status in (400, 401, 403, 404, 408, 413, 415, 429, 503)}
