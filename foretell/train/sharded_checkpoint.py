"""Checkpoints of a run over several processes: each writes the parts that it holds, and any number of them reads.

    checkpoints/step-00000100/  model-00001-of-00002.safetensors      optimizer-00001-of-00002.safetensors
                                model-00002-of-00002.safetensors      ...      state.json  manifest.json

Written beside the training, aside, and renamed when all parts are there and their SHA-256 are in the manifest.
"""

import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

from torch import distributed as dist
from torch import nn
from torch.optim import Optimizer

from foretell.errors import Failed, first_line
from foretell.runs import clear_leftovers, sha256
from foretell.train import checkpoint
from foretell.train.parallel import Spread
from foretell.train.parts import parts_of, write_parts
from foretell.train.together import first_does


class Saver:
    """Writes checkpoints beside the training: the parts are copied at once, and written while the next steps run."""

    def __init__(self, folder: Path, spread: Spread) -> None:
        self.folder, self.spread = folder, spread
        self.group = dist.new_group(backend="gloo")  # of its own: what it says must not mix with the training
        self.thread: threading.Thread | None = None
        self.problem: Exception | None = None

    def save(
        self, model: nn.Module, optimizers: list[Optimizer], state: dict[str, Any], keep: int, spacing: int
    ) -> None:
        """Begin to write a checkpoint; the one before is first waited for."""
        self.wait()
        target, ranks = self.folder / f"step-{state['step']:08d}", self.spread.ranks
        aside = first_does(lambda: begun(target))
        parts = {
            "model": parts_of(dict(model.state_dict()), first=ranks.first),
            "optimizer": parts_of(checkpoint.optimizer_tensors(optimizers), first=ranks.first),
        }

        def write() -> None:
            hashes, told = {}, ""
            try:
                for kind, some in parts.items():
                    file = aside / f"{kind}-{ranks.rank + 1:05d}-of-{ranks.world:05d}.safetensors"
                    write_parts(file, some)
                    hashes[file.name] = sha256(file)
            except Exception as error:
                told = first_line(error)
            every: list[Any] | None = [None] * ranks.world if ranks.first else None
            try:
                dist.gather_object((hashes, told), every, dst=0, group=self.group)
                if every is not None:
                    completed(aside, target, every, state)
                    checkpoint.prune(self.folder, target, keep, spacing)
            except Exception as error:
                self.problem = error

        self.thread = threading.Thread(target=write)
        self.thread.start()

    def wait(self) -> None:
        """Return when the last checkpoint is whole; Failed if it could not be written."""
        if self.thread is not None:
            self.thread.join()
            self.thread = None
        if self.problem is not None:
            raise Failed(f"no checkpoint could be written: {first_line(self.problem)}") from self.problem


def begun(target: Path) -> Path:
    """An empty folder beside the target, where it is written; Failed where there can be none."""
    aside = target.with_name(f".{target.name}.partial-{os.getpid()}")
    try:
        clear_leftovers(target)
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
    except OSError as error:
        raise Failed(f"cannot write {target}: {error.strerror or error}; nothing was changed there") from error
    return aside


def completed(aside: Path, target: Path, every: list[tuple[dict[str, str], str]], state: dict[str, Any]) -> None:
    """Give a checkpoint its state, its manifest and its name; Failed where a process could not write its parts."""
    manifest: dict[str, str] = {}
    for rank, (hashes, told) in enumerate(every):
        if told:
            raise Failed(f"process {rank}: {told}")
        manifest |= hashes
    (aside / "state.json").write_text(json.dumps(state, indent=2))
    manifest["state.json"] = sha256(aside / "state.json")
    (aside / checkpoint.MANIFEST).write_text(json.dumps(dict(sorted(manifest.items())), indent=2))
    old = target.with_name(f".{target.name}.old-{os.getpid()}")
    if target.exists():
        target.rename(old)
    aside.rename(target)
    shutil.rmtree(old, ignore_errors=True)
