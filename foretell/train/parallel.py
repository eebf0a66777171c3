"""A run over several processes: who reads which rows, and how the network is cut (FSDP2, DTensor).

    mesh (replicate, shard, tensor)    rows are dealt over replicate x shard; weights are cut over shard and tensor

A gradient is the sum over all rows of the batch, divided by counts of the whole batch (train/step.py), so that the step
is that of one process but for rounding. One process alone takes none of this: its network stays as it is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor
from torch.utils.checkpoint import checkpoint

from foretell.errors import BadUse
from foretell.model.device import choose_device
from foretell.model.init import build_meta, initialise
from foretell.model.network import Network
from foretell.objective.mean import Batch, Objective
from foretell.ranks import Ranks
from foretell.train.config import Parallel, RunConfig
from foretell.train.parts import box_of, is_mine
from foretell.train.tensor_parallel import cut_blocks

AXES = ("replicate", "shard", "tensor")


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """How a run lies over the processes: this one among all, and among those that read different rows."""

    ranks: Ranks = field(default_factory=Ranks)
    data: Ranks = field(default_factory=Ranks)
    mesh: DeviceMesh | None = None
    rows: dist.ProcessGroup | None = None

    @property
    def alone(self) -> bool:
        """Whether there is one process."""
        return self.ranks.world == 1

    def sum(self, x: Tensor) -> Tensor:
        """The sum over the processes that read different rows."""
        if self.rows is not None:
            x = x.clone()
            dist.all_reduce(x, group=self.rows)
        return x


ALONE = Spread()


def spread_of(cfg: RunConfig, ranks: Ranks, device: str) -> Spread:
    """How the run lies over these processes; BadUse if its mesh does not fit them, the network or the batch."""
    sizes = check_layout(cfg, ranks.world)
    if ranks.world == 1:
        return Spread(ranks=ranks)
    mesh = init_device_mesh(device, sizes, mesh_dim_names=AXES)
    replicate, shard, tensor = sizes
    data = Ranks(rank=ranks.rank // tensor, world=replicate * shard)
    rows = mesh["replicate", "shard"]._flatten("rows").get_group()
    return Spread(ranks=ranks, data=data, mesh=mesh, rows=rows)


def mesh_sizes(cfg: Parallel, world: int) -> tuple[int, int, int]:
    """Replicas, shards and tensor parts of so many processes; BadUse if they are not their product."""
    others = cfg.replicate * cfg.tensor
    shard = cfg.shard or max(world // others, 1)
    if shard * others == world:
        return cfg.replicate, shard, cfg.tensor
    asked = f"parallel.shard={cfg.shard or 'all'} x tensor={cfg.tensor} x replicate={cfg.replicate}"
    if world == 1:
        start = f"torchrun --nproc-per-node {shard * others} -m foretell train ..."
        raise BadUse(f"{asked} needs {shard * others} processes, and one was started: {start}")
    raise BadUse(f"{asked} does not make up the {world} processes that were started; their product must")


def check_layout(cfg: RunConfig, world: int) -> tuple[int, int, int]:
    """The mesh of so many processes; BadUse, before any work, if it or the device is not there, if heads, feed-forward
    layer or rows cannot be dealt out, or if there is a guard, which several processes cannot have."""
    choose_device(cfg.machine.device)
    if cfg.guard.window and world > 1:
        given = f"guard.window={cfg.guard.window} with {world} processes"
        raise BadUse(f"{given}: the guard works in one process only; give --guard.window 0, or start one")
    replicate, shard, tensor = sizes = mesh_sizes(cfg.parallel, world)
    for name in ("n_heads", "d_ff"):
        if (size := getattr(cfg.model, name)) % tensor:
            raise BadUse(f"parallel.tensor={tensor} does not divide model.{name}={size}; give a divisor of it")
    if shard > cfg.model.d_model:
        raise BadUse(f"parallel.shard={shard} is above model.d_model={cfg.model.d_model}: parts would be empty")
    if replicate * shard > cfg.batch.rows:
        has = f"batch.rows={cfg.batch.rows} for {replicate * shard} processes that read rows"
        raise BadUse(f"{has}: some would have none; raise --batch.rows, or start fewer")
    return sizes


class Root(nn.Module):
    """All that an objective does with a network, as one forward pass: during it the outer weights are whole."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, terms: Any, batch: Batch) -> Any:
        return terms(self.network, batch)


