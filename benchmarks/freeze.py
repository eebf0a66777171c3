"""Writes constraints.txt from the environment that it runs in: the versions that the tests have passed with.

$ make constraints

Only what `.[dev]` asks for is pinned, itself or through others; what else lies in the environment is left out.
"""

from importlib.metadata import distribution, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

UNPINNED = {"foretell", "pip", "setuptools", "wheel"}
HEADER = """# The versions that the tests have passed with. Made by `make constraints`; do not edit.
# torch carries no build suffix: a CPU and a CUDA build of 2.13.0 both satisfy it.
"""


def needed(name: str, extras: frozenset[str]) -> set[str]:
    """The names of the packages that one asks for with these extras, itself and through others, and its own."""
    found: set[tuple[str, frozenset[str]]] = set()
    waiting = [(canonicalize_name(name), extras)]
    while waiting:
        package = waiting.pop()
        if package in found:
            continue
        found.add(package)
        for asked in map(Requirement, distribution(package[0]).requires or []):
            if asked.marker is None or any(asked.marker.evaluate({"extra": extra}) for extra in package[1] | {""}):
                waiting.append((canonicalize_name(asked.name), frozenset(asked.extras)))
    return {package for package, _ in found}


def pins() -> list[str]:
    """`name==version` of everything that `.[dev]` installs, sorted, without local versions such as +cpu."""
    names = needed("foretell", frozenset({"dev"})) - UNPINNED
    return sorted(f"{name}=={version(name).partition('+')[0]}" for name in names)


if __name__ == "__main__":
    target = Path(__file__).parents[1] / "constraints.txt"
    found = pins()
    target.write_text(HEADER + "\n".join(found) + "\n")
    print(f"{target.name}: {len(found)} packages")
