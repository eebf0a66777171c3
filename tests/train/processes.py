"""Some processes that train together, for tests: forked, on gloo, with a store that the test itself holds."""

import multiprocessing
import os
import signal
import time
import traceback
from contextlib import contextmanager
from multiprocessing.connection import wait

import torch
from torch.distributed import TCPStore

LONGEST = 120  # seconds until all have ended
MORE = 20  # seconds that the others have when one has failed


def together(n, work, *given):
    """What work(*given) gives in each of n processes, in their order; fails with the first traceback."""
    context = multiprocessing.get_context("fork")
    store = TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    ends = [context.Pipe() for _ in range(n)]
    children = [
        context.Process(target=child, args=(rank, n, store.port, ends[rank][1], work, given), daemon=True)
        for rank in range(n)
    ]
    for one in children:
        one.start()
    found, until = [], time.monotonic() + LONGEST
    try:
        for one, (end, _) in zip(children, ends, strict=True):
            found.append(told_by(one, end, until))
            if found[-1][0] != "done":
                until = min(until, time.monotonic() + MORE)
    finally:
        for one in children:
            one.join(0 if found and found[-1][0] != "done" else 5)
            one.kill()
            one.join()
    assert all(kind == "done" for kind, _ in found), "\n".join(str(told) for kind, told in found if kind != "done")
    return [told for _, told in found]


def told_by(one, end, until):
    """What a process sent, or that it ended, or is at work after so long."""
    ready = wait([end, one.sentinel], max(until - time.monotonic(), 0))
    if end.poll():
        return end.recv()
    if one.sentinel not in ready:
        return "late", f"{one.name} is still at work"
    one.join()
    return "ended", f"{one.name} ended with {one.exitcode}"


@contextmanager
def limited(seconds):
    """Let the block fail after so many seconds, whatever it waits for."""

    def late(number, frame):
        raise TimeoutError(f"not done after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def child(rank, n, port, end, work, given):
    torch.set_num_threads(1)
    variables = {"RANK": rank, "WORLD_SIZE": n, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": n, "MASTER_ADDR": "localhost"}
    agent = {"MASTER_PORT": port, "TORCHELASTIC_USE_AGENT_STORE": True, "TORCHELASTIC_RESTART_COUNT": 0}
    variables = {name: str(value) for name, value in {**variables, **agent}.items()}
    os.environ.update(variables)  # noqa: TID251  (as torchrun does it)
    try:
        told = "done", work(*given)
    except BaseException as error:
        told = "failed", f"process {rank}: {type(error).__name__}: {error}\n{traceback.format_exc()}"
    end.send(told)
    os._exit(0)
