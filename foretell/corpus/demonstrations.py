"""Demonstrations as rows."""

from foretell.corpus.batches import Batches
from foretell.corpus.config import DemonstrationData


def open_demonstrations(data: DemonstrationData, seed: int) -> Batches:
    """The rows of the folder's demonstrations."""
    raise NotImplementedError
