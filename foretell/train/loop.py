"""The only training loop: language models, masked ones, translation, fine-tuning, and all that is to come.

    while step < steps:  batch = data[step];  train_step;  evaluate;  checkpoint

Everything random in a step follows from (seed, step), so a run that is killed and started again repeats, bit for bit,
what the uninterrupted one would have done (same threads).
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from foretell import progress
from foretell.corpus.batches import Batches, open_batches
from foretell.errors import BadUse, Failed
from foretell.exchange.folder import load_weights_into
from foretell.model.device import choose_device
from foretell.model.init import build
from foretell.model.network import Network
from foretell.objective.build import build_objective
from foretell.objective.mean import Batch, Objective
from foretell.ranks import Ranks, from_environment
from foretell.train import checkpoint, folder
from foretell.train.config import RunConfig
from foretell.train.evaluate import evaluate
from foretell.train.finish import finish
from foretell.train.memory import keep_freed_memory
from foretell.train.optimizer import build_optimizers, set_rate
from foretell.train.run import Run
from foretell.train.schedule import rate, rows_after, rows_before
from foretell.train.step import train_step
from foretell.train.threads import choose_threads


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a run came to: its folder and the held-out measures of the model that it wrote (val_*)."""

    folder: Path
    metrics: dict[str, float]


Trained = Callable[[RunConfig, Path, dict[str, Any], bool, Ranks], dict[str, float]]


def train(cfg: RunConfig, out: Path, *, quiet: bool = False, how: "Trained | None" = None) -> Result:
    """The finished run in `out`: begun, continued from its last checkpoint, or found finished.

    `how` does the work, trained() unless another is given.
    BadUse if the folder holds another run; Failed if the loss is not a number; Stopped on Ctrl-C, after saving.
    """
    ranks = from_environment()
    if ranks.world > 1:
        raise BadUse(f"{ranks.world} processes: a run does not spread over processes yet; start one, without torchrun")
    lineage = folder.open_folder(out, cfg)
    if "finished" in lineage:
        progress.say(f"{out} is finished; nothing is left to do", quiet=quiet)
        return Result(folder=out, metrics=lineage["result"])
    with folder.held(out):
        return Result(folder=out, metrics=(how or trained)(cfg, out, lineage, quiet, ranks))


def trained(cfg: RunConfig, out: Path, lineage: dict[str, Any], quiet: bool, ranks: Ranks) -> dict[str, float]:
    """The last evaluation of the run, after every step that is left to do is done and its model is written."""
    device = choose_device(cfg.machine.device)
    keep_freed_memory()
    data = open_batches(cfg.data, cfg.seed)
    model = build(cfg.model, cfg.seed, device)
    if cfg.start:
        load_weights_into(model, Path(cfg.start))
    reference = deepcopy(model) if cfg.objective.kind == "preference" else None
    objective = in_precision(build_objective(cfg.objective, reference), device, cfg.machine.precision)
    settle_threads(cfg, lineage, out, lambda: one_batch(cfg, model, objective, data))
    if cfg.machine.compile:
        for stack in filter(None, (model.encoder, model.decoder)):
            for block in stack.layers.values():
                block.compile()
    work = Steps(cfg, model.train(), objective, data, ranks, device)
    run = Run(cfg, out, work)
    with run.opened(quiet) as shown:
        metrics = run.to_the_end(shown)
    if cfg.average > 1:
        model.load_state_dict(checkpoint.mean_of_last(out / "checkpoints", cfg.average))
        metrics = work.evaluation()
    check_finite(metrics, model, cfg)
    finish(cfg, out, model, lineage, metrics)
    return metrics


def check_finite(metrics: dict[str, float], model: Network, cfg: RunConfig) -> None:
    """Failed where a run has diverged: nobody wants its model."""
    bad = next((name for name, value in metrics.items() if not isfinite(value)), "")
    bad = bad or next((name for name, p in model.named_parameters() if not p.isfinite().all()), "")
    if bad:
        raise Failed(
            f"{bad} is not a number after step {cfg.steps}, so no model was written; "
            f"begin again in another --out with a lower --optim.lr (now {cfg.optim.lr}) or --clip 1"
        )


