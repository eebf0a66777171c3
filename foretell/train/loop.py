"""The only training loop: language models, masked ones, translation, fine-tuning, and all that is to come.

    while step < steps:  batch = data[step];  train_step;  evaluate;  checkpoint

Everything random in a step follows from (seed, step), so a run that is killed and started again repeats, bit for bit,
what the uninterrupted one would have done (same threads).
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from foretell import progress
from foretell.config import dump
from foretell.corpus.batches import Batches, open_batches
from foretell.errors import Failed
from foretell.exchange.folder import load_weights_into
from foretell.model.device import choose_device
from foretell.model.init import build, build_meta
from foretell.model.network import Network
from foretell.objective.build import build_objective
from foretell.objective.mean import Batch, Objective
from foretell.ranks import from_environment
from foretell.runs import usable_cores
from foretell.train import checkpoint, folder
from foretell.train.config import RunConfig
from foretell.train.evaluate import evaluate
from foretell.train.finish import finish
from foretell.train.memory import keep_freed_memory
from foretell.train.optimizer import build_optimizers, set_rate
from foretell.train.parallel import Spread, begin_parts, laid_out, spread_of, whole
from foretell.train.run import Run
from foretell.train.schedule import rate, rows_after, rows_before
from foretell.train.step import train_step
from foretell.train.threads import choose_threads
from foretell.train.together import check_alike, first_does, together


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a run came to: its folder and the held-out measures of the model that it wrote (val_*)."""

    folder: Path
    metrics: dict[str, float]


Trained = Callable[[RunConfig, Path, dict[str, Any], bool, Spread], dict[str, float]]


def train(cfg: RunConfig, out: Path, *, quiet: bool = False, how: "Trained | None" = None) -> Result:
    """The finished run in `out`: begun, continued from its last checkpoint, or found finished.

    `how` does the work, trained() unless another is given.
    BadUse if the folder holds another run; Failed if the loss is not a number; Stopped on Ctrl-C, after saving.
    """
    ranks = from_environment()
    quiet = quiet or not ranks.first
    with together(ranks):
        check_alike("config", dump(cfg))
        spread = spread_of(cfg, ranks, choose_device(cfg.machine.device))
        lineage = first_does(lambda: folder.open_folder(out, cfg))
        if "finished" in lineage:
            progress.say(f"{out} is finished; nothing is left to do", quiet=quiet)
            return Result(folder=out, metrics=lineage["result"])
        with folder.held(out) if ranks.first else nullcontext():
            return Result(folder=out, metrics=(how or trained)(cfg, out, lineage, quiet, spread))


