"""`foretell eval MODEL --suite NAME [--shots 0 1 few] [--tasks a,b]`: ask a model, score its answers.

`foretell eval winrate A B` and `foretell eval samples FILE` are other commands that share the first word.
"""

import argparse
from pathlib import Path

from foretell.commands.flags import count, parser
from foretell.errors import BadUse

EXAMPLES = """  foretell eval runs/gpt2.pretrain-nano --suite gpt3 --shots 0 1 few --limit 100
  foretell eval hf:gpt2 --suite arithmetic --tasks two_digit_addition --shots 50
  foretell eval models/gpt2 --suite common_sense --data FOLDER      files such as piqa.jsonl, anywhere in FOLDER
  foretell eval runs/gpt2.pretrain-nano --suite gpt3 --labels shuffled --out evals/control
  foretell eval runs/bert.pretrain-nano --suite finetune --tasks sst2,rte --data FOLDER
  foretell eval runs/gpt4.pretrain-nano --suite images
  foretell eval --list                                             every suite and its tasks
  foretell eval winrate A B --labels labels.db                     whose answers are preferred; --help tells more
  foretell eval samples FILE                                       published samples with their judge's columns"""

ONLY = {
    "tasks": ("finetune", "exams"),
    "shots": ("exams",),
    "draw": (),
    "labels": (),
    "languages": ("translation",),
    "split": ("translation",),
    "exam": ("exams",),
    "explain": ("exams",),
    "dirty": ("exams",),
    "samples": ("code",),
    "temperature": ("code",),
    "yes": ("code",),
    "blind": ("images",),
    "seeds": ("finetune",),
    "steps": ("finetune",),
}
"""flags that not every suite reads, and who does"""
ASKING = ("tasks", "shots", "draw", "labels")
"""those that every suite of tasks with examples in the prompt reads"""
COMMON = ("out", "seed", "steps", "device", "threads", "json", "quiet", "yes")


def run(args: list[str]) -> None:
    """Evaluate and print a table of results; the answers and results.json lie in the folder that it names."""
    if args[:1] in (["winrate"], ["samples"]):
        from foretell.commands import eval_samples, eval_winrate

        {"winrate": eval_winrate.winrate, "samples": eval_samples.samples}[args[0]](args[1:])
        return
    flags = add_flags(parser("eval", "Ask a model the questions of a suite and score its answers.", EXAMPLES, COMMON))
    given = flags.parse_args(args)
    from foretell.recipes import suites

    if given.list:
        print("\n".join(listed()))
        return
    if given.model is None:
        raise BadUse("no model is named; give a run folder, a Hugging Face folder or hf:NAME")
    if given.suite is None:
        raise BadUse(f"no suite is named; give --suite {', '.join([*suites.FEW_SHOT, *suites.OTHERS])}")
    suites.check_suite(given.suite)
    check_flags(given, flags)
    given.tasks = [name for part in given.tasks for name in part.split(",") if name]
    given.out = Path(given.out or f"evals/{Path(given.model.removeprefix('hf:')).name}-{given.suite}")
    from foretell.commands import eval_suites
    from foretell.eval.results import as_json

    lines, results = eval_suites.evaluated(given)
    if given.json:
        print(as_json(results))
        return
    print("\n".join(lines))
    print(f"\nthe answers are in {given.out.resolve()}")


def add_flags(flags: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The parser with the flags of this command."""
    flags.add_argument("model", metavar="MODEL", nargs="?", help="a run folder, a Hugging Face folder, or hf:NAME")
    flags.add_argument("--suite", metavar="NAME", help="what is asked; --list shows all")
    flags.add_argument("--tasks", metavar="A,B", nargs="+", default=[], help="only these tasks of the suite")
    flags.add_argument("--shots", metavar="K", nargs="+", default=["0"], help="examples in the prompt: 0 1 32 few")
    flags.add_argument("--limit", metavar="N", type=count, default=0, help="questions of a task; 0 takes all")
    flags.add_argument("--data", metavar="FOLDER", action="append", default=[], help="where the tasks' files are")
    flags.add_argument("--online", action="store_true", help="take what is not there from the Hugging Face hub")
    flags.add_argument(
        "--draw", choices=("each", "once"), default="each", help="examples drawn for each question, or once for all"
    )
    flags.add_argument("--labels", choices=("right", "shuffled"), default="right", help="shuffled: the control")
    flags.add_argument("--languages", metavar="en-de", default="", help="translation: of test.en and test.de")
    flags.add_argument("--split", metavar="NAME", default="", help="translation: of NAME.en and NAME.de; else test")
    flags.add_argument("--exam", metavar="FILE", action="append", default=[], help="exams: one of your own, as JSON")
    flags.add_argument("--explain", action="store_true", help="exams: also with explanations before the answer")
    flags.add_argument(
        "--dirty", metavar="FILE", default="", help="exams: ids of questions that were in the training text"
    )
    flags.add_argument("--samples", metavar="N", type=count, default=1, help="code: programs of each problem")
    flags.add_argument("--temperature", metavar="T", type=float, help="code: 0 for one program, 0.8 for several")
    flags.add_argument("--blind", metavar="MODEL", default="", help="images: one that was trained without pictures")
    flags.add_argument("--seeds", metavar="N", type=count, default=3, help="finetune: runs of each setting")
    flags.add_argument("--list", action="store_true", help="list the suites and their tasks")
    return flags


def check_flags(given: argparse.Namespace, flags: argparse.ArgumentParser) -> None:
    """BadUse for a flag that the suite does not read: what it asks for would not be done."""
    from foretell.recipes.suites import FEW_SHOT

    for flag, readers in ONLY.items():
        if getattr(given, flag) == flags.get_default(flag) or given.suite in readers:
            continue
        if given.suite not in FEW_SHOT or flag not in ASKING:
            who = " and ".join([*readers, *(["tasks with examples in the prompt"] if flag in ASKING else [])])
            raise BadUse(f"--{flag} is of {who}, which the suite {given.suite} is not; leave it out")


def listed() -> list[str]:
    """Every suite with its tasks."""
    from foretell.recipes import suites

    lines = []
    for suite in suites.FEW_SHOT:
        tasks = suites.tasks_of(suite, [])
        lines.append(f"{suite}: {len(tasks)} tasks")
        if suite != "gpt3":  # its parts follow
            lines += [f"  {task.name:28} K={task.shots:<4} {task.about}" for task in tasks]
    return lines + [f"{name}: {about}" for name, about in suites.OTHERS.items()]
