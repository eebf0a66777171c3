"""The end of a run: the model folder that every other tool reads, and the lineage that says what it is."""

from pathlib import Path
from typing import Any

from foretell.corpus.config import tokens_of
from foretell.exchange.card import Card
from foretell.exchange.folder import save_model
from foretell.model.network import Network
from foretell.text.tokenizer import Tokenizer
from foretell.train import folder
from foretell.train.config import RunConfig


def finish(cfg: RunConfig, out: Path, model: Network, lineage: dict[str, Any], metrics: dict[str, float]) -> None:
    """Write the run's model folder, and the lineage that says that the run is finished and what it came to."""
    tokens = Path(tokens_of(cfg.data))
    tokenizer = Tokenizer.load(tokens) if (tokens / "tokenizer.json").exists() else None
    save_model(out / "model", model, tokenizer, Card(recipe=cfg.recipe, steps=cfg.steps, metrics=metrics))
    folder.write_lineage(out, {**lineage, "finished": folder.now(), "result": metrics})
