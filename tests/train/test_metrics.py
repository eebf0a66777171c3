import pytest

from foretell.errors import Failed
from foretell.train.metrics import Metrics, read_metrics


def write_steps(folder, steps, begin=0):
    metrics = Metrics(folder, begin, tensorboard=False)
    for step in steps:
        metrics.write(step, {"loss": step / 4})
    metrics.close()


def test_each_step_is_a_line_that_is_there_at_once(tmp_path):
    metrics = Metrics(tmp_path, 0, tensorboard=False)
    metrics.write(1, {"loss": 2.5, "tokens": 7})
    assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 1, "loss": 2.5, "tokens": 7}\n'
    metrics.close()


def test_a_run_that_goes_on_drops_the_lines_that_it_will_write_again(tmp_path):
    write_steps(tmp_path, range(8))
    write_steps(tmp_path, range(5, 9), begin=4)
    assert read_metrics(tmp_path / "metrics.jsonl") == [{"step": step, "loss": step / 4} for step in range(9)]


def test_a_run_that_begins_again_from_nothing_writes_its_first_line_once(tmp_path):
    write_steps(tmp_path, range(3))
    write_steps(tmp_path, range(2))
    assert [line["step"] for line in read_metrics(tmp_path / "metrics.jsonl")] == [0, 1]


def test_a_last_line_that_was_cut_is_left_out_wherever_it_was_cut(tmp_path):
    write_steps(tmp_path, range(3))
    path = tmp_path / "metrics.jsonl"
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    for cut in range(1, len(last)):
        path.write_bytes(whole[: len(whole) - len(last) + cut])
        want = 3 if cut == len(last) - 1 else 2  # only the newline is missing
        assert len(read_metrics(path)) == want
        Metrics(tmp_path, 99, tensorboard=False).close()
        assert len(path.read_text().splitlines()) == want
        assert path.read_text().endswith("\n")


def test_no_file_is_no_lines(tmp_path):
    assert read_metrics(tmp_path / "metrics.jsonl") == []


def test_a_full_disk_is_one_line_and_closing_says_nothing_more(tmp_path):
    metrics = Metrics(tmp_path, 0, tensorboard=False)
    metrics.file.close()
    metrics.file = open("/dev/full", "w")  # noqa: SIM115
    with pytest.raises(Failed, match=r"cannot write .*metrics\.jsonl: No space left on device; free some space"):
        metrics.write(1, {"loss": 1.0})
    metrics.close()


def test_tensorboard_reads_the_events(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    metrics = Metrics(tmp_path, 0, tensorboard=True)
    for step in (1, 2):
        metrics.write(step, {"loss": step / 4, "val_loss": 0.5})
    metrics.close()
    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(1, 0.25), (2, 0.5)]
    assert events.Tags()["scalars"] == ["loss", "val_loss"]


def test_tensorboard_forgets_the_steps_that_are_done_again(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for begin, value in ((0, 1.0), (2, 3.0)):
        metrics = Metrics(tmp_path, begin, tensorboard=True)
        for step in range(begin + 1, 5):
            metrics.write(step, {"loss": value})
        metrics.close()
    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(1, 1), (2, 1), (3, 3), (4, 3)]
