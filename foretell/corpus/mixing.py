"""From a corpus to a folder of tokens that holds its sources one after the other, with their mixture.

    .NAME.work/    the steps of tokenizing.py while the folder is made; a command that was stopped goes on from them
    NAME/          the folder of tokens (tokens.py)

What a corpus asks of the mixture is in its card.json, each optional; the rest follows from the tokens (shares.py):

    "weights": {NAME: share of the mixture}   "epochs": {NAME: times over the budget}   "budget": tokens

The same corpus, tokenizer and mixture give the same bytes for any number of workers.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from foretell.corpus.documents import corpus_parts
from foretell.corpus.engine import EngineConfig, map_partitions
from foretell.corpus.joining import TOKENIZER, Card, put_together
from foretell.corpus.mixture import check_numbers
from foretell.corpus.partitions import Finished, Partition, Work, done_here
from foretell.corpus.shares import shares_of
from foretell.corpus.split import up_to
from foretell.corpus.tokenizing import CUT, LISTED, VAL, encode, listed, on_side, read_rows, sided
from foretell.corpus.tokens import CARD
from foretell.errors import BadUse
from foretell.progress import bar
from foretell.runs import read_json, sha256, write_whole
from foretell.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is asked of a mixture."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """share of some sources"""
    epochs: Mapping[str, float] = field(default_factory=dict)
    """times that some sources are read over the budget"""
    budget: float = 0
    """training tokens; 0 is what the epochs of all come to, else those of all sources together (shares.py)"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixing:
    """A corpus, the folder of tokens that is made of it, and by whom; `engine` None is this process alone."""

    corpus: Path
    folder: Path
    engine: EngineConfig | None = None
    quiet: bool = False

    @property
    def scratch(self) -> Path:
        """Where the steps are until the folder is whole."""
        return self.folder.with_name(f".{self.folder.name}.work")

    @property
    def name(self) -> str:
        """The source of documents that name none."""
        return self.corpus.resolve().name

    def step(self, what: str, work: Work, partitions: Sequence[Partition]) -> list[Finished]:
        """The partitions of a step, all done."""
        stage = self.scratch / what
        if self.engine is not None:
            return map_partitions(
                work, partitions, stage, key=self.name, engine=self.engine, what=what, quiet=self.quiet
            )
        with bar(what, len(partitions), quiet=self.quiet) as progress:
            done = []
            for one in partitions:
                done.append(done_here(work, stage, one, self.name))
                progress.advance()
        return done


def asked(corpus: Path) -> Asked | None:
    """What a corpus asks of the mixture of its sources, by its card; None where no card says that it is a corpus."""
    card = _card(corpus)
    if card.get("kind") != "corpus" and not {"weights", "epochs"} & card.keys():
        return None
    found = {name: card.get(name) or {} for name in ("weights", "epochs")}
    for name, given in found.items():
        if not isinstance(given, dict) or not all(isinstance(one, int | float) for one in given.values()):
            raise BadUse(f"{corpus / CARD}: {name} is {given!r}, it must be NAME: number; correct it, or make it again")
    budget = card.get("budget") or 0
    if not isinstance(budget, int | float) or budget < 0:
        raise BadUse(f"{corpus / CARD}: budget is {budget!r}, it must be a number of tokens; correct it")
    return Asked(**found, budget=budget)


def _card(corpus: Path) -> Card:
    """The card of a corpus; empty where there is none."""
    card = read_json(corpus / CARD) if (corpus / CARD).exists() else {}
    return card if isinstance(card, dict) else {}


def source_of(corpus: Path, mixture: Asked) -> str:
    """A hash of a corpus and of what is asked of its mixture: what a folder of tokens is told apart by."""
    told = _card(corpus).get("sha256", {})
    files = {file.name: _digest(corpus, file, told.get(file.name)) for file in corpus_parts(corpus)}
    said = [files, dict(mixture.weights), dict(mixture.epochs), mixture.budget]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


def _digest(corpus: Path, file: Path, told: str | None) -> str:
    """The SHA-256 of a file of a corpus: as the card tells it, where it does and the file is no younger."""
    trusted = told and file.stat().st_mtime_ns <= (corpus / CARD).stat().st_mtime_ns
    return str(told) if trusted else sha256(file)


