"""A real server on a real port: clients that go away, too many at once, answers that take too long."""

import http.client
import json
import threading
from contextlib import closing, contextmanager

import pytest

from foretell.commands.serve_command import Ready, listen, server
from foretell.serve.api import make_app
from foretell.serve.settings import Limits

LONG = {"model": "one", "prompt": "Return", "max_tokens": 90, "logit_bias": {"0": -100}}


@contextmanager
def live(models, **limits):
    """The address of a server, and the scheduler of its model, slowed down so that what runs can be seen."""
    app = make_app({"one": models["one"]}, Limits(**limits), {})
    listening = listen("127.0.0.1", 0)
    running = server(Ready(app, listening, "", ["one"]))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        until(lambda: running.started)
        yield listening.getsockname()[1], app.state.models["one"].scheduler
    finally:
        running.should_exit = True
        thread.join()
        listening.close()


def post(port, body):
    """A request that is sent."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/v1/completions", json.dumps(body), {"content-type": "application/json"})
    return connection


def answered(port, body):
    """The status, headers and text of an answer."""
    with closing(post(port, body)) as connection, connection.getresponse() as answer:
        return answer.status, answer.headers, answer.read().decode()


@contextmanager
def held(scheduler, monkeypatch):
    """Steps are made when they are let: as many as the semaphore is released."""
    steps, step = threading.Semaphore(0), scheduler.batch.step

    def one():
        assert steps.acquire(timeout=10)
        step()

    monkeypatch.setattr(scheduler.batch, "step", one)
    try:
        yield steps
    finally:
        steps.release(1000)


def until(condition):
    """Wait until a condition holds."""
    pause = threading.Event()
    for _ in range(500):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it never came true")


@pytest.mark.parametrize("stream", [True, False])
def test_when_the_client_goes_its_rows_leave_the_batch(models, monkeypatch, stream):
    with live(models) as (port, scheduler), held(scheduler, monkeypatch) as steps:
        connection = post(port, {**LONG, "n": 3, "stream": stream})
        until(lambda: len(scheduler.running) == 3)
        if stream:
            steps.release()
            with connection.getresponse() as answer:
                assert answer.readline().startswith(b"data: ")
        connection.close()
        gone = set(scheduler.running.values())
        until(lambda: all(one.cancelled for one in gone))
        for _ in range(3):
            steps.release()
        until(lambda: not scheduler.running)
        assert not scheduler.batch.rows
        assert scheduler.made < 20


def test_a_token_is_sent_before_the_next_is_made(models, monkeypatch):
    with live(models) as (port, scheduler), held(scheduler, monkeypatch) as steps:
        connection = post(port, {**LONG, "stream": True, "seed": 1, "logit_bias": {"40": 100}})
        steps.release()
        with closing(connection), connection.getresponse() as answer:
            first = json.loads(answer.readline().removeprefix(b"data: "))
            assert first["choices"][0]["text"]
            assert len(next(iter(scheduler.running.values())).row.ids) == 1


def test_while_there_is_nothing_to_say_a_comment_keeps_the_connection(models, monkeypatch):
    monkeypatch.setattr("foretell.serve.streams.KEEP_ALIVE", 0.01)
    with live(models) as (port, scheduler), held(scheduler, monkeypatch):
        connection = post(port, {**LONG, "stream": True})
        with closing(connection), connection.getresponse() as answer:
            assert answer.readline() == b": still here\n"
            assert answer.headers["x-accel-buffering"] == "no"


def test_when_the_places_are_taken_the_answer_is_429_and_when_to_come_back(models, monkeypatch):
    with live(models, rows=1, max_waiting=4) as (port, scheduler), held(scheduler, monkeypatch):
        first = post(port, LONG)
        until(lambda: len(scheduler.running) == 1)
        waiting = post(port, {**LONG, "n": 3})
        until(lambda: scheduler.n_waiting == 3)
        status, headers, text = answered(port, LONG)
        assert status == 429
        assert int(headers["retry-after"]) >= 1
        assert json.loads(text)["error"]["code"] == "queue_full"
        first.close()
        waiting.close()
        until(lambda: scheduler.n_waiting == 0)


def test_what_takes_too_long_is_ended_with_503(models, monkeypatch):
    with live(models, seconds=1e-9) as (port, _):
        status, _, text = answered(port, LONG)
        assert status == 503
        assert "time for this request" in json.loads(text)["error"]["message"]
        _, _, events = answered(port, {**LONG, "stream": True})
        assert "time for this request" in events
        assert "[DONE]" not in events


def test_a_body_that_does_not_come_is_not_waited_for(models):
    with live(models, body_seconds=0.05) as (port, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        with closing(connection):
            connection.putrequest("POST", "/v1/completions")
            connection.putheader("content-type", "application/json")
            connection.putheader("content-length", "100")
            connection.endheaders(b"{")
            with connection.getresponse() as answer:
                assert answer.status == 408


def test_many_clients_at_once_get_what_each_alone_gets(models):
    with live(models) as (port, scheduler):

        def text(i):
            body = {"model": "one", "prompt": f"Return {i % 8}", "seed": i % 8, "max_tokens": 5 + i % 8}
            return json.loads(answered(port, body)[2])["choices"][0]["text"]

        alone = [text(i) for i in range(8)]
        found = [""] * 60
        threads = [threading.Thread(target=lambda i=i: found.__setitem__(i, text(i))) for i in range(60)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [alone[i % 8] for i in range(60)]
        assert not scheduler.failures
