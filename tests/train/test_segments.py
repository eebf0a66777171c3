import json

from foretell.train.segments import segments


def write(folder, events, losses):
    lines = [{"time": "2026-01-01T10:00:00+00:00", **event} for event in events]
    (folder / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    lines = [{"step": 0, "val_loss": 9.0}, *({"step": step, "loss": loss} for step, loss in losses)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def event(what, step, **told):
    return {"what": what, "step": step, **told}


def points(steps, add=0.0):
    return [[step, 10.0 - step + add] for step in steps]


def test_a_run_left_alone_is_one_piece(tmp_path):
    write(tmp_path, [event("start", 0, lost=[]), event("end", 4)], points(range(1, 5)))
    [one] = segments(tmp_path)
    assert (one.begin, one.last, one.ended) == (0, 4, "finished")
    assert one.points == [tuple(point) for point in points(range(1, 5))]


def test_steps_done_again_belong_to_the_piece_that_did_them_first_as_well(tmp_path):
    story = [
        event("start", 0, lost=[]),
        event("died", 4, how="killed by SIGKILL"),
        event("start", 4, lost=points([5, 6])),
        event("rollback", 9, why="loss 99", back_to=8, lost=[[9, 99.0]]),
        event("stop", 10),
        event("start", 10, lost=[]),
        event("hung", 11, part="step"),
        event("died", 10, how="hung, and was ended"),
        event("start", 10, lost=points([11])),
        event("end", 12),
    ]
    write(tmp_path, story, points(range(1, 13), 0.5))
    found = segments(tmp_path)
    assert [one.ended for one in found] == ["killed", "rollback", "stopped", "hung", "finished"]
    assert [one.begin for one in found] == [0, 4, 8, 10, 10]
    assert [[step for step, _ in one.points] for one in found] == [
        [1, 2, 3, 4, 5, 6],
        [5, 6, 7, 8, 9],
        [9, 10],
        [11],
        [11, 12],
    ]
    assert found[0].points[-1] == (6, 4.0)
    assert found[1].points[-1] == (9, 99.0)
    assert found[1].why == "loss 99"


def test_going_back_past_a_restart_gives_each_piece_its_own(tmp_path):
    story = [
        event("start", 0, lost=[]),
        event("start", 4, lost=[]),
        event("rollback", 6, why="x", back_to=2, lost=points([3, 4, 5, 6])),
    ]
    write(tmp_path, story, points(range(1, 4), 0.5))
    found = segments(tmp_path)
    assert [[step for step, _ in one.points] for one in found] == [[1, 2, 3, 4], [5, 6], [3]]
    assert [one.ended for one in found] == ["killed", "rollback", "unfinished"]


def test_a_loss_of_nothing_is_a_point_too(tmp_path):
    write(tmp_path, [event("start", 0, lost=[])], [(1, 0.5), (2, 0.0), (3, None)])
    [one] = segments(tmp_path)
    assert one.points == [(1, 0.5), (2, 0.0)]


def test_nothing_known_is_no_piece(tmp_path):
    assert segments(tmp_path) == []
    write(tmp_path, [], points([1, 2]))
    assert segments(tmp_path) == []
