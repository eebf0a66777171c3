"""The page's part on a run that survives, from a made results file."""

import base64
import csv
import io
import json

import pytest

from foretell.report.read import read_result
from foretell.report.segments import Survival, drawn, survival


def piece(begin, steps, ended, why=""):
    points = [[step, 6.0 - step / 10] for step in steps]
    return {"begin": begin, "ended": ended, "why": why, "points": points, "last": steps[-1] if steps else begin}


@pytest.fixture
def found(tmp_path):
    pieces = [
        piece(0, [1, 2, 3, 4, 5], "killed", "killed by SIGKILL"),
        piece(4, [5, 6, 7], "rollback", "loss 9 at step 7 where 5 is usual"),
        piece(6, [], "hung"),
        piece(6, [7, 8, 9, 10], "finished"),
    ]
    whole = {
        "command": "foretell demo",
        "steps": 10,
        "clean": 5.0,
        "survived": 5.01,
        "identical": True,
        "kills": 1,
        "hangs": 1,
        "rollbacks": ["loss 9 at step 7 where 5 is usual"],
        "moved_past": [6, 7],
        "bad": [6, 9],
        "segments": pieces,
    }
    path = tmp_path / "survival.json"
    path.write_text(json.dumps(whole))
    return read_result(Survival, path)


def test_nothing_measured_is_said_with_the_command_that_does():
    [part] = survival(None, "foretell demo")
    assert (part.kind, part.command) == ("missing", "foretell demo")


def test_every_point_of_every_piece_is_in_the_figures_data(found):
    figure, table = survival(found, "")
    coded = figure.data.uri.partition(",")[2]
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(coded).decode())))
    assert [(row["piece"], row["step"]) for row in rows[4:8]] == [("1", "5"), ("2", "5"), ("2", "6"), ("2", "7")]
    assert figure.drawing.wide.startswith("<svg")
    assert figure.drawing.narrow.startswith("<svg")
    assert [[one.text for one in row] for row in table.rows][1:3] == [
        ["2", "4", "7", "rollback", "loss 9 at step 7 where 5 is usual"],
        ["3", "6", "6", "hung", "-"],
    ]


def test_neighbouring_pieces_have_colours_of_their_own_and_ends_have_marks(found):
    axes = drawn(found)(8.6).axes[0]
    lines = [line for line in axes.lines if line.get_linestyle() == "-"]
    assert len(lines) == 3
    assert len({line.get_color() for line in lines}) == 3
    marks = [line for line in axes.lines if line.get_marker() != "None" and len(line.get_xdata())]
    assert [(line.get_marker(), line.get_xdata()[0]) for line in marks] == [("x", 5), ("v", 7)]
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {"rollback", "hung", "killed"}


def test_the_words_tell_what_befell_the_run_and_what_it_cost(found):
    said = survival(found, "")[0].said
    assert "n = 1 kill, 1 hang and 2 batches of random tokens in 10 steps" in said
    assert "went back 1 time and moved past 2 batches, 1 of the 2 bad among them" in said
    assert "+0.20 % beside the run without faults (5.000)" in said
    assert "every weight is the same, bit for bit, as without them" in said
