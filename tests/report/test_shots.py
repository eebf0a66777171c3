import base64
import csv
import io

import pytest

from foretell.report.figures import Line
from foretell.report.read import read_demo
from foretell.report.shots import few_shot, numbers, panel


@pytest.fixture(scope="module")
def read(whole):
    return read_demo(whole)


def test_a_task_has_a_thick_curve_with_its_interval_and_a_thin_control_for_each_size(read):
    found = panel("describes", read.few_shot.rows, [300_000, 1_200_000])
    assert [(line.name, line.thick) for line in found.lines] == [
        ("300k", True),
        ("", False),
        ("1.20M", True),
        ("", False),
    ]
    for line in found.lines:
        assert [x for x, _ in line.points] == [0, 1, 4]
    large = found.lines[2]
    assert isinstance(large, Line)
    assert [round(y, 2) for _, y in large.points] == [0.3, 0.38, 0.62]
    assert all(low <= y <= high for (_, y), (low, high) in zip(large.points, large.spread, strict=True))


def test_every_row_is_in_the_data(read):
    picture = few_shot(read)[0]
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(picture.data.uri.partition(",")[2]).decode())))
    assert len(rows) == len(read.few_shot.rows)
    assert {row["labels"] for row in rows} == {"right", "shuffled"}


def test_the_table_says_where_examples_did_not_fit(read):
    part = numbers(read.few_shot)
    assert "Where 4 examples were asked for, not all fitted" in part.said
    assert len(part.rows) == 8
    assert part.rows[1][3].text == "-"  # without examples there are no shuffled labels