class Steps:
    """The work of a run that reads rows: each step is one of train_step() on the next of them."""

    memory: dict[str, float]

    def __init__(
        self, cfg: RunConfig, model: Network, objective: Objective, data: Batches, ranks: Ranks, device: str
    ) -> None:
        self.cfg, self.model, self.objective, self.data = cfg, model, objective, data
        self.ranks, self.device = ranks, device
        self.optimizers, self.memory = build_optimizers(model, cfg.optim), {}

    def step(self, step: int, place: int | None = None) -> dict[str, float]:
        """One step: its rows, its random stream, its rate; what it measured."""
        cfg, place = self.cfg, step if place is None else place
        torch.manual_seed(cfg.seed * 1_000_003 + place * self.ranks.world + self.ranks.rank)
        share = rate(cfg.schedule, step, cfg.steps)
        set_rate(self.optimizers, share)
        micro_batches = [to_device(part, self.device) for part in self.micro_batches(place)]
        values = train_step(self.model, self.objective, micro_batches, self.optimizers, cfg.clip)
        n = sum(batch["inputs"].numel() for batch in micro_batches)
        return {**values, "lr": cfg.optim.lr * share, "n_tokens": n}

    def micro_batches(self, step: int) -> Iterator[dict[str, np.ndarray]]:
        """This process's share of the step's rows, cut into forward passes."""
        cfg = self.cfg.batch
        first = rows_before(cfg, step)
        rows = np.arange(first, first + rows_after(cfg, first))[self.ranks.rank :: self.ranks.world]
        size = cfg.micro or max(len(rows), 1)
        for start in range(0, len(rows), size):
            yield self.data.batch(rows[start : start + size])

    def evaluation(self) -> dict[str, float]:
        """The held-out measures, named val_*."""
        size = self.cfg.batch.micro or self.cfg.batch.rows
        batches = self.data.evaluation(size, self.cfg.evaluate_rows)
        found = evaluate(self.model, self.objective, (to_device(batch, self.device) for batch in batches))
        return {f"val_{name}": value for name, value in found.items()}

    def epochs(self, step: int) -> dict[str, float]:
        """How often the text was read so far, or each of its sources."""
        read = self.data.epochs(rows_before(self.cfg.batch, step))
        return {"epochs" if len(read) == 1 else f"epochs/{name}": round(n, 5) for name, n in read.items()}

    def words(self, values: dict[str, float], found: dict[str, float]) -> str:
        """The loss as the bar shows it."""
        held_out = f"  held-out {found['val_loss']:.3f}" if found else ""
        return f"loss {values['loss']:.3f}{held_out}  {values['tokens_per_second']:,} tokens/s"


def in_precision(objective: Objective, device: str, precision: str) -> Objective:
    """The objective with its matrix products in the precision asked for."""
    if precision == "fp32":
        return objective

    def terms(model: Network, batch: Batch) -> dict[str, Any]:
        with torch.autocast(device, torch.bfloat16):
            return objective.terms(model, batch)

    return objective._replace(terms=terms)


def settle_threads(cfg: RunConfig, lineage: dict[str, Any], out: Path, work: Callable[[], object]) -> None:
    """Set the number of threads: as asked, as this run began with, or as measured now by `work`; and remember it."""
    threads = cfg.machine.threads or lineage.get("threads", 0) or choose_threads(work)
    torch.set_num_threads(threads)
    if lineage.get("threads") != threads:
        lineage["threads"] = threads
        folder.write_lineage(out, lineage)


def one_batch(cfg: RunConfig, model: Network, objective: Objective, data: Batches) -> None:
    """The work of a step's first forward pass, of which nothing is left behind."""
    rows = np.arange(cfg.batch.micro or rows_after(cfg.batch, 0))
    forward_and_back(model.train(), objective, to_device(data.batch(rows), next(model.parameters()).device.type))
    model.zero_grad(set_to_none=True)


def forward_and_back(model: Network, objective: Objective, batch: Batch) -> None:
    """The work of a step without its effect."""
    terms = objective.terms(model, batch)
    loss = sum(term.total for name, term in terms.items() if name in objective.weights)
    assert isinstance(loss, Tensor), "an objective has at least one weighted term"
    loss.backward()


def to_device(batch: dict[str, np.ndarray], device: str) -> Batch:
    """A batch of arrays as tensors where the model is."""
    return {name: torch.from_numpy(value).to(device, non_blocking=True) for name, value in batch.items()}
