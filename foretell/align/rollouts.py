"""The responses of an iteration: which prompts it asks, and who answers them.

The prompts and every draw follow from (seed, iteration), so that nothing has to be stored. The sampler is the sampling
engine that all of the project uses, at the run's temperature and with nothing cut off: no top-k, no top-p, no
repetition penalty, no least length. What is sampled from is then what log-probabilities are computed of.

Another server's samples come in through the same function type. Its weights and kernels are never quite the trainer's:
the responses are then scored by the trainer, and each token of the loss weighs min(pi_trainer / pi_sampler, CAP)
(truncated importance sampling, Ionides 2008).
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from foretell.align.episodes import Sampled
from foretell.corpus.config import PromptData
from foretell.corpus.labels import label_file, label_rows
from foretell.corpus.order import shuffled
from foretell.errors import BadUse
from foretell.generate.config import Sampling
from foretell.generate.engine import generate
from foretell.generate.stops import Ending
from foretell.model.network import Network
from foretell.objective.policy import real
from foretell.text.chat import prompt_ids, turns_of
from foretell.text.tokenizer import Tokenizer

CAP = 2.0  # of an importance weight; Yao et al. 2025 take the same
Prompts = list[list[int]]


class Sampler(Protocol):
    """Who answers prompts. It is told the network as it is now: a server that holds its own copy takes that over."""

    def __call__(self, network: Network, prompts: Sequence[Sequence[int]], seed: int) -> list[Sampled]:
        """A response to each prompt, drawn at the run's temperature, with log-probabilities at temperature 1."""


def engine(end: int, response: int, temperature: float, n_vocab: int | None = None) -> Sampler:
    """The project's own sampling engine: at most `response` tokens, of which `end` is the last if it comes.

    `n_vocab` are the tokenizer's ids; those that a padded vocabulary has beyond are not drawn. A share of the prompts
    has the draws of its place among all, of which `first` is the first one's.
    """
    words = Ending(end, lambda ids: "", n_vocab)

    def sample(network: Network, prompts: Sequence[Sequence[int]], seed: int, first: int = 0) -> list[Sampled]:
        how = Sampling(max_new_tokens=response, temperature=temperature, seed=seed)
        return [
            Sampled([*one.ids, end] if one.finish == "end" else one.ids, one.logprobs, one.finish == "end")
            for one in generate(network, words, prompts, how, first=first)
        ]

    return sample


def read_prompts(
    data: PromptData, tokenizer: Tokenizer, say: Callable[[str], object] = lambda line: None
) -> tuple[Prompts, Prompts]:
    """The ids of the prompts to train on, and of those held out; what leaves no room for a response is left out, and
    how many that are is said.

    BadUse that names an empty or wrong prompt, and if no prompt is left to train on.
    """
    path = label_file(data.folder, "prompts")
    room, sides, n = data.length - data.response, [], 0
    for rows in label_rows(data.folder, "prompts"):
        encoded = [encode(row.get("text"), tokenizer, f"{path}, prompt {i}") for i, row in enumerate(rows, 1)]
        sides.append([ids for ids in encoded if len(ids) <= room])
        n += len(encoded)
    if not sides[0]:
        rule = f"of at most {room} tokens (length={data.length} less response={data.response})"
        raise BadUse(f"{path} holds no prompt {rule} to train on; raise --data.length or give shorter prompts")
    if left := n - len(sides[0]) - len(sides[1]):
        say(f"{left} of {n} prompts are longer than {room} tokens and are left out")
    return sides[0], sides[1]


def encode(text: object, tokenizer: Tokenizer, where: str) -> list[int]:
    """The ids of a prompt as labels hold it; BadUse if it is empty or none."""
    try:
        turns = turns_of(text)  # type: ignore[arg-type]
    except ValueError as error:
        raise BadUse(f"{where}: {error}") from error
    if not turns or not turns[-1].text.strip():
        raise BadUse(f"{where} is empty; remove it, or write what is asked")
    try:
        return prompt_ids(tokenizer, turns)
    except BadUse as error:
        raise BadUse(f"{where}: {error}") from error


def asked(prompts: Prompts, n: int, samples: int, seed: int, step: int) -> Prompts:
    """The n prompts of an iteration, each `samples` times in a row; every pass over all has its own order."""
    rows = shuffled(np.arange(step * n, (step + 1) * n), len(prompts), seed)
    return [prompts[row] for row in rows.tolist() for _ in range(samples)]


def stream(seed: int, step: int) -> int:
    """The seed of an iteration's draws."""
    return seed * 1_000_003 + step


@torch.no_grad()
def importance(logp: Tensor, sampled: Tensor, lengths: Tensor) -> Tensor:  # (B, R), (B, R), (B,) -> (B, R)
    """The weight of each token: min(pi_trainer / pi_sampler, CAP)."""
    return (real(logp, lengths) - real(sampled, lengths)).exp().clamp(max=CAP)
