"""Some processes that train together, for tests: forked, on gloo, with a store that the test itself holds."""

import multiprocessing
import os
import traceback

import torch
from torch.distributed import TCPStore

LONGEST = 120  # seconds


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
    try:
        found = [ends[rank][0].recv() if ends[rank][0].poll(LONGEST) else ("late", "") for rank in range(n)]
    finally:
        for one in children:
            one.join(5)
            one.kill()
    assert all(kind == "done" for kind, _ in found), "\n".join(str(told) for kind, told in found if kind != "done")
    return [told for _, told in found]


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
