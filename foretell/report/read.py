"""A demo's folder as data: its training runs and the files in results/. Anything may be absent, nothing damaged."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from foretell.config import load
from foretell.errors import BadUse
from foretell.report.aligned_results import Aligned
from foretell.report.images_file import Images
from foretell.report.limits_file import Limits
from foretell.report.results import (
    Corpus,
    FewShot,
    Filtering,
    Finetune,
    MaskedWords,
    Samples,
    Story,
    Translation,
    ZeroShot,
)
from foretell.report.safety_file import Calibration, Hindsight, Safety, System
from foretell.report.segments import Survival
from foretell.train.config import RunConfig
from foretell.train.metrics import read_metrics

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """A run's folder: its config and the lines of metrics.jsonl."""

    name: str
    folder: Path
    config: RunConfig
    lines: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Everything that a demo's folder holds so far."""

    folder: Path
    runs: Mapping[str, TrainingRun]
    corpus: Corpus | None
    translation: Translation | None
    finetune: Finetune | None
    masked_words: MaskedWords | None
    zero_shot: ZeroShot | None
    samples: Samples | None
    few_shot: FewShot | None
    filtering: Filtering | None
    story: Story | None
    limits: Limits | None = None
    aligned: Aligned | None = None
    images: Images | None = None
    survival: Survival | None = None
    safety: Safety | None = None
    system: System | None = None
    calibration: Calibration | None = None
    hindsight: Hindsight | None = None

    @property
    def command(self) -> str:
        """The command that fills the folder: as the demo wrote it, else the plain one."""
        return self.story.command if self.story else f"foretell demo --out {self.folder.as_posix()}"


def read_demo(folder: Path) -> Demo:
    """What a demo's folder holds. BadUse where there is no such folder, nothing of a demo in it, or a damaged file."""
    if not folder.is_dir():
        raise BadUse(f"{folder} is no folder; foretell demo --out {folder} makes one")
    whole = [path.parent for path in sorted(folder.glob("*/config.json")) if not path.parent.name.startswith(".")]
    runs = {run.name: read_run(run) for run in whole}
    results = folder / "results"
    if not runs and not results.is_dir():
        raise BadUse(f"{folder} holds no runs and no results; give the folder of a foretell demo, such as runs/demo")
    return Demo(
        folder=folder,
        runs=runs,
        corpus=read_result(Corpus, results / "corpus.json"),
        translation=read_result(Translation, results / "translation.json"),
        finetune=read_result(Finetune, results / "finetune.json"),
        masked_words=read_result(MaskedWords, results / "masked_words.json"),
        zero_shot=read_result(ZeroShot, results / "zero_shot.json"),
        samples=read_result(Samples, results / "samples.json"),
        few_shot=read_result(FewShot, results / "few_shot.json"),
        filtering=read_result(Filtering, results / "filtering.json"),
        story=read_result(Story, results / "story.json"),
        limits=read_result(Limits, results / "limits.json"),
        aligned=read_result(Aligned, results / "aligned.json"),
        images=read_result(Images, results / "images.json"),
        survival=read_result(Survival, results / "survival.json"),
        safety=read_result(Safety, results / "safety.json"),
        system=read_result(System, results / "system.json"),
        calibration=read_result(Calibration, results / "calibration.json"),
        hindsight=read_result(Hindsight, results / "hindsight.json"),
    )


def read_run(folder: Path) -> TrainingRun:
    """A run's folder."""
    path = folder / "metrics.jsonl"
    config = load(RunConfig, text_of(folder / "config.json"), str(folder / "config.json"))
    written = len(text_of(path).splitlines()) if path.exists() else 0
    lines = read_metrics(path)
    if len(lines) < written - 1:  # only the last line may be half written: a run that goes on replaces it
        raise BadUse(f"{path} is damaged in line {len(lines) + 1}; remove {folder} and train it again")
    steps = [line for line in lines if isinstance(line, dict) and isinstance(line.get("step"), int)]
    if len(steps) < len(lines):
        raise BadUse(f"{path} has a line without a step; remove {folder} and train it again")
    return TrainingRun(name=folder.name, folder=folder, config=config, lines=lines)


def read_result(want: type[T], path: Path) -> T | None:
    """A file of results/, or None where it is absent; fields that the report does not know are passed over."""
    from pydantic import TypeAdapter, ValidationError

    if not path.exists():
        return None
    try:
        return TypeAdapter(want).validate_json(text_of(path), strict=True)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the file"
        raise BadUse(f"{path}: {where}: {problem['msg']}; remove it and foretell demo makes it again") from error


def text_of(path: Path) -> str:
    """The text of a file; a BadUse that names it where it is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadUse(f"{path} is no UTF-8 text; it was damaged or is something else") from error
