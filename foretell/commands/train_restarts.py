"""`foretell train ... --restarts N`: the same command in a process of its own, started again when it dies."""

import sys
from collections.abc import Sequence
from pathlib import Path

from foretell import progress
from foretell.train.config import RunConfig
from foretell.train.folder import default_folder
from foretell.train.supervise import launched, supervise

HANG_AFTER = 300  # seconds, where the config does not say


def supervised(cfg: RunConfig, args: Sequence[str], out: str | None, restarts: int, *, quiet: bool) -> int:
    """The exit code of the run in the end."""
    command = [sys.executable, "-m", "foretell.cli", "train", *without(args, "--restarts")]
    if not cfg.machine.hang_after:
        command += ["--machine.hang-after", str(HANG_AFTER)]
    folder = Path(out) if out else default_folder(cfg)
    return supervise(lambda: launched(command), folder, restarts, lambda line: progress.say(line, quiet=quiet))


def without(args: Sequence[str], flag: str) -> list[str]:
    """The arguments without a flag and its value."""
    kept, skip = [], False
    for one in args:
        if skip:
            skip = False
        elif one == flag:
            skip = True
        elif not one.startswith(f"{flag}="):
            kept.append(one)
    return kept
