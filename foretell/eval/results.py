"""A folder of results: whose and of which suite they are, held by one process at a time, and results.json."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any

from foretell.errors import BadUse, Failed
from foretell.generate.model import Model
from foretell.runs import alone, read_json, write_whole

EVALUATION, RESULTS = "evaluation.json", "results.json"


@contextmanager
def opened(out: Path, model: Model, suite: str, settings: dict[str, Any] | None = None) -> Iterator[None]:
    """The folder, held against a second process, if it is new or holds what this model and suite gave so.

    BadUse if another process holds it, or if it is of another model, of a suite of another form, or of other settings;
    Failed if it cannot be written.
    """
    told = {"model": fingerprint(model), "suite": suite, **(settings or {})}
    path = out / EVALUATION
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / ".lock").touch()
    except OSError as error:
        raise Failed(f"cannot write {out}: {error.strerror or error}; give another --out") from error
    with alone(out / ".lock", f"{out} is being written by another evaluation"):
        if path.exists():
            check_same(out, read_json(path), told)
        write_whole(path, json.dumps(told, indent=1))
        yield


def check_same(out: Path, before: dict[str, Any], told: dict[str, Any]) -> None:
    """BadUse that names the first thing in which a folder differs from what is to be written there."""
    other = next((name for name in told if before.get(name) != told[name]), None)
    if other is not None:
        rules = {"model": "of another model", "suite": f"of {before.get('suite')}, not of {told['suite']}"}
        rule = rules.get(other, f"with {other} {before.get(other)}, not {told[other]}")
        raise BadUse(f"{out} holds answers {rule}; give another --out, or remove the folder")


def fingerprint(model: Model) -> str:
    """A hash of the model's weights and tokenizer: other answers follow from another one."""
    found = hashlib.sha256(model.tokenizer.sha().encode())
    for name, weight in sorted(model.network.state_dict().items()):
        found.update(name.encode())
        found.update(weight.detach().float().contiguous().cpu().numpy().tobytes())
    return found.hexdigest()[:16]


def save_results(out: Path, results: dict[str, Any]) -> None:
    """Write results.json."""
    write_whole(out / RESULTS, as_json(results, indent=1) + "\n")


def as_json(results: Any, indent: int | None = None) -> str:
    """Results as JSON that every program reads: null where a number is infinite or none at all."""
    return json.dumps(finite(results), indent=indent, ensure_ascii=False, allow_nan=False)


def finite(value: Any) -> Any:
    """The value with None for each number that JSON does not know."""
    if isinstance(value, dict):
        return {name: finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value
