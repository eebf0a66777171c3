import json

import pytest

from foretell.commands.report_command import run
from foretell.errors import BadUse
from foretell.report.page import write_report


@pytest.fixture
def early(tmp_path):
    (tmp_path / "demo" / "results").mkdir(parents=True)
    return tmp_path / "demo"


def test_the_page_lies_in_the_folder_unless_told_otherwise(early, capsys):
    run([str(early)])
    assert capsys.readouterr().out == f"the report is {early / 'report.html'}\n"
    assert (early / "report.html").read_text().startswith("<!doctype html>")


def test_a_file_can_be_named_and_json_be_asked_for(early, tmp_path, capsys):
    out = tmp_path / "new" / "page.html"
    run([str(early), "--out", str(out), "--json"])
    assert json.loads(capsys.readouterr().out) == {"report": str(out)}
    write_report(early, tmp_path / "other" / "page.html")
    assert out.read_bytes() == (tmp_path / "other" / "page.html").read_bytes()


def test_a_wrong_folder_changes_nothing(tmp_path):
    with pytest.raises(BadUse, match="is no folder"):
        run([str(tmp_path / "gone")])
    assert list(tmp_path.iterdir()) == []


def test_no_folder_is_one_line():
    with pytest.raises(BadUse, match="DEMO_FOLDER"):
        run([])
