"""Learning pieces of words from text, for gpt1 and wordpiece: tokenizers' trainers, made repeatable here.

It numbers the pieces of an alphabet with `</w>` or `##` in the order of a hash table that differs from run to run, and
breaks ties between merges by those numbers. So the alphabet is counted here and given to it, in order.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import tokenizers
from tokenizers import trainers

from foretell.errors import BadUse
from foretell.progress import bar
from foretell.text.tokenizer import well_formed

Trainer = trainers.BpeTrainer | trainers.WordPieceTrainer
MIN_COUNT = 2  # a pair or a character seen once is no pattern


def check_size(n_vocab: int, n_specials: int) -> None:
    """A BadUse where not even the bytes and the special tokens fit."""
    if n_vocab < 256 + n_specials:
        least = f"at least {256 + n_specials}, 256 bytes or characters and {n_specials} special tokens"
        raise BadUse(f"n_vocab={n_vocab} is too small: {least}; a thousand and more is usual")


def too_few(n_vocab: int, most: int) -> BadUse:
    """The error of a text that gives fewer tokens than asked for; both numbers with the special tokens."""
    return BadUse(
        f"n_vocab={n_vocab} is more than this text gives ({most}); "
        f"take n_vocab={most} or less (--model.n-vocab {most}), or more text"
    )


def alphabet(untrained: tokenizers.Tokenizer, texts: Sequence[str], n_vocab: int) -> list[str]:
    """The most frequent characters of the texts as the tokenizer keeps them: 100, or a twentieth of n_vocab if more.

    A character takes two pieces, one of them for within a word or its end: at most a tenth of a large vocabulary.
    """
    count: Counter[str] = Counter()
    for text in texts:
        count.update(untrained.normalizer.normalize_str(well_formed(text)))
    known = [c for c, times in count.items() if times >= MIN_COUNT and not c.isspace()]
    return sorted(sorted(known, key=lambda c: (-count[c], c))[: max(100, n_vocab // 20)])


def learn(
    untrained: tokenizers.Tokenizer, trainer: Trainer, texts: Sequence[str], n_vocab: int, *, quiet: bool
) -> dict[str, Any]:
    """The trained model of tokenizer.json (vocab, merges); a BadUse where the texts give fewer tokens than asked for.

    `n_vocab` is what the user asked for, special tokens included; the trainer's own size is what the text is to give.
    """
    with bar("learning tokens", len(texts), quiet=quiet) as progress:

        def fed() -> Iterator[str]:
            for text in texts:
                progress.advance()
                yield well_formed(text)

        untrained.train_from_iterator(fed(), trainer, length=len(texts))
    model = json.loads(untrained.to_str())["model"]
    missing = trainer.vocab_size - len(model["vocab"])
    if missing > 0:
        raise too_few(n_vocab, n_vocab - missing)
    return model
