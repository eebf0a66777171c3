"""The engine under the corpus: Daft, in this process or on a Ray cluster. Nothing else in foretell imports it.

    map_partitions   a Python function over partitions, each in a folder with a manifest: what is done stays done
    evaluated        the library's expressions on a table here and now, on no runner: for use within such functions
    started          the library on its runner, for queries over files

The same call gives the same files on either runner and for any number of workers.
"""

import atexit
import json
import os
import secrets
import socket
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from foretell.corpus.partitions import Finished, Partition, Work, check_names, fingerprint, finish, found, named, sweep
from foretell.errors import BadUse, Failed
from foretell.progress import bar
from foretell.runs import usable_cores

LET_GO = 0.4  # seconds at exit in which Daft's threads end; without them 5 to 20 % of processes end in a fault
ANSWER = 10.0  # seconds in which a cluster must take a connection
QUIET = {"DO_NOT_TRACK": "1", "SCARF_NO_ANALYTICS": "1", "DAFT_ANALYTICS_ENABLED": "0", "DAFT_PROGRESS_BAR": "0"}


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineConfig:
    """Where the work of a corpus is done. No byte of the result follows from it."""

    runner: Literal["native", "ray"] = "native"
    """`native` is this process and its workers; `ray` is a Ray cluster, started here if no address is given"""
    workers: int = 0
    """processes that work at once; 0 takes every core that this process may use"""
    address: str = ""
    """the address of a running Ray cluster; all its machines must have foretell and see the same folders"""

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise ValueError(f"workers={self.workers} is negative; give a number, or 0 for every core")
        if self.address and self.runner != "ray":
            raise ValueError(f"address={self.address!r} is for runner=ray; leave it out, or give runner ray")

    @property
    def n_workers(self) -> int:
        """Processes that work at once: on one machine no more than it has cores for."""
        most = usable_cores() if self.runner == "native" else self.workers
        return min(self.workers, most) if self.workers else usable_cores()


def map_partitions(
    work: Work,
    partitions: Sequence[Partition],
    stage: Path,
    *,
    key: str,
    engine: EngineConfig,
    what: str = "",
    quiet: bool = False,
) -> list[Finished]:
    """The partitions of a stage, all done, in the order given; those that an earlier call has done are not done again.

    `work(inputs, folder)` reads a partition's inputs and writes its files into `folder`, which becomes
    `stage`/name when it returns; what it returns must be JSON and comes back as `result`. It is a function of a module
    or a functools.partial of one, runs in another process or on another machine, and must depend on nothing but its
    arguments. `key` names its settings: with another key, or other inputs, a partition is done again. A partition that
    fails leaves the others to be done; the first one's error is raised at the end: BadUse as it is, all else as Failed.
    """
    check_names(partitions)
    stage.mkdir(parents=True, exist_ok=True)
    sweep(stage)
    of = {one.name: fingerprint(named(work), key, one) for one in partitions}
    done = {one.name: found(stage, one, of[one.name]) for one in partitions}
    tasks = [json.dumps([*one, of[one.name]]) for one in partitions if done[one.name] is None]
    errors: dict[str, list[str]] = {}
    with bar(what or stage.name, len(partitions), quiet=quiet) as progress:
        progress.start_at(len(partitions) - len(tasks))
        for reply in _replies(work, stage, tasks, engine):
            if reply["error"]:
                errors[reply["name"]] = reply["error"]
            else:
                done[reply["name"]] = Finished(stage / reply["name"], reply["result"], False)
            progress.advance()
    for one in partitions:
        if one.name in errors:
            _raise(one.name, errors[one.name])
    return [one for one in (done[partition.name] for partition in partitions) if one is not None]


def _replies(work: Work, stage: Path, tasks: list[str], engine: EngineConfig) -> Iterator[dict[str, Any]]:
    """What each task has come to, as they end, in any order."""
    if not tasks:
        return
    daft = started(engine)
    n = min(engine.n_workers, len(tasks))
    pool = daft.cls(Worker, use_process=n > 1, max_concurrency=n)(work, str(stage), os.getcwd())
    frame = daft.from_pydict({"task": tasks})
    if engine.runner == "ray":  # only there do partitions decide which process does what
        frame = frame.into_partitions(len(tasks))
    frame = frame.into_batches(1).select(pool(daft.col("task")).alias("reply"))
    try:
        for row in frame.iter_rows(results_buffer_size=n):
            yield json.loads(row["reply"])
    except Exception as error:
        last = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        remedy = "what is finished is kept: run it again, with fewer workers if memory ran out"
        raise Failed(f"{stage.name}: a worker process ended in its work ({last[0][:300]}); {remedy}") from error


