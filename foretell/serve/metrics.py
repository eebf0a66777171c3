"""What the server counts, as Prometheus reads it (text format 0.0.4)."""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

Labels = tuple[tuple[str, str], ...]


class Metric(NamedTuple):
    """A family of numbers: one for each set of labels."""

    name: str
    kind: str
    about: str
    values: Mapping[Labels, float]


class Counts:
    """Answers by route and status, from several threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.answers: Counter[Labels] = Counter()
        self.seconds: Counter[Labels] = Counter()

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        with self.lock:
            self.answers[(("route", route), ("status", str(status)))] += 1
            self.seconds[(("route", route),)] += seconds  # type: ignore[assignment]  # a Counter of floats

    def metrics(self) -> list[Metric]:
        """What was counted."""
        with self.lock:
            return [
                Metric("foretell_requests_total", "counter", "answers", dict(self.answers)),
                Metric("foretell_request_seconds_total", "counter", "time until they were whole", dict(self.seconds)),
            ]


def by_model(name: str, kind: str, about: str, values: Iterable[tuple[str, float]]) -> Metric:
    """A number of each model."""
    return Metric(name, kind, about, {(("model", model),): value for model, value in values})


def exposition(metrics: Sequence[Metric]) -> str:
    """The page that Prometheus reads."""
    lines = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.about}", f"# TYPE {metric.name} {metric.kind}"]
        for labels, value in sorted(metric.values.items()):
            inside = ",".join(f'{name}="{escaped(text)}"' for name, text in labels)
            lines.append(f"{metric.name}{{{inside}}} {value:g}" if inside else f"{metric.name} {value:g}")
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """A label's value."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
