"""A rung is a file here; a stage of it is a function that returns the whole config of a run. No torch is imported."""

import importlib
import pkgutil
from inspect import getmembers, isfunction, signature
from types import ModuleType
from typing import get_args

from foretell.errors import BadUse, nearest
from foretell.train.config import RunConfig

NOT_RUNGS = {
    "lineage",  # the demo, which climbs them all
    "trainers",
    "ladder",  # runs that foretell another
    "sources",  # the folders they read
    "label_files",
    "corpora",  # how text is made
    "suites",  # what models are asked
    "published",  # the papers' figures
    "finetuning",
    "finetuning_rows",
}


def __getattr__(name: str) -> ModuleType:
    """`recipes.gpt2`, imported when first asked for."""
    if name in rungs():
        return importlib.import_module(f"foretell.recipes.{name}")
    raise AttributeError(f"no rung is called {name!r}{nearest(name, rungs())}")


def rungs() -> list[str]:
    """The names of the rungs, as files here."""
    return [module.name for module in pkgutil.iter_modules(__path__) if module.name not in NOT_RUNGS]


def stages(rung: str) -> list[str]:
    """The stages of a rung: its functions that return a RunConfig."""
    module = importlib.import_module(f"foretell.recipes.{rung}")
    return [name for name, f in getmembers(module, isfunction) if signature(f).return_annotation is RunConfig]


def every() -> list[str]:
    """Every recipe with its sizes: `gpt2.pretrain:nano`."""
    return [f"{rung}.{stage}:{size}" for rung in rungs() for stage in stages(rung) for size in sizes(rung)]


def sizes(rung: str) -> list[str]:
    """The sizes of a rung, the paper's first."""
    module = importlib.import_module(f"foretell.recipes.{rung}")
    return list(get_args(module.Size)) if "Size" in vars(module) else []


def recipe(name: str) -> RunConfig:
    """The config that a name such as `gpt2.pretrain:nano` means; without a size, the paper's.

    BadUse with the nearest name for a rung, stage or size that is not there.
    """
    path, _, size = name.partition(":")
    rung, _, stage = path.partition(".")
    known = [f"{r}.{s}" for r in rungs() for s in stages(r)]
    if path not in known:
        raise BadUse(f"no recipe is called {path!r}{nearest(path, known)}")
    function = getattr(importlib.import_module(f"foretell.recipes.{rung}"), stage)
    if size and size not in sizes(rung):
        raise BadUse(f"{path} has no size {size!r}{nearest(size, sizes(rung))}")
    cfg: RunConfig = function(size) if size else function()
    return cfg
