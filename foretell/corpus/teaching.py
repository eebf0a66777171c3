"""The quality classifier as a step: taught by the documents of some sources, as they were first read."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from foretell.corpus.partition import tables
from foretell.corpus.quality import save
from foretell.corpus.quality_train import train


def teach(
    inputs: tuple[str, ...], folder: Path, *, n_positive: int, most: int, seed: int, alpha: float = 9.0
) -> Mapping[str, Any]:
    """Write a classifier; its report. The first inputs are the files of good documents, the others of raw ones.

    `alpha` is that of the gate whose pass rates the report tells; the classifier does not follow from it.
    """
    trained = train(texts(inputs[:n_positive]), texts(inputs[n_positive:]), seed=seed, most=most, alpha=alpha)
    save(trained.classifier, folder)
    return trained.report


def texts(files: Sequence[str]) -> Iterator[str]:
    """The texts of files of documents."""
    for file in files:
        for table in tables(Path(file), ["text"]):
            yield from table["text"].to_pylist()
