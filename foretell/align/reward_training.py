"""A reward model's training: one epoch of rankings, then the zero that demonstrations give it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from foretell import progress
from foretell.align.reward import Asked, Reward, calibrate, demonstrations_of, load_reward
from foretell.corpus.config import RankingData
from foretell.corpus.labels import label_rows
from foretell.corpus.rankings import Rankings, open_rankings
from foretell.exchange.card import Card
from foretell.exchange.folder import save_model
from foretell.ranks import from_environment
from foretell.runs import read_json
from foretell.train.config import RunConfig
from foretell.train.folder import LINEAGE, finished, held, write_lineage
from foretell.train.loop import Result, train
from foretell.train.schedule import rows_before
from foretell.train.together import first_does, together

CALIBRATION = "calibration"  # in lineage.json
MOST = 512  # demonstrations, or outputs, that the zero is set by


def train_reward(cfg: RunConfig, out: Path, quiet: bool = False) -> Result:
    """The finished run in `out`, its model's zero set: trained, continued, or found finished.

    More than one epoch is warned of: reward models overfit soon, and the paper takes one (Ouyang et al. 2022, appendix
    C.2). The zero is the demonstrations' mean; where the labels hold none, ours is the mean of the outputs ranked.
    """
    assert isinstance(cfg.data, RankingData), "a ranking run reads rankings"
    ranks = from_environment()
    with together(ranks):
        return with_zero(cfg, out, quiet or not ranks.first)


def with_zero(cfg: RunConfig, out: Path, quiet: bool) -> Result:
    """What train_reward() gives, for processes that have met."""
    assert isinstance(cfg.data, RankingData), "a ranking run reads rankings"
    if not finished(out):
        rankings = open_rankings(cfg.data, cfg.seed)
        progress.say(f"{rankings.n_rows} rankings to train on; {rankings.left}", quiet=quiet)
        if warning := too_often(cfg, rankings.n_rows):
            progress.say(warning, quiet=quiet)
    result = train(cfg, out, quiet=quiet)
    if cfg.model.heads.task_bias:
        first_does(lambda: set_zero_once(cfg, out))
    return result


def too_often(cfg: RunConfig, n_rankings: int) -> str:
    """A warning where the run reads its rankings more than once; else nothing. A last step may begin a second time."""
    epochs = rows_before(cfg.batch, cfg.steps) / n_rankings
    if rows_before(cfg.batch, cfg.steps - 1) < n_rankings:
        return ""
    once = -(-n_rankings // cfg.batch.rows)
    return f"{epochs:.1f} epochs of rankings: reward models overfit soon, the paper takes one; --steps {once} is one"


def set_zero_once(cfg: RunConfig, out: Path) -> None:
    """set_zero() where it has not been done."""
    lineage = dict(read_json(out / LINEAGE))
    if CALIBRATION not in lineage:
        with held(out):
            set_zero(cfg, out, lineage)


def set_zero(cfg: RunConfig, out: Path, lineage: dict[str, Any]) -> None:
    """Write the run's model again, with its zero, and what it was set by into the lineage."""
    reward = load_reward(out)
    by, answers = zero_answers(reward, cfg)
    before = calibrate(reward, answers)
    card = Card(recipe=cfg.recipe, steps=cfg.steps, metrics=lineage["result"])
    save_model(out / "model", reward.network, reward.tokenizer, card)
    write_lineage(out, {**lineage, CALIBRATION: {"by": by, **asdict(before)}})


def zero_answers(reward: Reward, cfg: RunConfig) -> tuple[str, list[Asked]]:
    """What the zero is set by: demonstrations of the training side, else outputs that were trained on."""
    assert isinstance(cfg.data, RankingData), "a ranking run reads rankings"
    folder = Path(cfg.data.folder)
    if (folder / "demonstrations.jsonl").exists():
        rows, _ = label_rows(folder, "demonstrations")
        if found := demonstrations_of(reward, rows[:MOST]):
            return "demonstrations", found
    rankings: Rankings = open_rankings(cfg.data, cfg.seed)
    outputs = [(one.prompt.tolist(), output.tolist()) for one in rankings.train for output in one.outputs]
    return "outputs", outputs[:MOST]
