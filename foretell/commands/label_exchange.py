"""`foretell label import FILE --format F` and `foretell label export --out FILE`: labels of others in, ours out."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretell.commands.flags import parser
from foretell.errors import BadUse

if TYPE_CHECKING:
    from foretell.align.importers import Imported
    from foretell.align.records import Ranking

FORMS = ("hh", "sff", "webgpt", "qa", "oasst", "pairs", "argilla", "labelstudio", "jsonl")
IMPORT = """  foretell label import harmless-base/train.jsonl.gz --format hh --db labels.db
  foretell label import comparisons/batch3.json --format sff --db labels.db
  foretell label import project-1-at-2026.json --format labelstudio --db labels.db
  foretell label import rankings.jsonl --format jsonl --db labels.db

hh HH-RLHF, sff summarize-from-feedback, webgpt WebGPT comparisons, qa qa_feedback, oasst Open-Assistant trees, pairs
rows of prompt, chosen and rejected, argilla and labelstudio exports with a ranking, jsonl our own. Some of these data
are offensive; nothing of them is shown."""
EXPORT = """  foretell label export --db labels.db --out rankings.jsonl --split train
  foretell label export --db labels.db --out sft.jsonl --what demonstrations
  foretell label export --db labels.db --out held.jsonl --held-out only
  foretell label export --db labels.db --out votes.jsonl --what arena

One JSON object a line, as training reads it; the SHA-256 stands beside it, so that `sha256sum -c` checks it."""
RECORDS = ("rankings", "demonstrations", "prompts")
ANSWERS = ("pairwise", "toxicity", "red_team", "news", "arena")  # tasks of docs/tasks.md, which feed no training
HELD_OUT = {"no": False, "only": True, "all": None}


def import_labels(args: list[str]) -> None:
    """Add the labels of files to a store, which is made where there is none."""
    from foretell.commands.label_command import with_db

    flags = with_db(parser("label import", "Labels of others into a store.", IMPORT, ("json",)))
    flags.add_argument("files", metavar="FILE", nargs="+", help="JSON lines or one JSON list, packed with gzip or not")
    flags.add_argument("--format", choices=FORMS, required=True, help="whose they are")
    given = flags.parse_args(args)
    from foretell.align.importers import read_labels
    from foretell.align.store import close, open_store

    found = {name: read_labels(Path(name), given.format) for name in given.files}  # all are read before one is added
    store = open_store(given.db, create=True)
    told = [{"file": name, **_added(store, some)} for name, some in found.items()]
    close(store)
    print(json.dumps(told) if given.json else "\n".join(line for one in told for line in _lines(one, given.db)))


def _added(store: Any, found: "Imported") -> dict[str, Any]:
    from foretell.align.contradictions import contradictions
    from foretell.align.store import add_candidates, add_demonstrations, add_prompts, add_rankings

    told: dict[str, Any] = {}
    parts: tuple[tuple[str, Any, Any], ...] = (
        ("prompts", found.prompts, add_prompts),
        ("outputs", found.candidates, add_candidates),
        ("demonstrations", found.demonstrations, add_demonstrations),
        ("rankings", found.rankings, add_rankings),
    )
    for name, some, add in parts:
        if some:
            done = add(store, some)
            told[name] = {"added": done.added, "already": done.already}
    against = contradictions(found.rankings)
    return {**told, "left_out": dict(found.left_out), "contradictions": [str(one) for one in against]}


def _lines(told: dict[str, Any], db: str) -> list[str]:
    lines = []
    for name in ("prompts", "outputs", "demonstrations", "rankings"):
        if name in told:
            one = told[name]
            lines.append(f"{told['file']}: {one['added']} {name} added to {db}, {one['already']} were there")
    for reason, n in told["left_out"].items():
        lines.append(f"left out: {n} {reason}")
    against = told["contradictions"]
    return lines + ([f"contradictions: {len(against)}, the first: {against[0]}"] if against else [])


def export_labels(args: list[str]) -> None:
    """Write what a store holds as JSON lines."""
    from foretell.commands.label_command import with_db

    flags = with_db(parser("label export", "Labels of a store as JSON lines.", EXPORT, ("json",)))
    flags.add_argument("--out", metavar="FILE", required=True, help="file that is written, with FILE.sha256")
    flags.add_argument("--what", choices=(*RECORDS, *ANSWERS), default="rankings")
    flags.add_argument("--split", choices=("train", "valid"), help="one side; else both")
    flags.add_argument("--held-out", choices=tuple(HELD_OUT), default="no", help="labels of labellers held out")
    flags.add_argument("--contradictions", choices=("refuse", "latest", "keep"), default="refuse")
    given = flags.parse_args(args)
    (_export_answers if given.what in ANSWERS else _export_records)(given)


def _export_records(given: argparse.Namespace) -> None:
    """Write rankings, demonstrations or prompts."""
    from foretell.align import store as stored
    from foretell.align.record_files import as_line, write_records
    from foretell.align.records import Record

    store = stored.open_store(given.db)
    held = HELD_OUT[given.held_out]
    found: list[Record]
    if given.what == "rankings":
        found = [*_settled(stored.rankings(store, given.split, held), given.contradictions)]
    elif given.what == "demonstrations":
        found = [*stored.demonstrations(store, given.split, held)]
    else:
        found = [*stored.prompts(store, given.split)]
    people = sum(one["held_out"] for one in stored.labellers(store))
    stored.close(store)
    if not found:
        raise BadUse(
            f"{given.db} holds no {given.what}{_which(given.split, people and held is False)}; import some first"
        )
    digest = write_records(Path(given.out), sorted(found, key=as_line))  # equal stores give equal files
    told = {"file": given.out, "n": len(found), "sha256": digest}
    print(json.dumps(told) if given.json else f"{len(found)} {given.what} in {given.out}, sha256 {digest}")
    if people and held is False and given.what != "prompts" and not given.json:
        print(f"without those of {people} labellers held out; --held-out only writes them")


def _export_answers(given: argparse.Namespace) -> None:
    """Write the answers of a task of another kind, those of everybody: a line says whether its labeller is held out."""
    from foretell.align.answers import exported
    from foretell.align.record_files import write_hashed
    from foretell.align.store import close, open_store

    others = {"--split": given.split, "--held-out": given.held_out != "no"}
    others["--contradictions"] = given.contradictions != "refuse"
    for flag in (name for name, asked in others.items() if asked):
        raise BadUse(f"{flag} is for {' and '.join(RECORDS[:2])}, not for {given.what}; leave it out")
    store = open_store(given.db)
    text = exported(store, given.what)
    close(store)
    if not text:
        raise BadUse(f"{given.db} holds no {given.what} answers; people give them at foretell serve --db")
    digest = write_hashed(Path(given.out), text)
    told = {"file": given.out, "n": text.count("\n"), "sha256": digest}
    print(json.dumps(told) if given.json else f"{told['n']} {given.what} answers in {given.out}, sha256 {digest}")


def _which(split: str | None, without: bool) -> str:
    return (f" of split {split}" if split else "") + (" of labellers that are not held out" if without else "")


def _settled(rankings: list["Ranking"], how: str) -> list["Ranking"]:
    from foretell.align.contradictions import check, latest

    if how == "refuse":
        check(rankings)
    return latest(rankings) if how == "latest" else rankings