def mixed_tokens(
    corpus: Path,
    folder: Path,
    tokenizer: Tokenizer,
    *,
    mixture: Asked | None = None,
    engine: EngineConfig | None = None,
    quiet: bool = False,
) -> Card:
    """The card of a folder of tokens, made of a corpus or gone on with after a stop; `mixture` is that of its card.

    Which documents are held out is decided in each source by split.py's rule. BadUse if the folder holds no corpus, or
    its mixture cannot be.
    """
    mixture = mixture or asked(corpus) or Asked()
    mixing = Mixing(corpus=corpus, folder=folder, engine=engine, quiet=quiet)
    files, sides = sides_of(mixing)
    names, own = sides.result["sources"], mixing.scratch / TOKENIZER
    for what, given in (("weight", mixture.weights), ("epochs", mixture.epochs)):
        check_numbers(what, given, names)  # before the work that takes long
    if not own.exists() or own.read_text(encoding="utf-8") != tokenizer.to_json():
        write_whole(own, tokenizer.to_json())
    pieces = [
        Partition(f"{i:05}", (str(file), str(sides.folder / f"{i:05}.npy"), str(own))) for i, file in enumerate(files)
    ]
    done = mixing.step("encoded", partial(encode, name=mixing.name), pieces)
    weigh = partial(shares_of, weights=mixture.weights, epochs=mixture.epochs, budget=mixture.budget)
    of = source_of(corpus, mixture)
    card = put_together(folder, tokenizer, done, names, weigh, source=of)
    shutil.rmtree(mixing.scratch, ignore_errors=True)
    return card


def sides_of(mixing: Mixing) -> tuple[list[Path], Finished]:
    """The files of the corpus, and which side each document is on; BadUse if there is none."""
    files = corpus_parts(mixing.corpus)
    if not files:
        raise BadUse(f"{mixing.corpus} holds no documents.parquet; give the folder of a corpus")
    mixing.scratch.mkdir(parents=True, exist_ok=True)
    pieces = [Partition(f"{i:05}", (str(file),)) for i, file in enumerate(files)]
    lists = mixing.step("listed", partial(listed, name=mixing.name), pieces)
    if not any(one.result["n_documents"] for one in lists):
        raise BadUse(f"{mixing.corpus} has not one document; give a corpus with text")
    whole = Partition("all", tuple(str(one.folder / LISTED) for one in lists))
    return files, done_here(sided, mixing.scratch / "sided", whole, "")


def sample_texts(mixing: Mixing, characters: int) -> list[str]:
    """Training texts to learn a tokenizer from: all, or documents in the order of a hash up to so many characters.

    Documents of every source by their share of the text, whatever the mixture: our choice, the papers are silent.
    """
    files, sides = sides_of(mixing)
    lists = [mixing.scratch / "listed" / f"{i:05}" / LISTED for i in range(len(files))]
    turns = np.concatenate([pq.read_table(one, columns=["turn"])["turn"].to_numpy() for one in lists])
    lengths = np.concatenate([pq.read_table(one, columns=["characters"])["characters"].to_numpy() for one in lists])
    side = np.concatenate([np.load(sides.folder / f"{i:05}.npy") for i in range(len(files))])
    lengths = np.where(side == CUT, np.maximum(0.95 * lengths - 200, 0), lengths)  # what cut_at() leaves at least
    train = np.flatnonzero(side != VAL)
    order = train[np.argsort(turns[train], kind="stable")]
    enough = 1 + int(np.searchsorted(np.cumsum(lengths[order]), characters))
    return _texts(mixing, files, order[:enough], side, characters)


def _texts(mixing: Mixing, files: Sequence[Path], order: np.ndarray, side: np.ndarray, characters: int) -> list[str]:
    """The texts of these documents in this order, until there are so many characters."""
    found: dict[int, str] = {}
    first, wanted = 0, np.sort(order)
    for file in files:
        for table in read_rows(str(file), mixing.name):
            low, high = np.searchsorted(wanted, [first, first + len(table)])
            texts_here = table["text"].take(wanted[low:high] - first).to_pylist()
            found.update(zip(wanted[low:high].tolist(), texts_here, strict=True))
            first += len(table)
    return up_to((on_side(found[place], int(side[place]), "train") for place in order.tolist()), characters)
