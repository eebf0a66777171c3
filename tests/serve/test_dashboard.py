"""The dashboard's pages: what lies in a folder of runs is shown as text, and nothing else can be reached."""

import json
import os
import re

import pytest
from starlette.testclient import TestClient

from foretell.errors import BadUse
from foretell.serve.api import make_app
from foretell.serve.dashboard.listing import check_root, listed
from foretell.serve.dashboard.routes import report_policy
from tests.serve.conftest import LIMITS

SCRIPT = "<script>alert(1)</script>"
CARD = {
    "kind": "corpus",
    "n_documents": 3,
    "n_bytes": 30,
    "funnel": [
        {"step": "read", "in": 4, "documents": 4, "bytes": 40, "dropped": {}},
        {"step": "language", "in": 4, "documents": 3, "bytes": 30, "dropped": {SCRIPT: 1}},
    ],
}
HASH = "'sha256-uCTBY/YwOVK7jiIrmIs1jhml0A2H21pU5SRscfMvwTY='"


def metrics(n=20, start=1):
    return [
        {"step": i, "loss": 5 / i, "grad_norm": 1.0, "lr": 0.01, "tokens": i * 8, "seconds": i, "tokens_per_second": 80}
        for i in range(start, start + n)
    ]


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def made_run(folder, lines, **lineage):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"recipe": "gpt2.pretrain:nano", "steps": 20}))
    (folder / "lineage.json").write_text(json.dumps({"recipe": "gpt2.pretrain:nano", **lineage}))
    write_lines(folder / "metrics.jsonl", lines)
    return folder


