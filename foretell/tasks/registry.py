"""Every task by its name: what the families in this folder define in `TASKS`."""

import importlib
import pkgutil
from functools import cache

from foretell import tasks
from foretell.errors import BadUse, nearest
from foretell.tasks.task import Task


@cache
def every() -> dict[str, Task]:
    """All tasks, by name, in the order of their families' file names."""
    found: dict[str, Task] = {}
    for module in sorted(pkgutil.iter_modules(tasks.__path__), key=lambda module: module.name):
        for task in getattr(importlib.import_module(f"foretell.tasks.{module.name}"), "TASKS", ()):
            assert task.name not in found, f"two tasks are called {task.name}"
            found[task.name] = task
    return found


def task(name: str) -> Task:
    """The task of that name; BadUse with the nearest one."""
    known = every()
    if name not in known:
        raise BadUse(f"no task is called {name!r}{nearest(name, list(known))}")
    return known[name]
