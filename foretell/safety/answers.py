"""What a model answers to prompts, as texts: drawn, the same for a prompt whatever its place among others of a call."""

from collections.abc import Sequence
from typing import Any

from foretell.generate.chat import end_of
from foretell.generate.config import Sampling
from foretell.generate.engine import generate
from foretell.generate.model import Model
from foretell.generate.stops import Ending
from foretell.text.chat import prompt_ids, turns_of

Prompt = Any  # a text, or a list of role and content
ROOM = 28  # tokens of an answer


def answers(
    model: Model, prompts: Sequence[Prompt], *, temperature: float = 1.0, seed: int = 0, room: int = ROOM
) -> list[str]:
    """An answer to each prompt, without special tokens; one that finds no room in the context is empty."""
    ids = [prompt_ids(model.tokenizer, turns_of(one)) for one in prompts]
    places = [i for i, one in enumerate(ids) if len(one) + room <= model.network.cfg.n_ctx]
    found = [""] * len(ids)
    if not places:
        return found
    words = Ending(end_of(model), lambda some: "", model.tokenizer.n_vocab)
    how = Sampling(max_new_tokens=room, temperature=temperature, seed=seed)
    for place, one in zip(places, generate(model.network, words, [ids[i] for i in places], how), strict=True):
        found[place] = text_of(model, one.ids)
    return found


def text_of(model: Model, ids: Sequence[int]) -> str:
    """The text of an answer up to its first special token."""
    specials = set(model.tokenizer.specials.values())
    cut = next((i for i, one in enumerate(ids) if one in specials), len(ids))
    return model.tokenizer.decode(ids[:cut])


def fits(model: Model, prompt: Prompt, room: int = ROOM) -> bool:
    """Whether an answer finds room behind a prompt."""
    return len(prompt_ids(model.tokenizer, turns_of(prompt))) + room <= model.network.cfg.n_ctx
