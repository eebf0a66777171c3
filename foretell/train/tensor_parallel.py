"""Tensor parallelism: heads and feed-forward layers cut over processes (Shoeybi et al. 2019, section 3), by DTensor.

    column   y_p = x W_p        the rows of the matrix are cut: each process has its heads, its part of d_ff
    row      y = sum_p x_p W_p  the columns are cut: the parts are added up, then comes the bias

Which layer is cut how is each module's SHARDING table. Every parameter becomes a DTensor on the mesh, those of other
layers a copy on each process, so that optimizers, norms and checkpoints see one kind; a module's forward pass reads the
part that lies here.
"""

from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Partial, Placement, Replicate, Shard, distribute_tensor
from torch.nn import functional as F

from foretell.model.attention import Attention
from foretell.model.network import Network


def cut_blocks(network: Network, mesh: DeviceMesh) -> None:
    """Cut the network in place. Every process brings the same whole weights."""
    cuts = {
        child: kind
        for parent in network.modules()
        for name, child in parent.named_children()
        if (kind := getattr(parent, "SHARDING", {}).get(name))
    }
    for module in list(network.modules()):
        if isinstance(module, Attention):
            module.register_forward_pre_hook(partial(copy_first, mesh))
        kind = cuts.get(module, "")
        for name, p in module.named_parameters(recurse=False):
            cut = distribute_tensor(p.detach(), mesh, [placement(kind, name)], src_data_rank=None)
            module.register_parameter(name, nn.Parameter(cut, requires_grad=p.requires_grad))
        read_here(module, kind, mesh)


def copy_first(mesh: DeviceMesh, module: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """What an attention is given, its first part copied()."""
    return (copied(given[0], mesh), *given[1:])


def placement(kind: str, parameter: str) -> Placement:
    """How a parameter of a layer lies over the mesh."""
    if kind == "column":
        return Shard(0)
    return Shard(1) if kind == "row" and parameter == "weight" else Replicate()


def read_here(module: nn.Module, kind: str, mesh: DeviceMesh) -> None:
    """Let a module compute with the parts of its parameters that lie here."""
    names = [name for name, _ in module.named_parameters(recurse=False)]
    if not names:
        return
    made: dict[str, Any] = {name: property(partial(here, mesh=mesh, name=name)) for name in names}
    if kind == "column":
        made["forward"] = lambda self, x: F.linear(copied(x, mesh), self.weight, self.bias)
    elif kind == "row":
        made["forward"] = lambda self, x: row_product(x, self.weight, self.bias, mesh)
    module.__class__ = type(f"Cut{type(module).__name__}", (type(module),), made)


def here(module: nn.Module, mesh: DeviceMesh, name: str) -> Tensor:
    """The part of a parameter that lies here; as it is while FSDP has cut it further, when nothing computes with it."""
    p = module._parameters[name]
    assert isinstance(p, DTensor), "every parameter of a network that is cut is one"
    return p.to_local() if p.device_mesh == mesh else p


def copied(x: Tensor, mesh: DeviceMesh) -> Tensor:
    """x, whose gradients are added up over the processes that read it."""
    whole = DTensor.from_local(x, mesh, [Replicate()], run_check=False)
    return whole.to_local(grad_placements=[Partial()])


def row_product(x: Tensor, weight: Tensor, bias: Tensor | None, mesh: DeviceMesh) -> Tensor:
    """The products of all processes added up, and the bias once."""
    part = DTensor.from_local(F.linear(x, weight), mesh, [Partial()], run_check=False)
    y = part.redistribute(placements=[Replicate()]).to_local()
    return y if bias is None else y + bias
