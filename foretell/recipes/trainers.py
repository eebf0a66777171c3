"""Who trains a run: the plain loop, unless its objective needs more than rows."""

from collections.abc import Callable
from pathlib import Path

from foretell.train.config import RunConfig
from foretell.train.loop import Result, train

Trainer = Callable[[RunConfig, Path, bool], Result]


def trainer(objective: str) -> Trainer:
    """A function of a resolved config, a folder, and whether to be quiet, that gives the finished run."""
    from foretell.align.ppo import train_ppo
    from foretell.align.reward_training import train_reward

    known: dict[str, Trainer] = {"ppo": train_ppo, "ranking": train_reward}
    return known.get(objective, lambda cfg, out, quiet: train(cfg, out, quiet=quiet))
