"""Shape comments that cannot lie: `pytest --shapes` compares each one that the tests reach with the real arrays.

    def loss(reward: Tensor, rank: Tensor) -> Tensor:  # (P, K), (P, K) -> ()
        margin = reward[:, :, None] - reward[:, None, :]  # (P, K, K): w, l
        low, high = margin.aminmax(dim=0)  # (K, K), or (K, K) each
        return -margin.sigmoid().log().mean()  # ()

A letter stands for one number in a call. A local int of that name gives its value (`B, T = x.shape`), else the first
array that carries the letter does. `H*K`, `T-1`, `K/2`, numbers and a leading `...` are read too. What is in brackets
and no shape, such as (one process), is let alone. The code is watched by sys.settrace: it carries no decorator and
imports nothing for it.
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
SHAPES = rf"{GROUP}(?:,\s*{GROUP})*"
AFTER_LINE = re.compile(rf"#\s*({SHAPES})(?: each)?(?:[:,].*)?$")
AFTER_DEF = re.compile(rf"#\s*({SHAPES})?\s*(?:->\s*({SHAPES}))?\s*$")
LETTER = re.compile(r"[A-Z][A-Za-z]*\Z")
ARRAY = re.compile(r"\b(Tensor|ndarray)\b")
Dims = list[str]


class Claim(NamedTuple):
    """What a comment says of named variables and of what is returned; `function` is empty for a statement."""

    function: str
    last_line: int
    shapes: list[tuple[str, Dims]]
    returned: list[Dims]


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
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.Return) and node.end_lineno is not None:
            claim, first = _of_statement(node, node.end_lineno, comments), node.lineno
        else:
            continue
        if claim is not None:
            found[first] = claim
    return found


def _of_statement(node: ast.Assign | ast.AnnAssign | ast.Return, last: int, comments: dict[int, str]) -> Claim | None:
    match = AFTER_LINE.match(comments.get(last, ""))
    said = _read(match[1]) if match else []
    if not said:
        return None
    if isinstance(node, ast.Return):
        return Claim("", last, [], said) if node.value is not None else None
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    names = [part.id if isinstance(part, ast.Name) else "" for part in getattr(target, "elts", [target])]
    said = said * len(names) if len(said) == 1 else said
    shapes = [(name, shape) for name, shape in zip(names, said, strict=False) if name]
    return Claim("", last, shapes, []) if len(said) == len(names) and shapes else None


def _of_function(node: ast.FunctionDef, comments: dict[int, str]) -> Claim | None:
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    arrays = [a.arg for a in given if a.annotation is not None and ARRAY.search(ast.unparse(a.annotation))]
    for line in range(node.lineno, node.body[0].lineno):
        match = AFTER_DEF.match(comments.get(line, ""))
        arguments, returned = (_read(match[1] or ""), _read(match[4] or "")) if match else ([], [])
        if arguments or returned:
            return Claim(node.name, node.lineno, list(zip(arrays, arguments, strict=False)), returned)
    return None


def _read(text: str) -> list[Dims]:
    """`(B, T*K), ()` as [["B", "T*K"], []]; nothing where a part is no letter, number, `...` or arithmetic of them."""
    shapes = [[part.strip() for part in group.split(",") if part.strip()] for group in re.findall(GROUP, text)]
    parts = [part.strip() for shape in shapes for dim in shape for part in re.split(r"[*+/-]", dim)]
    sound = all(part in ("...", "") or part.isdigit() or LETTER.match(part) for part in parts)
    return shapes if sound else []


class Checker:
    """A trace function that checks the claims of the files below a folder; remembers those reached, and the lies."""

    def __init__(self, root: str) -> None:
        self.root, self.checked, self.lies = root, set[tuple[str, int]](), list[str]()

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any] | None:
        """Called at each function's start."""
        name, first, called = frame.f_code.co_filename, frame.f_code.co_firstlineno, frame.f_code.co_name
        if not name.startswith(self.root) or called.startswith("<") or not name.endswith(".py") or not claims(name):
            return None
        letters: dict[str, int] = {}
        said = claims(name)
        own = said[first] if first in said and said[first].function == called else None
        if own is not None:
            self.check(frame, first, own.shapes, letters)
        due = 0  # the first line of a statement with a claim that has begun

        def local(frame: FrameType, event: str, arg: Any) -> Any:
            nonlocal due
            line = frame.f_lineno
            if event == "exception":
                due = 0
            if due and (event == "return" or not due <= line <= said[due].last_line):
                self.check(frame, due, said[due].shapes, letters)
                due = 0
            if event == "line" and line != first and line in said and not said[line].function:
                due = line
            if event == "return":
                for at, claim in ((first, own), (line, said.get(line) if line != first else None)):
                    if claim is not None and claim.returned and arg is not None:
                        self.result(frame, at, arg, claim.returned, letters)
            return local

        return local

    def result(self, frame: FrameType, line: int, value: Any, want: list[Dims], letters: dict[str, int]) -> None:
        """Compare what is returned, or each of a tuple, with what is said of it."""
        values = value if isinstance(value, tuple) and not hasattr(value, "shape") else (value,)
        if len(values) == len(want):
            for one, shape in zip(values, want, strict=True):
                self.compare(frame, line, "the result", one, shape, letters)

    def check(self, frame: FrameType, line: int, shapes: list[tuple[str, Dims]], letters: dict[str, int]) -> None:
        """Compare variables with what is said of them."""
        for name, shape in shapes:
            self.compare(frame, line, name, frame.f_locals.get(name), shape, letters)

    def compare(self, frame: FrameType, line: int, name: str, value: Any, want: Dims, letters: dict[str, int]) -> None:
        """Compare one value with what is said of it; a new letter takes its size."""
        if getattr(value, "shape", None) is None:
            return
        shape = list(value.shape)
        file = frame.f_code.co_filename
        self.checked.add((file, line))
        where = f"{file}:{line}: {name} is {tuple(shape)}, not ({', '.join(want)})"
        if want[:1] == ["..."]:
            want = want[1:]
            shape = shape[max(0, len(shape) - len(want)) :]
        if len(want) != len(shape):
            self.lie(where)
        known = letters | {k: v for k, v in frame.f_locals.items() if type(v) is int and LETTER.match(k)}
        for dim, size in zip(want, shape, strict=True):
            if LETTER.match(dim) and dim not in known:
                letters[dim] = known[dim] = size
            elif set(re.findall(r"[A-Za-z]\w*", dim)) <= known.keys() and (
                eval(dim, {"__builtins__": {}}, known) != size
            ):
                self.lie(f"{where} where {known}")

    def lie(self, where: str) -> None:
        """Remember it, in case that the code catches what is raised here."""
        self.lies.append(where)
        raise AssertionError(where)