@pytest.fixture
def root(tmp_path):
    """A folder with a run, a corpus, an evaluation and a report."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    runs = tmp_path / "runs"
    made_run(runs / "demo" / "One Run", metrics(), finished="2026-01-01")
    write_lines(runs / "demo" / "One Run" / "events.jsonl", [{"event": "restart", "step": 7, "why": SCRIPT}])
    write_lines(runs / "demo" / "One Run" / "samples.jsonl", [{"step": 5, "prompt": "Say", "text": SCRIPT}])
    corpus = runs / "demo" / "corpora" / "mine"
    corpus.mkdir(parents=True)
    (corpus / "card.json").write_text(json.dumps(CARD))
    texts = pa.table({"id": ["a", "b"], "source": ["s", "s"], "text": ["x" * 4000, SCRIPT]})
    pq.write_table(texts, corpus / "documents.parquet")
    results = runs / "demo" / "results"
    results.mkdir()
    score = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 30}
    (results / "zero_shot.json").write_text(json.dumps({"rows": [{"task": SCRIPT, "accuracy": score}], "seed": 3}))
    head = f'<html><head><meta content="script-src {HASH}"></head>'
    (runs / "demo" / "report.html").write_text(f"{head}<body>{HASH.replace('u', 'v')}</body></html>")
    return runs


@pytest.fixture
def pages(root):
    with TestClient(make_app({}, LIMITS, {}, None, root), base_url="http://testserver") as client:
        yield client


def test_everything_in_the_folder_is_listed_and_each_has_its_page(pages):
    for kind, slug in (
        ("runs", "demo-one-run"),
        ("corpora", "demo-corpora-mine"),
        ("evaluations", "demo-results-zero_shot.json"),
        ("reports", "demo-report.html"),
    ):
        assert f'href="/{kind}/{slug}"' in pages.get(f"/{kind}").text
        assert pages.get(f"/{kind}/{slug}").status_code == 200
    assert pages.get("/", follow_redirects=False).headers["location"] == "/runs"


def test_a_run_tells_its_figures_curves_segments_events_and_samples(pages):
    page = pages.get("/runs/demo-one-run").text
    assert "20 of 20" in page
    assert page.count("<svg") == 4
    assert re.findall(r'data-chart="([^"]+)"', page) == ["loss", "throughput", "gradient norm", "learning rate"]
    assert "loss 0.25 at step 20 (from 0.25 to 5)" in page
    rows = re.findall(r'<th scope="row">(\d)</th><td>(\d+)</td><td>(\d+)</td>', page)
    assert rows == [("1", "1", "7"), ("2", "8", "20")]
    assert "restart" in page
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page


def test_a_corpus_has_its_funnel_and_its_first_documents(pages):
    page = pages.get("/corpora/demo-corpora-mine").text
    assert 'aria-label="75.0 %"' in page
    assert "x" * 1500 + " ..." in page
    assert "x" * 1501 not in page
    assert SCRIPT not in page


def test_an_evaluation_has_its_intervals(pages):
    page = pages.get("/evaluations/demo-results-zero_shot.json").text
    assert "0.500 (0.400 to 0.600), n 30" in page
    assert SCRIPT not in page


def test_a_live_run_tells_only_what_is_new(root, pages):
    run = made_run(root / "live", metrics(3))
    told = pages.get("/api/runs/live").json()
    assert told["state"] == "running"
    assert told["figures"]["step"] == "3 of 20"
    assert pages.get("/api/runs/live", params={"have": told["version"]}).json() == {"version": told["version"]}
    write_lines(run / "metrics.jsonl", metrics(4))
    later = pages.get("/api/runs/live", params={"have": told["version"]}).json()
    assert later["figures"]["step"] == "4 of 20"
    os.utime(run / "metrics.jsonl", (1, 1))
    os.utime(run / "lineage.json", (1, 1))
    os.utime(run / "config.json", (1, 1))
    states = {one["slug"]: one["state"] for one in pages.get("/api/runs").json()["runs"]}
    assert states == {"live": "stopped", "demo-one-run": "finished"}


@pytest.mark.parametrize("slug", ["none", "%2e%2e", "%2e%2e%2fetc", "demo%2FOne Run", "%00", "a" * 3000])
@pytest.mark.parametrize("kind", ["runs", "corpora", "evaluations", "reports", "api/runs"])
def test_what_is_not_in_the_listing_is_not_there(pages, kind, slug):
    assert pages.get(f"/{kind}/{slug}").status_code == 404


def test_links_out_of_the_folder_are_not_followed(root, pages, tmp_path):
    secret = made_run(tmp_path / "outside", metrics())
    (root / "linked").symlink_to(secret)
    (root / "files").mkdir()
    for name in ("config.json", "lineage.json", "metrics.jsonl"):
        (root / "files" / name).symlink_to(secret / name)
    (root / "files" / "report.html").symlink_to(secret / "config.json")
    there = listed(root)
    assert list(there.runs) == ["demo-one-run"]
    assert list(there.reports) == ["demo-report.html"]


@pytest.mark.parametrize(
    "content", ["", "[]", "null", "{", '{"step": 1}\n{"st', '{"step": "x", "loss": []}', "\x00\xff"]
)
def test_damaged_files_are_shown_as_far_as_they_are_whole(root, pages, content):
    run = made_run(root / "bad", [])
    for name in ("metrics.jsonl", "events.jsonl", "samples.jsonl", "lineage.json", "config.json"):
        (run / name).write_bytes(content.encode("latin-1"))
    (run / "card.json").write_bytes(content.encode("latin-1"))
    (run / "documents.parquet").write_bytes(content.encode("latin-1"))
    (run / "report.html").write_bytes(content.encode("latin-1"))
    for path in ("/runs", "/runs/bad", "/api/runs/bad", "/corpora", "/corpora/bad", "/reports/bad-report.html"):
        assert pages.get(path).status_code == 200, path


def test_two_names_with_one_slug_are_told_apart_and_stay_so(tmp_path):
    made_run(tmp_path / "a b", [])
    made_run(tmp_path / "a-b", [])
    made_run(tmp_path / "c" / ("d" * 120), [])
    slugs = list(listed(tmp_path).runs)
    assert len(slugs) == 3
    assert all(re.fullmatch(r"[a-z0-9._-]{1,90}", slug) for slug in slugs)
    assert slugs == list(listed(tmp_path).runs)


def test_a_report_runs_in_a_sandbox_and_only_the_script_that_its_head_tells(pages):
    policy = pages.get("/reports/demo-report.html").headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none';")
    assert f"script-src {HASH};" in policy
    assert "allow-same-origin" not in policy
    assert "script-src 'none'" in report_policy(b"<body>'sha256-" + b"a" * 43 + b"='</body>")


def test_pages_carry_a_policy_without_inline_code_and_the_files_of_a_run_are_no_pages(pages):
    for path in ("/runs", "/runs/demo-one-run", "/corpora/demo-corpora-mine", "/evaluations", "/reports"):
        answer = pages.get(path)
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert not re.search(r" (style|on\w+)=|<style|http://|https://", answer.text)
    for name in ("run.js", "runs.js", "words.js", "dashboard.css"):
        assert "innerHTML" not in pages.get(f"/static/{name}").text
    assert pages.get("/demo/One Run/config.json").status_code == 404


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(BadUse, match="no folder"):
        check_root(tmp_path / "none")
