"""The requests of the API as OpenAI's clients send them; what is beyond the limits is refused.

A field that we do not know is an error, as it is there: a setting that would be ignored is worse than none.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    model_validator,
)
from pydantic_core import PydanticCustomError

MOST_PROMPTS, MOST_IDS, MOST_STOPS, MOST_BIASES, MOST_MESSAGES = 128, 131_072, 4, 300, 256
MOST_CHOICES, MOST_LOGPROBS = 8, 20
INT64 = 2**63


def whole(text: str) -> str:
    """The text; a ValueError for half of a surrogate pair, which JSON can spell and UTF-8 cannot."""
    if not text.isascii():
        text.encode()
    return text


def spelled(name: str) -> str:
    """The beginning of a field's name, so that it can be told."""
    return name[:64].encode(errors="replace").decode()


def few(given: Any) -> Any:
    """What was given; a ValueError for many entries, before each of them is looked at."""
    if isinstance(given, dict) and len(given) > MOST_BIASES:
        raise ValueError(f"it has {len(given)} entries; at most {MOST_BIASES} are read")
    return given


Text = Annotated[StrictStr, AfterValidator(whole)]
TokenId = Annotated[StrictInt, Field(ge=0, lt=2**31)]
Ids = Annotated[list[TokenId], Field(max_length=MOST_IDS, fail_fast=True)]
Texts = Annotated[list[Text], Field(min_length=1, max_length=MOST_PROMPTS, fail_fast=True)]
OneRow = Annotated[list[TokenId], Field(min_length=1, max_length=MOST_IDS, fail_fast=True)]
Rows = Annotated[list[Ids], Field(min_length=1, max_length=MOST_PROMPTS, fail_fast=True)]
Prompt = Text | Texts | OneRow | Rows
StopText = Annotated[Text, Field(min_length=1, max_length=64)]
Stop = StopText | Annotated[list[StopText], Field(max_length=MOST_STOPS, fail_fast=True)]
Name = Annotated[Text, Field(min_length=1, max_length=128)]
Bias = Annotated[float, Field(ge=-100, le=100)]
IdText = Annotated[StrictStr, Field(pattern=r"^[0-9]{1,7}$")]


class Strict(BaseModel):
    """A request."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def known(cls, given: Any) -> Any:
        """What was given; an error for the first field that is not known, rather than one for each of thousands."""
        names = given if isinstance(given, dict) else {}
        unknown = next((name for name in names if name not in cls.model_fields), None)
        if unknown is not None:
            raise PydanticCustomError("unknown_field", "{name}", {"name": spelled(unknown)})
        return given


class StreamOptions(Strict):
    """What a stream also tells."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class Settings(Strict):
    """What completions and chat have in common."""

    model: Name
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    top_k: int | None = Field(None, ge=0, le=INT64 - 1)
    min_p: float | None = Field(None, ge=0, le=1)
    repetition_penalty: float | None = Field(None, gt=0, le=100)
    n: int | None = Field(None, ge=1, le=MOST_CHOICES)
    stop: Stop | None = None
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    logit_bias: Annotated[dict[IdText, Bias], Field(max_length=MOST_BIASES), BeforeValidator(few)] | None = None
    seed: int | None = Field(None, ge=-INT64, lt=INT64)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: Annotated[Text, Field(max_length=512)] | None = None


class CompletionRequest(Settings):
    """What `/v1/completions` is asked."""

    prompt: Prompt | None = None
    max_tokens: int | None = Field(None, ge=0, lt=2**31)
    best_of: int | None = Field(None, ge=1, le=MOST_CHOICES)
    echo: bool | None = None
    logprobs: int | None = Field(None, ge=0, le=MOST_LOGPROBS)
    suffix: Text | None = None


class ImageUrl(Strict):
    """Where an image is: data: URLs alone could be read."""

    url: Text
    detail: Literal["auto", "low", "high"] | None = None


class TextPart(Strict):
    """A text of a message."""

    type: Literal["text"]
    text: Text


class ImagePart(Strict):
    """An image of a message."""

    type: Literal["image_url"]
    image_url: ImageUrl


class Message(Strict):
    """One turn of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | Annotated[list[TextPart | ImagePart], Field(min_length=1, max_length=64, fail_fast=True)]
    name: Annotated[Text, Field(max_length=64)] | None = None


class ResponseFormat(Strict):
    """Plain text is all that there is."""

    type: Literal["text"]


class ChatRequest(Settings):
    """What `/v1/chat/completions` is asked."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES, fail_fast=True)]
    max_tokens: int | None = Field(None, ge=1, lt=2**31)
    max_completion_tokens: int | None = Field(None, ge=1, lt=2**31)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=MOST_LOGPROBS)
    response_format: ResponseFormat | None = None


class EmbeddingRequest(Strict):
    """What `/v1/embeddings` is asked."""

    model: Name
    input: Prompt
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(None, ge=1, lt=2**31)
    user: Annotated[Text, Field(max_length=512)] | None = None


class TokenizeRequest(Strict):
    """What `/tokenize` is asked."""

    model: Name
    prompt: Annotated[StrictStr, Field(max_length=MOST_IDS), AfterValidator(whole)]


class DetokenizeRequest(Strict):
    """What `/detokenize` is asked."""

    model: Name
    tokens: Ids
