"""GPT-1's tokenizer (Radford et al. 2018, section 4.1): BPE on lower-cased words, 40 000 merges, 40 478 tokens.

A word's last piece ends in `</w>`, so the space after it needs no token; case, accents and kinds of space are lost.

Deviation: the paper cleaned text with ftfy and cut words with spaCy; words are cut here as BERT cuts them, as the fast
tokenizer of transformers does. Marks and contractions fall differently in a few words of a hundred.
"""

from collections.abc import Sequence
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from foretell.runs import read_json
from foretell.text.bpe import read_merges
from foretell.text.learn import MIN_COUNT, alphabet, check_size, learn
from foretell.text.specials import GPT1_ADDED, GPT1_UNKNOWN
from foretell.text.tokenizer import Tokenizer

END_OF_WORD = "</w>"


def gpt1_from_files(encoder_json: Path, vocab_bpe: Path) -> Tokenizer:
    """GPT-1's published tokenizer; for_tasks() adds the tokens that fine-tuning brings."""
    vocab = read_json(encoder_json)
    return _tokenizer(vocab, read_merges(vocab_bpe, vocab), ())


def for_tasks(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer with the tokens that fine-tuning brings, those it lacks after all other ids.

    The delimiters of Radford et al. 2018, section 3.3, and an end of text, which pads.
    """
    missing = [name for name in GPT1_ADDED if name not in tokenizer.specials]
    return tokenizer.with_specials(missing) if missing else tokenizer


def train_gpt1(texts: Sequence[str], n_vocab: int, *, quiet: bool = True) -> Tokenizer:
    """A tokenizer of GPT-1's kind: <unk>, characters that end a word, characters, merges, then the special tokens.

    The most frequent characters are in it, at most a tenth of a large n_vocab; rarer ones are <unk>.
    """
    check_size(n_vocab, 1 + len(GPT1_ADDED))
    untrained = _untrained({GPT1_UNKNOWN: 0}, [])
    letters = alphabet(untrained, texts, n_vocab)
    trainer = trainers.BpeTrainer(
        vocab_size=n_vocab - len(GPT1_ADDED),
        min_frequency=MIN_COUNT,
        special_tokens=[GPT1_UNKNOWN, *(letter + END_OF_WORD for letter in letters)],  # numbered in this order
        initial_alphabet=letters,
        limit_alphabet=len(letters),
        end_of_word_suffix=END_OF_WORD,
        show_progress=False,
    )
    model = learn(untrained, trainer, texts, n_vocab, quiet=quiet)
    return _tokenizer(model["vocab"], [(left, right) for left, right in model["merges"]], GPT1_ADDED)


def _untrained(vocab: dict[str, int], merges: list[tuple[str, str]]) -> tokenizers.Tokenizer:
    model = models.BPE(vocab, merges, unk_token=GPT1_UNKNOWN, end_of_word_suffix=END_OF_WORD, fuse_unk=False)
    inner = tokenizers.Tokenizer(model)
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.decoder = decoders.BPEDecoder(suffix=END_OF_WORD)
    return inner


def _tokenizer(vocab: dict[str, int], merges: list[tuple[str, str]], added: Sequence[str]) -> Tokenizer:
    inner = _untrained(vocab, merges)
    inner.add_special_tokens([GPT1_UNKNOWN, *added])
    return Tokenizer(inner)
