"""What a run says to a law: how large it was, how much it read, what that cost, and the held-out loss it ended at.

Only a finished run says anything. In the middle of a run the learning rate is still high, and the loss is one that no
finished run of that compute would have.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from foretell.config import load
from foretell.errors import BadUse
from foretell.model.count import flops_per_token, matrix_parameters
from foretell.runs import read_json, read_text
from foretell.train.config import RunConfig
from foretell.train.folder import CONFIG, LINEAGE, METRICS
from foretell.train.metrics import read_metrics
from foretell.train.schedule import rows_before

DECAYED = 0.2  # the share of the peak learning rate that a finished schedule has come down to, at the most
MEASURES = ("val_bits_per_byte", "val_loss")


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One finished run."""

    name: str
    parameters: float
    """those in matrix products"""
    tokens: float
    flops: float
    loss: float
    seed: int = 0

    @property
    def ratio(self) -> float:
        """Tokens read for each parameter."""
        return self.tokens / self.parameters


def cost(cfg: RunConfig) -> tuple[float, float, float]:
    """Parameters in matrix products, tokens and FLOPs of a run of language modelling, attention and output included."""
    if cfg.data.kind != "text":
        raise BadUse(f"{cfg.recipe} reads data={cfg.data.kind}; laws of scale are fitted to runs on running text")
    tokens = float(rows_before(cfg.batch, cfg.steps) * cfg.data.length)
    return float(matrix_parameters(cfg.model)), tokens, tokens * flops_per_token(cfg.model, cfg.data.length)


def read_config(run: Path) -> RunConfig:
    """The config of a run folder."""
    return load(RunConfig, read_text(run / CONFIG), str(run / CONFIG))


def read_point(run: Path, measure: str = MEASURES[0]) -> Point:
    """The point of a run folder; BadUse where the run, or the fall of its learning rate, is not finished."""
    cfg, lineage = read_config(run), finished(run)
    left = cfg.schedule.floor if cfg.schedule.shape in ("linear", "cosine") else 1.0
    if left > DECAYED:
        rule = "whose loss would still fall if its learning rate did"
        remedy = "train it with --schedule.shape linear or cosine and a floor of at most"
        raise BadUse(f"{run} has a {cfg.schedule.shape} schedule with floor {left:g}, {rule}; {remedy} {DECAYED:g}")
    loss = result(lineage, run, measure)
    parameters, tokens, flops = cost(cfg)
    return Point(name=run.name, parameters=parameters, tokens=tokens, flops=flops, loss=loss, seed=cfg.seed)


def finished(run: Path) -> dict[str, Any]:
    """The lineage of a run; BadUse where it is not at its end."""
    cfg = read_config(run)
    lineage = dict(read_json(run / LINEAGE))
    lines = read_metrics(run / METRICS)
    if "finished" not in lineage:
        step = lines[-1]["step"] if lines else 0
        raise BadUse(f"{run} is at step {step} of {cfg.steps}: its schedule is unfinished; train it to its end first")
    return lineage


def result(lineage: dict[str, Any], run: Path, measure: str) -> float:
    """The value that a finished run came to."""
    if measure not in lineage["result"]:
        raise BadUse(f"{run} has no {measure}, it has {', '.join(lineage['result'])}; give --measure one of these")
    return float(lineage["result"][measure])


def read_points(runs: Sequence[Path], measure: str = MEASURES[0]) -> list[Point]:
    """The points of run folders, the cheapest first; BadUse where two runs are of different data or settings."""
    if not runs:
        raise BadUse("no run is named; give the folders of a ladder's finished runs")
    first = shared_settings(read_config(runs[0]))
    for run in runs[1:]:
        check_alike(first, shared_settings(read_config(run)), str(runs[0]), str(run))
    points = [read_point(run, measure) for run in runs]
    return sorted(points, key=lambda point: point.flops)


def shared_settings(cfg: RunConfig) -> dict[str, Any]:
    """What all runs of a ladder and its target must have in common, or their losses do not lie on one curve."""
    data, model = asdict(cfg.data), cfg.model
    folder = Path(data.pop("folder"))
    card = read_json(folder / "card.json") if (folder / "card.json").exists() else {}
    return {
        "data.folder": card.get("source") or str(folder),
        "tokenizer": card.get("tokenizer_sha256", ""),
        **{f"data.{name}": list(value) if isinstance(value, tuple) else value for name, value in data.items()},
        "evaluate_rows": cfg.evaluate_rows,
        "objective": cfg.objective.kind,
        "model.n_vocab": model.n_vocab,
        "model.activation": model.activation,
        "model.positions": model.positions,
        "model.tied": model.tied,
        "schedule.shape": cfg.schedule.shape,
        "schedule.decay_from": cfg.schedule.decay_from,
        "schedule.decay_to": cfg.schedule.decay_to,
        "schedule.floor": cfg.schedule.floor,
        "optim.kind": cfg.optim.kind,
    }


def check_alike(one: dict[str, Any], other: dict[str, Any], its: str, others: str) -> None:
    """BadUse that names the first setting in which two runs differ."""
    for name, value in one.items():
        if other[name] != value:
            rule = "runs of one law share data, schedule and kind of network"
            raise BadUse(f"{name} is {value} in {its} and {other[name]} in {others}; {rule}")
