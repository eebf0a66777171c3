"""`foretell label init|import|export|labeller|user|tables|sample|agreement|simulate`: prompts and labels."""

import argparse
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretell.commands.flags import count, parser
from foretell.errors import BadUse, nearest

if TYPE_CHECKING:
    from foretell.align.records import Demonstration, Prompt

EXAMPLES = """  foretell label init prompts.jsonl --db labels.db          prompts: grouped, split, masked, tagged
  foretell label import harmless.jsonl.gz --format hh --db labels.db
  foretell label labeller ana --group b --held-out --db labels.db
  foretell label user add labels.db ana                     an account, for the pages of foretell serve --db
  foretell label sample runs/instructgpt.sft-nano --db labels.db --k 4..9   outputs to rank
  foretell label simulate --db labels.db --labellers 6      simulated labellers rank the outputs that are there
  foretell label agreement --db labels.db
  foretell label tables --db labels.db                      how many, how long, which use cases
  foretell label export --db labels.db --out rankings.jsonl

--db is a file (SQLite), or postgresql://user@host/name. Labels are added, never taken away."""
INIT = """  foretell label init prompts.jsonl --db labels.db
  foretell label init prompts.jsonl --db labels.db --group-by user --near 0.9 --most 100

A line is {"text": "..."}; it may have kind, source (labeller or user), user, organisation, group_id, split, use_case,
tags and created. A line of few-shot examples has instruction and examples, a list of {"query", "response"}."""
ROLES = ("labeller", "researcher", "admin", "simulated")


def run(args: list[str]) -> None:
    """Run the part that the first word names."""
    if args[:1] in ([], ["-h"], ["--help"]):
        parser("label PART", "A store of prompts, outputs and labels.", EXAMPLES).parse_args(["--help"])
    known = {"init": init, "labeller": labeller, "tables": tables, **_others()}
    if args[0] not in known:
        raise BadUse(f"no part of label is called {args[0]!r}{nearest(args[0], list(known))}")
    known[args[0]](args[1:])


def _others() -> dict[str, Callable[[list[str]], None]]:
    from foretell.commands import label_agreement, label_exchange, label_sample, label_user

    return {
        "import": label_exchange.import_labels,
        "export": label_exchange.export_labels,
        "agreement": label_agreement.agreement,
        "sample": label_sample.sample,
        "user": label_user.user,
        "simulate": label_agreement.simulate,
    }


def with_db(flags: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The parser with --db."""
    flags.add_argument("--db", required=True, metavar="FILE|URL", help="the store: labels.db, or postgresql://...")
    return flags


def share(text: str) -> float:
    """A number from 0 to 1, as argparse wants it told."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share from 0 to 1")
    return value


def init(args: list[str]) -> None:
    """Add prompts to a store, which is made where there is none."""
    flags = with_db(parser("label init", "Prompts into a store, which is made.", INIT, ("seed", "json")))
    flags.add_argument("files", metavar="PROMPTS.jsonl", nargs="*", help="JSON lines, packed with gzip or not")
    flags.add_argument("--group-by", choices=("organisation", "user"), default="organisation", help="one side per ...")
    flags.add_argument("--valid", type=share, default=0.1, help="share of the groups that is held out")
    flags.add_argument("--most", type=count, default=200, help="prompts of a group that are kept, of users")
    flags.add_argument("--near", type=share, default=0.8, help="shared start at which two are near duplicates")
    given = flags.parse_args(args)
    from foretell.align.prompt_sets import prepared
    from foretell.align.store import add_demonstrations, add_prompts, close, open_store, prompts

    prompts_given, answers = _read(given.files)
    store = open_store(given.db, create=True)
    made = prepared(
        prompts_given,
        prompts(store),
        by=given.group_by,
        valid=given.valid,
        most=given.most,
        near=given.near,
        seed=given.seed or 0,
    )
    added = add_prompts(store, made.prompts)
    shown = add_demonstrations(store, _answered(made.prompts, answers))
    close(store)
    told = {
        "prompts": added.added,
        "already": added.already + made.left_out.pop("there already", 0),
        "demonstrations": shown.added,
        "split": dict(Counter(one.split for one in made.prompts)),
        "left_out": dict(made.left_out),
        "masked": dict(made.masked),
    }
    print(json.dumps(told) if given.json else "\n".join(_told(told, given.db)))


def _told(told: dict[str, Any], db: str) -> list[str]:
    lines = [f"{told['prompts']} prompts added to {db}, {told['already']} were there"]
    for name, words in (("split", "of them"), ("left_out", "left out"), ("masked", "masked")):
        if told[name]:
            lines.append(f"{words}: " + ", ".join(f"{n} {what}" for what, n in told[name].items()))
    return lines + (
        [f"{told['demonstrations']} demonstrations from few-shot examples"] if told["demonstrations"] else []
    )


