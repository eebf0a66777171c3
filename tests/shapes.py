"""Shape comments that cannot lie: `pytest --shapes` compares each one that the tests reach with the real tensors.

    def loss(reward: Tensor, rank: Tensor) -> Tensor:  # (P, K), (P, K) -> ()
        margin = reward[:, :, None] - reward[:, None, :]  # (P, K, K): w, l

A letter stands for one number in a call. A local int of that name gives its value (`B, T = x.shape`), else the first
tensor that carries the letter does. `H*K`, `T-1`, `K/2`, numbers and a leading `...` are read too. The code is watched
by sys.settrace: it carries no decorator and imports nothing for it.
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

GROUP = r"\(([\w\s,.*+/-]*)\)"
AFTER_LINE = re.compile(rf"#\s*{GROUP}(?::.*)?$")
AFTER_DEF = re.compile(r"#\s*((?:\([^()>]*\)(?:,\s*)?)*)\s*(?:->\s*(\([^()]*\)))?\s*$")
LETTER = re.compile(r"[A-Z][A-Za-z]*\Z")
Dims = list[str]


class Claim(NamedTuple):
    """What a comment says: the dims of variables when a line is done, and of the value that a function returns."""

    names: list[str]
    shapes: list[Dims]
    returned: Dims | None


def dims(text: str) -> Dims:
    """`B, T*K` as a list."""
    return [part.strip() for part in text.split(",") if part.strip()]


@cache
def claims(filename: str) -> dict[int, Claim]:
    """First line of a commented statement or function -> what its comment says."""
    source = Path(filename).read_text()
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            claim = _of_function(node, comments)
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if claim is not None:
                found[first] = claim
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            match = AFTER_LINE.match(comments.get(node.end_lineno or 0, ""))
            if match and _is_shape(match[1]):
                found[node.lineno] = Claim([node.targets[0].id], [dims(match[1])], None)
    return found


def _of_function(node: ast.FunctionDef, comments: dict[int, str]) -> Claim | None:
    tensors = [a.arg for a in node.args.args if a.annotation is not None and "Tensor" in ast.unparse(a.annotation)]
    for line in range(node.lineno, node.body[0].lineno):
        match = AFTER_DEF.match(comments.get(line, ""))
        if match and (match[1] or match[2]):
            shapes = [dims(shape) for shape in re.findall(GROUP, match[1])]
            returned = None if match[2] is None else dims(match[2].strip("()"))
            if all(_is_shape(",".join(shape)) for shape in [*shapes, returned or []]):
                return Claim(tensors, shapes, returned)
    return None


def _is_shape(text: str) -> bool:
    """Whether every part is a letter, a number, `...` or arithmetic of them: `(one process)` is no shape."""
    parts = [part for dim in dims(text) for part in re.split(r"[*+/-]", dim)]
    return all(part.strip() in ("...", "") or part.strip().isdigit() or LETTER.match(part.strip()) for part in parts)


class Checker:
    """A trace function that checks the claims of the files below a folder, and remembers which it has reached."""

    def __init__(self, root: str) -> None:
        self.root, self.checked = root, set[tuple[str, int]]()

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any] | None:
        """Called at each function's start."""
        name, first = frame.f_code.co_filename, frame.f_code.co_firstlineno
        if not name.startswith(self.root) or not claims(name):
            return None
        letters: dict[str, int] = {}
        own = claims(name).get(first)
        if own is not None and own.shapes:
            for variable, shape in zip(own.names, own.shapes, strict=False):
                self.check(frame, first, variable, frame.f_locals.get(variable), shape, letters)
        due = 0

        def local(frame: FrameType, event: str, arg: Any) -> Any:
            nonlocal due
            if due and event in ("line", "return"):
                claim = claims(name)[due]
                self.check(frame, due, claim.names[0], frame.f_locals.get(claim.names[0]), claim.shapes[0], letters)
                due = 0
            if event == "line" and frame.f_lineno != first and frame.f_lineno in claims(name):
                due = frame.f_lineno if claims(name)[frame.f_lineno].names else 0
            if event == "return" and own is not None and own.returned is not None:
                self.check(frame, first, "the result", arg, own.returned, letters)
            return local

        return local

    def check(self, frame: FrameType, line: int, name: str, value: Any, want: Dims, letters: dict[str, int]) -> None:
        """Compare one value with what is said of it; a new letter takes its size."""
        shape = getattr(value, "shape", None)
        if shape is None:
            return
        shape = list(shape)
        file = frame.f_code.co_filename
        where = f"{file}:{line}: {name} is {tuple(shape)}, not ({', '.join(want)})"
        if want[:1] == ["..."]:
            want = want[1:]
            shape = shape[len(shape) - len(want) :]
        assert len(want) == len(shape), where
        known = letters | {k: v for k, v in frame.f_locals.items() if type(v) is int and LETTER.match(k)}
        for dim, size in zip(want, shape, strict=True):
            if LETTER.match(dim) and dim not in known:
                letters[dim] = known[dim] = size
            elif set(re.findall(r"[A-Za-z]\w*", dim)) <= known.keys():
                assert eval(dim, {"__builtins__": {}}, known) == size, f"{where} where {known}"
        self.checked.add((file, line))
