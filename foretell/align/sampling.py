"""Outputs for labellers to rank: K of each prompt, from one model or several, kept in the label store as they come.

K is mixed within its range (Ouyang et al. 2022, section 3.2: K = 4 to 9; how it was chosen is not stated) and, like
every draw, a function of (seed, prompt): which prompts are sampled beside it, or in which call, changes nothing. A
prompt that has outputs is passed over, so that what was stopped goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretell import progress
from foretell.align.answering import Answering, answers, fits, style_of
from foretell.align.database import Store
from foretell.align.records import FEWEST, MOST, Output, Prompt, as_json, content_id
from foretell.align.simulated import uniform
from foretell.align.store import add_outputs, outputs, prompts
from foretell.errors import BadUse
from foretell.eval.results import fingerprint

if TYPE_CHECKING:
    from foretell.generate.model import Model

AT_ONCE = 32  # prompts whose outputs are sampled together, then stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """How many prompts were given outputs, how many outputs, and how many prompts were passed over and why."""

    prompts: int
    outputs: int
    had_outputs: int = 0
    too_long: int = 0


def how_many(seed: int, prompt_id: str, fewest: int, most: int) -> int:
    """K of a prompt, each from fewest to most as likely as the others."""
    return fewest + int(uniform(seed, "k", prompt_id) * (most - fewest + 1))


def shares(seed: int, prompt_id: str, k: int, models: int) -> list[int]:
    """How many of a prompt's K outputs each model gives: as equal as can be, who gives one more drawn by the prompt."""
    order = sorted(range(models), key=lambda one: uniform(seed, "model", prompt_id, one))
    extra = set(order[: k % models])
    return [k // models + (one in extra) for one in range(models)]


def sample(
    store: Store,
    sources: Sequence[str],
    how: Answering,
    *,
    fewest: int = 4,
    most: int = 9,
    split: str | None = None,
    limit: int = 0,
    device: str = "cpu",
    quiet: bool = False,
) -> Sampled:
    """What was sampled for the store's prompts that had no outputs; a model of text alone is asked in the plain style.

    sources: run folders, Hugging Face folders or hf:NAME; limit: prompts at most, 0 all. BadUse for K out of 2 to 9, an
    empty store, and where no prompt fits.
    """
    if not FEWEST <= fewest <= most <= MOST:
        raise BadUse(f"K from {fewest} to {most}; {FEWEST} to {MOST} outputs can be ranked")
    known = prompts(store, split)
    if not known:
        raise BadUse(
            f"{store.name} holds no prompt{f' of the side {split}' if split else ''}; foretell label init adds some"
        )
    models = [(source, opened(source, device), manner(source, how)) for source in sources]
    have = outputs(store, split)
    waiting = [one for one in known if one.prompt_id not in have]
    fitting = [one for one in waiting if all(fits(model, as_json(one), manner) for _, model, manner in models)]
    if waiting and not fitting:
        raise BadUse(
            f"none of {len(waiting)} prompts leaves room for an answer of {how.max_new_tokens} tokens in a context of "
            f"{min(model.network.cfg.n_ctx for _, model, _ in models)}; lower --max-new-tokens"
        )
    chosen = fitting[:limit] if limit else fitting
    made = 0
    with progress.bar("outputs", len(chosen), quiet=quiet or not chosen) as shown:
        for start in range(0, len(chosen), AT_ONCE):
            some = chosen[start : start + AT_ONCE]
            made += stored(store, some, models, fewest, most)
            shown.advance(len(some))
    return Sampled(
        prompts=len(chosen), outputs=made, had_outputs=len(known) - len(waiting), too_long=len(waiting) - len(fitting)
    )


def opened(source: str, device: str) -> "Model":
    """The model of a folder, on the device."""
    from foretell.generate.model import load
    from foretell.model.device import choose_device

    model = load(source)
    model.check("answer", "decoder")
    model.network.to(choose_device(device))
    return model


def manner(source: str, how: Answering) -> Answering:
    """How this model is asked."""
    return replace(how, style=style_of(source))


def stored(
    store: Store, some: Sequence[Prompt], models: Sequence[tuple[str, "Model", Answering]], fewest: int, most: int
) -> int:
    """How many outputs were sampled and stored. Equal texts of one model are one output, so a prompt may have fewer."""
    seed = models[0][2].seed
    ks = [how_many(seed, one.prompt_id, fewest, most) for one in some]
    counts = [shares(seed, one.prompt_id, k, len(models)) for one, k in zip(some, ks, strict=True)]
    made: list[list[Output]] = [[] for _ in some]
    records: list[dict[str, Any]] = [as_json(one) for one in some]
    for number, (source, model, how) in enumerate(models):
        told: dict[str, Any] = {
            "model": name_of(source),
            "checkpoint": fingerprint(model),
            "temperature": how.temperature,
        }
        own = int(content_id([seed, number])[:8], 16) if number else seed  # two models do not share their draws
        found = answers(model, records, replace(how, seed=own), [row[number] for row in counts])
        for some_outputs, texts in zip(made, found, strict=True):
            some_outputs += [Output(text=text, seed=own, **told) for text in texts]
    for one, some_outputs in zip(some, made, strict=True):
        add_outputs(store, one.prompt_id, some_outputs)
    return sum(map(len, made))


def name_of(source: str) -> str:
    """A model's name in the store: its folder's, or the hub's."""
    return source if source.startswith("hf:") else Path(source).resolve().name
