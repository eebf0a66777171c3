"""The Python face: load a model, ask it, train one.

import foretell
from foretell import recipes

m = foretell.load("runs/gpt2.pretrain-nano")          # or a Hugging Face folder, or "hf:gpt2"
m.logits(ids)                                         # (B, T) -> (B, T, V)
m.score([("The capital of France is", " Paris")])
m.generate(["Return the"], max_new_tokens=40, temperature=0.8)
foretell.train(recipes.gpt2.pretrain("nano"))
"""

from collections.abc import Callable
from pathlib import Path

from foretell.generate.model import Model, load
from foretell.recipes.sources import resolve
from foretell.train.config import RunConfig
from foretell.train.loop import Result
from foretell.train.loop import train as train_resolved

__all__ = ["Model", "Result", "load", "train"]


Train = Callable[[RunConfig, Path, bool], Result]


def train(cfg: RunConfig, out: str | Path | None = None, *, quiet: bool = False) -> Result:
    """The finished run of a config, in `out` or in runs/<recipe>: begun, continued, or found finished."""
    folder = Path(out) if out is not None else default_folder(cfg)
    return train_of(cfg.objective.kind)(resolve(cfg, quiet=quiet), folder, quiet)


def train_of(objective: str) -> Train:
    """The function that trains for an objective: the plain loop unless more than rows are needed."""
    from foretell.align.ppo import train_ppo
    from foretell.align.reward_training import train_reward

    known: dict[str, Train] = {"ppo": train_ppo, "ranking": train_reward}
    return known.get(objective, lambda cfg, out, quiet: train_resolved(cfg, out, quiet=quiet))


def default_folder(cfg: RunConfig) -> Path:
    """Where a run goes that is given no folder: runs/gpt2.pretrain-nano."""
    return Path("runs") / cfg.recipe.replace(":", "-")
