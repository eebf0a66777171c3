"""Where a climb goes, on what text and at what scale, and the things that every stage of it does."""

import fcntl
import hashlib
import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from foretell import recipes
from foretell.corpus.config import EMBEDDED
from foretell.errors import BadUse
from foretell.recipes import sources
from foretell.recipes.trainers import trainer
from foretell.runs import read_json, usable_cores, write_whole
from foretell.train.config import RunConfig
from foretell.train.folder import weights_file
from foretell.train.loop import Result

SCALES = {"smoke": ("smoke",), "nano": ("pico", "nano"), "mini": ("nano", "mini")}  # and GPT-2's sizes at each


OUT = Path("runs/demo")
TEXT = "text"  # the chapter that comes first
AT_ONCE = 2  # processes: with more a climb would not stay under 4 GiB


@dataclass(frozen=True, kw_only=True, slots=True)
class Climb:
    """Where a climb goes and on what text."""

    out: Path
    text: str
    scale: str
    quiet: bool = False
    processes: int = AT_ONCE
    """at most so many work at once; in each of them it is 1"""

    @property
    def corpora(self) -> Path:
        """Where tokens, pairs and tasks are."""
        return self.out / "corpora"

    @property
    def command(self) -> str:
        """The command that climbs so."""
        text = [] if self.text == EMBEDDED else ["--text", Path(self.text).as_posix()]
        scale = [] if self.scale == "nano" else ["--scale", self.scale]
        out = [] if self.out == OUT else ["--out", self.out.as_posix()]
        return shlex.join(["foretell", "demo", *text, *scale, *out])


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One step of a climb, done by one process as soon as what it needs is there."""

    name: str
    chapter: str
    """the stages that the report tells as one"""
    weight: float
    """its seconds at nano scale, for the order and for telling the time that is left"""
    do: Callable[[Climb], object]
    needs: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    """files under `out` that are there, whole, when it is done"""
    alone: bool = False
    """its process ends with it: what it needs much memory for goes back"""


def keep_to(plan: Climb) -> None:
    """Write down what the folder is climbed for; BadUse, before anything is changed, if it was for something else."""
    text = plan.text if plan.text == EMBEDDED else str(Path(plan.text).resolve())
    path, asked = plan.out / "plan.json", {"scale": plan.scale, "text": text}
    there = read_json(path) if path.exists() else asked
    if there != asked:
        name = next(name for name in asked if there.get(name) != asked[name])
        rule = f"holds a demo whose {name} is {there.get(name)!r}, not {asked[name]!r}"
        raise BadUse(f"{plan.out} {rule}; give another --out, or remove the folder")
    write_whole(path, json.dumps(asked) + "\n")


def run(plan: Climb, cfg: RunConfig, name: str) -> Result:
    """A training run of the climb, on its text, in the folder of that name; its threads are those of a process."""
    with resolving(plan):
        resolved = sources.resolve(cfg, plan.corpora, text=plan.text, quiet=plan.quiet)
    resolved = replace(resolved, machine=replace(resolved.machine, threads=threads(plan)))
    return trainer(cfg.objective.kind)(resolved, plan.out / name, plan.quiet)


@contextmanager
def resolving(plan: Climb) -> Iterator[None]:
    """Held by one process at a time: tokens and tokenizers that two runs ask for are made once."""
    plan.corpora.mkdir(parents=True, exist_ok=True)
    with (plan.corpora / ".making").open("w") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def threads(plan: Climb) -> int:
    """Threads of each process: one where the networks are small, else the cores shared out."""
    return 1 if plan.scale != "mini" else max(usable_cores() // AT_ONCE, 1)


def trains(name: str) -> tuple[str, ...]:
    """What a training run makes."""
    return (f"{name}/lineage.json", f"{name}/model/model.safetensors")


def result(name: str) -> tuple[str, ...]:
    """What a measurement makes."""
    return (f"results/{name}.json",)


def size(plan: Climb) -> str:
    """The size of every rung but GPT-2 at this scale."""
    return SCALES[plan.scale][-1]


def recipe(plan: Climb, stage: str) -> RunConfig:
    """A stage's config at this scale."""
    return recipes.recipe(f"{stage}:{size(plan)}")


def measured(plan: Climb, name: str, made_from: list[Path], measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """results/<name>.json: read if it was made from these very files, else measured now."""
    path = plan.out / "results" / f"{name}.json"
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in made_from)).hexdigest()
    if path.exists():
        found: dict[str, Any] = read_json(path)
        if found.get("made_from") == digest:
            return found
    found = {**measure(), "command": plan.command, "made_from": digest}
    write_whole(path, json.dumps(found, indent=1))
    return found


def model_of(plan: Climb, name: str) -> Any:
    """The model of a finished run."""
    from foretell.generate.model import load

    return load(plan.out / name)


def weights(plan: Climb, *names: str) -> list[Path]:
    """The weights of runs: what a measurement is made from."""
    return [weights_file(plan.out / name) for name in names]
