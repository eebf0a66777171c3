"""`foretell safety ...`: policies, attacks and rubrics: what a model may not say, and whether it does."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from foretell.commands.flags import Parser, parser
from foretell.commands.tables import table
from foretell.errors import BadUse, Failed, nearest

EXAMPLES = """  foretell safety attack runs/gpt4_chat.sft-nano runs/gpt4_chat.ppo-nano      before and after
  foretell safety system runs/gpt4_chat.ppo-nano                             does it keep its system message?
  foretell safety add attacks.jsonl --policy secrets --store red-team.jsonl  attacks of your own, safe neighbours
  foretell safety attack MODEL --store red-team.jsonl                        ask them, keep answers and verdicts
  foretell safety rows --store red-team.jsonl --out corpora/red-team         rows of training, linked by id
  foretell safety check MODEL --store red-team.jsonl                         regression suite: exit code 1 on failure
  foretell safety rubric answers.jsonl --rubric my.yaml --judge model --model MODEL"""
PARTS_SAID = "attack, system, add, rows, check, rubric"


def run(args: list[str]) -> None:
    """Run a part of the command."""
    if not args or args[0] in ("-h", "--help"):
        flags = parser("safety", f"Policies, attacks and rubrics: {PARTS_SAID}.", EXAMPLES)
        flags.print_help()
        return
    if args[0] not in PARTS:
        raise BadUse(f"foretell safety has no part {args[0]!r}{nearest(args[0], list(PARTS))}; it has {PARTS_SAID}")
    PARTS[args[0]](args[1:])


def part(name: str, what: str, flags: Sequence[str] = ("json",)) -> Parser:
    """The parser of a part."""
    return parser(f"safety {name}", what, EXAMPLES, flags)


def add_asked(flags: Parser) -> None:
    """The flags that say what is asked."""
    flags.add_argument("--store", type=Path, help="a red-team store; else the made people")
    flags.add_argument("--prompts", type=Path, help="a folder or file of prompts with tags, such as corpora/people")
    add_policies(flags)


def add_policies(flags: Parser) -> None:
    """The flag that says whose rules they are."""
    flags.add_argument("--policies", type=Path, help="a folder or file of policies as TOML; else those that come along")


def attack(args: list[str]) -> None:
    """Ask models what their policies disallow, and what is safe."""
    flags = part("attack", "Ask models what their policies disallow, and what is safe.", ("json", "seed"))
    flags.add_argument("models", metavar="MODEL", nargs="+", help="one, or two: before and after")
    add_asked(flags)
    given = flags.parse_args(args)
    if len(given.models) > 2:
        raise BadUse(f"{len(given.models)} models are named; give one, or two: before and after")
    from foretell.safety.attacked import by_kind, compared, figures

    found = [answered(name, given) for name in given.models]
    results: dict[str, Any] = {
        name: {"figures": figures(rows), "kinds": by_kind(rows)} for name, rows in zip(given.models, found, strict=True)
    }
    if len(found) == 2:
        results["compared"] = compared(*found)
    show(results, lines_of(results), given.json)


def answered(name: str, given: Any) -> list[dict[str, Any]]:
    """A model's answers with their verdicts; those to a store's attacks are kept in it."""
    from foretell.generate.model import load
    from foretell.safety import redteam
    from foretell.safety.attacked import attacked
    from foretell.safety.policies import EMBEDDED, read_policies

    policies, seed = read_policies(given.policies or EMBEDDED), given.seed or 0
    if not given.store:
        return attacked(load(name), made_prompts(given.prompts), policies, seed)
    with redteam.changing(given.store):
        attacks = redteam.read_store(given.store)
        found = attacked(load(name), [one.asked for one in attacks], policies, seed)
        redteam.write_store(given.store, redteam.with_outputs(attacks, name, found))
    return found


def made_prompts(folder: Path | None) -> list[dict[str, Any]]:
    """The held-out prompts of a folder, without those under a system message; else those of the made people."""
    from foretell.corpus.labels import held_out_rows
    from foretell.recipes.sources import CORPORA, people

    rows = held_out_rows(folder or people(CORPORA), "prompts")
    tagged = [row for row in rows if (row.get("tags") or {}).get("class")]
    if not tagged:
        raise BadUse(f"{folder} has no prompt with tags.class and tags.policy; foretell safety rows writes such files")
    return [{"prompt_id": str(i), **row} for i, row in enumerate(tagged) if not row["tags"].get("system")]


def lines_of(results: Mapping[str, Any]) -> list[str]:
    """The figures of each model as a table, and what two of them compare to."""
    rows = [
        [name, what, *measured(one)]
        for name, found in results.items()
        if name != "compared"
        for what, one in found["figures"].items()
    ]
    rows += [["after against before", what, *measured(one)] for what, one in results.get("compared", {}).items()]
    return table(["model", "share", "value", "95 %", "n"], rows)


def measured(one: Mapping[str, float]) -> list[str]:
    """A measured share as cells."""
    return [f"{one['value']:.1%}", f"[{one['low']:.1%}, {one['high']:.1%}]", str(int(one["n"]))]


def system(args: list[str]) -> None:
    """How well a model keeps its system message."""
    flags = part("system", "How well a model keeps its system message.", ("json", "seed"))
    flags.add_argument("models", metavar="MODEL", nargs="+")
    given = flags.parse_args(args)
    from foretell.generate.model import load
    from foretell.safety.dialogues import Shares
    from foretell.safety.obedience import held, obedience, talks
    from foretell.safety.world import people

    made = Shares()
    some = talks(people(made.people, made.held_out, made.seed), each=2)
    results = {name: obedience(held(load(name), some, given.seed or 0)) for name in given.models}
    rows = [
        [name, f"{row['constraint']} ({row['kind']}){', attacked' * row['attacked']}", *measured(row["obeyed"])]
        for name, found in results.items()
        for row in found["messages"]
    ]
    rows += [
        [name, f"all, {what}", *measured(found[what])]
        for name, found in results.items()
        for what in ("plain", "attacked")
        if found[what]
    ]
    show(results, table(["model", "message", "kept", "95 %", "n"], rows), given.json)


def add(args: list[str]) -> None:
    """Put attacks into a store."""
    flags = part("add", "Put attacks into a store, from lines of JSON with prompt, or of text.")
    flags.add_argument("file", metavar="FILE", type=Path)
    flags.add_argument("--store", type=Path, required=True)
    for name, what in (("policy", "policy of lines that name none"), ("author", "who found them"), ("source", "where")):
        flags.add_argument(f"--{name}", default="", help=what)
    add_policies(flags)
    given = flags.parse_args(args)
    from foretell.corpus.jsonl import read_lines
    from foretell.runs import read_text
    from foretell.safety import redteam
    from foretell.safety.policies import EMBEDDED, known_policy, read_policies

    policies = read_policies(given.policies or EMBEDDED)
    if given.file.suffix == ".txt":
        rows = [{"prompt": line.strip()} for line in read_text(given.file).splitlines() if line.strip()]
    else:
        rows = read_lines(given.file)
    more = {name: getattr(given, name) for name in ("policy", "author", "source")}
    attacks = [redteam.attack_of(row, f"{given.file}, line {i}", **more) for i, row in enumerate(rows, 1)]
    for i, one in enumerate(attacks, 1):
        known_policy(policies, one.policy, f"{given.file}, line {i}")
    with redteam.changing(given.store):
        there = redteam.read_store(given.store) if given.store.exists() else []
        every, n = redteam.merged(there, attacks)
        redteam.write_store(given.store, every)
    show({"added": n, "attacks": len(every)}, [f"{n} attacks are new, {len(every)} are in {given.store}"], given.json)


def rows(args: list[str]) -> None:
    """Make rows of training from a store."""
    flags = part("rows", "Make rows of training from a store; each attack keeps the ids of its rows.", ("json", "out"))
    flags.add_argument("--store", type=Path, required=True)
    given = flags.parse_args(args)
    if not given.out:
        raise BadUse("no folder is named; give --out DIR, which is to hold prompts.jsonl and demonstrations.jsonl")
    from foretell.safety import redteam

    with redteam.changing(given.store):
        linked = redteam.training_rows(redteam.read_store(given.store), Path(given.out))
        redteam.write_store(given.store, linked)
    n = sum(len(one.rows) for one in linked)
    told = f"{len(linked)} attacks are linked to {n} rows of training"
    show(
        {"attacks": len(linked), "rows": n},
        [f"{told}; foretell train gpt4_chat.ppo --data {given.out} reads them"],
        given.json,
    )


def check(args: list[str]) -> None:
    """The regression suite: every attack of a store again."""
    flags = part("check", "Ask every attack of a store again; exit code 1 if more fail than --most.", ("json", "seed"))
    flags.add_argument("model", metavar="MODEL")
    add_asked(flags)
    flags.add_argument("--most", type=float, default=0.0, help="share of failures that is let pass")
    given = flags.parse_args(args)
    from foretell.safety.redteam import failures

    if not 0 <= given.most <= 1:
        raise BadUse(f"--most {given.most} is no share; give 0 to 1")
    found = answered(given.model, given)
    if not found:
        raise BadUse("no attack fits into the model's context; give another store, or a model with more context")
    failed = failures(found)
    lines = [f"{row['prompt_id']}  {row['class']}  {row['verdict']}  {row['answer']!r}" for row in failed]
    show({"asked": len(found), "failed": failed}, [*lines, f"{len(failed)} of {len(found)} fail"], given.json)
    if len(failed) > given.most * len(found):
        raise Failed(f"{len(failed)} of {len(found)} attacks fail, and --most {given.most:g} lets pass fewer")


def rubric(args: list[str]) -> None:
    """Judge answers by a rubric."""
    flags = part("rubric", "Judge answers (lines of prompt, answer, tags, and verdict where known) by a rubric.")
    flags.add_argument("answers", metavar="ANSWERS.jsonl", type=Path)
    flags.add_argument("--rubric", type=Path, help="a model-graded YAML file; else the one that comes along")
    flags.add_argument("--name", default="", help="of a rubric, where the file holds several")
    flags.add_argument("--judge", choices=("checks", "model", "classifier"), default="checks")
    flags.add_argument("--model", default="", help="of --judge model")
    flags.add_argument("--labels", type=Path, help="of --judge classifier: lines of answer and verdict")
    add_policies(flags)
    given = flags.parse_args(args)
    from foretell.corpus.jsonl import read_lines
    from foretell.safety.judging import confusion, judged
    from foretell.safety.rubrics import EMBEDDED, read_rubric, tally

    rules = read_rubric(given.rubric or EMBEDDED, given.name)
    given_rows = read_lines(given.answers)
    asked = {"model": given.model, "labels": given.labels, "policies": given.policies}
    found = judged(given_rows, rules, given.judge, **asked)
    counts = tally(rules, found, str(given.rubric or "the rubric"))
    results: dict[str, Any] = {"counts": counts, "verdicts": found, "confusion": confusion(given_rows, found)}
    scored = [rules.scores[one] for one in found if one in rules.scores]
    lines = [f"{name}  {n}" for name, n in counts.items()]
    if scored:
        results["score"] = sum(scored) / len(scored)
        lines.append(f"mean score {results['score']:.3f} of {len(scored)} answers that parsed")
    lines += [f"labelled {label}: {said}" for label, said in results["confusion"].items()]
    show(results, lines, given.json)


def show(results: Any, lines: Sequence[str], as_json: bool) -> None:
    """Print lines for people, or JSON for machines."""
    print(json.dumps(results, indent=1, ensure_ascii=False) if as_json else "\n".join(lines))


PARTS: dict[str, Callable[[list[str]], None]] = {
    "attack": attack,
    "system": system,
    "add": add,
    "rows": rows,
    "check": check,
    "rubric": rubric,
}
