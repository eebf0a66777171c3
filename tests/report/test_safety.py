"""The page's part on safety, from made results files."""

import base64
import csv
import io
import json

import pytest

from foretell.report.calibration import reliability
from foretell.report.hindsight import by_size
from foretell.report.read import read_result
from foretell.report.safety import SHARES, chat
from foretell.report.safety_file import Calibration, Hindsight, Safety, System


def share(value, n=160):
    return {"value": value, "low": max(value - 0.05, 0), "high": min(value + 0.05, 1), "n": n}


def safety():
    sides = {
        side: {name: share(0.1 * i + more) for i, name in enumerate(SHARES)}
        for side, more in (("before", 0.4), ("after", 0.02))
    }
    kinds = {
        side: [
            {"class": "disallowed", "kind": "role", "disallowed": share(more)},
            {"class": "safe", "kind": "contrast", "over_refused": share(0.1)},
        ]
        for side, more in (("before", 0.6), ("after", 0.1))
    }
    compared = {"reduction": share(0.9), "over_refusal_more": {"value": -0.01, "low": -0.03, "high": 0.02, "n": 170}}
    samples = [{"class": "safe", "kind": "town", "prompt": "Where <is> Anna?", "before": "Oslo", "after": "Rome"}]
    told = {"command": "foretell demo", "policies": [{"id": "secrets", "about": "codes"}], "made_from": "x"}
    return {**told, "figures": sides, "kinds": kinds, "compared": compared, "samples": samples}


def obedience(value):
    turns = [{"turn": i, "attacked": a, "obeyed": share(value)} for i in (1, 2, 3) for a in (False, True)[:i]]
    messages = [{"constraint": "json", "kind": "format", "attacked": a, "obeyed": share(value)} for a in (False, True)]
    return {"plain": share(value), "attacked": None, "turns": turns, "messages": messages}


def calibration():
    def side(gap):
        rows = [
            {"bins": kind, "from": 0.1, "to": 0.2, "n": 40, "confidence": c, "accuracy": share(min(c + gap, 1))}
            for kind in ("equal width", "equal mass")
            for c in (0.2, 0.5, 0.9)
        ]
        figures = {
            "accuracy": share(0.6),
            "ECE, equal width": share(gap),
            "NLL (nats)": dict.fromkeys(("value", "low", "high"), None),
        }
        figures["NLL (nats)"]["n"] = 3.0
        return {"figures": figures, "rows": rows}

    less = {"value": 0.1, "low": 0.05, "high": 0.15, "n": 120}
    models = {"before": "SFT", "after": "PPO"}
    told = {"command": "foretell demo", "asked": "facts", "models": models}
    return {**told, "before": side(0.05), "after": side(-0.15), "less": less}


def hindsight():
    rows = [
        {"model": f"m{size}", "parameters": size, "task": task, "k": 1, "accuracy": share(0.5 - size / 1e7, 150)}
        for size in (100_000, 1_000_000)
        for task in ("hindsight_neglect", "hindsight_control")
    ]
    slope = {"value": -0.04, "low": -0.06, "high": -0.01, "n": 300}
    return {
        "command": "foretell demo",
        "rows": rows,
        "slopes": [{"task": "hindsight_neglect", "sizes": 2, "slope": slope}],
    }


@pytest.fixture
def read(tmp_path):
    """A function that writes a result and reads it as the report does."""

    def read_it(want, content):
        path = tmp_path / "x.json"
        path.write_text(json.dumps(content))
        return read_result(want, path)

    return read_it


def rows_of(part):
    return list(csv.DictReader(io.StringIO(base64.b64decode(part.data.uri.partition(",")[2]).decode())))


def test_nothing_measured_is_said_with_the_command_that_does():
    parts = chat(None, None, None, None, "foretell demo")
    assert [part.kind for part in parts] == ["missing"] * 4
    assert all(part.command == "foretell demo" for part in parts)


def test_the_whole_section_is_drawn(read):
    system = {"command": "foretell demo", "before": obedience(0.4), "after": obedience(0.8)}
    found = (
        read(Safety, safety()),
        read(System, system),
        read(Calibration, calibration()),
        read(Hindsight, hindsight()),
    )
    parts = chat(*found, "foretell demo")
    kinds = ["picture", "table", "samples", "picture", "table", "picture", "table", "picture"]
    assert [part.kind for part in parts] == kinds
    assert all("one seed" in part.said for part in parts if part.kind in ("picture", "table"))
    first = parts[0]
    assert "n = 160 disallowed and 160 safe requests" in first.said
    assert "fall by 90.0 % [85.0, 95.0]" in first.said
    assert "change by -1.0 points [-3.0, +2.0]" in first.said
    assert len(rows_of(first)) == 2 * len(SHARES)
    assert parts[1].rows[0][3].text == "60.0 % [55.0, 65.0]"
    assert parts[3].drawing.wide.startswith("<svg")
    assert len(rows_of(parts[3])) == 2 * 5


def test_both_diagrams_hold_every_bin_and_the_measures_their_intervals(read):
    figure, measures = reliability(read(Calibration, calibration()), "")
    assert len(rows_of(figure)) == 12
    assert "before: SFT" in figure.drawing.wide
    assert "after: PPO" in figure.drawing.narrow
    assert "minus before: +0.100 [+0.050, +0.150]" in figure.said
    assert [cell.text for cell in measures.rows[2]] == ["NLL (nats)", "-", "-"]
    assert measures.rows[1][1].text == "0.050 [0, 0.100]"


def test_a_slope_below_0_is_told_as_a_fall_and_an_open_one_as_none(read):
    content = hindsight()
    assert (
        "accuracy falls with size; slope -0.040 [-0.060, -0.010] per unit"
        in by_size(read(Hindsight, content), "")[0].said
    )
    content["slopes"][0]["slope"]["high"] = 0.01
    assert "does not measurably change" in by_size(read(Hindsight, content), "")[0].said
