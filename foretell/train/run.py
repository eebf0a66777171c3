"""An open run: what is repeated, step after step, and all around it that is the same for every kind of training.

The progress bar, the metrics, the checkpoints, Ctrl-C, and going on from where it was stopped. What one step does is
the Work's: rows of text through one network (loop.py), or an iteration of reinforcement learning (align/ppo.py).
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from torch import nn
from torch.optim import Optimizer

from foretell import progress
from foretell.errors import Failed
from foretell.runs import peak_memory
from foretell.train import checkpoint, events, guard
from foretell.train.config import RunConfig
from foretell.train.metrics import Metrics
from foretell.train.parallel import ALONE, Spread
from foretell.train.sharded_checkpoint import Saver
from foretell.train.stops import stop_asked
from foretell.train.together import any_of, wait_for_all
from foretell.train.watch import Watch, check_room, checkpoint_bytes

MOST_SKIPPED = 20  # steps in a row without a finite gradient after which a run is given up
START = "start"  # the checkpoint of step 0, where a guard may have to go back to
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
    seen: guard.Seen = field(default_factory=guard.Seen)


def state_of(saved: dict[str, Any]) -> State:
    """The state of a checkpoint's state.json; a TypeError where it has other fields."""
    return State(**{**saved, "seen": guard.Seen(**saved.get("seen", {}))})


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

    def step(self, step: int, place: int | None = None) -> Values:
        """What a step measured, after it was taken; `n_tokens` is what it read, `skipped` 1 if it changed nothing.

        `place` is the number of its batch, where batches were moved past; else it is the step.
        """

    def evaluation(self) -> Values:
        """The held-out measures, named val_*."""

    def epochs(self, step: int) -> Values:
        """How often the data were read before a step."""

    def words(self, values: Values, found: Values) -> str:
        """How the work goes, as the bar shows it, from a step's values and the last evaluation."""


