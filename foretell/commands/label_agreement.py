"""`foretell label agreement` and `foretell label simulate`: how far labellers agree, and labellers that are none."""

import json
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from foretell.commands.flags import count, parser
from foretell.commands.tables import table
from foretell.errors import BadUse

if TYPE_CHECKING:
    from foretell.align.records import Ranking

HELD_OUT = "held_out"  # as the panel calls the group
AGREEMENT = """  foretell label agreement --db labels.db
  foretell label agreement --db labels.db --split valid --json"""
SIMULATE = """  foretell label simulate --db labels.db --labellers 6
  foretell label simulate labels.db --labellers 12 --held-out 3 --seed 1

What is written is of labellers with the role `simulated`: nobody has ranked anything."""


def agreement(args: list[str]) -> None:
    """Print how far the labellers of a store agree."""
    flags = _with_db(parser("label agreement", "How far labellers agree.", AGREEMENT, ("json",)))
    flags.add_argument("--split", choices=("train", "valid"), help="one side; else both")
    given = flags.parse_args(args)
    from foretell.align.records import as_json
    from foretell.align.store import close, open_store, rankings

    store = open_store(_db(given))
    found = rankings(store, given.split, as_added=True)
    close(store)
    if not found:
        raise BadUse(f"{_db(given)} holds no rankings; foretell label import or simulate adds some")
    measured = import_module("foretell.align.agreement").agreement
    told = measured([as_json(one) for one in found])
    matrix = told["matrix"]
    others = {name: one for name, one in told.items() if name != "matrix"}
    print(json.dumps(told) if given.json else "\n".join([*_lines(others), "", *_matrix(**matrix)]))


def _matrix(labellers: list[str], alike: list[list[int]], n: list[list[int]], **_: Any) -> list[str]:
    """The share of pairs that each two labellers order the same way."""
    rows = [
        [str(place), name, *(f"{one / of:.2f}" if of else "-" for one, of in zip(*two, strict=True))]
        for place, (name, *two) in enumerate(zip(labellers, alike, n, strict=True), 1)
    ]
    return table(["", "ordered alike with", *(str(place) for place in range(1, len(labellers) + 1))], rows)


def _lines(told: Any, path: str = "") -> list[str]:
    """A line for each figure: its name, and its value with interval and number where it has them."""
    if isinstance(told, dict) and "value" in told:
        low, high = told.get("low"), told.get("high")
        ends = f"  [{_figure(low)}, {_figure(high)}]" if low is not None else ""
        return [f"{path:40}  {_figure(told['value'])}{ends}  n {_figure(told.get('n'))}"]
    if isinstance(told, dict):
        return [line for name, one in told.items() for line in _lines(one, f"{path} {name}".strip())]
    if isinstance(told, list | tuple):
        return [line for number, one in enumerate(told, 1) for line in _lines(one, f"{path} {number}")]
    return [f"{path:40}  {_figure(told)}"]


def _figure(value: Any) -> str:
    if value is None:
        return "-"
    return (
        f"{value:.3f}"
        if isinstance(value, float) and not value.is_integer()
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def simulate(args: list[str]) -> None:
    """Let simulated labellers rank the outputs of a store, and keep what they give."""
    flags = _with_db(parser("label simulate", "Simulated labellers rank outputs.", SIMULATE, ("seed", "json")))
    flags.add_argument("--labellers", type=count, default=6, help="how many of the group train")
    flags.add_argument("--held-out", type=count, default=0, help="how many more whose labels never feed training")
    flags.add_argument("--researchers", type=count, default=0, help="how many more without a bias")
    flags.add_argument("--temperature", type=float, default=1.0, help="of their noise; 0 sees the quality itself")
    flags.add_argument("--tie", type=float, default=0.3, help="difference in quality that they call a tie")
    flags.add_argument("--each", type=count, default=0, help="labellers of each group that rank a prompt; 0 all")
    given = flags.parse_args(args)
    if not given.labellers:
        raise BadUse("0 labellers rank nothing; give --labellers of at least 1")
    from foretell.align.store import add_labeller, add_rankings, close, open_store

    store = open_store(_db(given))
    ranked = _simulated(store, given)
    added = add_rankings(store, ranked, role="simulated")
    for name in sorted({one.labeller for one in ranked if one.labeller_group == HELD_OUT}):
        add_labeller(store, name, HELD_OUT, held_out=True, role="simulated")
    close(store)
    people = len({one.labeller for one in ranked})
    told = {"added": added.added, "already": added.already, "labellers": people}
    said = f"{added.added} rankings of {people} simulated labellers added to {_db(given)}, {added.already} were there"
    print(json.dumps(told) if given.json else f"{said}; nobody has ranked anything")


def _simulated(store: Any, given: Any) -> list["Ranking"]:
    """The rankings of a panel; its names carry the seed, as another seed's labellers are other people."""
    from foretell.align.record_files import parse
    from foretell.align.records import MOST, Ranking, as_json
    from foretell.align.store import outputs, prompts

    some = {key: as_json(outs[:MOST]) for key, outs in outputs(store).items() if len(outs) > 1}
    if not some:
        raise BadUse(
            f"{store.name} holds no prompt with two outputs; foretell label sample MODEL --db {store.name} adds outputs"
        )
    asked = [as_json(one) for one in prompts(store) if one.prompt_id in some]
    made, seed = import_module("foretell.align.simulated"), given.seed or 0
    traits = {"temperature": given.temperature, "tie": given.tie, "seed": seed}
    panel = made.panel(given.labellers, held_out=given.held_out, researchers=given.researchers, **traits)
    named = [replace(one, name=f"{one.name}-of-seed-{seed}") for one in panel]
    found = made.simulate(asked, some, labellers=named, seed=seed, each=given.each)
    return [parse(json.dumps(one), Ranking, "a simulated ranking") for one in found]


def _with_db(flags: Any) -> Any:
    """The parser with the store as --db, or as the first word."""
    flags.add_argument("where", metavar="DB", nargs="?", help="the store, as --db")
    flags.add_argument("--db", metavar="FILE|URL", help="the store: labels.db, or postgresql://...")
    return flags


def _db(given: Any) -> str:
    if bool(given.db) == bool(given.where):
        raise BadUse("the store is named once: labels.db, or --db labels.db")
    return str(given.db or given.where)
