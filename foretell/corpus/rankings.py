"""Rankings as rows."""

from foretell.corpus.batches import Batches
from foretell.corpus.config import RankingData


def open_rankings(data: RankingData, seed: int) -> Batches:
    """The rows of the folder's rankings."""
    raise NotImplementedError
