"""BERT's WordPiece (Devlin et al. 2018, section 3): a word is cut into the vocabulary's longest pieces, from its left.

Later pieces of a word begin with `##`. Text is lower-cased and loses its accents first (the uncased models).

Deviation: how Google chose its 30 522 pieces was never published. Pieces are chosen here by BPE merges, the most
frequent pair first, as the tokenizers library does; cutting a text with a given vocabulary is BERT's own.
"""

import string
from collections.abc import Sequence
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from foretell.errors import BadUse
from foretell.text.learn import MIN_COUNT, alphabet, check_size, learn
from foretell.text.specials import WORDPIECE
from foretell.text.tokenizer import Tokenizer

WITHIN_WORD = "##"


def bert_from_file(vocab_txt: Path) -> Tokenizer:
    """BERT's published tokenizer (uncased): one piece a line, its id is the number of the line, from 0."""
    try:
        pieces = vocab_txt.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadUse(f"cannot read pieces from {vocab_txt} ({error}); give BERT's vocab.txt") from error
    absent = [name for name in WORDPIECE if name not in pieces]
    if absent:
        raise BadUse(f"{vocab_txt} lacks {' '.join(absent)}; give the vocab.txt of a BERT model, one piece a line")
    return _tokenizer({piece: i for i, piece in enumerate(pieces)})


def train_wordpiece(texts: Sequence[str], n_vocab: int, *, quiet: bool = True) -> Tokenizer:
    """A tokenizer of BERT's kind: special tokens, characters within words, characters, then longer pieces.

    The most frequent characters are in it, at most a tenth of a large n_vocab; a word that holds a rarer one is [UNK].
    """
    check_size(n_vocab, len(WORDPIECE))
    untrained = _untrained(dict.fromkeys(["[UNK]"], 0))
    letters = alphabet(untrained, texts, n_vocab)
    within = [WITHIN_WORD + letter for letter in letters if letter not in string.punctuation]
    trainer = trainers.WordPieceTrainer(
        vocab_size=n_vocab,
        min_frequency=MIN_COUNT,
        special_tokens=[*WORDPIECE, *within],  # numbered in this order
        initial_alphabet=letters,
        limit_alphabet=len(letters),
        continuing_subword_prefix=WITHIN_WORD,
        show_progress=False,
    )
    return _tokenizer(learn(untrained, trainer, texts, n_vocab, quiet=quiet)["vocab"])


def _untrained(vocab: dict[str, int]) -> tokenizers.Tokenizer:
    inner = tokenizers.Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.decoder = decoders.WordPiece(prefix=WITHIN_WORD)
    return inner


def _tokenizer(vocab: dict[str, int]) -> Tokenizer:
    inner = _untrained(vocab)
    inner.add_special_tokens(list(WORDPIECE))
    inner.post_processor = processors.TemplateProcessing(  # for other tools: encode() here adds nothing
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[(name, vocab[name]) for name in ("[CLS]", "[SEP]")],
    )
    return Tokenizer(inner)
