"""What a waiting person sees: a bar with the time left on a terminal, a line now and then in a log, or nothing."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOG_EVERY = 15.0  # seconds between lines where the output is no terminal


class Bar:
    """One task's bar. `advance` moves it; the text beside it says how the work goes (a loss, a count)."""

    def __init__(self, what: str, total: float, shown: "object | None", *, log: bool) -> None:
        self.what, self.total, self.done, self.text = what, total, 0.0, ""
        self._shown, self._log, self._begun, self._said = shown, log, time.monotonic(), time.monotonic()
        self._first = 0.0
        self._task = shown.add_task(what, total=total, text="") if shown is not None else None  # type: ignore[attr-defined]

    def start_at(self, done: float) -> None:
        """Say that this much was done before (a run that goes on), so that the time left is told from here."""
        self.done = self._first = done
        if self._shown is not None:
            self._shown.reset(self._task, completed=done)  # type: ignore[attr-defined]

    def say(self, line: str) -> None:
        """A line of its own, above the bar."""
        if self._shown is not None:
            self._shown.console.print(line, markup=False, highlight=False)  # type: ignore[attr-defined]
        elif self._log:
            print(line, file=sys.stderr, flush=True)  # noqa: T201

    def advance(self, by: float = 1.0, text: str | None = None) -> None:
        """Move on by so many units."""
        self.done += by
        self.text = self.text if text is None else text
        if self._shown is not None:
            self._shown.update(self._task, completed=self.done, text=self.text)  # type: ignore[attr-defined]
        elif self._log and time.monotonic() - self._said > LOG_EVERY:
            self._said = time.monotonic()
            left = (self._said - self._begun) * (self.total - self.done) / max(self.done - self._first, 1e-9)
            line = f"{self.what}: {self.done:.0f} of {self.total:.0f}, {time_text(left)} left  {self.text}"
            print(line.rstrip(), file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def bar(what: str, total: float, *, quiet: bool = False) -> Iterator[Bar]:
    """A bar for work of `total` units: rich's on a terminal, log lines elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield Bar(what, total, None, log=not quiet)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    left = (TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[text]}"))
    with Progress(*columns, *left, console=Console(stderr=True), speed_estimate_period=60) as shown:
        yield Bar(what, total, shown, log=False)


def say(line: str, *, quiet: bool = False) -> None:
    """A line for the person who waits, where no bar is shown."""
    with bar("", 1, quiet=quiet) as shown:
        shown.say(line)


def time_text(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 3 min 5 s, 2 h 10 min, 12 days, 3,000 years."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 72:
        return f"{hours} h {minutes} min"
    days = hours / 24
    return f"{days:.0f} days" if days < 730 else f"{days / 365.25:,.0f} years"
