"""One run gives several points: the fall of the learning rate is branched off a run at its height.

    ------------------------.          a longer run ...
    --------.                \\
             \\ 1/4 of tokens   \\       ... is the shorter one up to where that one's rate begins to fall

(Hu et al. 2024 and Haegele et al. 2024: warmup-stable-decay.) A step is a function of (seed, step) and the rate, so a
longer run whose first steps have the shorter one's rates has its weights too, bit for bit, and need not do them again.
"""

import json
import shutil
from pathlib import Path

from foretell.config import dump
from foretell.errors import BadUse
from foretell.runs import sha256, whole_folder
from foretell.train import checkpoint, folder
from foretell.train.config import RunConfig
from foretell.train.metrics import read_metrics
from foretell.train.schedule import rate

FREE = ("steps", "recipe", "evaluate_every", "checkpoint_every", "machine", "tensorboard")  # may differ in a branch


def branch(shorter: Path, there: RunConfig, cfg: RunConfig, out: Path) -> int:
    """The step at which a longer run in `out` goes on, having taken over the shorter run's checkpoint before its fall.

    0, and nothing is written, where `out` has begun. BadUse where the two runs do not share their first steps, or the
    shorter one keeps no checkpoint of them.
    """
    if out.exists() and folder.has_begun(out):
        return 0
    if names := [name for name in folder.differences(there, cfg) if name.split(".")[0] not in FREE]:
        raise BadUse(f"{shorter} has another {names[0]} than {cfg.recipe}; a branch differs in its steps alone")
    shared = shared_steps(there, cfg)
    sound = [path for path in checkpoint.every(shorter / "checkpoints") if checkpoint.step_of(path) <= shared]
    sound = [path for path in sound if checkpoint.damage(path) is None]
    if not sound:
        rule = f"keeps no sound checkpoint of its first {shared} steps, which {cfg.recipe} shares"
        raise BadUse(f"{shorter} {rule}; train {cfg.recipe} from its beginning")
    take_over(shorter, sound[-1], cfg, out)
    return checkpoint.step_of(sound[-1])


def shared_steps(one: RunConfig, other: RunConfig) -> int:
    """How many first steps of two runs have the same learning rate."""
    steps = min(one.steps, other.steps)
    unlike = (
        step for step in range(steps) if rate(one.schedule, step, one.steps) != rate(other.schedule, step, other.steps)
    )
    return next(unlike, steps)


def take_over(shorter: Path, kept: Path, cfg: RunConfig, out: Path) -> None:
    """Write a run folder that goes on from another's checkpoint, and says so."""
    step = checkpoint.step_of(kept)
    with whole_folder(out) as aside:
        shutil.copytree(kept, aside / "checkpoints" / kept.name)
        lines = [json.dumps(line) for line in read_metrics(shorter / folder.METRICS) if line["step"] <= step]
        (aside / folder.METRICS).write_text("".join(line + "\n" for line in lines))
        (aside / folder.CONFIG).write_text(dump(cfg))
        lineage = folder.begin(aside, cfg)
        branched = {"run": shorter.name, "step": step, "weights": sha256(kept / "model.safetensors")}
        folder.write_lineage(aside, {**lineage, "branched": branched})
