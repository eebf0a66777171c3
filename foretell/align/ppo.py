"""Reinforcement learning from a reward model: PPO with a KL penalty and pretraining mixed in (Ouyang et al. 2022).

    train_ppo(cfg, out)     iterations (iterations.py) in the loop that trains everything (train/run.py)

Everything random follows from (seed, iteration); weights, optimizers, average and beta are in the checkpoint, so that a
run that is stopped goes on bit for bit. Before the first iteration the user's own models are checked (start_check.py).
"""

from pathlib import Path
from typing import Any

from foretell import progress
from foretell.align.iterations import Iterations
from foretell.align.judged import Score, open_critics
from foretell.align.memory_plan import in_words, plan_of
from foretell.align.rollouts import Sampler, engine, read_prompts
from foretell.align.start_check import check_start
from foretell.corpus.batches import Batches, open_batches
from foretell.corpus.config import PromptData, TextData
from foretell.errors import BadUse
from foretell.exchange.folder import load_weights_into
from foretell.model.device import choose_device
from foretell.model.init import build
from foretell.objective.config import PolicyOptimization
from foretell.text.chat import answer_end
from foretell.text.tokenizer import Tokenizer
from foretell.train import checkpoint
from foretell.train.config import RunConfig
from foretell.train.finish import finish
from foretell.train.loop import Result, check_finite, settle_threads, train
from foretell.train.memory import keep_freed_memory
from foretell.train.parallel import ALONE, Spread, whole
from foretell.train.run import Run
from foretell.train.together import first_does


def train_ppo(
    cfg: RunConfig,
    out: Path,
    quiet: bool = False,
    *,
    score: Score | None = None,
    sampler: Sampler | None = None,
    added: Score | None = None,
) -> Result:
    """The finished run in `out`: begun, continued from its last checkpoint, or found finished.

    `score` judges answers in place of a reward model; `sampler` answers in place of the project's own engine. What
    `added` says, times objective.rubric_weight, comes on top of either, or is all there is where neither is given.
    BadUse if the config, the prompts or the reward model do not fit; Failed if the start check fails, or a reward is
    not a number; Stopped on Ctrl-C, after saving.
    """

    def how(cfg: RunConfig, out: Path, lineage: dict[str, Any], quiet: bool, spread: Spread) -> dict[str, float]:
        return trained(cfg, out, lineage, quiet, spread, score, sampler, added)

    ppo, _ = check_config(cfg)
    if ppo.rubric and added is None:
        raise BadUse(f"objective.rubric={ppo.rubric} and nobody who reads it; pass its score as added=")
    return train(cfg, out, quiet=quiet, how=how)


def check_config(cfg: RunConfig) -> tuple[PolicyOptimization, PromptData]:
    """The objective and the data; BadUse if the episodes do not go into minibatches and prompts."""
    ppo, data, rows = cfg.objective, cfg.data, cfg.batch.rows
    assert isinstance(ppo, PolicyOptimization), "train/config.py has checked it"
    assert isinstance(data, PromptData), "train/config.py has checked it"
    for name in ("minibatches", "samples"):
        if rows % getattr(ppo, name):
            part = f"batch.rows={rows} episodes do not split into objective.{name}={getattr(ppo, name)} equal parts"
            raise BadUse(f"{part}; give a multiple of it")
    if cfg.batch.ramp_from or cfg.average > 1:
        raise BadUse("a ppo run has no batch ramp and no mean of checkpoints; its average is --objective.average")
    if ppo.ptx_weight and not data.text:
        raise BadUse(f"objective.ptx_weight={ppo.ptx_weight} mixes in pretraining text; name it with --data.text DIR")
    return ppo, data


def trained(
    cfg: RunConfig,
    out: Path,
    lineage: dict[str, Any],
    quiet: bool,
    spread: Spread,
    score: Score | None,
    sampler: Sampler | None,
    added: Score | None = None,
) -> dict[str, float]:
    """The last evaluation of the run, after every iteration that is left is done and its model is written."""
    keep_freed_memory()
    progress.say(f"memory plan: {in_words(plan_of(cfg))}", quiet=quiet)
    work = opened(cfg, score, sampler, added, spread, quiet=quiet)
    settle_threads(cfg, lineage, out, work.one_pass, spread)
    if not checkpoint.every(out / "checkpoints"):
        check_start(work, work.room, say=lambda line: progress.say(line, quiet=quiet))
    if not spread.alone:
        work.learn()
    run = Run(cfg, out, work, spread)
    with run.opened(quiet) as shown:
        work.say = shown.say
        metrics = run.to_the_end(shown)
    written = whole(work.written)
    check_finite(metrics, written, cfg)
    first_does(lambda: finish(cfg, out, written, lineage, metrics))
    return metrics


def opened(
    cfg: RunConfig,
    score: Score | None = None,
    sampler: Sampler | None = None,
    added: Score | None = None,
    spread: Spread = ALONE,
    *,
    quiet: bool = True,
) -> Iterations:
    """The work of a run, at its start."""
    ppo, data = check_config(cfg)
    device = choose_device(cfg.machine.device)
    tokenizer = Tokenizer.load(Path(data.tokens))
    end = answer_end(tokenizer)
    train_prompts, held_out = read_prompts(data, tokenizer, lambda line: progress.say(line, quiet=quiet))
    policy = build(cfg.model, cfg.seed, device)
    load_weights_into(policy, Path(cfg.start))
    policy.eval()
    return Iterations(
        cfg=cfg,
        ppo=ppo,
        policy=policy,
        critics=open_critics(ppo, policy, tokenizer, score, data.length, device, cfg.machine.precision, added),
        prompts=(train_prompts, held_out),
        text=open_text(data, cfg.seed),
        sampler=sampler or engine(end, data.response, ppo.temperature, tokenizer.n_vocab),
        foreign=sampler is not None,
        end=end,
        room=data.response,
        device=device,
        spread=spread,
    )


def open_text(data: PromptData, seed: int) -> Batches | None:
    """The rows of pretraining text, if there are any."""
    if not data.text:
        return None
    text = TextData(folder=data.text, tokenizer=data.tokenizer, length=data.text_length or data.length)
    return open_batches(text, seed)
