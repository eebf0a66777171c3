"""A whole corpus on Ray: the bytes that this machine's own processes make, and nothing left behind."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from foretell.runs import sha256
from tests.corpus.test_pipeline import HELP, PAGE, paragraphs, write_rows

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="the package ray is not installed"),
]
COMMAND = "import sys; from foretell.cli import main; sys.exit(main())"
PARTS = [" ".join(text.split()[i : i + 250]) for text in HELP for i in range(0, len(text.split()) - 249, 250)]


def sources(folder: Path) -> list[str]:
    """The words of a command that names rows, pages, books and an evaluation set, with copies among them."""
    junk = [f"click here buy now {i} cheap cheap offer offer " * 40 + f"unique{i} " * 3 for i in range(40)]
    third = len(PARTS) // 3
    near = [text.replace("the", "a", 1) for text in PARTS[:5]]
    write_rows(folder / "crawl.jsonl", [*PARTS[:third], *junk, *near, PARTS[third]])
    write_rows(folder / "more.jsonl", [*PARTS[5:10], *junk[:4]])
    (folder / "web").mkdir()
    for i, text in enumerate(PARTS[third : third + 12]):
        (folder / "web" / f"{i}.html").write_text(PAGE.format(paragraphs(text)))
    write_rows(folder / "books.jsonl", [*PARTS[third + 12 :], PARTS[-2].upper()])
    write_rows(folder / "exam.jsonl", [" ".join(PARTS[-1].split()[20:60]), "too short"])
    named = ["crawl.jsonl", "more.jsonl", "web=web", "--curated", "books=books.jsonl", "--evaluation", "exam.jsonl"]
    return [*named, "--recipe", "gpt3", "--tokens.n-vocab", "400", "--quality.alpha", "3"]


def corpus(words: list[str], folder: Path, out: str, runner: str) -> subprocess.CompletedProcess[str]:
    """The command as a user gives it, with relative paths, from the folder of the sources."""
    how = ["--runner", runner, "--threads", "2", "--out", f"{out}/x"]
    call = [sys.executable, "-c", COMMAND, "corpus", *words, *how]
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def files(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): sha256(file) for file in sorted(folder.rglob("*")) if file.is_file()}


def of_ray() -> set[str]:
    """The processes of Ray's that run now."""
    found = set()
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes()
        except OSError:  # it has ended meanwhile
            continue
        if b"raylet" in words or b"gcs_server" in words or words.startswith(b"ray::"):
            found.add(file.parent.name)
    return found


def test_a_corpus_of_rays_is_that_of_this_machine_to_the_byte(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # for the workers, which begin elsewhere
    monkeypatch.setenv("HOME", str(tmp_path / "home"))  # where Ray would leave a token
    words, before = sources(tmp_path), of_ray()
    ends = {runner: corpus(words, tmp_path, runner, runner) for runner in ("native", "ray")}
    assert [end.returncode for end in ends.values()] == [0, 0], [end.stderr for end in ends.values()]
    card = json.loads((tmp_path / "native" / "x" / "card.json").read_text())
    dropped = {row["step"] for row in card["funnel"] if row["dropped"]}
    assert {"quality", "exact duplicates", "near duplicates"} <= dropped
    assert card["decontamination"]["sets"][0]["cut"]
    made = files(tmp_path / "native")
    assert {Path(name).parts[0] for name in made} == {"x", "x-bpe-400"}
    assert files(tmp_path / "ray") == made
    assert "WARNING" not in ends["ray"].stderr
    assert not (tmp_path / "home").exists()
    assert of_ray() <= before
