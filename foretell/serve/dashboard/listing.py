"""What lies under the folder of runs, found by the server and known to requests by a slug: never by a path.

    run          a folder with config.json and lineage.json or metrics.jsonl
    corpus       a folder with card.json of the kinds corpus, tokens or task
    evaluation   results.json beside evaluation.json, and the files of a demo's results/
    report       report.html

Folders are read no deeper than five levels, and no link is followed, so that what is shown lies under the folder.
"""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from foretell.errors import BadUse

DEEPEST, MOST_FOLDERS = 5, 5000
PASSED_OVER = ("checkpoints", "model", "events", "answers", "quality")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something that was found: its name below the root, and the file or folder."""

    slug: str
    name: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """All that was found, each kind in the order of names."""

    runs: dict[str, Found]
    corpora: dict[str, Found]
    evaluations: dict[str, Found]
    reports: dict[str, Found]


def check_root(root: Path) -> Path:
    """The folder of runs; BadUse where it is none."""
    if not root.is_dir():
        raise BadUse(f"--runs {root} is no folder; give the one that holds run folders, such as runs")
    return root.resolve()


def listed(root: Path) -> Listing:
    """What there is now."""
    folders = list(walked(root))
    runs, corpora, evaluations, reports = [], [], [], []
    for folder, files in folders:
        if "config.json" in files and files & {"lineage.json", "metrics.jsonl"}:
            runs.append(folder)
        if "card.json" in files:
            corpora.append(folder)
        if {"results.json", "evaluation.json"} <= files:
            evaluations.append(folder / "results.json")
        if folder.name == "results":
            evaluations += [folder / name for name in sorted(files) if name.endswith(".json")]
        if "report.html" in files:
            reports.append(folder / "report.html")
    return Listing(
        runs=by_slug(root, runs),
        corpora=by_slug(root, corpora),
        evaluations=by_slug(root, evaluations),
        reports=by_slug(root, reports),
    )


def walked(root: Path) -> Iterator[tuple[Path, set[str]]]:
    """Folders with the names of their plain files, breadth first; hidden ones and those of a run's inside left out."""
    level, seen = [root], 0
    for _ in range(DEEPEST + 1):
        below: list[Path] = []
        for folder in level:
            seen += 1
            if seen > MOST_FOLDERS:
                return
            names, inside = entries(folder)
            yield folder, names
            below += inside
        level = below


def entries(folder: Path) -> tuple[set[str], list[Path]]:
    """The plain files and the folders of a folder; nothing of one that cannot be read or has gone meanwhile."""
    names, inside = set(), []
    try:
        with os.scandir(folder) as opened:
            for one in opened:
                if one.name.startswith("."):
                    continue
                if one.is_file(follow_symlinks=False):
                    names.add(one.name)
                elif one.is_dir(follow_symlinks=False) and one.name not in PASSED_OVER:
                    inside.append(folder / one.name)
    except OSError:
        return set(), []
    return names, sorted(inside)


def by_slug(root: Path, paths: Iterable[Path]) -> dict[str, Found]:
    """What was found by slug: the name in small letters, with a hash of the name where two would be the same."""
    named = {path.relative_to(root).as_posix(): path for path in sorted(paths)}
    named = {root.name if name == "." else name: path for name, path in named.items()}
    plain = {name: re.sub(r"[^a-z0-9._]+", "-", name.lower()).strip("-.") or "run" for name in named}
    often = Counter(plain.values())
    found = {}
    for name, path in named.items():
        slug = plain[name][-80:].strip("-.")
        if often[plain[name]] > 1 or len(plain[name]) > 80:
            slug += "-" + hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        found[slug] = Found(slug=slug, name=shown, path=path)
    return found
