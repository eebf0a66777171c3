"""Configs are frozen dataclasses; a recipe is a function that returns one; the command line overrides its fields.

    recipe()  ->  override(cfg, ["--model.n-layers", "2"])  ->  dump(cfg) in the run folder  ->  load(Config, that)

Nothing is configured in any other place: no environment variables, no global flags, no YAML that names classes.
"""

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

from foretell.errors import BadUse, nearest

T = TypeVar("T")


def override(cfg: T, args: Sequence[str], prog: str = "foretell") -> T:
    """The config with fields replaced by `--path.to.field value`; --help, types and "Perhaps you meant" are tyro's."""
    import tyro  # 90 ms: only where a command line is read

    return tyro.cli(type(cfg), default=cfg, args=args, prog=prog, config=(tyro.conf.AvoidSubcommands,))


def dump(cfg: object) -> str:
    """The whole resolved config as JSON: what is written as config.json into the run folder."""
    from pydantic import TypeAdapter

    return TypeAdapter(type(cfg)).dump_json(cfg, indent=2).decode() + "\n"


def load(want: type[T], text: str, where: str = "config.json") -> T:
    """Inverse of dump(). An unknown, missing or ill-typed field is a BadUse that names its full path and the nearest name."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(want).validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        raise BadUse(f"{where}: {_first_problem(want, error.errors())}") from error


def _first_problem(want: type, problems: list[dict]) -> str:  # type: ignore[type-arg]
    """The problem that helps most: a misspelt name before the missing one that it causes."""
    problem = min(problems, key=lambda p: p["type"] != "unexpected_keyword_argument")
    path = [str(part) for part in problem["loc"]]
    said = f"{'.'.join(path) or 'the file'}: {problem['msg']}"
    if problem["type"] == "unexpected_keyword_argument":
        known = [p["loc"][-1] for p in problems if p["type"] == "missing"] + _field_names(want)
        return f"{said}{nearest(path[-1], [str(name) for name in known])}"
    value = problem.get("input")
    return f"{said}, got {value!r}" if isinstance(value, str | int | float | bool | None) else said


def _field_names(config: type) -> list[str]:
    """The names of all fields of a config class and of the config classes inside it."""
    names = []
    for field in dataclasses.fields(config):  # type: ignore[arg-type]
        names.append(field.name)
        for part in getattr(field.type, "__args__", (field.type,)):
            if dataclasses.is_dataclass(part) and isinstance(part, type):
                names += _field_names(part)
    return names
