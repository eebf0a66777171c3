import sys

import pytest

from foretell import progress
from foretell.progress import bar, time_text


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def work(clock, shown, steps, seconds):
    for step in range(steps):
        clock[0] += seconds
        shown.advance(text=f"loss {step}")


def test_a_log_gets_a_line_now_and_then_with_the_time_left(clock, capsys):
    with bar("training", 100) as shown:
        work(clock, shown, 60, 1)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "training: 16 of 100, 1 min 24 s left  loss 15",
        "training: 32 of 100, 1 min 8 s left  loss 31",
        "training: 48 of 100, 52 s left  loss 47",
    ]


def test_a_run_that_goes_on_tells_the_time_left_from_where_it_began(clock, capsys):
    with bar("training", 100) as shown:
        shown.start_at(60)
        work(clock, shown, 8, 2)
    assert capsys.readouterr().err == "training: 68 of 100, 1 min 4 s left  loss 7\n"


def test_quiet_is_silent(clock, capsys):
    with bar("training", 100, quiet=True) as shown:
        shown.say("something")
        work(clock, shown, 60, 1)
    assert capsys.readouterr() == ("", "")


def test_what_is_said_is_a_line_of_its_own(capsys):
    with bar("training", 100) as shown:
        shown.say("going on from step 8")
    assert capsys.readouterr().err == "going on from step 8\n"


def test_a_terminal_gets_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with bar("training", 10) as shown:
        shown.start_at(3)
        shown.say("[/x] going on from step 3")
        shown.advance(2, "loss 2.5")
    said = capsys.readouterr().err
    assert "[/x] going on from step 3" in said, "what is said is text, not rich's markup"
    assert "training" in said
    assert "5/10" in said
    assert "loss 2.5" in said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s"), (3599.6, "1 h 0 min"), (7800, "2 h 10 min")],
)
def test_times_are_said_as_a_person_would(seconds, said):
    assert time_text(seconds) == said
