"""How much memory a run takes: the peak of a whole process that trains the 124M model at context 1024, batch 1.

$ python -m benchmarks.memory        writes benchmarks/memory.md

The text is this machine's documentation in GPT-2's published vocabulary (VOCABULARY, two files, packed or not).
"""

import gzip
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from foretell.runs import processor

HERE = Path(__file__).parent
VOCABULARY = HERE.parent / "../shared/data/tokenizers"
RECIPE = ["gpt2.pretrain:124M", "--batch.rows", "1", "--batch.micro", "1"]
SHORT = ["--data", "tokens/embedded-bpe", "--steps", "3", "--evaluate-rows", "1", "--threads", "2", "--quiet"]
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
        write_published_tokens(Path(folder))
        for name in SIDES:
            said = subprocess.run(
                [sys.executable, __file__, name], cwd=folder, capture_output=True, text=True, check=True
            )
            rows.append(f"| {name} | {int(said.stdout) / 2**20:.2f} |")
            print(rows[-1], flush=True)
    head = f"Peak resident memory of `foretell train {' '.join(RECIPE)}`\n(context 1024): three steps, evaluations "
    head += f"and the checkpoint; {processor()};\nmade by benchmarks/memory.py.\n\n| run | GiB |\n| --- | --- |\n"
    (HERE / "memory.md").write_text(head + "\n".join(rows) + "\n")


def write_published_tokens(folder: Path) -> None:
    """tokens/embedded-bpe in the folder."""
    from foretell.corpus.documents import documentation
    from foretell.corpus.tokens import write_tokens
    from foretell.text.bpe import gpt2_from_files

    files = []
    for name in ("gpt2_encoder.json", "gpt2_vocab.bpe"):
        packed = VOCABULARY / f"{name}.gz"
        if not packed.exists():
            raise SystemExit(f"{packed} does not exist; put GPT-2's two published vocabulary files there")
        files.append(folder / name)
        files[-1].write_bytes(gzip.decompress(packed.read_bytes()))
    write_tokens(documentation(2_000_000, quiet=True), gpt2_from_files(*files), folder / "tokens/embedded-bpe")


def train(name: str) -> None:
    """Train one side in the current folder and print the peak of that process, kB."""
    fields = [*SIDES[name], "--out", f"runs/{name.replace(' ', '-')}"]
    command = [sys.executable, "-m", "foretell.cli", "train", *RECIPE, *SHORT, *fields]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


if __name__ == "__main__":
    main()
