"""How long the full audit of a model takes: each audit of `foretell audit MODEL` with its defaults, one by one.

$ python -m benchmarks.audit_time runs/gpt2.pretrain-nano     the paper's 800 outputs of a prompt
$ python -m benchmarks.audit_time --small                     a model of gpt2.pretrain:smoke, 8 outputs: seconds

Each is a process of its own on one core, so that CPU seconds are not those of threads that wait for each other; the
files it leaves are those of the command. Aim: all of a model of nano's size in 10 minutes on 2 cores.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from foretell.commands.audit_command import AUDITS
from foretell.runs import processor

AIM = 600  # seconds


def main() -> None:
    """Time each audit and print a table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("model", nargs="?", help="a run folder; else one is trained")
    flags.add_argument("--data", action="append", default=[], help="a folder of data sets; may be repeated")
    flags.add_argument("--samples", type=int, default=0, help="outputs of a prompt; else the paper's 800")
    flags.add_argument("--small", action="store_true")
    given = flags.parse_args()
    samples = 8 if given.small else given.samples
    with tempfile.TemporaryDirectory() as folder:
        model = given.model or trained(Path(folder) / "run", "smoke" if given.small else "nano")
        extra = ["--samples", str(samples)] if samples else []
        extra += ["--limit", "20"] if given.small else []
        for one in given.data:
            extra += ["--data", one]
        rows = [(name, *timed(model, name, Path(folder) / "audits", extra)) for name in AUDITS]
    print(table(rows, size_of(model), str(samples or 800)))


def trained(out: Path, size: str) -> str:
    """A run of a few steps: how long an audit takes does not depend on what a model has learnt."""
    command = ["train", f"gpt2.pretrain:{size}", "--out", str(out), "--quiet", "--threads", "1"]
    foretell([*command, "--steps", "3" if size == "smoke" else "100"])
    return str(out)


def foretell(words: list[str]) -> None:
    """Run a command of ours; its output is dropped, what it says is wrong is not."""
    subprocess.run([sys.executable, "-m", "foretell.cli", *words], check=True, stdout=subprocess.DEVNULL)


def timed(model: str, name: str, out: Path, extra: list[str]) -> tuple[float, float, int]:
    """Seconds, CPU seconds and the samples file's bytes of one audit."""
    before, begun = cpu(), time.perf_counter()
    foretell(["audit", model, name, "--out", str(out), "--quiet", "--threads", "1", *extra])
    took, spent = time.perf_counter() - begun, cpu() - before
    print(f"{name}: {took:.0f} s, {spent:.0f} CPU s", file=sys.stderr)
    file = out / f"{name}.samples.jsonl"
    return took, spent, file.stat().st_size if file.exists() else 0


def cpu() -> float:
    """CPU seconds of all processes that this one has begun and that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def size_of(model: str) -> str:
    """A model's size in words."""
    from foretell.exchange.folder import load_network
    from foretell.exchange.source import find_folder

    network = load_network(find_folder(model))
    return f"{sum(p.numel() for p in network.parameters()):,} parameters, context {network.cfg.n_ctx}"


def table(rows: list[tuple[str, float, float, int]], size: str, samples: str) -> str:
    """The figures as Markdown, and whether the aim is met."""
    took, spent = (sum(row[i] for row in rows) for i in (1, 2))
    lines = [f"{size}, {samples} outputs of a prompt, {processor()}, {os.cpu_count()} cores:", ""]
    lines += ["| audit | s | CPU s | kB of outputs kept |", "| --- | --- | --- | --- |"]
    lines += [f"| {name} | {a:.0f} | {b:.1f} | {size_ / 1000:.0f} |" for name, a, b, size_ in rows]
    lines.append(f"| all | {took:.0f} | {spent:.1f} | {sum(row[3] for row in rows) / 1000:.0f} |")
    verdict = "within" if spent <= AIM else "over"
    return "\n".join(
        [*lines, "", f"{spent:.0f} CPU seconds of one core with {samples} outputs: {verdict} the aim of {AIM}."]
    )


if __name__ == "__main__":
    main()
