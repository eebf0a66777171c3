"""Prompts to begin with: one of each kind of few-shot task that Brown et al. 2020 tried, in words of our own.

With a label store people add theirs, which stay under their names for everybody who may use the playground.
"""

import asyncio
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, StrictInt

from foretell.align.presets import keep_preset, kept_presets
from foretell.serve.accounts.people import require
from foretell.serve.wire import Strict, Text

if TYPE_CHECKING:
    from fastapi import FastAPI

    from foretell.align.database import Store

MOST_PROMPT = 200_000  # characters


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """A prompt, and the settings that suit it."""

    name: str
    prompt: str
    max_tokens: int = 32
    temperature: float = 0.0
    stop: tuple[str, ...] = ()


PRESETS = (
    Preset(name="Continue a text", prompt="Return the", max_tokens=60, temperature=0.8),
    Preset(
        name="Question and answer",
        prompt="Q: What is the capital of France?\nA: Paris\n\nQ: How many legs has a spider?\nA: Eight\n\n"
        "Q: Which metal is liquid at room temperature?\nA:",
        stop=("\n",),
    ),
    Preset(
        name="Translate",
        prompt="English: good morning\nFrench: bonjour\n\nEnglish: thank you\nFrench: merci\n\n"
        "English: good night\nFrench:",
        stop=("\n",),
    ),
    Preset(
        name="Add",
        prompt="Q: What is 48 plus 76?\nA: 124\n\nQ: What is 13 plus 29?\nA: 42\n\nQ: What is 31 plus 57?\nA:",
        max_tokens=4,
        stop=("\n",),
    ),
    Preset(
        name="Unscramble a word",
        prompt="asinoc = casino\nrgeen = green\npalpe =",
        max_tokens=8,
        stop=("\n",),
    ),
    Preset(
        name="Use a new word",
        prompt='A "plomb" is a small boat with a round bottom. An example of a sentence that uses the word plomb is:\n'
        "We crossed the lake in an old plomb.\n\n"
        'To "frindle" means to walk quickly on the tips of the toes. An example of a sentence that uses the word '
        "frindle is:\n",
        max_tokens=40,
        temperature=0.7,
        stop=("\n\n",),
    ),
    Preset(
        name="Correct the grammar",
        prompt="Poor English input: I eated the apple.\nGood English output: I ate the apple.\n\n"
        "Poor English input: She no went to the market.\nGood English output:",
        stop=("\n",),
    ),
)


class Kept(Strict):
    """A preset that somebody keeps."""

    name: Annotated[Text, Field(min_length=1, max_length=80)]
    prompt: Annotated[Text, Field(max_length=MOST_PROMPT)]
    max_tokens: Annotated[StrictInt, Field(ge=1, le=100_000)] = 32
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    stop: Annotated[list[Annotated[Text, Field(min_length=1, max_length=64)]], Field(max_length=4)] = []


def all_presets(store: "Store | None") -> list[dict[str, Any]]:
    """Ours, then those that people kept, each with its name, prompt and settings."""
    ours = [asdict(preset) for preset in PRESETS]
    return ours + ([{"name": name, **told} for name, told in kept_presets(store).items()] if store else [])


def add_presets(app: "FastAPI", store: "Store") -> None:
    """Keep a preset, and tell all of them as JSON."""
    from starlette.requests import Request

    @app.get("/presets", include_in_schema=False)
    async def presets() -> list[dict[str, Any]]:
        return await asyncio.to_thread(all_presets, store)

    @app.post("/presets", include_in_schema=False)
    async def keep(given: Kept, request: Request) -> dict[str, bool]:
        told = given.model_dump(exclude={"name"})
        await asyncio.to_thread(keep_preset, store, require(request).name, given.name, told)
        return {"saved": True}
