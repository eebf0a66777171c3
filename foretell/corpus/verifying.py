"""Whether a corpus or a folder of tokens is as it was written: every file against the SHA-256 that card.json tells."""

from pathlib import Path
from typing import NamedTuple

from foretell.corpus.documents import CARD, corpus_parts
from foretell.corpus.tokens import open_tokens
from foretell.errors import BadUse, first_line
from foretell.progress import bar
from foretell.runs import read_json, sha256

KINDS = ("corpus", "tokens")


class Verified(NamedTuple):
    """How many files that the card names are as written, their bytes, and a line on each that is not."""

    n_files: int
    n_bytes: int
    problems: list[str]


def verified(folder: Path, *, quiet: bool = True) -> Verified:
    """What a comparison of every file with the card comes to; BadUse where there is no card, or it tells no hashes.

    Documents that the card does not name are a problem as well, for they would be read. The README.md of a corpus,
    which is its card for people, is not in the card.
    """
    card = read_json(folder / CARD)
    if not isinstance(card, dict) or card.get("kind") not in KINDS:
        raise BadUse(f"{folder} is neither a corpus nor a folder of tokens; give a folder whose card.json says so")
    hashes = card.get("sha256")
    if not (hashes and isinstance(hashes, dict)):
        raise BadUse(f"{folder / CARD} has no hashes to check its files by; make the folder again")
    problems, n_files, n_bytes = [], 0, 0
    with bar("verifying", len(hashes), quiet=quiet) as progress:
        for name, due in hashes.items():
            problem = unlike(folder, name, due)
            if problem:
                problems.append(problem)
            else:
                n_files += 1
                n_bytes += (folder / name).stat().st_size
            progress.advance()
    problems += _beyond_hashes(folder, card["kind"], set(hashes)) if not problems else []
    return Verified(n_files, n_bytes, problems)


def unlike(folder: Path, name: str, due: object) -> str:
    """A line on what is wrong with a file that a card gives a SHA-256 of; nothing where it is as written."""
    path = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts or not path.is_file():
        return f"{folder / CARD} names {name!r}, which is not there; make the folder again"
    try:
        there = sha256(path)
    except OSError as error:
        return f"{path} cannot be read ({error.strerror or first_line(error)}); copy it anew"
    if there != due:
        return f"{path} has SHA-256 {there[:16]}..., its card says {str(due)[:16]}...: it was changed or damaged"
    return ""


def _beyond_hashes(folder: Path, kind: str, named: set[str]) -> list[str]:
    """What is wrong where every file that the card names is as written."""
    if kind == "corpus":
        others = [file for file in corpus_parts(folder) if file.name not in named]
        return [f"{file} would be read and is not in {CARD}; remove it, or make the folder again" for file in others]
    try:
        open_tokens(folder)
    except BadUse as error:
        return [str(error)]
    return []
