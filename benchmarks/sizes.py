"""A list for reading in review: files and functions larger than the aims of the house style. It never fails a build.

$ make sizes
"""

import ast
from collections.abc import Iterator
from pathlib import Path

FILE_LINES, FUNCTION_LINES, PARAMETERS = 300, 60, 9
PACKAGE = Path(__file__).parents[1] / "foretell"


def larger_than_the_aims(root: Path) -> Iterator[str]:
    """A line for each file or function that is worth a second look."""
    for path in sorted(root.rglob("*.py")):
        source, name = path.read_text(), path.relative_to(root.parent)
        lines = source.count("\n")
        if lines > FILE_LINES:
            yield f"{name}: {lines} lines (aim {FILE_LINES})"
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                parameters = len(node.args.args) + len(node.args.kwonlyargs)
                if length > FUNCTION_LINES:
                    yield f"{name}:{node.lineno}: {node.name} has {length} lines (aim {FUNCTION_LINES})"
                if parameters > PARAMETERS:
                    yield f"{name}:{node.lineno}: {node.name} has {parameters} parameters (aim {PARAMETERS})"


if __name__ == "__main__":
    print("\n".join(larger_than_the_aims(PACKAGE)) or "every file and function is within the aims")
    total = sum(path.read_text().count("\n") for path in PACKAGE.rglob("*.py"))
    print(f"{total} lines in {len(list(PACKAGE.rglob('*.py')))} files")
