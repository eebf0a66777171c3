import pytest
from pydantic import TypeAdapter

from foretell.eval.images import summary
from foretell.report.images import images
from foretell.report.images_file import Images
from foretell.report.parts import Missing, Picture, Samples, Table

COMMAND = "foretell demo"


def found(right):
    import numpy as np

    ways = {name: np.array([1, 0, 0, 1, 0, 0, 1, 0], bool) for name in ("shuffled", "blind", "majority", "guess")}
    rows = [summary(kind, {"seeing": np.array(right, bool), **ways}) for kind in ("colour", "all")]
    sample = {"kind": "colour", "prompt": "<image>What?", "completion": "red", "seeing": "red", "shuffled": "blue"}
    told = {"command": COMMAND, "model": "gpt4.pretrain", "parameters": 1_400_000, "seed": 0, "made_from": "x"}
    return TypeAdapter(Images).validate_python({**told, "rows": rows, "samples": [{**sample, "blind": ""}]})


def test_what_is_measured_is_drawn_told_and_quoted():
    parts = images(found([1, 1, 1, 1, 1, 1, 1, 0]), COMMAND)
    drawing, table, samples = parts
    assert isinstance(drawing, Picture)
    assert isinstance(table, Table)
    assert isinstance(samples, Samples)
    assert "seeing is 50.0 points above the best control (another picture)" in table.said
    assert "2.6 standard errors of the paired difference. That is less than the 3" in table.said
    assert [one.text for one in table.rows[0]][:3] == ["which colour", "8", "87.5 [52.9, 97.8]"]
    assert "n = 8 to 8" in drawing.said
    assert dict(samples.samples[0].texts) == {
        "right": "red",
        "seeing": "red",
        "another picture": "blue",
        "no picture": "",
    }


def test_what_is_clear_is_not_said_to_be_too_little():
    table = images(found([1, 1, 1, 1, 1, 1, 1, 1]), COMMAND)[1]
    assert "3.4 standard errors" in table.said
    assert "less than" not in table.said


@pytest.mark.parametrize("command", ["foretell demo", "foretell demo --out x"])
def test_what_is_not_there_names_the_command(command):
    (part,) = images(None, command)
    assert isinstance(part, Missing)
    assert part.command == command
