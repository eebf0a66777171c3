"""From a folder of text to a folder of tokens, made once: documents -> tokenizer -> tokens.

corpora/embedded-bpe-4096/      the documentation text of this machine
corpora/letters-bpe-4096/       the text in .../letters

A corpus (mixing.py) gives a folder of tokens that holds each source apart, made file by file: it is never held whole.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from foretell.corpus.config import EMBEDDED, TokenizerKind
from foretell.corpus.documents import DOCUMENTATION_BYTES, Document, Gathered, corpus_parts, gather_folder, source_hash
from foretell.corpus.installed import documentation_source, gather_documentation
from foretell.corpus.split import place, split, up_to
from foretell.corpus.tokens import CARD, check_kind, is_token_folder, open_tokens, write_tokens
from foretell.progress import bar
from foretell.runs import read_json
from foretell.text.tokenizer import Tokenizer
from foretell.text.train import train_tokenizer

if TYPE_CHECKING:
    from foretell.corpus.engine import EngineConfig
    from foretell.corpus.mixing import Asked

SAMPLE_CHARACTERS = 5_000_000  # what a tokenizer learns from


def prepare_tokens(
    folder: str,
    kind: TokenizerKind,
    n_vocab: int,
    into: Path,
    *,
    tokenizer: Tokenizer | None = None,
    engine: "EngineConfig | None" = None,
    quiet: bool = False,
) -> Path:
    """The folder of tokens of a folder of text, or of `embedded`, found or made in `into`; a token folder as it is.

    Tokens that were made from other text, or with another tokenizer, keep their folder, because runs may read them: the
    new ones get a name with the beginning of a hash of both. `engine` does the work where the folder is a corpus.
    """
    if folder != EMBEDDED and is_token_folder(Path(folder)):
        check_kind(open_tokens(Path(folder)), kind)
        return Path(folder)
    if folder != EMBEDDED and (mixture := _mixture(Path(folder))):
        return _prepare_corpus(
            Path(folder), mixture, kind, n_vocab, into, tokenizer=tokenizer, engine=engine, quiet=quiet
        )
    name = EMBEDDED if folder == EMBEDDED else Path(folder).resolve().name
    gathered = None if folder == EMBEDDED else gather_folder(Path(folder))
    source = source_hash(gathered.documents) if gathered else documentation_source(DOCUMENTATION_BYTES)
    there, new = _places(into / f"{name}-{kind}-{n_vocab}", source, tokenizer)
    if there:
        return there
    if gathered is None:
        gathered = gather_documentation(DOCUMENTATION_BYTES, quiet)
    else:
        _say_dropped(gathered, folder, quiet)
    tokenizer = tokenizer or train_tokenizer(kind, sample(gathered.documents), n_vocab, quiet=quiet)
    return write_tokens(gathered.documents, tokenizer, new, source=source, dropped=gathered.dropped, quiet=quiet)


def _mixture(folder: Path) -> "Asked | None":
    """What a folder asks of the mixture of its sources, if it is a corpus."""
    if not corpus_parts(folder):
        return None
    from foretell.corpus.mixing import asked  # it and what it needs take time to import

    return asked(folder)


def _prepare_corpus(
    folder: Path,
    mixture: "Asked",
    kind: TokenizerKind,
    n_vocab: int,
    into: Path,
    *,
    tokenizer: Tokenizer | None,
    engine: "EngineConfig | None",
    quiet: bool,
) -> Path:
    """prepare_tokens() of a corpus."""
    from foretell.corpus.mixing import Mixing, mixed_tokens, sample_texts, source_of

    where = into / f"{folder.resolve().name}-{kind}-{n_vocab}"
    there, new = _places(where, source_of(folder, mixture), tokenizer)
    if there:
        return there
    if tokenizer is None:
        texts = sample_texts(Mixing(corpus=folder, folder=new, engine=engine, quiet=quiet), SAMPLE_CHARACTERS)
        tokenizer = train_tokenizer(kind, texts, n_vocab, quiet=quiet)
    mixed_tokens(folder, new, tokenizer, mixture=mixture, engine=engine, quiet=quiet)
    return new


def _places(where: Path, source: str, tokenizer: Tokenizer | None) -> tuple[Path | None, Path]:
    """The folder that holds the tokens of this text, if there is one, and the folder where they are made if not."""
    made_of = source if tokenizer is None else hashlib.sha256(f"{source} {tokenizer.sha()}".encode()).hexdigest()
    apart = where.with_name(f"{where.name}-{made_of[:8]}")
    there = next((one for one in (where, apart) if _is_of(one, source, tokenizer)), None)
    return there, apart if where.exists() or tokenizer else where  # the plain name is that of the text's own tokenizer


def _is_of(folder: Path, source: str, tokenizer: Tokenizer | None) -> bool:
    """Whether a folder holds the tokens of this text, by this tokenizer if one is given."""
    if not (folder / CARD).exists():
        return False
    card = read_json(folder / CARD)
    same = tokenizer is None or card.get("tokenizer_sha256") == tokenizer.sha()
    return card.get("source") == source and same


def _say_dropped(gathered: Gathered, folder: str, quiet: bool) -> None:
    """Tell what of the user's text was left out, before the work that takes long."""
    with bar("reading text", len(gathered.documents), quiet=quiet) as progress:
        for reason, n in gathered.dropped.items():
            progress.say(f"{folder}: {n} {'file' if n == 1 else 'files'} {reason}")


def sample(documents: Sequence[Document], characters: int = SAMPLE_CHARACTERS) -> list[str]:
    """Texts to learn a tokenizer from: training text alone, the whole of it or documents in the order of a hash."""
    train = sorted(split(documents)["train"], key=lambda one: place(f"sample {one.id}"))
    return up_to((one.text for one in train), characters)
