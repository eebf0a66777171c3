"""The documentation text that every machine with Python has: real English and code, without a download.

    1. docstrings of the standard library, and Python's help pages (pydoc topics)
    2. descriptions (README) and licences of installed distributions, up to a fifth of the text
    3. docstrings of the installed packages, one module of each in turn, so that no package outweighs the others

Sources are read with ast and never imported. Tests, private modules and what is no prose are left out.
"""

import hashlib
import heapq
import platform
import sysconfig
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from pydoc_data.topics import topics

from foretell.corpus.docstrings import module_text
from foretell.corpus.documents import Document, Gathered, is_prose, n_bytes
from foretell.progress import bar

SHORTEST, LONGEST = 200, 150_000  # characters of a document
LARGEST_SOURCE = 1_000_000  # bytes; larger modules are tables
NOT_READ = {
    "test",
    "tests",
    "testing",
    "idle_test",
    "site-packages",
    "dist-packages",
    "vendor",
    "encodings",
    "foretell",
}
STANDARD_LIBRARY = "python"
LEAST_SAID = {STANDARD_LIBRARY: 0.05, "packages": 0.25}
"""share of a module in triple quotes below which parsing it costs more than it gives"""
PAPERS = 0.2  # share of the text that descriptions and licences may be: with many packages they would be all of it
RECIPE = "2"  # moves when this file gathers other text from the same machine


def gather_documentation(limit_bytes: int, quiet: bool) -> Gathered:
    """The documents in a fixed order, at most limit_bytes of text, and what was left out by reason.

    Read once in a process: the demo makes several folders of the same text, and reading it takes seconds.
    """
    kept = _kept_for(limit_bytes)
    if not kept:
        kept.append(_gathered(limit_bytes, quiet))
    return kept[0]


@cache
def _kept_for(limit_bytes: int) -> list[Gathered]:
    """Where the documents of a limit are kept, whether they were gathered quietly or not."""
    return []


def _gathered(limit_bytes: int, quiet: bool) -> Gathered:
    dropped: Counter[str] = Counter()
    found: list[Document] = []
    seen: set[str] = set()
    with bar("reading documentation", limit_bytes, quiet=quiet) as progress:
        for document in _all_sources(dropped, PAPERS * limit_bytes):
            if document.text in seen:
                dropped["duplicate"] += 1
                continue
            seen.add(document.text)
            size = n_bytes(document.text)
            if progress.done + size > limit_bytes:
                break
            progress.advance(size)
            found.append(document)
    return Gathered(found, {reason: n for reason, n in sorted(dropped.items()) if n})


def documentation_source(limit_bytes: int) -> str:
    """A hash of what the documentation follows from, versions alone: known without reading it."""
    parts = [RECIPE, str(limit_bytes), platform.python_version(), *(f"{name} {d.version}" for name, d in installed())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def installed() -> list[tuple[str, Distribution]]:
    """The installed distributions by name, without foretell, whose own text changes with every edit."""
    named = {d.metadata["Name"].lower().replace("_", "-"): d for d in distributions() if d.metadata["Name"]}
    return [(name, d) for name, d in sorted(named.items()) if name != "foretell"]


def _all_sources(dropped: Counter[str], most_papers: float) -> Iterator[Document]:
    library = Path(sysconfig.get_paths()["stdlib"])
    for file in _sources(library):
        yield from _module(file, library, STANDARD_LIBRARY, dropped)
    for name in sorted(topics):
        yield from _kept(f"help/{name}", topics[name], STANDARD_LIBRARY, dropped)
    for name, distribution in sorted(installed(), key=lambda one: _spread(Path(one[0]))):
        for document in _papers(name, distribution, dropped):
            most_papers -= n_bytes(document.text)
            if most_papers < 0:
                break
            yield document
    yield from _packages(dropped)


def _papers(name: str, distribution: Distribution, dropped: Counter[str]) -> Iterator[Document]:
    """The description and the licences of a distribution."""
    about = distribution.metadata.get_payload()  # type: ignore[attr-defined]
    yield from _kept(f"{name}/README", str(about or distribution.metadata["Description"] or ""), name, dropped)
    for file in sorted(distribution.files or [], key=str):
        inside = file.parent.as_posix()
        if ".dist-info" in inside and file.name.upper().startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE")):
            text = _read(Path(str(distribution.locate_file(file))), dropped)
            below = "/".join(part for part in file.parts if ".dist-info" not in part)
            yield from _kept(f"{name}/{below}", text, name, dropped)


def _packages(dropped: Counter[str]) -> Iterator[Document]:
    """Modules of all packages: each time one of the package that has given the least text so far."""
    root = Path(sysconfig.get_paths()["purelib"])
    waiting = {}
    for top in sorted(root.iterdir()):
        files = _sources(top) if top.is_dir() else []
        waiting[top.name] = iter(sorted(files, key=lambda file: _spread(file.relative_to(root))))
    turns = [(0, name) for name in waiting]
    heapq.heapify(turns)
    while turns:
        given, name = heapq.heappop(turns)
        file = next(waiting[name], None)
        if file is None:
            continue
        for document in _module(file, root, name, dropped):
            given += n_bytes(document.text)
            yield document
        heapq.heappush(turns, (given, name))


def _spread(path: Path) -> bytes:
    """A place in an order that is fixed and follows no other."""
    return hashlib.sha256(path.as_posix().encode()).digest()


def _sources(folder: Path) -> list[Path]:
    """The public modules below a folder, by path."""
    found = []
    for file in folder.rglob("*.py"):
        parts = file.relative_to(folder).parts
        public = all(not part.startswith(("_", ".")) for part in (folder.name, *parts) if part != "__init__.py")
        if public and not NOT_READ & {folder.name, *parts} and not parts[-1].startswith(("test_", "conftest")):
            found.append((parts, file))
    return [file for _, file in sorted(found)]


def _module(file: Path, root: Path, source: str, dropped: Counter[str]) -> Iterator[Document]:
    """The documentation of one module, if that is a fair part of it."""
    path = file.relative_to(root)
    text = _read(file, dropped)
    least = LEAST_SAID.get(source, LEAST_SAID["packages"])
    if sum(map(len, text.split('"""')[1::2])) < least * len(text) or not text:
        return
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    try:
        said = module_text(name, text)
    except (SyntaxError, ValueError, RecursionError):
        dropped["no Python"] += 1
        return
    yield from _kept(path.as_posix(), said, source, dropped)


def _read(file: Path, dropped: Counter[str]) -> str:
    """The text of a file, or nothing and the reason counted."""
    try:
        if file.stat().st_size > LARGEST_SOURCE:
            dropped["too long"] += 1
            return ""
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        dropped["not UTF-8"] += 1
    except OSError:
        dropped["unreadable"] += 1
    return ""


def _kept(name: str, text: str, source: str, dropped: Counter[str]) -> Iterator[Document]:
    """The document, unless it is too short, too long or no prose."""
    text = text.replace("\r\n", "\n").strip() + "\n"
    if len(text) < SHORTEST:
        dropped["too short"] += len(text) > 1
    elif len(text) > LONGEST:
        dropped["too long"] += 1
    elif not is_prose(text):
        dropped["no prose"] += 1
    else:
        yield Document(name, text, source)
