"""`foretell audit MODEL [NAME ...]`: what a model says of people, how sure it is, what it has memorised."""

import argparse
import importlib
import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foretell.commands.flags import count, parser
from foretell.commands.tables import table
from foretell.errors import BadUse, Failed, nearest

EXAMPLES = """  foretell audit runs/gpt2.pretrain-nano
  foretell audit hf:gpt2 bias sentiment --samples 800 --data FOLDER
  foretell audit runs/gpt2.pretrain-nano sentiment --lexicon sentiwordnet --lexicon-file SentiWordNet_3.0.0.txt
  foretell audit runs/aligned calibration --against runs/gpt2.pretrain-nano
  foretell audit runs/gpt2.pretrain-nano attribution --sentence "The key is not in the list"
  foretell audit --list                                            every audit, and what it needs"""

AUDITS: Mapping[str, str] = {
    "bias": "gender and trades, words for him and her, pronouns, pairs with a stereotype",
    "sentiment": "how kind the words are that go with each race and religion",
    "calibration": "exams by letter: does a model that says 80 % get 80 of 100 right?",
    "attribution": "which words, layers and heads made a sentence's last word likely",
    "contamination": "evaluation questions in the training text; scores without them",
    "memorisation": "training text word for word, canaries, loss on seen and unseen text",
    "repetition": "how text repeats itself as it grows, and what helps",
}
"""each audit is the module of its name in foretell/audit, with `audit(asked)`"""
SHOWN = 12  # rows of a table on the terminal


def run(args: list[str]) -> None:
    """Audit a model, print the figures, and leave OUT/NAME.json of each audit; finished ones are not done again."""
    flags = add_flags(parser("audit", "Audit a model.", EXAMPLES, ("out", "seed", "threads", "json", "quiet")))
    given = flags.parse_args(args)
    if given.list:
        print("\n".join(f"{name:14} {about}{absent(name)}" for name, about in AUDITS.items()))
        return
    if given.model is None:
        raise BadUse("no model is named; give a run folder, a Hugging Face folder or hf:NAME")
    for name in given.names:
        if name not in AUDITS:
            raise BadUse(f"no audit is called {name!r}{nearest(name, list(AUDITS))}")
    given.out = Path(given.out or f"audits/{Path(given.model.removeprefix('hf:')).name}")
    found = audited(given)
    if given.json:
        from foretell.eval.results import as_json

        print(as_json(found))
        return
    for name, results in found.items():
        print("\n".join(lines(name, results)))
    print(f"\nthe results are in {given.out.resolve()}")


def add_flags(flags: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The parser with the flags of this command."""
    flags.add_argument("model", metavar="MODEL", nargs="?", help="a run folder, a Hugging Face folder, or hf:NAME")
    flags.add_argument("names", metavar="NAME", nargs="*", help=f"of {', '.join(AUDITS)}; without: all")
    flags.add_argument(
        "--samples", metavar="N", type=count, default=0, help="outputs of each prompt; the paper's is 800"
    )
    flags.add_argument("--limit", metavar="N", type=count, default=0, help="items of a data set; 0 takes all")
    flags.add_argument("--data", metavar="FOLDER", action="append", default=[], help="where data sets are")
    flags.add_argument("--lexicon", metavar="NAME", help="sentiment: pattern, vader, afinn or sentiwordnet")
    flags.add_argument("--lexicon-file", metavar="FILE", help="sentiment: the file of SentiWordNet 3.0")
    flags.add_argument("--against", metavar="MODEL", help="bias, calibration: another model, on the same questions")
    flags.add_argument("--sentence", metavar="TEXT", action="append", help="attribution: its last word is explained")
    flags.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="a setting of one audit, as JSON"
    )
    flags.add_argument("--list", action="store_true", help="list the audits")
    return flags


def absent(name: str) -> str:
    """What is said of an audit that this installation does not hold."""
    there = importlib.util.find_spec("foretell.audit")
    return "" if there and importlib.util.find_spec(f"foretell.audit.{name}") else "  (not in this version)"


def options_of(given: argparse.Namespace) -> dict[str, Any]:
    """The settings of the audits. BadUse for a --set without a name."""
    named = {name: getattr(given, name) for name in ("lexicon", "lexicon_file", "against")} | {
        "sentences": given.sentence
    }
    found = {name: value for name, value in named.items() if value is not None}
    for setting in given.set:
        name, equals, value = setting.partition("=")
        if not name or not equals:
            raise BadUse(f'--set {setting} has no name or no value; give NAME=VALUE, such as parts=["crows"]')
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def audited(given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """The results of each audit. Without names, an audit that cannot be done says why and the others go on."""
    import torch

    from foretell.audit.asked import Asked
    from foretell.eval.results import opened
    from foretell.generate.model import load

    options = options_of(given)
    asked = Asked(
        model=given.model,
        out=given.out,
        limit=given.limit,
        seed=given.seed or 0,
        samples=given.samples,
        data=tuple(Path(folder) for folder in given.data),
        quiet=given.quiet or given.json,
        options=options,
    )
    if given.threads:
        torch.set_num_threads(given.threads)
    found: dict[str, dict[str, Any]] = {}
    with opened(given.out, load(given.model), "audits"):
        for name in given.names or AUDITS:
            try:
                found[name] = once(name, asked)
            except (BadUse, Failed) as error:
                if given.names:
                    raise
                found[name] = {"figures": {}, "rows": [], "said": [f"left out: {error}"]}
    return found


def once(name: str, asked: Any) -> dict[str, Any]:
    """The results of an audit: those that are there if it was asked the same, else it is done and they are kept.

    Failed where this version does not hold the audit.
    """
    from foretell.eval.results import as_json
    from foretell.runs import read_json, write_whole

    if absent(name):
        raise Failed(f"the audit {name} is not in this version; foretell audit --list shows those that are")
    path = asked.out / f"{name}.json"
    how = {"limit": asked.limit, "seed": asked.seed, "samples": asked.samples, "options": dict(asked.options)}
    how["data"] = [str(folder.resolve()) for folder in asked.data]
    if path.exists():
        before: dict[str, Any] = read_json(path)
        if before.get("asked") == how:
            return before
    found = {"audit": name, **importlib.import_module(f"foretell.audit.{name}").audit(asked), "asked": how}
    write_whole(path, as_json(found, indent=1) + "\n")
    return dict(json.loads(as_json(found)))


def lines(name: str, results: Mapping[str, Any]) -> list[str]:
    """What the terminal shows of an audit: its figures, the beginning of its tables, and how they are to be read."""
    figures = [
        [what, *map(shown, (one["value"], one["low"], one["high"], one["n"]))]
        for what, one in results["figures"].items()
    ]
    found = ["", name, *(table(["figure", "value", "low", "high", "n"], figures) if figures else [])]
    tables = {"": results.get("rows") or [], **(results.get("tables") or {})}
    for title, rows in tables.items():
        if rows:
            found += ["", *([title] if title else []), *beginning(rows)]
    return found + [f"  {text}" for text in results.get("said") or []]


def beginning(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The first rows of a table, and how many there are more."""
    heads = list(rows[0])
    found = table(heads, [[shown(row.get(head)) for head in heads] for row in rows[:SHOWN]])
    return found + ([f"... and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else [])


def shown(value: Any) -> str:
    """A value in a cell: a measured one with its interval."""
    if isinstance(value, Mapping) and {"value", "low", "high"} <= value.keys():
        return f"{shown(value['value'])} [{shown(value['low'])}, {shown(value['high'])}]"
    if isinstance(value, float):
        return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"
    return "" if value is None else " ".join(str(value).split()) or repr(value)
