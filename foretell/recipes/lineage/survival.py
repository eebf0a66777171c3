"""A run that meets faults, and survives them without a person: kills, a hang, batches of random tokens.

Three runs of one config, the smallest GPT-2 of the climb with a guard: `clean`, without any fault; `alone`, which reads
the bad batches; `survived`, which reads them too and whose process is killed and hangs. The last must equal the second
bit for bit, and both end near the first. The GPT-4 report (section 2) asks for training that behaves as foreseen; the
log of OPT-175B (Zhang et al. 2022) is the example of one that needed people.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from foretell import progress
from foretell.config import dump, load
from foretell.corpus.batches import Arrays, Batches
from foretell.errors import Failed
from foretell.recipes import sources
from foretell.recipes.lineage.plan import SCALES, Climb, measured
from foretell.runs import sha256
from foretell.train.config import Guard, Machine, RunConfig
from foretell.train.events import read_events
from foretell.train.folder import parents
from foretell.train.loop import train, trained
from foretell.train.segments import segments
from foretell.train.supervise import launched, supervise

STEPS = {"smoke": 48, "nano": 96, "mini": 240}
HANG_AFTER = 2.0  # seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Faults:
    """What happens at which batch, counted from 0. A kill and a hang happen once."""

    corrupt: Sequence[int] = ()
    kill: Sequence[int] = ()
    hang: Sequence[int] = ()


class Faulty:
    """Rows with faults; the files of `marks` tell which have happened."""

    def __init__(self, data: Batches, cfg: RunConfig, faults: Faults, marks: Path) -> None:
        self.data, self.cfg, self.faults, self.marks = data, cfg, faults, marks
        self.n_rows = data.n_rows

    def batch(self, samples: np.ndarray) -> Arrays:
        """The rows, or random tokens, or the end of this process."""
        number, found = int(samples[0]) // self.cfg.batch.rows, self.data.batch(samples)
        if number in self.faults.kill and self.first("kill", number):
            os.kill(os.getpid(), signal.SIGKILL)
        if number in self.faults.hang and self.first("hang", number):
            time.sleep(3600)
        if number not in self.faults.corrupt:
            return found
        rng, shape = np.random.default_rng(number), found["targets"].shape
        return {**found, "targets": rng.integers(0, self.cfg.model.n_vocab, shape, dtype=found["targets"].dtype)}

    def first(self, what: str, number: int) -> bool:
        """Whether it has not happened yet; from now on it has."""
        path = self.marks / f"{what}-{number}"
        if path.exists():
            return False
        self.marks.mkdir(parents=True, exist_ok=True)
        path.touch()
        return True

    def epochs(self, n_samples: int) -> dict[str, float]:
        """As without faults."""
        return self.data.epochs(n_samples)

    def evaluation(self, batch_size: int, limit: int) -> Any:
        """As without faults."""
        return self.data.evaluation(batch_size, limit)


def survived(plan: Climb) -> None:
    """results/survival.json: the pieces of a run between its failures, and what they cost it."""
    cfg = config(plan)
    card = Path(cfg.data.folder) / "card.json"
    measured(plan, "survival", [card] if parents(cfg) else [], lambda: survival(plan, cfg))


def config(plan: Climb) -> RunConfig:
    """The run, small enough to be trained three times in passing."""
    from foretell import recipes

    steps = STEPS[plan.scale]
    cfg = recipes.recipe(f"gpt2.pretrain:{SCALES[plan.scale][0]}")
    cfg = sources.resolve(cfg, plan.corpora, text=plan.text, quiet=plan.quiet)
    return replace(
        cfg,
        data=replace(cfg.data, length=min(cfg.data.length, 64)),
        batch=replace(cfg.batch, rows=8),
        schedule=replace(cfg.schedule, warmup_steps=steps // 10),
        steps=steps,
        evaluate_every=steps,
        evaluate_rows=64,
        checkpoint_every=max(steps // 12, 1),
        guard=Guard(window=max(steps // 4, 16) // 2 * 2),
        machine=Machine(device="cpu", threads=1, hang_after=HANG_AFTER),
    )


def planned(steps: int) -> Faults:
    """Three kills, a hang, one bad batch and a burst of three, in the part of the run where the guard knows enough."""
    at = [int(steps * share) for share in (0.15, 0.4, 0.52, 0.65, 0.75, 0.9)]
    return Faults(corrupt=(at[1], *range(at[4], at[4] + 3)), kill=(at[0], at[2], at[5]), hang=(at[3],))


def survival(plan: Climb, cfg: RunConfig) -> dict[str, Any]:
    """What the three runs come to."""
    root, faults = plan.out / "evaluation" / "survival", planned(cfg.steps)
    losses = {}
    for name, some in (("clean", Faults()), ("alone", Faults(corrupt=faults.corrupt))):
        losses[name] = run_with(cfg, root / name, some)["val_loss"]
    out = root / "survived"
    command = [sys.executable, "-m", "foretell.recipes.lineage.survival", told(cfg, out, faults)]
    code = supervise(lambda: launched(command), out, 3, lambda line: progress.say(line, quiet=plan.quiet), pause=0)
    if code:
        raise Failed(f"the run that should survive ended with exit code {code}; look at {out / 'events.jsonl'}")
    weights = [sha256(root / name / "model" / "model.safetensors") for name in ("alone", "survived")]
    events = read_events(out)
    return {
        "steps": cfg.steps,
        "clean": losses["clean"],
        "survived": losses["alone"] if weights[0] == weights[1] else run_with(cfg, out, faults)["val_loss"],
        "identical": weights[0] == weights[1],
        "kills": sum("killed" in event.get("how", "") for event in events),
        "hangs": sum(event["what"] == "hung" for event in events),
        "rollbacks": [event["why"] for event in events if event["what"] == "rollback"],
        "moved_past": sorted(n for event in events for n in event.get("moved_past", [])),
        "bad": list(faults.corrupt),
        "segments": [asdict(one) for one in segments(out)],
    }


def run_with(cfg: RunConfig, out: Path, faults: Faults) -> dict[str, float]:
    """The last evaluation of a run with faults, in this process."""
    marks = out.parent / f"{out.name}-happened"
    how = partial(trained, around=lambda data: Faulty(data, cfg, faults, marks))
    return train(cfg, out, quiet=True, how=how).metrics


def told(cfg: RunConfig, out: Path, faults: Faults) -> str:
    """What the process that trains is told."""
    return json.dumps({"out": str(out), "config": json.loads(dump(cfg)), "faults": asdict(faults)})


def main() -> int:
    """Train as the first argument tells."""
    given = json.loads(sys.argv[1])
    cfg = load(RunConfig, json.dumps(given["config"]), "the config that was handed over")
    run_with(cfg, Path(given["out"]), Faults(**given["faults"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