def trained(
    cfg: RunConfig,
    out: Path,
    lineage: dict[str, Any],
    quiet: bool,
    spread: Spread,
    around: Callable[[Batches], Batches] = lambda data: data,
) -> dict[str, float]:
    """The last evaluation of the run, after every step that is left to do is done and its model is written.

    `around` may put something between the rows and the run, such as faults that it should survive.
    """
    device = choose_device(cfg.machine.device)
    keep_freed_memory()
    data = around(open_batches(cfg.data, cfg.seed))
    in_parts = not spread.alone and not cfg.start  # then no process ever holds all of the weights
    model = build_meta(cfg.model) if in_parts else build(cfg.model, cfg.seed, device)
    if cfg.start:
        load_weights_into(model, Path(cfg.start))
    reference = deepcopy(model) if cfg.objective.kind == "preference" else None
    objective = in_precision(build_objective(cfg.objective, reference), device, cfg.machine.precision)
    settle_threads(cfg, lineage, out, lambda: one_batch(cfg, model, objective, data), spread)
    if cfg.machine.compile:
        for stack in filter(None, (model.encoder, model.decoder)):
            for block in stack.layers.values():
                block.compile()
    objective = laid_out(model, objective, cfg.parallel, spread)
    if in_parts:
        begin_parts(model, cfg.seed, device)
    work = Steps(cfg, model.train(), objective, data, spread, device)
    run = Run(cfg, out, work, spread)
    with run.opened(quiet) as shown:
        metrics = run.to_the_end(shown)
    if cfg.average > 1:
        checkpoint.fill(model, checkpoint.mean_of_last(out / "checkpoints", cfg.average))
        metrics = work.evaluation()
    model = whole(model)
    check_finite(metrics, model, cfg)
    first_does(lambda: finish(cfg, out, model, lineage, metrics))
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
        self, cfg: RunConfig, model: Network, objective: Objective, data: Batches, spread: Spread, device: str
    ) -> None:
        self.cfg, self.model, self.objective, self.data = cfg, model, objective, data
        self.spread, self.device = spread, device
        self.optimizers, self.memory = build_optimizers(model, cfg.optim), {}

    def step(self, step: int, place: int | None = None) -> dict[str, float]:
        """One step: its rows, its random stream, its rate; what it measured."""
        cfg, data, place = self.cfg, self.spread.data, step if place is None else place
        torch.manual_seed(cfg.seed * 1_000_003 + place * data.world + data.rank)
        share = rate(cfg.schedule, step, cfg.steps)
        set_rate(self.optimizers, share)
        every = [(to_device(part, self.device), counts) for part, counts in self.micro_batches(place)]
        parts, blank = [part for part, _ in every], [i for i, (_, counts) in enumerate(every) if not counts]
        more = () if self.spread.alone else (self.spread.sum, lambda number: None, blank)
        values = train_step(self.model, self.objective, parts, self.optimizers, cfg.clip, *more)
        n = sum(n_tokens(part) for part, counts in every if counts)
        n = n if self.spread.alone else int(self.spread.sum(torch.tensor(n)))
        return {**values, "lr": cfg.optim.lr * share, "n_tokens": n}

    def micro_batches(self, step: int) -> Iterator[tuple[dict[str, np.ndarray], bool]]:
        """This process's share of the step's rows, cut into forward passes, and whether each counts: where others have
        more of them, the step's first row fills up."""
        cfg, data = self.cfg.batch, self.spread.data
        first = rows_before(cfg, step)
        rows = np.arange(first, first + rows_after(cfg, first))
        most = -(-len(rows) // data.world)  # that a process has
        size = cfg.micro or max(most, 1)
        own = rows[data.rank :: data.world]
        for start in range(0, most, size):
            part = own[start : start + size]
            yield self.data.batch(part if len(part) else rows[:1]), len(part) > 0

    def evaluation(self) -> dict[str, float]:
        """The held-out measures, named val_*."""
        size = -(-(self.cfg.batch.micro or self.cfg.batch.rows) // self.spread.data.world)
        batches = (to_device(batch, self.device) for batch in self.data.evaluation(size, self.cfg.evaluate_rows))
        found = evaluate(self.model, self.objective, batches, self.spread)
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


def settle_threads(
    cfg: RunConfig, lineage: dict[str, Any], out: Path, work: Callable[[], object], spread: Spread
) -> None:
    """Set the number of threads: as asked, as this run began with, or as measured now by `work`; and remember it.

    Several processes share the cores of their machine, and measure nothing.
    """
    if not spread.alone:
        torch.set_num_threads(cfg.machine.threads or max(usable_cores() // spread.ranks.local_world, 1))
        return
    threads = cfg.machine.threads or lineage.get("threads", 0) or choose_threads(work)
    torch.set_num_threads(threads)
    if lineage.get("threads") != threads:
        lineage["threads"] = threads
        folder.write_lineage(out, lineage)


def n_tokens(batch: Batch) -> int:
    """The tokens of a batch's inputs, without the filling where the batch tells it: how much of that there is depends
    on how a step's rows are cut into forward passes."""
    if "attend" in batch:
        return int(batch["attend"].sum())
    if "ends" not in batch:
        return batch["inputs"].numel()
    positions, ends = batch["positions"], batch["ends"]
    filling = (positions == 0) & (ends == torch.arange(1, ends.shape[1] + 1, device=ends.device))  # sees itself alone
    return int((~filling).sum())


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
