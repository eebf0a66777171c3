"""Who trains a run: the plain loop, unless its objective needs more than rows."""

from collections.abc import Callable
from pathlib import Path

from foretell.corpus.config import EMBEDDED, PromptData
from foretell.objective.config import PolicyOptimization
from foretell.train.config import RunConfig
from foretell.train.loop import Result, train

Trainer = Callable[[RunConfig, Path, bool], Result]


def trainer(objective: str) -> Trainer:
    """A function of a resolved config, a folder, and whether to be quiet, that gives the finished run."""
    from foretell.align.reward_training import train_reward

    known: dict[str, Trainer] = {"ppo": policy, "ranking": train_reward}
    return known.get(objective, lambda cfg, out, quiet: train(cfg, out, quiet=quiet))


def policy(cfg: RunConfig, out: Path, quiet: bool) -> Result:
    """The finished run of reinforcement learning, with the reward of a rubric where its config names one."""
    from foretell.align.ppo import train_ppo

    assert isinstance(cfg.objective, PolicyOptimization), "asked for by its objective"
    assert isinstance(cfg.data, PromptData), "train/config.py has checked it"
    if not cfg.objective.rubric:
        return train_ppo(cfg, out, quiet)
    from foretell.safety.rewards import rubric_score
    from foretell.safety.rubrics import EMBEDDED as MADE
    from foretell.text.tokenizer import Tokenizer

    rubric = MADE if cfg.objective.rubric == EMBEDDED else cfg.objective.rubric
    tokenizer = Tokenizer.load(Path(cfg.data.tokens))
    return train_ppo(cfg, out, quiet, added=rubric_score(rubric, cfg.data.folder, tokenizer))
