import base64
import csv
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import urlparse

import pytest
from matplotlib.figure import Figure

from foretell.recipes import recipe
from foretell.report.page import write_report
from foretell.report.verdicts import FAILS, HOLDS, UNCLEAR
from tests.report.demo_folder import NASTY, results, write_results


class Page(HTMLParser):
    """The elements of a page: tags with attributes, and the text of each."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.texts = [], [], {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)


@pytest.fixture(scope="module")
def text(whole, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "report.html"
    write_report(whole, out)
    return out.read_text()


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are empty: for tests that read the words, and make a page of their own."""
    empty = '<?xml version="1.0"?>\n<svg width="10pt" height="10pt" viewBox="0 0 10 10"></svg>\n'
    monkeypatch.setattr(Figure, "draw_without_rendering", lambda _: None)
    monkeypatch.setattr(Figure, "savefig", lambda _, file, **__: file.write(empty))


def without_runs(demo, *but):
    """The demo with all runs gone but a few: fewer figures, quicker."""
    for run in list(demo.glob("*.*")):
        if run.name not in but:
            shutil.rmtree(run)
    return demo


@pytest.mark.slow
def test_the_same_folder_gives_the_same_bytes(whole, text, tmp_path):
    write_report(whole, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_bytes() == text.encode()


@pytest.mark.slow
def test_another_process_writes_the_same_bytes(demo):
    without_runs(demo, "gpt1.pretrain")
    here, there = demo / "here" / "page.html", demo / "there" / "page.html"
    write_report(demo, here)
    command = [sys.executable, "-m", "foretell.cli", "report", str(demo), "--out", str(there)]
    subprocess.run(command, check=True, capture_output=True)
    for name in ("page.html", "page.zh.html", "page.data/gpt1-loss.csv"):
        assert (here.parent / name).read_bytes() == (there.parent / name).read_bytes()


def test_nothing_is_fetched_from_anywhere(text, page):
    for tag, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "action", "srcset", "poster", "data"):
            value = attributes.get(name)
            assert value is None or urlparse(value).scheme in ("", "data"), (tag, value)
            beside = ("report.data/", "report.zh.html")
            assert value is None or value.startswith(("#", "data:", *beside)), (tag, value)
        assert tag not in ("link", "iframe", "img", "object", "embed", "form", "base")
    assert "://" not in text
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []


def test_the_page_forbids_itself_every_request_and_foreign_script(text, page):
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy


def test_model_output_is_escaped_wherever_it_stands(text, page):
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt; &amp; $x_1$") >= 5  # translation, guess, samples
    assert page.texts["pre"].count(NASTY) == 8


def test_every_figure_and_table_states_command_n_and_interval(text):
    figures = re.findall(r"<figure.*?</figure>", text, re.DOTALL)
    assert len(figures) == 49
    for figure in figures:
        said = re.search(r'<p class="said">(.*?)</p>', figure, re.DOTALL)[1]
        assert "<code>foretell " in figure
        assert "interval" in said or "One seed" in said or "One seed" in figure
        assert re.search(r"\bn (=|of)|Shaded columns|zero", said), said


def test_every_figure_has_its_data_beside_it(page):
    links = [a for tag, a in page.elements if tag == "a" and "download" in a]
    assert len(links) == 49
    assert len({link["download"] for link in links}) == 49
    for link in links:
        head, _, coded = link["href"].partition(",")
        assert head == "data:text/csv;charset=utf-8;base64"
        rows = list(csv.reader(io.StringIO(base64.b64decode(coded).decode())))
        assert len(rows) > 1
        assert {len(row) for row in rows} == {len(rows[0])}


def test_the_data_beside_the_page_are_those_inside_it(page, text, whole, tmp_path):
    write_report(whole, tmp_path / "report.html")
    inside = {a["download"]: base64.b64decode(a["href"].partition(",")[2]) for _, a in page.elements if "download" in a}
    beside = {path.name: path.read_bytes() for path in (tmp_path / "report.data").iterdir()}
    assert beside == inside
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.data", "report.html", "report.zh.html"]


def test_the_data_of_a_curve_are_the_lines_of_its_run(page, whole):
    link = next(a for tag, a in page.elements if a.get("download") == "gpt1-loss.csv")
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(link["href"].partition(",")[2]).decode())))
    lines = [json.loads(line) for line in (whole / "gpt1.pretrain" / "metrics.jsonl").read_text().splitlines()]
    assert [row["training loss"] for row in rows] == [str(line.get("loss", "")) for line in lines]
    assert [row["held-out loss"] for row in rows] == [str(line.get("val_loss", "")) for line in lines]


def test_figures_and_tables_are_numbered_without_gaps(text):
    for kind in ("Figure", "Table"):
        numbers = [int(n) for n in re.findall(rf"<b>{kind} (\d+)\.</b>", text)]
        assert numbers == list(range(1, len(numbers) + 1))


