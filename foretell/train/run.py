"""An open run: what is repeated, step after step, and all around it that is the same for every kind of training.

The progress bar, the metrics, the checkpoints, Ctrl-C, and going on from where it was stopped. What one step does is
the Work's: rows of text through one network (loop.py), or an iteration of reinforcement learning (align/ppo.py).
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from torch import nn
from torch.optim import Optimizer

from foretell import progress
from foretell.errors import Failed
from foretell.train import checkpoint
from foretell.train.config import RunConfig
from foretell.train.metrics import Metrics
from foretell.train.parallel import ALONE, Spread
from foretell.train.sharded_checkpoint import Saver
from foretell.train.together import any_of

MOST_SKIPPED = 20  # steps in a row without a finite gradient after which a run is given up
Values = dict[str, float]


class Stopped(Exception):
    """The run was asked to stop (Ctrl-C) and has saved all that it did."""

    exit_code = 130


@dataclass(kw_only=True, slots=True)
class State:
    """What a checkpoint remembers beside weights and optimizer."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    skipped: int = 0
    """steps in a row without a finite gradient"""
    memory: dict[str, float] = field(default_factory=dict)
    """what the work itself remembers"""


class Work(Protocol):
    """What a run does in a step. All that is random in a step follows from (seed, step)."""

    @property
    def model(self) -> nn.Module:
        """All weights that a checkpoint keeps."""

    @property
    def optimizers(self) -> list[Optimizer]:
        """Their optimizers."""

    @property
    def memory(self) -> dict[str, float]:
        """The numbers that a checkpoint keeps beside them; they are given back by updating it."""

    def step(self, step: int) -> Values:
        """What a step measured, after it was taken; `n_tokens` is what it read, `skipped` 1 if it changed nothing."""

    def evaluation(self) -> Values:
        """The held-out measures, named val_*."""

    def epochs(self, step: int) -> Values:
        """How often the data were read before a step."""

    def words(self, values: Values, found: Values) -> str:
        """How the work goes, as the bar shows it, from a step's values and the last evaluation."""


class Run:
    """An open run: its work, and the state that it moves."""

    def __init__(self, cfg: RunConfig, out: Path, work: Work, spread: Spread = ALONE) -> None:
        self.cfg, self.out, self.work, self.spread = cfg, out, work, spread
        saved, problems = checkpoint.restore(out / "checkpoints", work.model, work.optimizers)
        try:
            self.state, self.problems = State(**saved), problems
        except TypeError as error:
            rule = "its state.json has other fields than this version's"
            raise Failed(f"{out / 'checkpoints'}: {rule}; remove the newest checkpoint to go on without it") from error
        work.memory.update(self.state.memory)
        self.metrics = Metrics(out, self.state.step, tensorboard=cfg.tensorboard) if spread.ranks.first else None
        self.saver = None if spread.alone else Saver(out / "checkpoints", spread)

    @contextmanager
    def opened(self, quiet: bool) -> Iterator[progress.Bar]:
        """The progress bar, at the step where the run goes on; the files are closed at the end."""
        with progress.bar(self.cfg.recipe, self.cfg.steps, quiet=quiet) as shown:
            if self.state.step:
                shown.start_at(self.state.step)
                shown.say(f"{self.out}: going on from step {self.state.step} of {self.cfg.steps}")
            for problem in self.problems:
                shown.say(f"{problem}; going on from step {self.state.step}")
            try:
                yield shown
            finally:
                if self.metrics is not None:
                    self.metrics.close()

    def to_the_end(self, shown: progress.Bar) -> dict[str, float]:
        """All remaining steps; the last evaluation."""
        cfg, state, found = self.cfg, self.state, {}
        if state.step == 0:
            self.write(0, self.work.evaluation())
        with stop_asked() as asked:
            while state.step < cfg.steps:
                values = self.one_step()
                last = state.step == cfg.steps
                if last or state.step % cfg.evaluate_every == 0:
                    found = self.work.evaluation()
                    values |= found | self.work.epochs(state.step)
                self.write(state.step, values)
                stop = any_of(asked())
                if last or state.step % cfg.checkpoint_every == 0 or stop:
                    self.save()
                shown.advance(text=self.work.words(values, found))
                if stop and not last:
                    self.settle()
                    raise Stopped(f"stopped after step {state.step} of {cfg.steps}; the same command continues")
        self.settle()
        return found or self.work.evaluation()

    def write(self, step: int, values: Values) -> None:
        """Write down what was measured; the first process does."""
        if self.metrics is not None:
            self.metrics.write(step, values)

    def settle(self) -> None:
        """Wait for a checkpoint that is being written."""
        if self.saver is not None:
            self.saver.wait()

    def one_step(self) -> Values:
        """One step and its cost; what it measured."""
        state = self.state
        begun, cpu = time.perf_counter(), time.process_time()
        values = self.work.step(state.step)
        took, n = time.perf_counter() - begun, int(values.pop("n_tokens"))
        state.step, state.tokens, state.seconds = state.step + 1, state.tokens + n, state.seconds + took
        state.cpu_seconds += time.process_time() - cpu
        state.skipped = state.skipped + 1 if values.pop("skipped") else 0
        if state.skipped >= MOST_SKIPPED:
            raise Failed(
                f"the gradient was not a number for {MOST_SKIPPED} steps up to step {state.step}; "
                f"begin again in another --out with a lower --optim.lr (now {self.cfg.optim.lr}) or --clip 1"
            )
        whole = {"tokens": state.tokens, "seconds": round(state.seconds, 3)}
        return {**values, **whole, "cpu_seconds": round(state.cpu_seconds, 3), "tokens_per_second": round(n / took)}

    def save(self) -> None:
        """Write a checkpoint, keeping what an average or a damaged last one needs."""
        self.state.memory = dict(self.work.memory)
        keep, spacing = max(2, self.cfg.average, self.cfg.keep), self.cfg.checkpoint_every
        folder, work = self.out / "checkpoints", self.work
        if self.saver is not None:
            self.saver.save(work.model, work.optimizers, asdict(self.state), keep, spacing)
            return
        checkpoint.save(folder, work.model, work.optimizers, asdict(self.state), keep, spacing)


@contextmanager
def stop_asked() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed: the first is noted, so that the step ends whole; a second interrupts at once."""
    noted: list[int] = []

    def note(number: int, frame: object) -> None:
        if noted:
            raise KeyboardInterrupt
        noted.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(noted)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
