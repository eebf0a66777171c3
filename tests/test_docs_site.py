"""The site has every page, no link of it is dead, and the gallery tells what a report was made from."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest

from benchmarks.docs_site import dead_links, lay_out, relative
from tests.report.demo_folder import results, write_results

ROOT = Path(__file__).parents[1]


@pytest.fixture
def laid(tmp_path):
    lay_out(tmp_path / "docs")
    return tmp_path / "docs"


def test_every_page_is_there_and_every_link_arrives(laid):
    pages = {path.relative_to(laid).as_posix() for path in laid.rglob("*.md")}
    assert {path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/**/*.md")} < pages
    assert {"index.md", "benchmarks/demo.md", "LICENSE.md"} < pages
    assert dead_links(laid) == []
    assert not (laid / "gallery").exists()


def test_a_dead_link_is_told(laid):
    (laid / "docs" / "new.md").write_text("[a](nowhere.md) [b](serve.md#how) [c](#here) [d](https://example.org/x.md)")
    assert dead_links(laid) == [("docs/new.md", "nowhere.md")]


def test_links_to_source_files_lead_to_a_notice_and_to_the_readme_to_the_first_page(tmp_path, monkeypatch):
    root = tmp_path / "tree"
    for name in ("docs/a/page.md", "README.md", "CHANGELOG.md", "LICENSE", "benchmarks/x.md", "foretell/code.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    (root / "docs/a/page.md").write_text(
        "[1](../../README.md) [2](../../foretell/code.py) [3](../../LICENSE) [4](gone.md)"
    )
    monkeypatch.setattr("benchmarks.docs_site.ROOT", root)
    lay_out(tmp_path / "laid")
    page = (tmp_path / "laid" / "docs" / "a" / "page.md").read_text()
    assert page == "[1](../../index.md) [2](../../source.md) [3](../../LICENSE.md) [4](gone.md)"


def test_the_gallery_names_every_artifact_with_its_hash(tmp_path):
    runs = tmp_path / "runs"
    write_results(runs, results())
    (runs / "gpt1.pretrain" / "model").mkdir(parents=True)
    (runs / "gpt1.pretrain" / "model" / "model.safetensors").write_bytes(b"weights")
    for name in ("report.html", "report.zh.html", "report.data/claims.csv"):
        (runs / name).parent.mkdir(exist_ok=True)
        (runs / name).write_text(name)
    lay_out(tmp_path / "docs", runs)
    page = (tmp_path / "docs" / "gallery" / "index.md").read_text()
    told = dict(re.findall(r"\| (\S+) \| `([0-9a-f]{64})` \|", page))
    assert told["gpt1.pretrain/model/model.safetensors"] == hashlib.sha256(b"weights").hexdigest()
    assert len(told) == 1 + len(results())
    assert dead_links(tmp_path / "docs" / "gallery") == []


@pytest.mark.slow
def test_the_site_builds(laid, tmp_path):
    builder = shutil.which("zensical")
    if builder is None:
        pytest.skip("zensical is not installed (pip install zensical==0.0.73)")
    import subprocess

    config = (ROOT / "mkdocs.yml").read_text().replace("dist/docs", "docs").replace("dist/site", "site")
    (tmp_path / "mkdocs.yml").write_text(config)
    subprocess.run([builder, "build", "--strict"], cwd=tmp_path, check=True)
    assert (tmp_path / "site" / "index.html").exists()


def test_the_way_from_a_folder_to_a_file():
    assert relative(Path("/a/b/c.md"), Path("/a/d/e")) == "../../b/c.md"
    assert relative(Path("/a/c.md"), Path("/a")) == "c.md"
