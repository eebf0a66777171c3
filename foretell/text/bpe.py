"""Byte-level BPE (Radford et al. 2019, section 2.2): GPT-2's own vocabulary, and vocabularies of one's own text.

Text is cut by GPT-2's pattern so that no token joins letters, digits and marks; the bytes of each part are joined pair
by pair, the pair that was most frequent in training first. Every text has ids, and they give the text back exactly.
"""

from collections.abc import Sequence
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, processors

from foretell.errors import BadUse
from foretell.runs import read_json
from foretell.text.byte_level import characters, written
from foretell.text.byte_merges import learn_merges
from foretell.text.learn import check_size
from foretell.text.specials import BPE, END_OF_TEXT
from foretell.text.tokenizer import Tokenizer


def gpt2_from_files(encoder_json: Path, vocab_bpe: Path) -> Tokenizer:
    """GPT-2's published tokenizer, 50 257 tokens: `encoder.json` holds the ids, `vocab.bpe` the merges.

    It cannot chat: `with_specials(CHAT)` adds the tokens that fine-tuning brings.
    """
    vocab = read_json(encoder_json)
    return _tokenizer(vocab, read_merges(vocab_bpe, vocab), (END_OF_TEXT,))


def train_bpe(texts: Sequence[str], n_vocab: int, *, quiet: bool = True) -> Tokenizer:
    """A byte-level BPE of n_vocab tokens, the bytes first, the special ones last; the same texts give the same file."""
    check_size(n_vocab, len(BPE))
    learnt = learn_merges(texts, n_vocab, len(BPE), quiet=quiet)
    merges = list(zip(written(left for left, _ in learnt), written(right for _, right in learnt), strict=True))
    pieces = [*sorted(characters()), *(left + right for left, right in merges)]
    return _tokenizer({piece: i for i, piece in enumerate(pieces)}, merges, BPE)


def read_merges(path: Path, vocab: dict[str, int]) -> list[tuple[str, str]]:
    """The merges of a published file: a version line, then two pieces a line, all of them in the vocabulary."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadUse(
            f"cannot read merges from {path} ({error}); give the file that came with the vocabulary"
        ) from error
    merges = []
    for number, line in enumerate(lines[1:], start=2):
        left, _, right = line.partition(" ")
        if line and not {left, right, left + right} <= vocab.keys():
            raise BadUse(
                f"{path}, line {number}: {line!r} merges what the vocabulary lacks; give files of one tokenizer"
            )
        merges += [(left, right)] if line else []
    return merges


def _untrained(vocab: dict[str, int], merges: list[tuple[str, str]]) -> tokenizers.Tokenizer:
    inner = tokenizers.Tokenizer(models.BPE(vocab, merges))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.post_processor = processors.ByteLevel(trim_offsets=False)
    inner.decoder = decoders.ByteLevel()
    return inner


def _tokenizer(vocab: dict[str, int], merges: list[tuple[str, str]], specials: Sequence[str]) -> Tokenizer:
    inner = _untrained(vocab, merges)
    inner.add_special_tokens(list(specials))
    return Tokenizer(inner)
