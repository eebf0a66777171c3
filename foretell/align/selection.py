"""Which of a run's checkpoints becomes its model: the one whose answers to held-out prompts a reward model likes best.

The loss on held-out demonstrations rises after an epoch or so, while rewards and the preferences of people still grow:
Ouyang et al. 2022 (section 3.5, appendix C.1) choose by the reward model's score on the validation set. Ours: one
answer to each prompt, sampled at temperature 1 with the same draws for every checkpoint; the earliest of equal ones.

    foretell train RECIPE --select-by REWARD_RUN
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from foretell import progress
from foretell.align.answering import Answering, answers, fits
from foretell.align.reward import Reward, asked, check_tokenizer, load_reward, scores
from foretell.align.simulated import Record
from foretell.config import load
from foretell.corpus.batches import spread
from foretell.corpus.config import DemonstrationData
from foretell.corpus.labels import label_rows
from foretell.errors import BadUse, Failed
from foretell.eval.measured import bootstrap
from foretell.exchange.card import Card
from foretell.exchange.folder import save_model
from foretell.generate.model import Model
from foretell.model.init import build
from foretell.runs import read_json, read_text, sha256
from foretell.text.tokenizer import Tokenizer
from foretell.train import checkpoint, folder
from foretell.train.config import RunConfig

SELECTION = "selection"  # in lineage.json
MOST_PROMPTS = 256
LONGEST = 64  # tokens of an answer, at most half of the context


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """The mean reward of a checkpoint's answers with its 95 % interval over prompts."""

    step: int
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """What each checkpoint scored, oldest first, and the step that was chosen."""

    step: int
    scores: tuple[Scored, ...]


def select(run: Path, reward: str | Path, *, n_prompts: int = MOST_PROMPTS, quiet: bool = False) -> Selection:
    """The selection among a finished run's checkpoints, whose weights are now the run's model folder.

    The same reward model again changes nothing. BadUse if the run is of another kind, is not finished, keeps no
    checkpoint or has another tokenizer than the reward model; Failed for a checkpoint that is damaged.
    """
    cfg, lineage = opened(run)
    judge = load_reward(reward)
    weights = folder.weights_file(Path(reward))
    by = sha256(weights) if weights.exists() else str(reward)
    before = lineage.get(SELECTION, {})
    if (before.get("reward"), before.get("n_prompts")) == (by, n_prompts):
        return Selection(step=before["step"], scores=tuple(Scored(**one) for one in before["scores"]))
    paths = checkpoint.every(run / "checkpoints")
    if not paths:
        raise BadUse(f"{run} keeps no checkpoint to select among; train it again with --keep 8")
    with folder.held(run):
        found = measured(run, cfg, paths, judge, n_prompts, quiet)
        chosen = max(found, key=lambda one: one.value)  # the first of equal ones
        write(run, cfg, chosen)
        told = {"reward": by, "n_prompts": n_prompts, "step": chosen.step, "scores": [asdict(one) for one in found]}
        folder.write_lineage(run, {**lineage, SELECTION: told})
    return Selection(step=chosen.step, scores=tuple(found))


def opened(run: Path) -> tuple[RunConfig, dict[str, Any]]:
    """The config and the lineage of a finished run on demonstrations; BadUse for any other."""
    cfg = load(RunConfig, read_text(run / folder.CONFIG), str(run / folder.CONFIG))
    lineage = dict(read_json(run / folder.LINEAGE))
    if not isinstance(cfg.data, DemonstrationData):
        rule = "its checkpoints are not compared by their answers"
        raise BadUse(f"{run} is a run on data={cfg.data.kind}: {rule}; --select-by is for runs on demonstrations")
    if "finished" not in lineage:
        raise BadUse(f"{run} is not finished; continue it with foretell train, then select")
    return cfg, lineage


def measured(
    run: Path, cfg: RunConfig, paths: Sequence[Path], reward: Reward, n_prompts: int, quiet: bool
) -> list[Scored]:
    """The mean reward of each checkpoint's answers."""
    tokenizer = Tokenizer.load(Path(cfg.data.tokens))  # type: ignore[union-attr]
    check_tokenizer(reward, tokenizer, str(run))
    how = Answering(max_new_tokens=min(LONGEST, cfg.model.n_ctx // 2))
    found, prompts = [], held_out_prompts(cfg)
    with progress.bar(f"answers of {run}", len(paths), quiet=quiet) as shown:
        for path in paths:
            model = at(path, cfg, tokenizer)
            some = [one for one in prompts if fits(model, one, how)]
            some = [some[i] for i in spread(len(some), n_prompts)]
            if not some:
                raise BadUse(f"none of the {len(prompts)} held-out prompts of {cfg.data.folder} leaves room to answer")
            texts = [answer[0] for answer in answers(model, some, how)]
            pairs = [asked(reward, one["text"], text) for one, text in zip(some, texts, strict=True)]
            mean = bootstrap(scores(reward, pairs), lambda values: sum(values) / len(values))
            low, high, step = mean["low"], mean["high"], checkpoint.step_of(path)
            found.append(Scored(step=step, value=mean["value"], low=low, high=high, n=len(some)))
            shown.advance(text=f"step {found[-1].step}: reward {found[-1].value:.3f}")
    return found


def held_out_prompts(cfg: RunConfig) -> list[Record]:
    """The prompts of the held-out demonstrations, each once; those of conversations learnt whole are left out."""
    _, held = label_rows(cfg.data.folder, "demonstrations")
    texts = {repr(row["prompt"]): row["prompt"] for row in held if "prompt" in row}
    return [{"prompt_id": f"held out {i}", "text": text} for i, text in enumerate(texts.values())]


def at(path: Path, cfg: RunConfig, tokenizer: Tokenizer) -> Model:
    """The model of a checkpoint; Failed if it is not what was written."""
    from safetensors.torch import load_file

    if problem := checkpoint.damage(path):
        raise Failed(f"{path.parent}: {problem}; remove it to select among the others")
    network = build(cfg.model, cfg.seed, "cpu")
    network.load_state_dict(load_file(path / "model.safetensors"))
    return Model(network, tokenizer)


def write(run: Path, cfg: RunConfig, chosen: Scored) -> None:
    """Write the run's model folder with the weights of the chosen checkpoint."""
    tokenizer = Tokenizer.load(Path(cfg.data.tokens))  # type: ignore[union-attr]
    network = at(run / "checkpoints" / f"step-{chosen.step:08d}", cfg, tokenizer).network
    metrics = {**held_out_at(run, chosen.step), "reward": chosen.value}
    save_model(run / "model", network, tokenizer, Card(recipe=cfg.recipe, steps=chosen.step, metrics=metrics))


def held_out_at(run: Path, step: int) -> dict[str, float]:
    """What the run measured on held-out rows at a step, if it did."""
    from foretell.corpus.jsonl import read_lines

    line = next((one for one in read_lines(run / folder.METRICS) if one["step"] == step), {})
    return {name: value for name, value in line.items() if name.startswith("val_")}
