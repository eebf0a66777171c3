"""Training a tokenizer of any kind on one's own text."""

from collections.abc import Sequence

from foretell.errors import BadUse, nearest
from foretell.text.bpe import train_bpe
from foretell.text.gpt1 import train_gpt1
from foretell.text.specials import KINDS, Kind
from foretell.text.tokenizer import Tokenizer
from foretell.text.wordpiece import train_wordpiece

TRAIN = {"bpe": train_bpe, "gpt1": train_gpt1, "wordpiece": train_wordpiece}


def train_tokenizer(kind: Kind, texts: Sequence[str], n_vocab: int, *, quiet: bool = False) -> Tokenizer:
    """A tokenizer of n_vocab tokens, special ones included; the same texts give the same file."""
    if kind not in TRAIN:
        raise BadUse(f"no tokenizer of the kind {kind!r}{nearest(kind, list(KINDS))}")
    return TRAIN[kind](texts, n_vocab, quiet=quiet)
