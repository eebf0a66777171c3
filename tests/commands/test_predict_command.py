"""`foretell predict`: a ladder, its fit, a card, the target under it, the score; and what is refused in one line."""

import json
import shutil

import pytest

from foretell.cli import main
from tests.corpus.made_documents import HELP
from tests.scaling.runs import config, ladder, written

SMALL = ("--widths", "4,8,12,16", "--tokens-per-parameter", "0.5", "--data", "notes", "--vocab", "300", "--quiet")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder in which the commands are typed."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def predict(capsys, *words, code=0):
    """What `foretell predict` prints: JSON where it was asked for, a line of error where it fails."""
    assert main(["predict", *words]) == code
    said = capsys.readouterr()
    if code:
        (line,) = said.err.strip().splitlines()
        return line
    return json.loads(said.out) if "--json" in words else said.out


def test_a_ladder_is_shown_without_training(here, capsys):
    said = predict(capsys, "ladder", "--widths", "16,20,24,28", "--seeds", "0,1")
    assert "16-0.25-seed0" in said
    assert "20-1-seed1" in said
    assert "24-1-seed1" not in said
    assert not list(here.iterdir())


@pytest.mark.slow
def test_the_whole_way_from_a_ladder_to_a_score(here, capsys):
    (here / "notes").mkdir()
    for i in range(6):
        (here / "notes" / f"{i}.txt").write_text(" ".join(HELP[6 * i : 6 * i + 6]))
    rows = predict(capsys, "ladder", *SMALL, "--target", "24", "--out", "l", "--train", "--json")
    assert rows[-1]["run"] == "target.24"
    assert rows[-1]["over_largest"] == pytest.approx(rows[-1]["flops"] / max(row["flops"] for row in rows[:-1]))
    again = predict(capsys, "ladder", *SMALL, "--target", "24", "--out", "l", "--train", "--json")
    assert again == rows
    runs = sorted(str(path) for path in (here / "l" / "runs").iterdir())
    assert len(runs) == 12
    fitted = predict(capsys, "fit", *runs, "--out", "fit.json", "--json")
    assert len(fitted["points"]) + len(fitted["dropped"]) == 12
    register = ("register", "fit.json", "l/target.json", "--out", "card.json")
    card = predict(capsys, *register, "--run", "target", "--json", "--quiet")
    train = ["train", "l/target.json", "--prediction", "card.json", "--out", "target", "--quiet"]
    assert main(train) == 0
    capsys.readouterr()
    found = predict(capsys, "check", "card.json", "target", "--json")
    assert found["held_by_the_run"]
    assert found["predicted"] == card["predicted"]["value"]
    assert found["inside"] == (found["low"] <= found["final"] <= found["high"])
    said = predict(capsys, "check", "card.json", "target")
    assert f"{found['relative_error']:+.2%}" in said
    late = predict(capsys, *register[:-1], "late.json", "--run", "target", "--quiet", code=2)
    assert "target has begun" in late
    edited = here / "card.json"
    edited.write_text(edited.read_text().replace('"n": ', '"n": 1'))
    assert main([*train[:-2], "other", "--quiet"]) == 2
    assert "card.json was edited after it was written" in capsys.readouterr().err
    assert not (here / "other").exists()


def test_a_fit_shows_points_and_laws(here, capsys):
    runs = [str(run) for run in ladder(here, widths=(4, 8, 12, 16, 20), shares=(0.5, 1.0))]
    said = predict(capsys, "fit", *runs)
    assert "bits per byte" in said
    assert "missed left-out rungs by" in said
    assert "joint" in said
    assert not (here / "fit.json").exists()


def test_two_runs_are_refused(here, capsys):
    runs = [str(run) for run in ladder(here, widths=(4, 8))]
    assert "a ladder with 2 sizes says nothing" in predict(capsys, "fit", *runs, code=2)


def test_an_unfinished_run_is_refused_and_nothing_is_written(here, capsys):
    runs = [str(run) for run in ladder(here)]
    shutil.rmtree(runs[-1])
    written(here / "16-1", config(16), ended=False)
    line = predict(capsys, "fit", *runs, "--out", "fit.json", code=2)
    assert "its schedule is unfinished; train it to its end first" in line
    assert not (here / "fit.json").exists()


def test_a_capability_is_foretold_by_buckets(here, capsys):
    rows = [
        {"flops": 10.0**c, "problem": p, "passes": c - 10 - easy, "tries": 10}
        for c in (15, 16, 17, 18)
        for p, easy in (("a", 0), ("b", 4))
    ]
    (here / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = predict(capsys, "capability", "p.jsonl", "--flops", "1e19", "--buckets", "2", "--json")
    assert [bucket["n"] for bucket in found["buckets"]] == [1, 1]
    assert found["buckets"][0]["value"] < found["buckets"][1]["value"] < 0
    assert "geometric mean rate" in predict(capsys, "capability", "p.jsonl", "--flops", "1e19")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fti"], "has no part 'fti'; did you mean 'fit'?"),
        (["fit", "nowhere"], "config.json does not exist"),
        (["ladder", "--widths", "4,x"], "'4,x' is no list of whole numbers"),
        (["ladder", "--widths", "6"], "needs widths that are multiples of 4"),
        (["ladder", "--tokens-per-parameter", "0"], "tokens_per_parameter=0.0 is not positive"),
        (["ladder", "--device", "tpu", "--target", "8"], "is none of auto, cpu, cuda"),
        (["register", "nofit.json", "nowhere/config.json"], "nowhere/config.json does not exist"),
        (["check", "card.json", "run"], "card.json does not exist"),
        (["capability", "p.jsonl", "--flops", "-1"], "is not positive"),
    ],
)
def test_wrong_words_are_told_in_one_line(here, capsys, words, said):
    assert said in predict(capsys, *words, code=2)


def test_the_parts_are_told(capsys):
    assert "prediction card" in predict(capsys)
