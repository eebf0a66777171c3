"""From a folder of text to a folder of tokens, made once: documents -> tokenizer -> tokens.

    corpora/embedded-bpe-4096/      the documentation text of this machine
    corpora/letters-bpe-4096/       the text in .../letters
"""

from collections.abc import Sequence
from pathlib import Path

from foretell.corpus.config import EMBEDDED, TokenizerKind
from foretell.corpus.documents import DOCUMENTATION_BYTES, Document, Gathered, gather_folder, source_hash
from foretell.corpus.installed import documentation_source, gather_documentation
from foretell.corpus.split import place, split
from foretell.corpus.tokens import CARD, check_kind, is_token_folder, open_tokens, write_tokens
from foretell.progress import bar
from foretell.runs import read_json
from foretell.text.tokenizer import Tokenizer
from foretell.text.train import train_tokenizer

SAMPLE_CHARACTERS = 5_000_000  # what a tokenizer learns from


def prepare_tokens(
    folder: str,
    kind: TokenizerKind,
    n_vocab: int,
    into: Path,
    *,
    tokenizer: Tokenizer | None = None,
    quiet: bool = False,
) -> Path:
    """The folder of tokens of a folder of text, or of `embedded`: found, or made in `into`; tokens are left as they are.

    Tokens that were made from other text keep their folder, because runs may read them: the new ones get a name with
    the beginning of their hash.
    """
    if folder != EMBEDDED and is_token_folder(Path(folder)):
        check_kind(open_tokens(Path(folder)), kind)
        return Path(folder)
    name = EMBEDDED if folder == EMBEDDED else Path(folder).resolve().name
    where = into / f"{name}-{kind}-{n_vocab}"
    gathered = None if folder == EMBEDDED else gather_folder(Path(folder))
    source = source_hash(gathered.documents) if gathered else documentation_source(DOCUMENTATION_BYTES)
    apart = where.with_name(f"{where.name}-{source[:8]}")
    for there in (where, apart):
        if _is_of(there, source, tokenizer):
            return there
    gathered = gathered or gather_documentation(DOCUMENTATION_BYTES, quiet)
    _say(gathered, name, quiet)
    tokenizer = tokenizer or train_tokenizer(kind, sample(gathered.documents), n_vocab, quiet=quiet)
    into_folder = apart if where.exists() else where
    return write_tokens(
        gathered.documents, tokenizer, into_folder, source=source, dropped=gathered.dropped, quiet=quiet
    )


def _is_of(folder: Path, source: str, tokenizer: Tokenizer | None) -> bool:
    """Whether a folder holds the tokens of this text, by this tokenizer if one is given."""
    if not (folder / CARD).exists():
        return False
    card = read_json(folder / CARD)
    same = tokenizer is None or card.get("tokenizer_sha256") == tokenizer.sha()
    return card.get("source") == source and same


def _say(gathered: Gathered, name: str, quiet: bool) -> None:
    """Tell what was left out, before the work that takes long."""
    with bar(name, 1, quiet=quiet) as progress:
        for reason, n in gathered.dropped.items():
            progress.say(f"{name}: {n} left out or mended: {reason}")


def sample(documents: Sequence[Document], characters: int = SAMPLE_CHARACTERS) -> list[str]:
    """Texts to learn a tokenizer from: training text alone, the whole of it or documents in the order of a hash."""
    texts, left = [], characters
    for one in sorted(split(documents)["train"], key=lambda one: place(f"sample {one.id}")):
        texts.append(one.text[:left])
        left -= len(one.text)
        if left <= 0:
            break
    return texts
