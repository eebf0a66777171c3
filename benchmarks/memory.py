"""How much memory a run takes: the peak of a whole process that trains the 124M model at context 1024, batch 1.

$ python -m benchmarks.memory        writes benchmarks/memory.md
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from foretell.runs import processor

HERE = Path(__file__).parent
RECIPE = ["gpt2.pretrain:124M", "--batch.rows", "1", "--batch.micro", "1"]
SHORT = ["--steps", "3", "--evaluate-rows", "1", "--threads", "2", "--quiet"]
SIDES = {
    "as the recipe has it": [],
    "with attention dropout 0.1": ["--model.dropout.attention", "0.1"],
    "in bf16": ["--machine.precision", "bf16"],
}


def main() -> None:
    """Train each side in a process of its own, and write the table."""
    if len(sys.argv) == 2:
        train(sys.argv[1])
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        train("prepare", folder)  # makes the tokens, so that no side is charged with them
        for name in SIDES:
            said = subprocess.run(
                [sys.executable, __file__, name], cwd=folder, capture_output=True, text=True, check=True
            )
            rows.append(f"| {name} | {int(said.stdout) / 2**20:.2f} |")
            print(rows[-1], flush=True)
    head = f"Peak resident memory of `foretell train {' '.join(RECIPE)}`\n(context 1024): three steps, evaluations "
    head += f"and the checkpoint; {processor()};\nmade by benchmarks/memory.py.\n\n| run | GiB |\n| --- | --- |\n"
    (HERE / "memory.md").write_text(head + "\n".join(rows) + "\n")


def train(name: str, folder: str = ".") -> None:
    """Train one side and print the peak of that process, kB."""
    fields = [*SIDES.get(name, []), "--out", f"runs/{name.replace(' ', '-')}"]
    command = [sys.executable, "-m", "foretell.cli", "train", *RECIPE, *SHORT, *fields]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


if __name__ == "__main__":
    main()
