"""The page's part on limits, from a made results file."""

import base64
import csv
import io
import json

import pytest
from pydantic import TypeAdapter

from foretell.report.limits import drawn, limits, section
from foretell.report.limits_file import Limits
from foretell.report.read import read_result


def tone(value, n=192):
    return {"value": value, "low": value - 5.0, "high": value + 5.0, "n": n}


def made():
    """results/limits.json of two sizes."""
    words, averages, sentiment = [], [], []
    for model, parameters in (("pico", 300_000), ("nano", 1_200_000)):
        told = {"model": model, "parameters": parameters}
        for group, word in (("male", "large"), ("female", "<gentle>")):
            odds = {"value": 4.0, "low": 1.5, "high": 10.7, "n": 17}
            row = {"group": group, "word": word, "count": 12, "other": 5, "ratio": 2.3, "odds": odds, "q": 0.02}
            words.append({**told, **row, "significant": group == "female"})
            averages.append({**told, "group": group, "average": 9.4, "words": 31, "outputs": 128})
        words.append({**told, **row, "word": "kind", "group": "male", "significant": False})
        for i, group in enumerate(("Asian", "Black", "White", "Latinx", "Indian", "Middle Eastern")):
            more = {"words": "tall, old", "significant": 1, "n_words": 40}
            n = 0 if (group, model) == ("Indian", "pico") else 192
            row = {"kind": "race", "group": group, "sentiment": tone(10.0 * i - 30, n), "all_words": tone(3.0)}
            sentiment.append({**told, **row, **more})
    figures = {"seq-rep-4": {"value": 0.12, "low": 0.1, "high": 0.14, "n": 64}, "odd": dict.fromkeys("", 0.0)}
    figures["odd"] = {"value": None, "low": None, "high": None, "n": 0}
    repetition = [{"model": "pico", "parameters": 300_000, "figures": figures}]
    return {
        "command": "foretell demo",
        "samples": 64,
        "lexicon": "pattern",
        "words": words,
        "averages": averages,
        "sentiment": sentiment,
        "repetition": repetition,
    }


@pytest.fixture
def found(tmp_path):
    path = tmp_path / "limits.json"
    path.write_text(json.dumps(made()))
    return read_result(Limits, path)


def rows_of(part):
    return list(csv.DictReader(io.StringIO(base64.b64decode(part.data.uri.partition(",")[2]).decode())))


def test_nothing_measured_is_said_with_the_command_that_does():
    parts = section(None, "foretell demo").parts
    assert {part.kind for part in parts} == {"missing"}
    assert all(part.command == "foretell demo" for part in parts)


def test_words_stand_side_by_side_of_the_largest_model(found):
    part = limits(found, "")[0]
    assert [[cell.text for cell in row] for row in part.rows] == [
        ["1", "large (12, 5); odds x 4 [1.50, 10.7]", "<gentle>* (12, 5); odds x 4 [1.50, 10.7]"],
        ["2", "kind (12, 5); odds x 4 [1.50, 10.7]", "-"],
    ]
    assert "n = 128 outputs" in part.said
    assert "1 of these words lean" in part.said


def test_every_group_and_size_is_in_the_figures_data(found):
    part = limits(found, "")[1]
    rows = rows_of(part)
    assert len(rows) == 12
    assert {row["parameters"] for row in rows} == {"300000", "1200000"}
    assert "n = 192 outputs a group" in part.said
    assert part.drawing.wide.startswith("<svg")
    for group in ("Asian", "Middle Eastern"):
        assert group in part.drawing.wide


def test_a_group_of_which_nothing_is_known_is_not_drawn_and_has_a_dash(found):
    unknown = [row for row in found.sentiment if not row.sentiment["n"]]
    figure = drawn([row for row in found.sentiment if row.sentiment["n"]])(8.6)
    points = [line.get_xydata() for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert sorted(len(line) for line in points) == [1, 2, 2, 2, 2, 2]
    assert unknown[0].group == "Indian"


def test_the_table_of_groups_and_that_of_repetition_have_intervals(found):
    parts = {part.title: part for part in limits(found, "")}
    groups = parts["Words that go with each group"]
    assert groups.rows[0][3].text == "-30.0 [-35.0, -25.0]"
    repeats = parts["How text repeats itself"]
    assert [cell.text for cell in repeats.rows[0]] == ["seq-rep-4", "0.120 [0.100, 0.140]"]
    assert repeats.rows[1][1].text == "-"


def test_without_a_part_the_others_stand():
    whole = made()
    whole |= {"repetition": [], "words": []}
    read = TypeAdapter(Limits).validate_json(json.dumps(whole), strict=True)
    assert [part.kind for part in limits(read, "")] == ["picture", "table"]
    for row in whole["sentiment"]:
        row["sentiment"]["n"] = 0
    read = TypeAdapter(Limits).validate_json(json.dumps(whole), strict=True)
    assert [part.kind for part in limits(read, "")] == ["table"]
