import json

import pytest

from foretell.errors import BadUse
from foretell.report.read import read_demo

RESULTS = ["corpus", "translation", "finetune", "masked_words", "zero_shot", "few_shot", "samples", "story"]


def test_a_whole_folder_is_read_whole(whole):
    demo = read_demo(whole)
    assert len(demo.runs) == 21
    assert all(getattr(demo, name) is not None for name in RESULTS)
    assert demo.runs["gpt1.pretrain"].lines[-1]["step"] == 700
    assert demo.translation.baseline.what.startswith("always 'Return self.'")
    assert demo.finetune.rows[0].accuracy.n == 400
    assert demo.command == "foretell demo"


@pytest.mark.parametrize("name", RESULTS)
def test_what_is_absent_is_none(demo, name):
    (demo / "results" / f"{name}.json").unlink()
    assert getattr(read_demo(demo), name) is None


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(BadUse, match="gone is no folder; foretell demo --out"):
        read_demo(tmp_path / "gone")


def test_a_folder_of_something_else(tmp_path):
    (tmp_path / "notes.txt").write_text("no demo")
    with pytest.raises(BadUse, match="holds no runs and no results; give the folder of a foretell demo"):
        read_demo(tmp_path)


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("content", ["", "{", "[]", '{"command": 3}', "null"])
def test_a_damaged_result_is_named_in_one_line(demo, name, content):
    (demo / "results" / f"{name}.json").write_text(content)
    with pytest.raises(BadUse, match=rf"results/{name}\.json: .*; remove it and foretell demo makes it again") as error:
        read_demo(demo)
    assert "\n" not in str(error.value)


def test_what_is_no_text_is_named(demo):
    (demo / "results" / "story.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadUse, match=r"story\.json is no UTF-8 text"):
        read_demo(demo)


def edited(demo, name, edit):
    path = demo / "results" / f"{name}.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def test_a_wrong_field_is_named_with_its_path(demo):
    edited(demo, "finetune", lambda found: found["rows"][2]["accuracy"].update(low=2.0))
    with pytest.raises(BadUse, match=r"finetune\.json: rows\.2\.accuracy: .*low <= high"):
        read_demo(demo)


def test_a_value_that_is_no_number_is_refused(demo):
    edited(demo, "translation", lambda found: found["bleu"].update(value=float("nan")))
    with pytest.raises(BadUse, match=r"translation\.json: bleu: .*is no measured value"):
        read_demo(demo)


def test_a_map_that_does_not_fit_its_tokens_is_refused(demo):
    edited(demo, "translation", lambda found: found["attention"]["weights"].pop())
    with pytest.raises(BadUse, match=r"attention: .*one row a target token"):
        read_demo(demo)


def test_fields_of_a_later_version_are_passed_over(demo):
    edited(demo, "story", lambda found: found.update(weather="fine"))
    assert read_demo(demo).story is not None


def test_a_last_line_that_is_still_being_written_is_left_out(demo):
    path = demo / "gpt1.pretrain" / "metrics.jsonl"
    path.write_text(path.read_text() + '{"step": 701, "lo')
    assert read_demo(demo).runs["gpt1.pretrain"].lines[-1]["step"] == 700


@pytest.mark.parametrize(("line", "problem"), [("{", "is damaged in line 5"), ('{"loss": 1}', "a line without a step")])
def test_a_damaged_line_in_the_middle_is_named(demo, line, problem):
    path = demo / "gpt1.pretrain" / "metrics.jsonl"
    lines = path.read_text().splitlines()
    lines[4] = line
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(BadUse, match=problem):
        read_demo(demo)


def test_a_damaged_config_is_named(demo):
    (demo / "bert.pretrain" / "config.json").write_text("{}")
    with pytest.raises(BadUse, match=r"bert\.pretrain/config\.json: .*required"):
        read_demo(demo)


def test_a_run_that_was_not_finished_writing_is_passed_over(demo):
    (demo / "gpt1.pretrain").rename(demo / ".gpt1.pretrain.partial-7")
    assert "gpt1.pretrain" not in read_demo(demo).runs
    assert len(read_demo(demo).runs) == 20
