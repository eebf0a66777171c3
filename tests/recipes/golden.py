"""The first losses of every recipe at its smallest size, on text made here: what a refactoring must leave alone.

$ python -m tests.recipes.golden        writes tests/golden/losses.json anew; say in LOG.md what moved them, and why
"""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

from foretell.recipes import recipe
from foretell.recipes.sources import resolve
from foretell.train.loop import train
from tests.prose import write_prose

LOSSES = Path(__file__).parents[1] / "golden" / "losses.json"
RECIPES = ("transformer.translate", "gpt1.pretrain", "gpt1.finetune", "bert.pretrain", "gpt2.pretrain")
RECIPES += ("gpt3.pretrain", "modern.pretrain", "instructgpt.sft", "instructgpt.start")
STARTS = {
    "gpt1.finetune": "gpt1.pretrain",
    "instructgpt.sft": "gpt2.pretrain",
    "instructgpt.start": "gpt2.pretrain",
}
STEPS = (1, 2, 5, 10)


def losses(name: str, root: Path) -> dict[str, float]:
    """The training loss of some steps, and the held-out loss before and after; fp32, one thread."""
    text = root / "text"
    if not text.exists():
        write_prose(text)
    cfg = recipe(f"{name}:smoke")
    start = str(root / STARTS[name]) if name in STARTS else ""
    cfg = replace(cfg, start=start, steps=max(STEPS), average=1, machine=replace(cfg.machine, device="cpu", threads=1))
    cfg = resolve(cfg, root / "corpora", text=str(text), quiet=True)
    folder = train(cfg, root / name, quiet=True).folder
    lines = {line["step"]: line for line in map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())}
    found = {f"step {step}": lines[step]["loss"] for step in STEPS}
    return {"begin": lines[0]["val_loss"], **found, "end": lines[max(STEPS)]["val_loss"]}


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as folder:
        found = {name: losses(name, Path(folder)) for name in RECIPES}
    LOSSES.parent.mkdir(exist_ok=True)
    LOSSES.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
