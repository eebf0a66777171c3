"""A run's folder: made, recognised as this config's, or refused; and what it remembers of where it came from."""

import dataclasses
import datetime
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from foretell.config import dump, load
from foretell.corpus.config import tokens_of
from foretell.errors import BadUse
from foretell.objective.config import PolicyOptimization
from foretell.runs import alone, machine, read_json, read_text, sha256, write_whole
from foretell.train.config import RunConfig
from foretell.version import VERSION

CONFIG, LINEAGE, METRICS = "config.json", "lineage.json", "metrics.jsonl"
# the same folder however it is spelt
PATHS = ("data.folder", "data.tokens", "data.text", "start", "objective.reward", "objective.value")


def open_folder(folder: Path, cfg: RunConfig) -> dict[str, Any]:
    """The lineage of the run in this folder: begun now, or read where the folder holds a run of the same config."""
    if folder.is_file():
        raise BadUse(f"{folder} is a file; a run needs a folder: give another --out")
    if (folder / CONFIG).exists() and has_begun(folder):
        _check_same(folder, cfg)
        return dict(read_json(folder / LINEAGE)) if (folder / LINEAGE).exists() else begin(folder, cfg)
    if not (folder / CONFIG).exists() and folder.exists() and any(not is_ours(path) for path in folder.iterdir()):
        raise BadUse(f"{folder} is not empty and holds no run ({CONFIG} is absent); give another --out")
    write_whole(folder / CONFIG, dump(cfg))
    return begin(folder, cfg)


def default_folder(cfg: RunConfig) -> Path:
    """Where a run goes that is given no folder: runs/gpt2.pretrain-nano."""
    return Path("runs") / cfg.recipe.replace(":", "-")


def last_step(folder: Path) -> int:
    """The step of a run's last checkpoint, from its name; 0 where there is none."""
    return max((int(path.name.removeprefix("step-")) for path in (folder / "checkpoints").glob("step-*")), default=0)


def finished(folder: Path) -> bool:
    """Whether a folder holds a run that is done."""
    return (folder / LINEAGE).exists() and "finished" in read_json(folder / LINEAGE)


def has_begun(folder: Path) -> bool:
    """Whether a run has done anything that another config must not take over."""
    return (folder / METRICS).exists() or (folder / "checkpoints").exists()


def is_ours(path: Path) -> bool:
    """Whether a file is what a run leaves that was killed before its config was written."""
    return path.name.startswith(f".{CONFIG}.partial-")


def _check_same(folder: Path, cfg: RunConfig) -> None:
    there = load(RunConfig, read_text(folder / CONFIG), str(folder / CONFIG))
    changed = [
        name
        for name in differences(there, cfg)
        if not name.startswith(("machine.", "parallel.", "tensorboard", "keep"))
    ]
    changed = [name for name in changed if not (name in PATHS and _same_place(_value(there, name), _value(cfg, name)))]
    if changed:
        name = changed[0]
        values = f"{name} is {_value(there, name)!r} there and {_value(cfg, name)!r} here"
        raise BadUse(f"{folder} holds another run ({values}); give another --out, or remove the folder")


def _same_place(one: object, other: object) -> bool:
    return bool(one and other) and Path(str(one)).resolve() == Path(str(other)).resolve()


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds the run's folder against a second process; the hold ends with the process, however it ends."""
    with alone(folder / ".held", f"another process is training in {folder}"):
        yield


def differences(a: object, b: object, path: str = "") -> list[str]:
    """The paths of the fields in which two configs differ."""
    if not dataclasses.is_dataclass(a) or type(a) is not type(b):
        return [] if a == b else [path.rstrip(".")]
    names = [field.name for field in dataclasses.fields(a)]
    return [d for name in names for d in differences(getattr(a, name), getattr(b, name), f"{path}{name}.")]


def _value(cfg: object, path: str) -> object:
    for name in path.split("."):
        cfg = getattr(cfg, name)
    return cfg


def begin(folder: Path, cfg: RunConfig) -> dict[str, Any]:
    """The lineage of a run that begins: code version, machine, parents by hash."""
    lineage = {
        "recipe": cfg.recipe,
        "foretell": VERSION,
        "commit": commit(),
        "machine": machine(),
        "parents": parents(cfg),
        "begun": now(),
    }
    write_lineage(folder, lineage)
    return lineage


def write_lineage(folder: Path, lineage: dict[str, Any]) -> None:
    """Replace lineage.json."""
    write_whole(folder / LINEAGE, json.dumps(lineage, indent=2) + "\n")


def parents(cfg: RunConfig) -> dict[str, str]:
    """The SHA-256 of what the run is made from: the cards of its data and the weights that it starts from."""
    sources = {"data": Path(cfg.data.folder) / "card.json"}
    if tokens_of(cfg.data) != cfg.data.folder:
        sources["tokens"] = Path(tokens_of(cfg.data)) / "card.json"
    if cfg.start:
        sources["start"] = weights_file(Path(cfg.start))
    if isinstance(cfg.objective, PolicyOptimization) and cfg.objective.reward:
        sources["reward"] = weights_file(Path(cfg.objective.reward))
    return {name: sha256(path) for name, path in sources.items() if path.exists()}


def weights_file(folder: Path) -> Path:
    """Where a run or model folder keeps its weights."""
    inside = folder / "model" / "model.safetensors"
    return inside if inside.exists() else folder / "model.safetensors"


def commit() -> str:
    """The commit of the code, where it runs from a checkout and git is there; else empty."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists() or shutil.which("git") is None:
        return ""
    said = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    return said.stdout.strip() if said.returncode == 0 else ""


def now() -> str:
    """The time in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