class Worker:
    """One process of map_partitions: the work, done for one task after the other, from the caller's own folder."""

    def __init__(self, work: Work, stage: str, here: str) -> None:
        self.work, self.stage = work, Path(stage)
        if os.getcwd() != here:  # a worker of a cluster begins where the cluster was started
            os.chdir(here)

    def __call__(self, task: str) -> str:
        """The reply to a task, both as JSON; an error is told, not raised, so that the other tasks go on."""
        name, inputs, key, of = json.loads(task)
        reply: dict[str, Any] = {"name": name, "error": None, "result": {}}
        try:
            reply["result"] = finish(self.work, self.stage, Partition(name, tuple(inputs), key), of).result
        except Exception as error:  # whatever it is, the user is told which partition it was
            reply["error"] = [type(error).__name__, str(error), traceback.format_exc()]
        return json.dumps(reply)


def _raise(name: str, error: list[str]) -> None:
    """Raise a worker's error here, with the trace of there as a note."""
    kind, message, trace = error
    raised = BadUse(message) if kind == "BadUse" else Failed(message)
    if kind not in ("BadUse", "Failed"):
        raised = Failed(f"partition {name} failed: {kind}: {message or 'no reason given'}; --debug shows where")
    raised.add_note(trace)
    raise raised


def evaluated(table: Any, **expressions: Any) -> Any:
    """An Arrow table with a column for each expression, computed on the rows of an Arrow table in this thread."""
    daft = library()
    named = daft.expressions.ExpressionsProjection([made.alias(name) for name, made in expressions.items()])
    return daft.recordbatch.MicroPartition.from_arrow(table).eval_expression_list(named).to_arrow()


def library() -> Any:
    """The library daft, made fit for use; BadUse where it is not installed.

    It is kept from sending usage figures when it is imported, from drawing bars of its own, and from a fault at exit
    after it has written files or run functions.
    """
    first = "daft" not in sys.modules
    os.environ.update(QUIET)  # noqa: TID251  the library has no other switch, and reads it when it is imported
    try:
        import daft
    except ImportError as error:
        raise BadUse("the corpus engine needs the package daft; pip install 'foretell[corpus]'") from error
    if first:
        atexit.register(time.sleep, LET_GO)
    return daft


def started(engine: EngineConfig) -> Any:
    """The library on the runner that the config names, once in a process; it reads no more files ahead than workers."""
    daft = library()
    running = daft.runners._get_runner()
    if running is None:
        _choose_runner(daft, engine)
        daft.set_execution_config(scantask_max_parallel=engine.n_workers)  # eight by default, whose memory is held
    elif running.name != engine.runner:
        raise BadUse(f"runner={engine.runner}: this process already uses {running.name}; start another for it")
    return daft


def read_columns(daft: Any, files: Sequence[str]) -> Any:
    """A query over the rows of Parquet files, wherever its workers were started."""
    return daft.read_parquet([str(Path(file).absolute()) for file in files])


def _choose_runner(daft: Any, engine: EngineConfig) -> None:
    """Set the runner of this process; Ray ends with the process, unless it was there before."""
    if engine.runner == "native":
        daft.set_runner_native(num_threads=engine.n_workers)
        return
    try:
        import ray
    except ImportError as error:
        raise BadUse("runner=ray needs the package ray; pip install 'ray<2.60', or leave runner native") from error
    quiet = {"log_to_driver": False, "logging_level": "error"}
    if engine.address and not ray.is_initialized():
        _check_answers(engine.address)
        ray.init(engine.address, runtime_env={"env_vars": dict(QUIET)}, **quiet)
    elif not ray.is_initialized():
        _give_token()
        ray.init("local", num_cpus=engine.n_workers, include_dashboard=False, **quiet)
    daft.set_runner_ray(noop_if_initialized=True)


def _check_answers(address: str) -> None:
    """BadUse where nothing listens at the address of a cluster: Ray itself would try for minutes."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if not colon or not port.isdigit():
        return  # a word of Ray's own, such as auto
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER).close()
    except (OSError, OverflowError) as error:
        remedy = "start one with `ray start --head`, or leave --address out"
        raise BadUse(f"no Ray cluster answers at {address} ({error}); {remedy}") from error


def _give_token() -> None:
    """A token for a cluster of this process alone; without one Ray writes a lasting one into the home directory."""
    given = os.environ  # noqa: TID251  (Ray's only interface for it)
    if not any(name.startswith("RAY_AUTH_") for name in given):
        given["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