def test_every_link_inside_the_page_arrives(page):
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.elements:
        target = attributes.get("href", "")
        assert not target.startswith("#") or target[1:] in ids, (tag, target)


def test_paper_values_are_marked_as_the_papers(text):
    table = re.search(r'<section id="lineage">.*?</section>', text, re.DOTALL)[0]
    for value in ("117M", "about 5 GB", "175B", "2018-06"):
        assert re.search(rf'class="\s*paper"[^>]*>\s*{value}', table), value
    assert not re.search(r'class="[^"]*paper"[^>]*>\s*1\.33M', table)


def test_verdicts_are_words_and_not_only_colours(text):
    shown = re.findall(r'<span class="verdict (\w+)"><span aria-hidden="true">.</span> ([^<]+)</span>', text)
    assert {word for _, word in shown} == {HOLDS, UNCLEAR, "not measured"}
    assert FAILS not in text.replace("Does not hold", "")
    assert "8 of the 10 claims tested so far: 6 held here, 2 too small to tell." in text


def test_baselines_stand_beside_scores(text):
    for words in ("majority 25 %", "chance 25 %", "constant answer", "copy of source"):
        assert words in text


@pytest.mark.usefixtures("undrawn")
def test_an_early_page_names_what_is_missing_and_the_command_that_makes_it(tmp_path):
    found = results()
    found["story"]["stages"][1:] = [{"name": "GPT: pretrain", "seconds": None, "done": False}]
    write_results(tmp_path, {name: found[name] for name in ("corpus", "story")})
    write_report(tmp_path, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    notices = dict(re.findall(r'class="missing"><b>(.*?)</b>.*?<code>(.*?)</code>', text))
    assert "This is an early report: 1 of 2 stages are done." in text
    assert "No claim has been tested yet." in text
    assert notices["BLEU of translation"] == "foretell demo"
    assert notices["Pretraining: the run bert.pretrain"] == "foretell demo"
    assert len(notices) == len(re.findall('class="missing"', text)) - 1  # "What it writes" is missing in two rungs
    assert "Text by source" in text


@pytest.mark.usefixtures("undrawn")
def test_a_step_that_was_skipped_has_no_loss_and_the_page_is_written(demo):
    without_runs(demo, "gpt1.pretrain")
    metrics = demo / "gpt1.pretrain" / "metrics.jsonl"
    lines = [json.loads(line) for line in metrics.read_text().splitlines()]
    lines[3]["loss"] = lines[-1]["loss"] = lines[-1]["val_loss"] = None
    metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_report(demo, demo / "report.html")
    assert "gpt1.pretrain" in (demo / "report.html").read_text()


def test_the_attention_map_says_what_its_colours_span(text):
    assert re.search(r"The colours go from \d\.\d{4}, blank, to \d\.\d{4}, full", text)
    assert "n = The first" not in text


@pytest.mark.usefixtures("undrawn")
def test_an_empty_results_folder_is_a_page_too(tmp_path):
    (tmp_path / "results").mkdir()
    write_report(tmp_path, tmp_path / "report.html")
    assert f"foretell demo --out {tmp_path.as_posix()}" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    "name",
    [
        *(
            "corpus",
            "translation",
            "finetune",
            "masked_words",
            "zero_shot",
            "few_shot",
            "samples",
            "filtering",
            "story",
        ),
        *("images", "survival", "safety", "system", "calibration", "hindsight"),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_each_result_can_be_absent_alone(demo, name):
    (demo / "results" / f"{name}.json").unlink()
    write_report(without_runs(demo, "gpt1.pretrain", "gpt1.finetune-topic"), demo / "report.html")
    assert 'class="missing"' in (demo / "report.html").read_text()


@pytest.mark.usefixtures("undrawn")
def test_a_run_that_has_only_begun_is_shown_as_far_as_it_is(demo):
    path = demo / "gpt1.pretrain" / "metrics.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    (demo / "bert.pretrain" / "metrics.jsonl").write_text("")
    write_report(without_runs(demo, "gpt1.pretrain", "bert.pretrain"), demo / "report.html")
    text = (demo / "report.html").read_text()
    assert f"2 of {recipe('gpt1.pretrain:nano').steps}" in text
    assert "Pretraining: the run bert.pretrain" in text


@pytest.mark.usefixtures("undrawn")
def test_a_nasty_name_of_a_folder_is_escaped(demo):
    odd = without_runs(demo, "gpt1.pretrain").rename(demo.with_name('a "b" <i>&'))
    write_report(odd, odd / "report.html")
    assert "<i>&" not in (odd / "report.html").read_text().replace("<i>&amp;", "")
