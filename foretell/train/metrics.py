"""What a run writes down: one JSON line a step in metrics.jsonl and, if asked for, TensorBoard event files."""

import json
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Any

from foretell.errors import BadUse, Failed
from foretell.runs import write_whole
from foretell.train.folder import METRICS


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics.jsonl; a last line that a kill cut short is left out."""
    lines = path.read_text().splitlines() if path.exists() else []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return found


def finite(value: float) -> float | None:
    """The value, or None where it is not a number: JSON has no word for that."""
    return value if isfinite(value) else None


class Metrics:
    """The open files. A run that continues drops the lines of the steps that it will do again."""

    def __init__(self, folder: Path, step: int, *, tensorboard: bool) -> None:
        self.path = folder / METRICS
        there = read_metrics(self.path)
        kept = [line for line in there if line["step"] <= step] if step else []
        self.dropped = there[len(kept) :]
        write_whole(self.path, "".join(json.dumps(line) + "\n" for line in kept))
        self.file = self.path.open("a")
        self.events = _event_writer(folder / "events", step) if tensorboard else None

    def write(self, step: int, values: dict[str, float]) -> None:
        """Append one line; it is flushed, so that a kill loses at most what the next run does again."""
        try:
            self.file.write(
                json.dumps({"step": step, **{name: finite(value) for name, value in values.items()}}) + "\n"
            )
            self.file.flush()
        except OSError as error:
            raise Failed(
                f"cannot write {self.path}: {error.strerror}; free some space and start the same again"
            ) from error
        if self.events is not None:
            for name, value in values.items():
                self.events.add_scalar(name, value, step)

    def close(self) -> None:
        """Close the files."""
        with suppress(OSError):  # a full disk: write() has said so
            self.file.close()
        if self.events is not None:
            self.events.close()


def _event_writer(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard.writer import SummaryWriter
    except ImportError as error:
        raise BadUse("--tensorboard needs the package tensorboard; pip install 'foretell[track]'") from error
    return SummaryWriter(str(folder), purge_step=step + 1)
