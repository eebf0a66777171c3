"""The docs site: every page of docs/ and benchmarks/ beside the README, so that each link leads where it leads here.

$ python -m benchmarks.docs_site                        dist/site/index.html, after a check of every link
$ python -m benchmarks.docs_site --gallery runs/mini   with that run's report and the hashes of its artifacts

The builder is Zensical (pip install zensical==0.0.73); it reads mkdocs.yml, as Material for MkDocs does.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[1]
LAID = ROOT / "dist" / "docs"
GALLERY = "gallery"
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")
SOURCE = "source.md"


def main() -> int:
    """Lay the pages out, check them, build; the exit code."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--gallery", type=Path, metavar="RUNS", help="a finished demo whose report is shown")
    flags.add_argument("--lay-out", action="store_true", help="do not build")
    given = flags.parse_args()
    lay_out(LAID, given.gallery)
    dead = dead_links(LAID)
    for page, link in dead:
        print(f"{page}: {link} leads nowhere", file=sys.stderr)
    if dead or given.lay_out:
        return 1 if dead else 0
    builder = shutil.which("zensical", path=str(Path(sys.executable).parent)) or shutil.which("zensical")
    if builder is None:
        print("zensical is not installed; pip install zensical==0.0.73, then give the command again", file=sys.stderr)
        return 2
    return subprocess.run([builder, "build", "--clean", "--strict"], cwd=ROOT, check=False).returncode


def lay_out(into: Path, gallery: Path | None = None) -> None:
    """README as the first page, docs/ and benchmarks/ beside it; links to source files lead to a page that says so."""
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(ROOT / "docs", into / "docs", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (into / "benchmarks").mkdir()
    for page in sorted((ROOT / "benchmarks").glob("*.md")):
        shutil.copy2(page, into / "benchmarks")
    for name in ("CHANGELOG.md", "LICENSE"):
        shutil.copy2(ROOT / name, into / (name if name.endswith(".md") else f"{name}.md"))
    shutil.copy2(ROOT / "README.md", into / "index.md")
    (into / SOURCE).write_text(
        "# Source files\n\nThis link leads to a file of the source tree, which the site leaves out.\n"
    )
    if gallery:
        show(gallery, into / GALLERY)
    for page in sorted(into.rglob("*.md")):
        page.write_text(LINK.sub(partial(settled, into.resolve(), page), page.read_text()))


def settled(root: Path, page: Path, found: re.Match[str]) -> str:
    """A link as the site has it: to the page, or to the notice where it leads to a file that is no page."""
    target = (page.parent / found[1]).resolve()
    if not target.is_relative_to(root) or target.exists():
        return found[0]
    here = target.relative_to(root)
    if here.name == "README.md":
        other = root / "index.md"
    elif (root / f"{here}.md").exists():
        other = root / f"{here}.md"
    elif (ROOT / here).exists():
        other = root / SOURCE
    else:
        return found[0]  # dead_links() tells
    return f"]({relative(other, page.parent.resolve())})"


def relative(target: Path, folder: Path) -> str:
    """The way from a folder to a file, as a link says it."""
    ups = 0
    while not target.is_relative_to(folder):
        folder, ups = folder.parent, ups + 1
    return "../" * ups + target.relative_to(folder).as_posix()


def dead_links(folder: Path) -> list[tuple[str, str]]:
    """The links of pages that lead to no file: (page, link)."""
    return [
        (page.relative_to(folder).as_posix(), found[1])
        for page in sorted(folder.rglob("*.md"))
        for found in LINK.finditer(page.read_text())
        if not (page.parent / found[1]).exists()
    ]


def show(runs: Path, into: Path) -> None:
    """The gallery: a run's report as it is, and what it was made from, file by file."""
    into.mkdir(parents=True)
    for name in ("report.html", "report.zh.html"):
        shutil.copy2(runs / name, into)
    shutil.copytree(runs / "report.data", into / "report.data")
    story = json.loads((runs / "results" / "story.json").read_text())
    machine = story["machine"]
    lines = [
        "# Gallery",
        "",
        f"What `{story['command']}` came to at scale {story['scale']}, begun {story['started']}, "
        f"{story['seconds'] / 60:.0f} minutes on {machine['cores']} cores of {machine['processor']}: "
        "[the report](report.html), [in Chinese](report.zh.html).",
        "",
        "| artifact | SHA-256 |",
        "| --- | --- |",
    ]
    lines += [f"| {path.relative_to(runs).as_posix()} | `{sha256(path)}` |" for path in artifacts(runs)]
    (into / "index.md").write_text("\n".join(lines) + "\n")


def artifacts(runs: Path) -> list[Path]:
    """The weights of every run and every measured result."""
    return [*sorted(runs.glob("*/model/model.safetensors")), *sorted((runs / "results").glob("*.json"))]


def sha256(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
