"""A model of ours as lm-evaluation-harness asks for one. Only imported where its package, lm_eval, is installed.

What a request means is the harness' to say: it cuts a context from its continuation, moves white space that ends a
context into the continuation, begins an empty context with the end-of-text token. How it is computed is ours:
beginnings that requests share are read once, batches are found, and none of that changes an answer.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from lm_eval.api.model import TemplateLM
from lm_eval.models.utils import normalize_gen_kwargs
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from foretell.errors import BadUse
from foretell.generate.beam import beam_search
from foretell.generate.config import Beam, Sampling
from foretell.generate.engine import generate
from foretell.generate.model import Model, load
from foretell.generate.prefixes import Ids
from foretell.generate.score import score
from foretell.progress import bar, say
from foretell.text.specials import CHAT, CHAT_TEMPLATE

AT_ONCE = 1024  # requests between two moves of the bar; what they share is read once in each such part
NEW_TOKENS = 256  # where a task names no number; the harness' own default

T = TypeVar("T")


class Unmarked:
    """A tokenizer's words without the names of special tokens, in which no stop text is to be found."""

    def __init__(self, model: Model) -> None:
        self.end_of_text, self.tokenizer = model.words.end_of_text, model.tokenizer
        self.n_vocab = model.tokenizer.n_vocab
        self.marks = set(model.tokenizer.specials.values())

    def decode(self, ids: Ids) -> str:
        """The text of ids."""
        return self.tokenizer.decode([i for i in ids if i not in self.marks])


class Foretell(TemplateLM):
    """Answers the harness' three kinds of requests with a model folder of ours, a Hugging Face folder, or a Model."""

    def __init__(
        self,
        model: str | Model,
        batch_size: int | str | None = None,
        max_batch_size: int | None = None,
        device: str | None = None,
        max_gen_toks: int = NEW_TOKENS,
        seed: int = 0,
    ) -> None:
        """BadUse for a model that is no decoder with a tokenizer.

        The harness always names a batch size. Ours are found, and change no answer, so that it is not asked.
        """
        super().__init__()
        self.model = load(model) if isinstance(model, str) else model
        self.model.check("answer lm-evaluation-harness", "decoder")
        if device is not None:
            from foretell.model.device import choose_device

            cuda = device.startswith("cuda")  # what the harness says unasked, whether there is one or not
            self.model.network.to(choose_device("auto" if cuda else device))
        self.max_gen_toks, self.seed, self.chats = max_gen_toks, seed, False
        self.max_length = self.model.network.cfg.n_ctx

    @property
    def eot_token_id(self) -> int:
        """The id that ends a text; BadUse where the vocabulary has none and a context is empty."""
        if not self.model.tokenizer.has_end:
            raise BadUse("a context is empty and the vocabulary has no end-of-text token to begin after; use few shots")
        return self.model.tokenizer.end_of_text

    @property
    def tokenizer_name(self) -> str:
        """The tokenizer's hash, by which the harness tells its cached requests apart."""
        return self.model.tokenizer.sha()

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs: Any) -> list[int]:
        """The ids of a text, nothing added; the chat's special tokens where the harness has rendered a chat."""
        if not self.chats:
            return self.model.tokenizer.encode(string)
        parts = re.split("(" + "|".join(map(re.escape, CHAT)) + ")", string)
        return [i for part in parts if part for i in self.chat_part(part)]

    def chat_part(self, part: str) -> list[int]:
        """The ids of a special token's name, or of a text between two."""
        return [self.model.tokenizer.special(part)] if part in CHAT else self.model.tokenizer.encode(part)

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """The template that all our chats have; BadUse where the tokenizer lacks the chat's tokens."""
        if chat_template in (False, None):
            return None
        if not self.model.tokenizer.specials.keys() >= set(CHAT):
            raise BadUse("this model's tokenizer has no tokens for a chat; leave out --apply_chat_template")
        return CHAT_TEMPLATE

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """The text of a conversation. From here on the chat's special names within prompts are special tokens.

        Without the assistant's turn to come, the last turn is open: what is scored or written goes on there.
        """
        self.chat_template(True)
        self.chats = True
        turns = [f"<|{turn['role']}|>{turn['content']}<|end|>" for turn in chat_history]
        text = "".join(turns)
        return text + "<|assistant|>" if add_generation_prompt else text.removesuffix("<|end|>")

    def _loglikelihood_tokens(
        self, requests: list[tuple[Any, list[int], list[int]]], disable_tqdm: bool = False, **kwargs: Any
    ) -> list[tuple[float, bool]]:
        pairs = [(context, continuation) for _, context, continuation in requests]
        long = sum(len(a) + len(b) > self.max_length + 1 for a, b in pairs)
        tell_cut(long, len(pairs), self.max_length, quiet=disable_tqdm)
        found: list[tuple[float, bool]] = []
        with bar("scoring", len(pairs), quiet=disable_tqdm) as shown:
            for part in parts(requests):
                scores = score(self.model.network, [(context, continuation) for _, context, continuation in part])
                answers = [(one.logprob, one.greedy) for one in scores]
                for (texts, _, _), answer in zip(part, answers, strict=True):
                    if texts is not None:
                        self.cache_hook.add_partial("loglikelihood", texts, answer)
                found += answers
                shown.advance(len(part))
        return found

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """The log-probability of each whole text, in windows of the context's length that each begin where one ended.

        The first window begins after the end-of-text token; each later one after the last token of the one before.
        """
        windows = [list(self.windows(request.args[0])) for request in requests]
        flat = [(None, context, continuation) for text in windows for context, continuation in text]
        answers = iter(self._loglikelihood_tokens(flat, disable_tqdm))
        found = [sum(next(answers)[0] for _ in text) for text in windows]
        for request, total in zip(requests, found, strict=True):
            self.cache_hook.add_partial("loglikelihood_rolling", request.args, total)
        return found

    def windows(self, text: str) -> Iterator[tuple[list[int], list[int]]]:
        """A text's windows, as the harness cuts them."""
        ids = self.tok_encode(text)
        cut = get_rolling_token_windows(ids, self.eot_token_id, self.max_length, 1)
        yield from map(make_disjoint_window, cut)

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """What follows each context, up to the first of `until`, the end of the text, or the last token allowed."""
        alike: dict[str, list[int]] = {}
        for place, request in enumerate(requests):
            alike.setdefault(json.dumps(request.args[1], sort_keys=True, default=str), []).append(place)
        found: dict[int, str] = {}
        with bar("generating", len(requests), quiet=disable_tqdm) as shown:
            for places in alike.values():
                for part in parts(places):
                    contexts = [requests[i].args[0] for i in part]
                    texts = self.written(contexts, requests[part[0]].args[1], quiet=disable_tqdm)
                    for i, text in zip(part, texts, strict=True):
                        self.cache_hook.add_partial("generate_until", requests[i].args, text)
                        found[i] = text
                    shown.advance(len(part))
        return [found[i] for i in range(len(requests))]

    def written(self, contexts: Sequence[str], settings: dict[str, Any], *, quiet: bool) -> list[str]:
        """The texts for contexts that share their settings."""
        how = choice(settings, self.max_gen_toks, self.seed)
        room = self.max_length - how.max_new_tokens
        if room < 1:
            rule = f"the context of this model holds {self.max_length}"
            raise BadUse(f"max_gen_toks={how.max_new_tokens} leaves no room for a prompt; {rule}: give less")
        prompts = [self.tok_encode(context) for context in contexts]
        tell_cut(sum(len(prompt) > room for prompt in prompts), len(prompts), room, quiet=quiet)
        prompts = [prompt[-room:] for prompt in prompts]
        network, words = self.model.network, Unmarked(self.model)
        if isinstance(how, Beam):
            return [one.text for one in beam_search(network, words, prompts, how)]
        return [one.text for one in generate(network, words, prompts, how)]


