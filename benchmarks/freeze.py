"""Writes constraints.txt from the environment that it runs in: the versions that the tests have passed with.

$ make constraints
"""

import subprocess
import sys
from pathlib import Path

OURS = {"foretell", "pip", "setuptools", "wheel"}
HEADER = """# The versions that the tests have passed with. Made by `make constraints`; do not edit.
# torch carries no build suffix: a CPU and a CUDA build of 2.13.0 both satisfy it.
"""


def pins() -> list[str]:
    """`name==version` of every installed package but foretell itself, sorted, without local versions."""
    said = subprocess.run([sys.executable, "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    found = [line.partition("+")[0] if line.startswith("torch==") else line for line in said.splitlines()]
    return sorted(
        (
            line
            for line in found
            if "==" in line and not line.startswith("#") and line.partition("==")[0].lower() not in OURS
        ),
        key=str.lower,
    )


if __name__ == "__main__":
    target = Path(__file__).parents[1] / "constraints.txt"
    target.write_text(HEADER + "\n".join(pins()) + "\n")
    print(f"{target.name}: {len(pins())} packages")
