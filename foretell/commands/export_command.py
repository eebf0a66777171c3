"""`foretell export MODEL --to hf`: a model for another tool; `--to lm-eval`: our tasks for another evaluator."""

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from foretell.commands.flags import count, parser
from foretell.errors import BadUse

if TYPE_CHECKING:
    from foretell.model.config import NetworkConfig
    from foretell.tasks.source import Source
    from foretell.tasks.task import Task

EXAMPLES = """  foretell export runs/gpt2.pretrain-nano --to hf --out exported/gpt2-nano
  foretell export runs/gpt2.pretrain-nano --to hf --results audits --results evals --license mit --language en
  foretell export runs/gpt2.pretrain-nano --to lm-eval --out exported/tasks --data DATA --shots 0 few"""

ONLY_MODELS = ("results", "license", "language")
ONLY_TASKS = ("tasks", "shots", "data", "limit", "online", "draw", "seed")


def run(args: list[str]) -> None:
    """Write the folder and say what reads it: a stock class, or a command line of lm-evaluation-harness."""
    flags = parser("export", "Write a model, or tasks, for another tool.", EXAMPLES, ("out", "seed", "yes"))
    flags.add_argument("run", metavar="MODEL", help="a run or model folder")
    flags.add_argument("--to", choices=("hf", "lm-eval"), required=True)
    of_models = flags.add_argument_group("with --to hf")
    of_models.add_argument(
        "--results", action="append", type=Path, metavar="FOLDER", help="of eval or audit, for the model card"
    )
    of_models.add_argument("--license", metavar="NAME", help="of the weights, as the hub spells it: mit, cc-by-4.0")
    of_models.add_argument("--language", action="append", metavar="CODE", help="of its text: en; may be repeated")
    of_tasks = flags.add_argument_group("with --to lm-eval")
    of_tasks.add_argument("--tasks", metavar="A,B", help="these tasks; else all whose data are there")
    of_tasks.add_argument("--shots", nargs="+", metavar="K", help="examples in the prompt: 0 1 32 few; else 0 and few")
    of_tasks.add_argument("--data", action="append", type=Path, metavar="FOLDER", help="may be repeated")
    of_tasks.add_argument("--draw", choices=("each", "once"), help="examples drawn for each question, or once for all")
    of_tasks.add_argument("--limit", type=count, metavar="N", help="questions of a task")
    of_tasks.add_argument("--online", action="store_true", help="the Hugging Face hub may be asked")
    given = flags.parse_args(args)
    unfit = [*ONLY_MODELS] if given.to == "lm-eval" else [*ONLY_TASKS]
    for name in unfit:
        if getattr(given, name) not in (None, False):
            other = (
                "models; leave it out with --to lm-eval"
                if given.to == "lm-eval"
                else "tasks; leave it out with --to hf"
            )
            raise BadUse(f"--{name} is of {other}")
    if given.to == "lm-eval":
        export_for_harness(given)
    else:
        export_model(given)


def check_free(out: Path, *, replace: bool) -> None:
    """BadUse if something is there that nobody has said may go."""
    if out.exists() and not replace:
        raise BadUse(f"{out} exists; give another --out, or --yes to replace it")


def export_model(given: argparse.Namespace) -> None:
    """Write the model's folder with its card, and name the stock class that loads it; say so where there is none."""
    from foretell.exchange.folder import load_model, save_model
    from foretell.report.model_card import model_card
    from foretell.report.model_facts import facts_of

    out = Path(given.out or f"exported/{Path(given.run).name}")
    check_free(out, replace=given.yes)
    loaded = load_model(given.run)
    facts = facts_of(given.run, loaded, given.results or ())

    def card(cfg: "NetworkConfig", stock: str, why_not: str) -> str:
        return model_card(facts, cfg, (stock, why_not), given.license or "", given.language or ())

    layout = save_model(out, loaded.network, loaded.tokenizer, card)
    print(f"{out}: {layout}")


def export_for_harness(given: argparse.Namespace) -> None:
    """Write the tasks and print the line that evaluates the model on them."""
    from foretell.eval.asking import Asking
    from foretell.eval.few_shot import askings
    from foretell.eval.harness_tasks import export_tasks
    from foretell.generate.model import load
    from foretell.tasks.source import Source

    out = Path(given.out or "exported/lm-eval")
    check_free(out, replace=given.yes)
    model, seed = load(given.run), given.seed or 0
    source = Source(folders=tuple(given.data or ()), online=given.online, seed=seed)
    shots = askings(given.shots or ["0", "few"], Asking(limit=given.limit or 0, seed=seed, draw=given.draw or "each"))
    tasks = wanted(given.tasks, source)
    written = export_tasks(tasks, source, out, shots, model)
    n_tasks = len({path.stem.rpartition("_")[0] for path in written})
    print(f"{out}: {n_tasks} tasks in {len(written)} files; lm-evaluation-harness runs all of them with")
    line = ["python", "-m", "foretell.eval.harness", "run", "--model", "foretell", "--model_args", f"model={given.run}"]
    print(shlex.join([*line, "--include_path", str(out), "--tasks", "foretell"]))


def wanted(names: str | None, source: "Source") -> "list[Task]":
    """The named tasks, or all whose data can be had; the others are said."""
    from foretell.tasks.registry import every, task
    from foretell.tasks.source import NoData

    if names is not None:
        return [task(name) for name in names.split(",")]
    found, without = [], []
    for one in every().values():
        try:
            one.load(source)
            found.append(one)
        except NoData:
            without.append(one.name)
    if without:
        print(f"without data, and left out: {', '.join(without)}; --tasks NAME says what one needs", file=sys.stderr)
    if not found:
        raise BadUse("no task's data are there; give --data FOLDER, or --online")
    return found
