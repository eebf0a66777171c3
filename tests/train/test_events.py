import json

from foretell.train import events
from foretell.train.events import losses, read_events, record, thinned


def at(monkeypatch, time):
    monkeypatch.setattr(events, "now", lambda: f"2026-01-01T{time}+00:00")


def test_an_event_is_a_line_with_its_time_and_what_was_told(tmp_path, monkeypatch):
    at(monkeypatch, "10:00:00")
    record(tmp_path, "rollback", 7, why="loss 9", value=float("nan"))
    want = {"time": "2026-01-01T10:00:00+00:00", "what": "rollback", "step": 7, "why": "loss 9", "value": None}
    assert json.loads((tmp_path / "events.jsonl").read_text()) == want
    assert read_events(tmp_path) == [want]


def test_a_clock_that_is_set_back_does_not_turn_the_order_round(tmp_path, monkeypatch):
    for time in ("10:00:00", "09:00:00", "09:59:00", "10:00:05"):
        at(monkeypatch, time)
        record(tmp_path, "start", 0)
    found = read_events(tmp_path)
    assert [event["time"][11:19] for event in found] == ["10:00:00", "10:00:00", "10:00:00", "10:00:05"]
    assert [event.get("clock_back") for event in found] == [None, 3600.0, 60.0, None]


def test_a_line_that_a_kill_cut_is_left_out_and_the_next_one_is_whole(tmp_path):
    record(tmp_path, "start", 0)
    record(tmp_path, "end", 5)
    path = tmp_path / "events.jsonl"
    whole = path.read_text()
    for cut in range(2, 30):
        path.write_text(whole[:-cut])
        record(tmp_path, "start", 3)
        assert [event["what"] for event in read_events(tmp_path)] == ["start", "start"]


def test_what_is_no_event_is_left_out_and_no_file_is_none(tmp_path):
    assert read_events(tmp_path) == []
    (tmp_path / "events.jsonl").write_text('[1]\n{"what": "x"}\n\xff\n')
    assert read_events(tmp_path) == []


def test_a_file_that_cannot_be_written_loses_the_event_only(tmp_path):
    (tmp_path / "events.jsonl").mkdir()
    record(tmp_path, "start", 0)
    record(tmp_path / "absent", "start", 0)


def test_losses_of_many_steps_are_thinned_and_the_last_one_is_there():
    lines = [{"step": step, "loss": step / 2} for step in range(1, 1000)] + [{"step": 0, "val_loss": 3.0}]
    points = losses(lines)
    assert 100 <= len(points) <= events.MOST_POINTS
    assert points[-1] == (999, 499.5)
    assert points == sorted(points)
    assert losses([{"step": 1, "loss": None}, {"step": 2, "loss": float("nan")}]) == []
    assert thinned([], 5) == []
    assert thinned([(1, 1.0), (2, 2.0)], 5) == [(1, 1.0), (2, 2.0)]