def laid_out(network: Network, objective: Objective, cfg: Parallel, spread: Spread) -> Objective:
    """The objective of a network that is now cut as the config says; both are as they were where nothing is asked for.

    The order is torchtitan's: tensor parts, activation checkpoints, shards. Optimizers are to be built afterwards.
    """
    if spread.mesh is not None and cfg.tensor > 1:
        cut_blocks(network, spread.mesh["tensor"])
    if cfg.checkpoint_activations:
        for block in blocks(network):
            block.forward = partial(checkpoint, block.forward, use_reentrant=False)
    if spread.mesh is None:
        return objective
    root = shard(network, spread.mesh)

    def terms(model: Network, batch: Batch) -> Any:
        assert model is root.network, "a sharded network is asked through its root"
        return root(objective.terms, batch)

    return objective._replace(terms=terms)


def shard(network: Network, mesh: DeviceMesh) -> Root:
    """The root of a network whose blocks, and what is around them, are FSDP2's units. Gradients are summed."""
    where = mesh["replicate", "shard"] if mesh["replicate"].size() > 1 else mesh["shard"]
    root = Root(network)
    for unit in [*blocks(network), root]:
        fully_shard(unit, mesh=where)
        assert isinstance(unit, FSDPModule), "fully_shard makes it one"
        unit.set_force_sum_reduction_for_comms(True)  # gloo adds, and cannot divide on the way
        unit.set_gradient_divide_factor(1.0)
    return root


@torch.no_grad()
def begin_parts(network: Network, seed: int, device: str) -> None:
    """Give a network without storage, cut already, the paper's initial weights: each is drawn whole, one at a time, and
    this process's part of it is kept."""
    network.to_empty(device=device)
    for name, p in network.named_parameters():
        drawn = torch.empty(p.shape, dtype=p.dtype, device=device)
        initialise(drawn, name, network.cfg, seed)
        assert isinstance(p, DTensor), "every parameter of a network that is cut is one"
        p.to_local().copy_(drawn[tuple(slice(*ends) for ends in box_of(p))])


def blocks(network: Network) -> Iterator[nn.Module]:
    """The blocks of encoder and decoder, in the order of their use."""
    for stack in (network.encoder, network.decoder):
        if stack is not None:
            yield from stack.layers.values()


@torch.no_grad()
def whole(network: Network) -> Network:
    """A network with all weights: this one, or a copy that is put together where it is cut.

    Every process must ask for it, and each gets one.
    """
    if not any(isinstance(p, DTensor) for p in network.parameters()):
        return network
    tensors = {name: whole_tensor(value) for name, value in network.state_dict().items()}
    found = build_meta(network.cfg)
    found.load_state_dict(tensors, assign=True)
    return found.train(network.training)


def whole_tensor(x: Tensor) -> Tensor:
    """A copy of a tensor, put together from the parts of all processes: each adds what it holds to zeros.

    DTensor's own way gathers axis by axis, and warns that this is slow where shards lie within tensor parts.
    """
    if not isinstance(x, DTensor):
        return x.clone()
    part = x.to_local()
    found = part.new_zeros(x.shape)
    if is_mine(x, first=False):
        found[tuple(slice(*ends) for ends in box_of(x))] = part
    dist.all_reduce(found)
    return found


def dealt(batches: Iterable[Any], data: Ranks) -> Iterator[tuple[Any, bool]]:
    """This process's share of batches, and whether each counts: all get equally many, the first of a round filling up.

    Processes that compute together must do so equally often.
    """
    turn: list[Any] = []
    for batch in batches:
        turn.append(batch)
        if len(turn) == data.world:
            yield turn[data.rank], True
            turn = []
    if turn:
        counts = data.rank < len(turn)
        yield turn[data.rank if counts else 0], counts
