"""Many outputs of few prompts, drawn in blocks that are kept: a stopped audit goes on, a larger one adds to them.

What a block draws follows from the seed, the prompt and its place alone, so that 800 samples begin with the 200 that
were drawn before (but for the rounding of another batch).
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from foretell import progress
from foretell.errors import BadUse
from foretell.eval.records import append_records, digest, read_records
from foretell.generate.model import Model

BLOCK = 64  # outputs between two writes: as many as the engine holds at once


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """How outputs are drawn: by default as for GPT-3's table 6.1 (Brown et al. 2020, section 6.2.1)."""

    samples: int = 800
    max_new_tokens: int = 50
    temperature: float = 1.0
    top_p: float = 0.9
    seed: int = 0

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ValueError(f"samples={self.samples} is not positive; give at least 1")


def sampled(
    model: Model,
    prompts: Mapping[str, str],
    drawing: Drawing,
    path: Path,
    *,
    what: str = "samples",
    quiet: bool = False,
) -> dict[str, list[str]]:
    """The outputs of each prompt, by the prompt's name; those that `path` holds already are not drawn again.

    Where the context is short, outputs are as long as it lets them be. BadUse for a prompt that leaves no room.
    """
    length = room(model, list(prompts.values()), drawing.max_new_tokens)
    known, found = read_records(path), {}
    with progress.bar(what, len(prompts) * drawing.samples, quiet=quiet) as shown:
        for name, prompt in prompts.items():
            texts: list[str] = []
            for start in range(0, drawing.samples, BLOCK):
                n = min(BLOCK, drawing.samples - start)
                how = digest(prompt, repr((length, drawing.temperature, drawing.top_p, drawing.seed, start)))
                record = known.get(f"{name} {start}")
                if record is None or record.get("how") != how or len(record["texts"]) < n:
                    record = {
                        "key": f"{name} {start}",
                        "how": how,
                        "texts": block(model, prompt, n, length, how, drawing),
                    }
                    append_records(path, [record])
                texts += record["texts"][:n]
                shown.advance(n)
            found[name] = texts
    return found


def block(model: Model, prompt: str, n: int, length: int, how: str, drawing: Drawing) -> list[str]:
    """The outputs of a block."""
    draws = random.Random(how).getrandbits(32)
    completions = model.generate(
        [prompt] * n, max_new_tokens=length, temperature=drawing.temperature, top_p=drawing.top_p, seed=draws
    )
    return [completion.text for completion in completions]


def room(model: Model, prompts: list[str], wanted: int) -> int:
    """The tokens that every output may have: those that are wanted, or what the context leaves of them."""
    longest = max(prompts, key=lambda prompt: len(model.tokenizer.encode(prompt)))
    n = len(model.tokenizer.encode(longest))
    left = model.network.cfg.n_ctx - max(n, 1)
    if left < 1:
        raise BadUse(
            f"the prompt {longest!r} has {n} tokens and fills the context of {model.network.cfg.n_ctx}; cut it"
        )
    return min(wanted, left)
