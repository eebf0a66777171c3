"""What sharding costs: one training step of the same batch, by one process and by two, sides in turn.

$ python -m benchmarks.sharding [--small]        prints a table; benchmarks/sharding.md holds one

Each side's processes are started once and then take a step when it is their turn; a figure is the median over rounds,
with the smallest and the largest. Processor seconds are those of all processes of a side: on a machine that others use
they say more than the wall clock. Ratios are medians of the rounds' ratios to the side named.
"""

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

import torch
from torch import distributed as dist
from torch.distributed import TCPStore
from torch.distributed.device_mesh import init_device_mesh

from benchmarks.train_throughput import BETAS, CLIP, DECAY, LR, SHAPES, Shape, batch, network_config
from foretell.model.init import build
from foretell.objective.lm import language_model
from foretell.ranks import Ranks
from foretell.train.config import AdamW, Parallel
from foretell.train.memory import keep_freed_memory
from foretell.train.optimizer import build_optimizers
from foretell.train.parallel import AXES, Spread, laid_out
from foretell.train.step import train_step

SMALL = Shape(name="small", n_layers=2, d_model=128, n_heads=4, n_ctx=64, n_vocab=512, rows=8)


@dataclass(frozen=True, kw_only=True)
class Side:
    """So many processes with so many threads each, and what they do to the network."""

    name: str
    n: int
    threads: int
    parallel: Parallel | None
    against: str = ""


AGAIN = Parallel(checkpoint_activations=True)
ONE, TWO = "1 process, 1 thread", "1 process, 2 threads"
SIDES = (
    Side(name=ONE, n=1, threads=1, parallel=None),
    Side(name="the same under FSDP2", n=1, threads=1, parallel=Parallel(), against=ONE),
    Side(name="and activations computed again", n=1, threads=1, parallel=AGAIN, against=ONE),
    Side(name=TWO, n=1, threads=2, parallel=None),
    Side(name="2 processes, shard 2", n=2, threads=1, parallel=Parallel(), against=TWO),
    Side(name="2 processes, tensor 2", n=2, threads=1, parallel=Parallel(tensor=2), against=TWO),
)


def worker(side: Side, shape: Shape, rank: int, port: int, end: Connection) -> None:
    """A process of a side: a step each time that it is asked, and what it took."""
    torch.set_num_threads(side.threads)
    keep_freed_memory()
    step = step_of(side, shape, rank, port)
    step()
    end.send("ready")
    while end.recv() == "step":
        wall, cpu = time.perf_counter(), time.process_time()
        step()
        end.send((time.perf_counter() - wall, time.process_time() - cpu))
    if dist.is_initialized():
        dist.barrier()
    end.send("done")
    os._exit(0)


def step_of(side: Side, shape: Shape, rank: int, port: int) -> Callable[[], object]:
    """A training step on this process's rows."""
    model, objective, spread = build(network_config(shape), 0), language_model(), Spread()
    inputs, targets = batch(shape)
    if side.parallel is not None:
        store = TCPStore("localhost", port, is_master=False)
        dist.init_process_group("gloo", store=dist.PrefixStore(side.name, store), rank=rank, world_size=side.n)
        tensor = side.parallel.tensor
        mesh = init_device_mesh("cpu", (1, side.n // tensor, tensor), mesh_dim_names=AXES)
        data = Ranks(rank=rank // tensor, world=side.n // tensor)
        rows = mesh["replicate", "shard"]._flatten("rows").get_group()
        spread = Spread(ranks=Ranks(rank=rank, world=side.n), data=data, mesh=mesh, rows=rows)
        objective = laid_out(model, objective, side.parallel, spread)
    mine = slice(spread.data.rank, None, spread.data.world)
    some = {"inputs": inputs[mine], "targets": targets[mine]}
    optimizers = build_optimizers(model.train(), AdamW(lr=LR, betas=BETAS, weight_decay=DECAY))
    return lambda: train_step(model, objective, [some], optimizers, CLIP, spread.sum)


def measured(shape: Shape, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Wall and processor seconds of each side's steps."""
    context = multiprocessing.get_context("fork")
    store = TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    ends: dict[str, list[Connection]] = {}
    for side in SIDES:
        for rank in range(side.n):
            ours, theirs = context.Pipe()
            context.Process(target=worker, args=(side, shape, rank, store.port, theirs), daemon=True).start()
            ends.setdefault(side.name, []).append(ours)
        for end in ends[side.name]:
            end.recv()
    found: dict[str, list[tuple[float, float]]] = {side.name: [] for side in SIDES}
    for _ in range(rounds):
        for name, some in ends.items():
            for end in some:
                end.send("step")
            took = [end.recv() for end in some]
            found[name].append((max(wall for wall, _ in took), sum(cpu for _, cpu in took)))
    for some in ends.values():
        for end in some:
            end.send("end")
        for end in some:
            end.recv()
    return found


def told(values: list[float], digits: int = 3) -> str:
    """The median, the smallest and the largest."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table(found: dict[str, list[tuple[float, float]]]) -> str:
    """The Markdown table."""
    lines = ["| side | wall s | processor s | processor, ratio | to |", "| --- | --- | --- | --- | --- |"]
    for side in SIDES:
        wall, cpu = zip(*found[side.name], strict=True)
        ratio = ""
        if side.against:
            ratio = told([a / b for a, (_, b) in zip(cpu, found[side.against], strict=True)], 2)
        lines.append(f"| {side.name} | {told(list(wall))} | {told(list(cpu))} | {ratio} | {side.against} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--small", action="store_true", help="a tiny network, few rounds: whether it runs")
    flags.add_argument("--rounds", type=int, default=9)
    given = flags.parse_args()
    torch.set_num_threads(1)
    shape, rounds = (SMALL, 3) if given.small else (SHAPES["10M"], given.rounds)
    print(f"{shape.name}: {shape.rows} rows of {shape.n_ctx} tokens, fp32, {rounds} rounds\n")
    print(table(measured(shape, rounds)))


if __name__ == "__main__":
    main()
