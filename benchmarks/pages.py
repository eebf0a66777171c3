"""Runs benchmarks that print tables, and keeps what they print as pages beside them.

$ python -m benchmarks.pages corpus_reader corpus_quality       writes benchmarks/corpus_reader.md and the other
$ python -m benchmarks.pages "corpus_dedup --growth"            adds to benchmarks/corpus_dedup.md

Lines of JSON are not for reading and are left out.
"""

import argparse
import ast
import subprocess
import sys
import time
from pathlib import Path

from foretell.runs import write_whole

HERE = Path(__file__).parent


def main() -> None:
    """Run the named benchmarks one after the other."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("names", nargs="+", metavar="NAME", help="a benchmark, or a benchmark with its flags")
    for words in (name.split() for name in flags.parse_args().names):
        page = HERE / f"{words[0]}.md"
        before = page.read_text().rstrip() + "\n\n" if len(words) > 1 and page.exists() else ""
        write_whole(page, before + measured(words, heading=not before))


def measured(words: list[str], *, heading: bool) -> str:
    """What a benchmark prints, under its title and its command."""
    begun = time.monotonic()
    command = [sys.executable, "-m", f"benchmarks.{words[0]}", *words[1:]]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    title = (ast.get_docstring(ast.parse((HERE / f"{words[0]}.py").read_text())) or "").split("\n")[0]
    kept = "\n".join(line for line in done.stdout.splitlines() if not line.startswith("{")).strip()
    said = f"Made by `python -m benchmarks.{' '.join(words)}` in {(time.monotonic() - begun) / 60:.0f} minutes."
    return (f"# {title}\n\n" if heading else "") + f"{said}\n\n{kept}\n"


if __name__ == "__main__":
    main()
