"""The thread that owns a batch: who is next, who leaves, what an error takes with it."""

import threading

import pytest
import torch

from foretell.errors import BadUse, Failed
from foretell.generate.config import Sampling
from foretell.generate.engine import Batch, generate
from foretell.serve.prefix import Prefixes
from foretell.serve.scheduler import Busy, Scheduler, Wanted
from tests.generate.conftest import BASE, Numbers, random_network

LONG = Sampling(max_new_tokens=30, temperature=1.0, seed=3)


class Endless(Numbers):
    """Words that end no text, so that a row is as long as it was asked to be."""

    end_of_text = -1


def idle(**settings):
    """A scheduler whose thread has not begun: turns are taken by hand."""
    return Scheduler(random_network(BASE), Endless(), **settings)


def rows(n, new=3, **more):
    how = Sampling(max_new_tokens=new, seed=3)
    return [Wanted(prompt=[5, i + 1], sampling=how, stream=i, **more) for i in range(n)]


def turns(scheduler, n):
    with torch.inference_mode():
        for _ in range(n):
            scheduler.turn()


def test_rows_join_and_leave_a_running_batch_and_equal_the_engine():
    scheduler = idle(kept=Prefixes(2**20))
    first, later = rows(3, new=8), rows(2, new=4)
    scheduler.submit(first)
    turns(scheduler, 2)
    scheduler.submit(later)
    turns(scheduler, 6)
    for some, new in ((first, 8), (later, 4)):
        prompts = [list(one.prompt) for one in some]
        expected = generate(scheduler.network, scheduler.words, prompts, Sampling(max_new_tokens=new, seed=3))
        assert [one.completion.ids for one in some] == [one.ids for one in expected]
    assert not scheduler.running
    assert not scheduler.batch.rows
    assert not scheduler.batch.done


def test_clients_join_by_turns_whatever_each_has_waiting():
    scheduler = idle(rows=4)
    many, few = rows(9), rows(2)
    scheduler.submit(many, "many")
    scheduler.submit(few, "few")
    turns(scheduler, 1)
    assert [one.row is not None for one in few] == [True, True]
    assert sum(one.row is not None for one in many) == 2


def test_a_long_prompt_waits_for_the_next_step_of_those_that_run(monkeypatch):
    monkeypatch.setattr("foretell.serve.scheduler.READ", 10)
    scheduler = idle()
    some = [Wanted(prompt=[1] * 8, sampling=LONG, stream=i) for i in range(3)]
    scheduler.submit(some)
    joined = []
    for _ in range(3):
        turns(scheduler, 1)
        joined.append(sum(one.row is not None for one in some))
    assert joined == [1, 2, 3]


def test_what_is_cancelled_leaves_and_the_others_go_on():
    scheduler = idle(rows=2)
    some = rows(4, new=8)
    scheduler.submit(some)
    turns(scheduler, 2)
    scheduler.cancel([some[0], some[2]])
    assert scheduler.n_waiting == 1
    turns(scheduler, 16)
    assert [one.completion is not None for one in some] == [False, True, False, True]
    prompts = [list(one.prompt) for one in some]
    alone = generate(scheduler.network, scheduler.words, prompts, Sampling(max_new_tokens=8, seed=3))
    assert some[1].completion.ids == alone[1].ids
    assert some[3].completion.ids == alone[3].ids


def test_what_is_late_is_refused_and_leaves():
    scheduler = idle(rows=1)
    running, waiting = rows(2, new=30)
    scheduler.submit([running, waiting])
    turns(scheduler, 1)
    running.deadline = waiting.deadline = 0.0
    turns(scheduler, 1)
    assert "the time for this request is over" in str(running.error)
    assert "before its turn came" in str(waiting.error)
    assert not scheduler.batch.rows


def test_beyond_the_waiting_places_it_is_busy_and_says_when_to_come_back():
    scheduler = idle(rows=2, max_waiting=8)
    scheduler.submit(rows(6), "one")
    with pytest.raises(Busy) as busy:  # three quarters are the most of one client
        scheduler.submit(rows(1), "one")
    assert busy.value.after == 4
    scheduler.submit(rows(2), "two")
    with pytest.raises(Busy):
        scheduler.submit(rows(1), "two")
    assert scheduler.n_waiting == 8
    with pytest.raises(BadUse, match="needs 7 completions; at most 6"):
        scheduler.submit(rows(7), "three")


@pytest.mark.parametrize("max_waiting", [1, 2])
def test_however_few_may_wait_one_can(max_waiting):
    scheduler = idle(rows=2, max_waiting=max_waiting)
    scheduler.submit(rows(1), "one")
    with pytest.raises(Busy):
        scheduler.submit(rows(1), "one")


def test_a_prompt_that_cannot_be_read_fails_alone():
    scheduler = idle()
    some = [*rows(2), Wanted(prompt=[1] * 39, sampling=LONG), Wanted(prompt=[99, 1], sampling=LONG), *rows(1)]
    scheduler.submit(some)
    turns(scheduler, 4)
    assert [one.completion is not None for one in some] == [True, True, False, False, True]
    assert isinstance(some[2].error, BadUse)
    assert "has the id 99" in str(some[3].error)
    assert scheduler.failures == 2


def test_a_step_that_fails_takes_those_that_run_and_no_others(monkeypatch):
    scheduler, told = idle(rows=2), threading.Event()
    some = rows(3)
    some[1].wake = some[2].wake = told.set
    step, failed = Batch.step, []

    def once(batch):
        if not failed:
            failed.append(True)
            raise RuntimeError("no memory")
        step(batch)

    monkeypatch.setattr(Batch, "step", once)
    scheduler.submit(some)
    scheduler.start()
    while not some[2].over:
        assert told.wait(20)
        told.clear()
    assert [str(one.error) for one in some[:2]] == ["no memory"] * 2
    assert some[2].completion is not None
    scheduler.close()


def test_a_call_is_answered_between_steps_and_its_error_is_its_own():
    scheduler = idle()
    good, bad = Wanted(call=lambda: [7]), Wanted(call=lambda: 1 // 0)
    scheduler.submit([good, bad, *rows(1)])
    turns(scheduler, 2)
    assert good.answer == [7]
    assert isinstance(bad.error, ZeroDivisionError)


def test_when_it_is_closed_what_is_left_is_refused_and_nothing_more_is_taken():
    scheduler = idle()
    waiting = rows(2)
    scheduler.submit(waiting)
    with scheduler.condition:
        scheduler.start()
        scheduler.closed = True
    scheduler.close()
    assert not scheduler.thread.is_alive()
    assert all(isinstance(one.error, Failed) for one in waiting)
    with pytest.raises(Failed, match="stopping"):
        scheduler.submit(rows(1))
