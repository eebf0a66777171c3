"""Translation in words (Brown et al. 2020, section 3.3): `<source> =`; without demonstrations a question.

Multi30k is two files of aligned lines a split, `val.en` and `val.de` in one folder, plain or with .gz: its test split
is asked where it is there, else the validation split, and demonstrations are of the training split. WMT's test sets
come from the hub, or as NAME.jsonl of {source, target} or {translation: {en, de}}; demonstrations are then of the
validation split, since the training split has tens of millions of pairs.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from foretell.errors import BadUse
from foretell.runs import open_text
from foretell.tasks.item import Free
from foretell.tasks.options import option
from foretell.tasks.source import DEPTH, Hub, NoData, Row, Source, text
from foretell.tasks.splits import Split, questions
from foretell.tasks.task import Questions, Task

NAMES = {"en": "English", "de": "German", "fr": "French", "ro": "Romanian"}
SHOTS = 64  # table H.1
ASKED = ("test", "test2016", "test_2016_flickr", "test_2016", "val")
DEMONSTRATED = "train"


def sentence(name: str, source: str, target: str, language: str) -> Free:
    """A sentence and its translation into a language, in both ways of asking."""
    source = source.strip()
    zero = f"Q: What is the {language} translation of {source} A:"
    return Free(id=name, context=f"{source} =", answers=(option(target),), zero_context=zero, source=source)


def aligned(start: str, end: str, where: Source) -> Questions:
    """Multi30k from one language into another; NoData says which files are missing."""
    found = next((at for split in ASKED for at in pair_of_files(where, split, start, end)), None)
    if found is None:
        raise NoData(f"no folder has val.{start} and val.{end} (or .gz); give --data FOLDER with Multi30k's raw files")
    folder, split = found
    pool = next(pair_of_files(where, DEMONSTRATED, start, end), None)
    return Questions(
        items=list(sentences(folder, split, start, end)),
        pool=list(sentences(pool[0], DEMONSTRATED, start, end)) if pool else (),
        origin=f"{split}.{start}, {split}.{end}",
    )


def pair_of_files(where: Source, split: str, start: str, end: str) -> Iterator[tuple[Path, str]]:
    """The folders, nearest first, that hold a split in both languages, and the split."""
    for folder in where.folders:
        if not folder.is_dir():
            raise BadUse(f"{folder} is no folder; give --data a folder with the files of the tasks")
        for below in range(DEPTH + 1):
            for at in sorted(folder.glob("*/" * below + f"{split}.{start}*")):
                if file_of(at.parent, split, start) == at and file_of(at.parent, split, end) is not None:
                    yield at.parent, split


def file_of(folder: Path, split: str, language: str) -> Path | None:
    """The file of a split in a language, plain before packed."""
    names = (f"{split}.{language}", f"{split}.{language}.gz")
    return next((folder / name for name in names if (folder / name).is_file()), None)


def sentences(folder: Path, split: str, start: str, end: str) -> Iterator[Free]:
    """The pairs of a split; BadUse where the two files have different numbers of lines. A pair with an empty side is
    left out."""
    sides = [lines(folder, split, language) for language in (start, end)]
    if len(sides[0]) != len(sides[1]):
        counts = f"{split}.{start} in {folder} has {len(sides[0])} lines and {split}.{end} {len(sides[1])}"
        raise BadUse(f"{counts}; line n of both must be one sentence")
    for number, (source, target) in enumerate(zip(*sides, strict=True)):
        if source.strip() and target.strip():
            yield sentence(f"multi30k-{start}-{end}-{split}-{number}", source, target, NAMES[end])


def lines(folder: Path, split: str, language: str) -> list[str]:
    """The lines of a file."""
    path = file_of(folder, split, language)
    assert path is not None, "pair_of_files has seen it"
    with open_text(path) as file:
        return file.read().removesuffix("\n").split("\n")


def pair(start: str, end: str, row: Row, name: str) -> Free:
    """A row {source, target} or {translation: {language: text}}."""
    if "translation" in row:
        sides = row["translation"]
        return sentence(name, text(sides, start, name), text(sides, end, name), NAMES[end])
    return sentence(name, text(row, "source", name), text(row, "target", name), NAMES[end])


def shared_task(name: str, start: str, end: str, dataset: str, config: str, where: Source) -> Questions:
    """A test set of WMT from a file or the hub."""
    hub, shown = (Hub(dataset=dataset, config=config, split=split) for split in ("test", "validation"))
    asked, others = Split(files=(name,), hub=hub), Split(files=(f"{name}.dev", f"{name}.train"), hub=shown)
    return questions(where, name, partial(pair, start, end), asked, others)


def _task(name: str, start: str, end: str, dataset: str = "", config: str = "") -> Task:
    wmt = partial(shared_task, name, start, end, dataset, config)
    about = "news of the shared task" if dataset else "captions of photographs (Multi30k); not in the paper"
    return Task(
        name=name,
        family="translation",
        about=f"{NAMES[start]} to {NAMES[end]}, {about}",
        load=wmt if dataset else partial(aligned, start, end),
        shots=SHOTS,
        metric="bleu",
        max_new_tokens=128,
    )


TASKS: tuple[Task, ...] = (
    *(_task(f"multi30k_{a}_{b}", a, b) for a, b in (("en", "de"), ("de", "en"), ("en", "fr"), ("fr", "en"))),
    *(_task(f"wmt14_{a}_{b}", a, b, "wmt/wmt14", "fr-en") for a, b in (("en", "fr"), ("fr", "en"))),
    *(_task(f"wmt16_{a}_{b}", a, b, "wmt/wmt16", "de-en") for a, b in (("en", "de"), ("de", "en"))),
    *(_task(f"wmt16_{a}_{b}", a, b, "wmt/wmt16", "ro-en") for a, b in (("en", "ro"), ("ro", "en"))),
)
