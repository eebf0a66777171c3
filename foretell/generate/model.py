"""A trained model as people use it: text in, text out.

B batch   T positions   V n_vocab
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from foretell.errors import BadUse
from foretell.exchange.card import Card
from foretell.exchange.folder import load_model, save_model
from foretell.generate.beam import beam_search
from foretell.generate.config import Beam, Contrastive, Sampling
from foretell.generate.contrastive import contrastive_search
from foretell.generate.engine import Completion, generate
from foretell.generate.images import answers, pictured
from foretell.generate.score import Score, score
from foretell.generate.stops import Ending, Words
from foretell.model.network import Network
from foretell.text.chat import marked, said_ids
from foretell.text.tokenizer import Tokenizer


class Model:
    """A network with its tokenizer."""

    def __init__(self, network: Network, tokenizer: Tokenizer) -> None:
        self.network, self.tokenizer = network.eval(), tokenizer
        self.words: Words = tokenizer if tokenizer.has_end else Ending(-1, tokenizer.decode, tokenizer.n_vocab)

    def logits(self, ids: Tensor, **given: Tensor) -> Tensor:  # (B, T) -> (B, T, V)
        """Token logits; a seq2seq also takes `source`, an encoder `segments` and `attend`."""
        with torch.inference_mode():
            return self.network(ids, **given)

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[Score]:
        """The summed log-probability and the token count of each completion after its context.

        Both are encoded together. The completion is what follows the tokens that the context has alone too: where a
        token spans the border it belongs to the completion, and so do spaces that end a context.
        """
        self.check("score a completion", "decoder")
        alone = {context: self.tokenizer.encode(context.rstrip(" ")) for context in dict.fromkeys(c for c, _ in pairs)}
        return score(self.network, [self.encoded(context, text, alone[context]) for context, text in pairs])

    def encoded(self, context: str, completion: str, alone: Sequence[int] | None = None) -> tuple[list[int], list[int]]:
        """The ids of a context, after an end-of-text token if it is empty, and of its completion.

        `alone` are those of the context without the spaces that end it, where they are known.
        """
        whole = self.tokenizer.encode(context + completion)
        ids = self.tokenizer.encode(context.rstrip(" ")) if alone is None else alone
        pairs = enumerate(zip(whole, ids, strict=False))
        n = next((i for i, (a, b) in pairs if a != b), min(len(whole), len(ids)))
        return (whole[:n], whole[n:]) if n else ([self.tokenizer.end_of_text], whole)

    def generate(
        self,
        prompts: str | Sequence[str],
        *,
        max_new_tokens: int = 60,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        stop: tuple[str, ...] = (),
        beam: int = 0,
        length_penalty: float = 0.6,
        seed: int = 0,
        repetition_penalty: float = 1.0,
        no_repeat_ngram: int = 0,
        contrastive: float = 0.0,
        images: Sequence[Sequence[Any]] = (),
    ) -> list[Completion]:
        """A completion of each prompt (a translation of each source), drawn, or searched if a beam width is given.

        `contrastive` is the alpha of contrastive search among the top_k (4 if 0) likeliest tokens. A search draws
        nothing, so that temperature, top_p and the measures against repetition are refused beside it. `images` are
        those of each prompt: files, their contents, Pillow images or arrays of bytes; `<image>` is the place of one,
        else they come first. BadUse for an empty prompt where no token of the vocabulary can stand before a text.
        """
        self.check("generate", "decoder", "seq2seq")
        texts = [prompts] if isinstance(prompts, str) else prompts
        if any(images) and (contrastive or beam):
            raise BadUse("a search reads no images; leave out beam and contrastive, or the images")

        def sampling() -> Sampling:
            return Sampling(
                max_new_tokens=max_new_tokens,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                stop=stop,
                seed=seed,
                repetition_penalty=repetition_penalty,
                no_repeat_ngram=no_repeat_ngram,
            )

        if any(images):
            return self._with_images(texts, images, sampling())
        given = [self.tokenizer.encode(prompt) for prompt in texts]
        if not all(given) and not self.tokenizer.has_end:
            raise BadUse("a prompt is empty and the vocabulary has no end-of-text token to begin after; give some text")
        measures = (repetition_penalty, no_repeat_ngram)
        if contrastive:
            if (temperature, top_p, *measures, beam) != (1.0, 1.0, 1.0, 0, 0):
                rule = "searches and draws nothing; leave out temperature, top_p, beam and measures against repetition"
                raise BadUse(f"contrastive={contrastive} {rule}")
            search = Contrastive(max_new_tokens=max_new_tokens, k=top_k or 4, alpha=contrastive, stop=stop)
            return contrastive_search(self.network, self.words, given, search)
        if beam:
            if (temperature, top_k, top_p) != (1.0, 0, 1.0):
                raise BadUse(f"beam={beam} searches and draws nothing; leave out temperature, top_k and top_p")
            if measures != (1.0, 0):
                raise BadUse(f"beam={beam} takes no measures against repetition; leave them out, or draw instead")
            how = Beam(width=beam, length_penalty=length_penalty, max_new_tokens=max_new_tokens, stop=stop)
            return beam_search(self.network, self.words, given, how)
        return generate(self.network, self.words, given, sampling())

    def _with_images(
        self, prompts: Sequence[str], images: Sequence[Sequence[Any]], sampling: Sampling
    ) -> list[Completion]:
        if len(prompts) != len(images):
            raise BadUse(f"{len(prompts)} prompts and images for {len(images)}; give a list of images for each prompt")
        pairs = zip(prompts, images, strict=True)
        ids = [said_ids(self.tokenizer, marked(text, len(some))) for text, some in pairs]
        given, looked = pictured(self, ids, images)
        return generate(self.network, self.words, given, sampling, seen=looked)

    def answer(
        self,
        question: str,
        images: Sequence[Any] = (),
        *,
        max_new_tokens: int = 64,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> str:
        """The text of the answer to a question, in the chat's format, about images if some are given."""
        asked = [(question, images)]
        return answers(self, asked, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed)[0].text.strip()

    def save(self, folder: str | Path) -> str:
        """What other tools can load the folder as, after the model is written there."""
        return save_model(Path(folder), self.network, self.tokenizer, Card(recipe=Path(folder).name))

    def check(self, what: str, *kinds: str) -> None:
        """BadUse if this kind of network cannot do it."""
        kind = self.network.cfg.kind
        if kind not in kinds or self.network.lm_head is None:
            raise BadUse(
                f"this model is of kind {kind} and cannot {what}; give a {' or '.join(kinds)} with a language head"
            )


def load(source: str | Path) -> Model:
    """The model of a run folder, a Hugging Face folder, or "hf:NAME"."""
    loaded = load_model(source)
    if loaded.tokenizer is None:
        raise BadUse(f"{loaded.folder} holds no tokenizer.json; put the one that the model was trained with beside it")
    return Model(loaded.network, loaded.tokenizer)
