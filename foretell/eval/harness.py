"""lm-evaluation-harness with our models: its own command line and Python interface, where `foretell` names a model.

    python -m foretell.eval.harness run --model foretell --model_args model=runs/x --include_path DIR --tasks NAME
    evaluate("runs/x", DIR, ["foretell_copa_0shot"])

The harness finds models by a table of its own and asks no entry points (release 0.4.13), so that its bare command does
not know ours: this module enters it, and then runs that command.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foretell.errors import BadUse, Failed
from foretell.generate.model import Model

NAME = "foretell"
TARGET = "foretell.eval.harness_model:Foretell"


def register() -> None:
    """Enter our models into the harness' table, once. BadUse where the package lm_eval is not installed."""
    try:
        import lm_eval.models  # noqa: F401  its own names first: a table with one entry is taken for a full one
        from lm_eval.api.registry import model_registry
    except ImportError as error:
        raise BadUse(f"lm-evaluation-harness is not installed ({error}); pip install 'foretell[harness]'") from error
    if NAME not in model_registry:
        model_registry.register(NAME, target=TARGET)


def evaluate(model: str | Path | Model, folder: Path, tasks: Sequence[str], **settings: Any) -> dict[str, Any]:
    """The harness' results for tasks of a folder, such as export_tasks writes; `settings` are simple_evaluate's.

    Only the folder is searched: to read the harness' own thousands of tasks takes half a minute.
    """
    register()
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    from foretell.eval.harness_model import Foretell

    adapter = Foretell(model if isinstance(model, Model) else str(model))
    searched = TaskManager(include_path=str(folder), include_defaults=False)
    found = simple_evaluate(model=adapter, tasks=list(tasks), task_manager=searched, **settings)
    assert found is not None, "one process evaluates, and that one has the results"
    return dict(found)


def main() -> None:
    """The harness' command line."""
    try:
        register()
        from lm_eval.__main__ import cli_evaluate

        cli_evaluate()
    except (BadUse, Failed) as error:
        print(f"foretell: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
