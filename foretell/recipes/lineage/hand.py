"""A process of a climb: reads jobs, a line of JSON each, and answers each with a line (together.py)."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TextIO

from foretell.config import load
from foretell.errors import BadUse, Failed
from foretell.recipes.lineage.plan import Climb
from foretell.runs import peak_memory
from foretell.train.run import Stopped


def main() -> int:
    """The exit code, when standard input has ended or a job failed."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    lines: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=read_lines, args=(lines,), daemon=True).start()
    told = json.loads(lines.get())
    plan = Climb(**{**told["plan"], "out": Path(told["plan"]["out"])})
    settle(told["threads"])
    while True:
        if not one_job(plan, json.loads(lines.get()), answers):
            return 1


def read_lines(lines: "SimpleQueue[str]") -> None:
    """Pass on what standard input says; ask this process to stop when it ends."""
    for line in sys.stdin:
        lines.put(line)
    os.kill(os.getpid(), signal.SIGTERM)


def settle(threads: int) -> None:
    """Threads of everything that this process does."""
    import torch

    torch.set_num_threads(threads)


def one_job(plan: Climb, told: dict[str, Any], answers: TextIO) -> bool:
    """Do a job and answer; whether it went well."""
    begun = time.monotonic()
    try:
        do(plan, told)
    except Stopped:
        return False
    except (BadUse, Failed, ValueError) as error:
        kind = "BadUse" if isinstance(error, BadUse) else "Failed"
        name = f"{Path(told['out']).name}: " if "out" in told else ""
        answers.write(json.dumps({"error": kind, "said": f"{name}{error}"}) + "\n")
        return False
    answers.write(json.dumps({"seconds": time.monotonic() - begun, "memory": peak_memory()}) + "\n")
    return True


def do(plan: Climb, told: dict[str, Any]) -> None:
    """A stage of the climb by its name, or a training run by its config."""
    from foretell.recipes.lineage.stages import stages
    from foretell.recipes.trainers import trainer
    from foretell.train.config import RunConfig

    if "stage" in told:
        next(stage for stage in stages(plan) if stage.name == told["stage"]).do(plan)
        return
    out = Path(told["out"])
    cfg = load(RunConfig, json.dumps(told["run"]), f"the config of {out.name}")
    trainer(cfg.objective.kind)(cfg, out, True)


if __name__ == "__main__":
    sys.exit(main())
