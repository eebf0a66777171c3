"""Documentation out of Python source, read and never imported: the module's text, then its functions and classes.

    shutil

    <the module's docstring>

    shutil.copytree(src, dst, symlinks=False)
    <the function's docstring>

A signature has no annotations; a default that is long is written `...`. Names that begin with `_` are left out.
"""

import ast
import warnings
from collections.abc import Iterator

LONGEST_DEFAULT = 24  # characters
Function = ast.FunctionDef | ast.AsyncFunctionDef


def module_text(name: str, source: str) -> str:
    """The documentation of a module as running text; empty where it has none. SyntaxError if it is no Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in other people's source
        tree = ast.parse(source)
    about = ast.get_docstring(tree)
    parts = [about] if about else []
    parts += [f"{heading}\n{said}" for heading, said in _members(tree.body, name)]
    return "\n\n".join([name, *parts]) + "\n" if parts else ""


def _members(body: list[ast.stmt], owner: str, within_class: bool = False) -> Iterator[tuple[str, str]]:
    """Heading and docstring of each public function, class and method that has one."""
    for node in body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        said, name = (ast.get_docstring(node) or "").strip(), f"{owner}.{node.name}"
        if isinstance(node, ast.ClassDef):
            heading = _class_heading(node, name)
        else:
            heading = name + _arguments(node, within_class)
        if said:
            yield heading, said
        if isinstance(node, ast.ClassDef):
            yield from _members(node.body, name, within_class=True)


def _class_heading(node: ast.ClassDef, name: str) -> str:
    made = [n for n in node.body if isinstance(n, Function) and n.name == "__init__"]
    return f"class {name}{_arguments(made[0], True) if made else ''}"


def _arguments(node: Function, is_method: bool) -> str:
    """The arguments in parentheses, without self, cls and annotations."""
    given = node.args
    for one in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
        if one is not None:
            one.annotation = None
    if is_method and not _is_static(node):
        (given.posonlyargs or given.args)[:1] = []
    n_positional = len(given.posonlyargs) + len(given.args)
    given.defaults = [_short(value) for value in given.defaults[max(len(given.defaults) - n_positional, 0) :]]
    given.kw_defaults = [value and _short(value) for value in given.kw_defaults]
    return f"({ast.unparse(given)})"


def _is_static(node: Function) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)


def _short(value: ast.expr) -> ast.expr:
    return value if len(ast.unparse(value)) <= LONGEST_DEFAULT else ast.Constant(value=...)