def choice(settings: dict[str, Any], max_gen_toks: int, seed: int) -> Sampling | Beam:
    """How tokens are chosen, from a request's settings; a BadUse names one that we do not have."""
    given: dict[str, Any] = dict(normalize_gen_kwargs(settings, max_gen_toks))
    stop = tuple(text for text in given.pop("until") if text)
    new, draws = given.pop("max_gen_toks"), given.pop("do_sample")
    temperature, width = given.pop("temperature", 0.0) if draws else 0.0, int(given.pop("num_beams", 1))
    given.pop("temperature", None)
    top_k, top_p, alpha = given.pop("top_k", 0), given.pop("top_p", 1.0), given.pop("length_penalty", 0.6)
    if given:
        raise BadUse(f"{next(iter(given))} is no setting of ours; leave it out of the task's generation_kwargs")
    if width > 1:
        if temperature:
            raise BadUse(f"num_beams={width} searches and draws nothing; leave out do_sample")
        return Beam(width=width, length_penalty=float(alpha), max_new_tokens=new, stop=stop)
    return Sampling(max_new_tokens=new, temperature=temperature, top_k=top_k, top_p=top_p, stop=stop, seed=seed)


def parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """The rows, so many at once."""
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))


def tell_cut(long: int, n: int, room: int, *, quiet: bool) -> None:
    """Say that prompts lose their beginning, where some do."""
    if long:
        say(
            f"{long} of {n} prompts do not fit into {room} tokens and lose their beginning; ask fewer shots",
            quiet=quiet,
        )