class Run:
    """An open run: its work, and the state that it moves."""

    metrics: Metrics | None = None
    """in the first process"""

    def __init__(self, cfg: RunConfig, out: Path, work: Work, spread: Spread = ALONE) -> None:
        self.cfg, self.out, self.work, self.spread = cfg, out, work, spread
        self.bytes = checkpoint_bytes(work.model, work.optimizers)
        self.watch = Watch(out, cfg.machine.hang_after, spread.ranks.rank)
        self.state, self.problems = self.restored()
        self.saver = None if spread.alone else Saver(out / "checkpoints", spread)
        check_room(out, self.bytes, f"it begins at step {self.state.step}")
        dropped = self.open_metrics()
        for problem in self.problems:
            self.record("damaged", self.state.step, why=problem)
        self.record("start", self.state.step, lost=events.losses(dropped))

    def open_metrics(self) -> list[dict[str, Any]]:
        """The lines that are forgotten because their steps are done again, after the file is open to go on."""
        if not self.spread.ranks.first:
            return []
        if self.metrics is not None:
            self.metrics.close()
        self.metrics = Metrics(self.out, self.state.step, tensorboard=self.cfg.tensorboard)
        return self.metrics.dropped

    def restored(self) -> tuple[State, list[str]]:
        """The state of the newest sound checkpoint, the work as it was then, and what was wrong with newer ones."""
        work, folder = self.work, self.out / "checkpoints"
        saved, problems = checkpoint.restore(folder, work.model, work.optimizers, self.out / START)
        try:
            state = state_of(saved)
        except TypeError as error:
            rule = "its state.json has other fields than this version's"
            raise Failed(f"{folder}: {rule}; remove the newest checkpoint to go on without it") from error
        work.memory.update(state.memory)
        return state, problems

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
        cfg, watch, found = self.cfg, self.watch, {}
        if self.state.step == 0:
            self.begin()
        with stop_asked() as asked, watch.open():
            while self.state.step < cfg.steps:
                with watch.during("step", self.state.step):
                    values = self.one_step()
                step = self.state.step
                if find := guard.look(cfg.guard, self.state.seen, step - 1, values):
                    with watch.during("rollback", step):
                        self.go_back(find, values, shown)
                    continue
                last = step == cfg.steps
                if last or step % cfg.evaluate_every == 0:
                    with watch.during("evaluation", step):
                        found = self.work.evaluation()
                    values |= found | self.work.epochs(step)
                self.write(step, values)
                stop = any_of(asked())
                if last or step % cfg.checkpoint_every == 0 or stop:
                    with watch.during("save", step):
                        self.save()
                shown.advance(text=self.work.words(values, found))
                if stop and not last:
                    with watch.during("wait", step):
                        self.settle()
                    self.record("stop", step, peak_memory=peak_memory())
                    raise Stopped(f"stopped after step {step} of {cfg.steps}; the same command continues")
            with watch.during("wait", cfg.steps):
                self.settle()
        shutil.rmtree(self.out / START, ignore_errors=True)
        self.record("end", cfg.steps, peak_memory=peak_memory())
        return found or self.work.evaluation()

    def write(self, step: int, values: Values) -> None:
        """Write down what was measured; the first process does."""
        if self.metrics is not None:
            self.metrics.write(step, values)

    def record(self, what: str, step: int, **told: Any) -> None:
        """Write down what befell the run; the first process does."""
        if self.spread.ranks.first:
            events.record(self.out, what, step, **told)

    def settle(self) -> None:
        """Wait for a checkpoint that is being written, in every process until it is whole."""
        if self.saver is not None:
            self.saver.wait()
            wait_for_all()

    def begin(self) -> None:
        """What is there before the first step: its evaluation and, for a guard, the checkpoint to go back to."""
        self.write(0, self.work.evaluation())
        if self.cfg.guard.window:
            self.save()

    def go_back(self, find: guard.Find, values: Values, shown: progress.Bar) -> None:
        """Move past what was found, from the last checkpoint made before it, which knows of it from now on.

        A kill on the way changes nothing: the run finds the same again.
        """
        cfg, seen = self.cfg.guard, self.state.seen
        first, moved = guard.move_past(cfg, seen, find)
        if seen.tries > cfg.tries:
            why = f"{find.why}, again after {cfg.tries} rollbacks that moved past {len(seen.passed)} batches in all"
            self.record("gave up", find.step + 1, why=why)
            raise Failed(f"{why}; look at the data, or begin again in another --out with a lower --optim.lr")
        self.forget_after(first)
        self.state, problems = self.restored()
        back, now = self.state.step, self.state.seen
        now.passed, now.place, now.tries = seen.passed, seen.place, seen.tries
        dropped = self.open_metrics()
        lost = events.losses([*dropped, {"step": find.step + 1, **values}])
        for problem in problems:
            self.record("damaged", find.step + 1, why=problem)
        told = {"why": find.why, "back_to": back, "moved_past": moved, "tries": seen.tries, "lost": lost}
        self.record("rollback", find.step + 1, **told)
        if back:
            self.save()
        else:
            self.begin()
        shown.start_at(back)
        shown.say(f"{find.why}: back to step {back}, moving past {len(moved)} batches")

    def forget_after(self, step: int) -> None:
        """Remove the checkpoints after a step; the oldest stays where there is none before."""
        every = checkpoint.every(self.out / "checkpoints")
        good = [path for path in every if checkpoint.step_of(path) <= step]
        if not good and not checkpoint.every(self.out / START):
            if not every:
                raise Failed(f"{self.out} holds no checkpoint to go back to before step {step}; begin again")
            good = every[:1]
        for path in every:
            if path not in good:
                shutil.rmtree(path)

    def one_step(self) -> Values:
        """One step and its cost; what it measured."""
        state = self.state
        begun, cpu = time.perf_counter(), time.process_time()
        values = self.work.step(state.step, guard.place_of(state.step, state.seen.passed))
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
        return {
            **values,
            **whole,
            "cpu_seconds": round(state.cpu_seconds, 3),
            "tokens_per_second": round(n / max(took, 1e-9)),
        }

    def save(self) -> None:
        """Write a checkpoint, keeping what an average, a damaged last one or the guard needs."""
        cfg, state, work = self.cfg, self.state, self.work
        state.memory = dict(work.memory)
        check_room(self.out, self.bytes, f"it goes on from the checkpoint before step {state.step}")
        folder, spacing = self.out / ("checkpoints" if state.step else START), cfg.checkpoint_every
        good = guard.reach(cfg.guard) // spacing + 2 if cfg.guard.window else 2
        keep = max(good, cfg.average, cfg.keep)
        if self.saver is not None:
            self.saver.save(work.model, work.optimizers, asdict(state), keep, spacing)
            return
        checkpoint.save(folder, work.model, work.optimizers, asdict(state), keep, spacing)
        if state.step > spacing + guard.reach(cfg.guard):  # a later one is known to be good
            shutil.rmtree(self.out / START, ignore_errors=True)
