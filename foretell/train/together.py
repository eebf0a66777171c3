"""Processes that do one piece of work together: they meet, agree, and end with one line.

    with together(ranks):                 nothing where one process is alone
        cfg = first_does(prepare)         one does it, all have what came of it

Whatever goes wrong, in one process or in all, one of them says so and the others end quietly. Everything that is sent
between processes stays between them; nothing here is read from a disk.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
from torch import distributed as dist
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from foretell.errors import BadUse, Failed
from foretell.ranks import Ranks
from foretell.version import VERSION

T = TypeVar("T")
FAILED = "foretell/failed"
GONE = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "Connection refused")
PATIENCE = timedelta(minutes=30)  # one process may tokenize a corpus, or write a model, while the others wait


@contextmanager
def together(ranks: Ranks) -> Iterator[None]:
    """All processes of a run, met and of one version; within another `together`, or alone, nothing is done.

    BadUse where versions differ. An error is raised in the process that is first to fail; the others exit with the
    same code and say nothing.
    """
    if ranks.world == 1 or dist.is_initialized():
        yield
        return
    store = meet(ranks)
    try:
        check_versions()
        yield
    except (Exception, KeyboardInterrupt) as error:
        if not first_to_fail(store):
            raise SystemExit(getattr(error, "exit_code", 1)) from None
        if isinstance(error, RuntimeError) and any(sign in str(error) for sign in GONE):
            raise Failed("another process of this run ended; start all of them again, and the run goes on") from error
        raise
    dist.barrier()  # a process that ends while another still sends is an error there
    dist.destroy_process_group()


def meet(ranks: Ranks) -> Store:
    """The store through which the processes found each other: gloo between processors, NCCL between GPUs.

    A restarted process must not read what the one before it left there (pytorch#167288): each start has a prefix.
    """
    found, rank, world = next(rendezvous("env://", timeout=PATIENCE))
    store = PrefixStore(f"start {ranks.attempt}", found) if ranks.attempt else found
    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(ranks.local_rank % torch.cuda.device_count())
        backend = "cpu:gloo,cuda:nccl"
    dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=PATIENCE)
    return cast(Store, store)


def first_to_fail(store: Store) -> bool:
    """Whether no other process has failed before this one; False too where the store went away with its process."""
    try:
        return bool(store.add(FAILED, 1) == 1)
    except RuntimeError:
        return False


def check_versions() -> None:
    """BadUse if a process runs another version of foretell or torch: they would compute different things."""
    mine = f"foretell {VERSION}, torch {torch.__version__}"
    every = gathered(mine)
    for rank, one in enumerate(every):
        if one != every[0]:
            raise BadUse(f"process {rank} runs {one}, and process 0 runs {every[0]}; install the same on every machine")


def check_alike(what: str, content: str) -> None:
    """BadUse if a process was given something else than the first."""
    every = gathered(content)
    for rank, one in enumerate(every):
        if one != every[0]:
            raise BadUse(f"process {rank} has another {what} than process 0; start all with the same command")


def gathered(mine: T) -> list[T]:
    """What each process gives, in their order."""
    if not dist.is_initialized():
        return [mine]
    found: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(found, mine)
    return found


def first_does(work: Callable[[], T]) -> T:
    """What the work gives, which the first process alone does. Its error ends all, and is told once."""
    if not dist.is_initialized():
        return work()
    if dist.get_rank():
        told: list[Any] = [None, None]
        dist.broadcast_object_list(told, src=0)
        if told[0]:
            raise SystemExit(told[0])
        return cast(T, told[1])
    try:
        found = work()
    except Exception as error:
        dist.broadcast_object_list([getattr(error, "exit_code", 1), None], src=0)
        raise
    dist.broadcast_object_list([0, found], src=0)
    return found


def any_of(mine: bool) -> bool:
    """Whether it is so in any process."""
    if not dist.is_initialized():
        return mine
    found = torch.tensor(int(mine))
    dist.all_reduce(found, dist.ReduceOp.MAX)
    return bool(found)


def wait_for_all() -> None:
    """Return when every process has come here."""
    if dist.is_initialized():
        dist.barrier()