def _read(files: list[str]) -> tuple[list["Prompt"], dict[str, str]]:
    """The prompts of files, and the responses to those of few-shot examples by their texts' ids."""
    from foretell.align.importers import rows
    from foretell.align.prompt_sets import few_shot
    from foretell.align.record_files import parse
    from foretell.align.records import Prompt

    found: list[Prompt] = []
    answers = {}
    for name in files:
        for where, row in rows(Path(name)):
            examples, instruction = row.pop("examples", None), row.pop("instruction", None)
            if examples is None:
                found.append(parse(json.dumps(row), Prompt, where))
                continue
            try:
                pairs = [(str(one["query"]), str(one["response"])) for one in examples]
            except (KeyError, TypeError) as error:
                raise BadUse(f"{where}: examples: each is an object with query and response") from error
            like = parse(json.dumps({"source": "labeller", **row, "text": str(instruction)}), Prompt, where)
            for prompt, answer in few_shot(str(instruction), pairs, like):
                found.append(prompt)
                answers[prompt.prompt_id] = answer
    return found, answers


def _answered(prompts: list["Prompt"], answers: dict[str, str]) -> list["Demonstration"]:
    """Demonstrations of the few-shot prompts: each example's own response."""
    from foretell.align.records import Demonstration

    return [
        Demonstration(
            prompt_id=one.prompt_id,
            group_id=one.group_id,
            split=one.split,
            prompt=one.text,
            completion=answers[one.prompt_id],
            labeller=one.user,
        )
        for one in prompts
        if one.prompt_id in answers
    ]


def labeller(args: list[str]) -> None:
    """Add a labeller, or change group, role, and whether the labels are held out of training."""
    flags = with_db(parser("label labeller", "Add or change a labeller.", EXAMPLES))
    flags.add_argument("name", metavar="NAME", help="as the labels name the labeller")
    flags.add_argument("--group", default="", help="labellers of a group are held out together in k-fold training")
    flags.add_argument("--held-out", action="store_true", help="the labels never feed training")
    flags.add_argument("--role", choices=ROLES, default="labeller", help="what the labeller may do")
    given = flags.parse_args(args)
    from foretell.align.store import add_labeller, close, open_store
    from foretell.serve.accounts.accounts import accounts
    from foretell.serve.accounts.people import stored

    store = open_store(given.db)
    signs_in = {one.name: stored(one.role) for one in accounts(store)}
    if signs_in.get(given.name, (given.role, given.held_out)) != (given.role, given.held_out):
        close(store)
        raise BadUse(f"{given.name} has an account in another role; foretell label user role {given.db} changes it")
    add_labeller(store, given.name, given.group, given.held_out, given.role)
    close(store)
    print(f"{given.name}: {given.role}, group {given.group or '-'}{', held out' if given.held_out else ''}")


def tables(args: list[str]) -> None:
    """Print how many prompts there are, of whom, how long, and for what."""
    flags = with_db(parser("label tables", "What the prompts of a store are.", EXAMPLES, ("json",)))
    flags.add_argument("--tokenizer", metavar="DIR", help="lengths in its tokens; else in words")
    given = flags.parse_args(args)
    from foretell.align import prompt_tables
    from foretell.align.store import close, counts, demonstrations, open_store, outputs, prompts, rankings

    n_tokens, unit = _counting(given.tokenizer)
    store = open_store(given.db)
    asked, answered, ranked = prompts(store), demonstrations(store), rankings(store)
    held, waiting = counts(store), outputs(store)
    close(store)
    if not asked:
        raise BadUse(f"{given.db} holds no prompt; foretell label init PROMPTS.jsonl --db {given.db} adds some")
    named = {"demonstrated": {one.prompt_id for one in answered}, "ranked": {one.prompt_id for one in ranked}}
    named["with outputs"] = set(waiting)
    sets = {"all": asked, **{name: [p for p in asked if p.prompt_id in ids] for name, ids in named.items() if ids}}
    found = {
        "held": [held],
        "prompts by set, side and source": prompt_tables.sizes(sets),
        "use cases": prompt_tables.use_cases(asked),
        "annotations": prompt_tables.annotations(asked),
        "prompts per customer": prompt_tables.per_customer(sets),
        f"prompt lengths in {unit}": prompt_tables.prompt_lengths(sets, n_tokens),
        f"lengths in {unit} by use case": prompt_tables.use_case_lengths(asked, n_tokens),
        f"lengths in {unit} by source": prompt_tables.source_lengths(asked, answered, n_tokens),
    }
    print(json.dumps(found) if given.json else "\n\n".join(_table(name, rows) for name, rows in found.items() if rows))


def _counting(folder: str | None) -> tuple[Callable[[str], int], str]:
    if folder is None:
        return lambda text: len(text.split()), "words"
    from foretell.text.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(Path(folder))
    return lambda text: len(tokenizer.encode(text)), "tokens"


def _table(name: str, rows: list[dict[str, Any]]) -> str:
    from foretell.commands.tables import table

    header = list(dict.fromkeys(column for row in rows for column in row))
    return "\n".join([name, *table(header, [[_cell(row.get(column)) for column in header] for row in rows])])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
