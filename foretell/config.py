"""Configs are frozen dataclasses; a recipe is a function that returns one; the command line overrides its fields.

    recipe()  ->  override(cfg, ["--model.n-layers", "2"])  ->  dump(cfg) in the run folder  ->  load(Config, that)

Nothing is configured in any other place: no environment variables, no global flags, no YAML that names classes.
"""

import dataclasses
import io
import re
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from typing import Any, TypeVar

from foretell.errors import BadUse, nearest

T = TypeVar("T")
Problem = Mapping[str, Any]  # as pydantic tells it


def override(cfg: T, args: Sequence[str], prog: str = "foretell") -> T:
    """The config with fields replaced by `--path.to.field value`; --help, types and "Perhaps you meant" are tyro's.

    What tyro refuses in a box of several lines is a BadUse of one.
    """
    import tyro  # 90 ms: only where a command line is read

    said = io.StringIO()
    try:
        with redirect_stderr(said):
            return tyro.cli(type(cfg), default=cfg, args=args, prog=prog, config=(tyro.conf.AvoidSubcommands,))
    except SystemExit as end:
        if not end.code:
            raise
        raise BadUse(_one_line(said.getvalue())) from end


def _one_line(box: str) -> str:
    """The words of a framed message, without its title and the pointers to --help."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", box)
    lines = [re.sub(r"[\u2500-\u257f]|^\||\|$", " ", line).strip() for line in plain.splitlines()]
    words = []
    for line in filter(lambda line: line.strip("-+"), lines[1:]):  # a terminal of ASCII has other frames
        if line.startswith(("Argument helptext", "For full helptext")):
            break
        words.append(line)
    return " ".join(" ".join(words).split())


def dump(cfg: object) -> str:
    """The whole resolved config as JSON: what is written as config.json into the run folder."""
    from pydantic import TypeAdapter

    return TypeAdapter(type(cfg)).dump_json(cfg, indent=2).decode() + "\n"


def load(want: type[T], text: str, where: str = "config.json") -> T:
    """Inverse of dump(). An unknown, missing or ill-typed field is a BadUse with its full path and the nearest name."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(want).validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        raise BadUse(f"{where}: {_first_problem(want, error.errors())}") from error


def _first_problem(want: type, problems: Sequence[Problem]) -> str:
    """The problem that helps most: a misspelt name before the missing one that it causes."""
    problem = min(_of_their_kind(problems), key=lambda p: p["type"] != "unexpected_keyword_argument")
    path = [str(part) for part in problem["loc"] if not str(part)[:1].isupper()]  # a union's classes are no fields
    said = f"{'.'.join(path) or 'the file'}: {problem['msg'].removeprefix('Value error, ')}"
    if problem["type"] == "unexpected_keyword_argument":
        known = [p["loc"][-1] for p in problems if p["type"] == "missing"] + _field_names(want)
        return f"{said}{nearest(path[-1], [str(name) for name in known])}"
    value = problem.get("input")
    short = isinstance(value, str | int | float | bool | None) and problem["type"] != "json_invalid"
    return f"{said}, got {value!r}" if short else said


def _of_their_kind(problems: Sequence[Problem]) -> Sequence[Problem]:
    """The problems without those that a union's other classes have, which are not of the `kind` that is meant."""
    kinds = [p for p in problems if p["type"] == "literal_error" and p["loc"][-1] == "kind" and len(p["loc"]) > 2]
    others = [p["loc"][:-1] for p in kinds]
    return [p for p in problems if not any(p["loc"][: len(loc)] == loc for loc in others)] or _merged(kinds) or problems


def _merged(kinds: Sequence[Problem]) -> list[Problem]:
    """One problem for a `kind` that no class of a union has."""
    expected = " or ".join(p["ctx"]["expected"] for p in kinds)
    return [{**kinds[0], "msg": f"Input should be {expected}"}] if kinds else []


def _field_names(config: type) -> list[str]:
    """The names of all fields of a config class and of the config classes inside it."""
    names = []
    for field in dataclasses.fields(config):
        names.append(field.name)
        for part in getattr(field.type, "__args__", (field.type,)):
            if dataclasses.is_dataclass(part) and isinstance(part, type):
                names += _field_names(part)
    return names
