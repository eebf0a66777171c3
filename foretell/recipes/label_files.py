"""The files of labels that a run reads: a store's, exported once, or those made from text.

corpora/labels-1f2e3d4c/          what labels.db held: demonstrations.jsonl, rankings.jsonl or prompts.jsonl
corpora/embedded-instructions/    prompts and demonstrations of this machine's documentation
"""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from foretell.corpus.config import EMBEDDED, Data, DemonstrationData, PromptData, RankingData
from foretell.errors import BadUse
from foretell.runs import whole_folder

if TYPE_CHECKING:
    from foretell.align.records import Ranking, Record
    from foretell.align.store import Store

BESIDE = {"prompts": (), "demonstrations": (), "rankings": ("demonstrations",)}
"""what is exported with each kind, if there is some: demonstrations give a reward its zero"""
MADE_BY = {
    "prompts": "foretell label init PROMPTS.jsonl --db {db} adds some",
    "demonstrations": "foretell label import FILE --format jsonl --db {db} adds some",
    "rankings": "foretell label sample MODEL --db {db} and foretell label simulate --db {db} make some",
}


def kind_of(data: Data) -> str:
    """The kind of labels that a data config reads: prompts, demonstrations or rankings; BadUse if it reads none."""
    match data:
        case PromptData():
            return "prompts"
        case DemonstrationData():
            return "demonstrations"
        case RankingData():
            return "rankings"
    raise BadUse(f"--labels with data={data.kind}: it reads no labels; leave --labels out")


def exported(db: str, data: Data, into: Path) -> Path:
    """The folder of a store's labels of the kind that the data are, written once: a store that has grown gets another.

    Labels of labellers held out are left out, whatever the side of their prompt. BadUse where the store holds none of
    the kind, and where rankings contradict each other.
    """
    from foretell.align import store as stored
    from foretell.align.record_files import as_line

    kind = kind_of(data)
    store = stored.open_store(db)
    try:
        found = {name: records_of(store, name) for name in (kind, *BESIDE[kind])}
        counted, people = stored.counts(store)[kind], sum(one["held_out"] for one in stored.labellers(store))
    finally:
        stored.close(store)
    if not found[kind]:
        held = f"; all {counted} are of the {people} labellers held out" if counted else ""
        raise BadUse(f"{db} holds no {kind} to train on{held}: {MADE_BY[kind].format(db=db)}")
    texts = {
        name: "".join(sorted(f"{as_line(one)}\n" for one in some)) for name, some in found.items() if some
    }  # equal stores give equal files
    digest = hashlib.sha256(json.dumps(texts, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
    folder = into / f"{store_name(db)}-{digest[:8]}"
    if not folder.exists():
        into.mkdir(parents=True, exist_ok=True)
        with whole_folder(folder) as aside:
            for name, text in texts.items():
                (aside / f"{name}.jsonl").write_text(text, encoding="utf-8")
            card = {"name": "labels", "store": store_name(db), "n": {name: len(some) for name, some in found.items()}}
            (aside / "card.json").write_text(json.dumps({**card, "sha256": digest}, indent=2) + "\n")
    return folder


def records_of(store: "Store", kind: str) -> "Sequence[Record]":
    """A store's records of a kind, of labellers that are not held out."""
    from foretell.align import store as stored

    if kind == "prompts":
        return stored.prompts(store)
    if kind == "demonstrations":
        return stored.demonstrations(store, held_out=False)
    found = stored.rankings(store, held_out=False)
    check_rankings(store, found)
    return found


def check_rankings(store: "Store", found: "Sequence[Ranking]") -> None:
    """BadUse with the first contradiction and their number, and the commands that settle them."""
    from foretell.align.contradictions import contradictions

    against = contradictions(found)
    if against:
        more = f", and {len(against) - 1} more" if len(against) > 1 else ""
        settled = f"foretell label export --db {store.name} --contradictions latest --out rankings.jsonl"
        raise BadUse(f"{against[0]}{more}; {settled} keeps the last word, then train with --data rankings.jsonl")


def store_name(db: str) -> str:
    """A short name of a store for a folder: of its file, or of its database."""
    last = re.split(r"[?#]", db)[0].rstrip("/").rpartition("/")[2]
    return re.sub(r"[^\w-]+", "-", Path(last).stem).strip("-") or "labels"


def check_embedded(data: Data) -> None:
    """BadUse for rankings that are to be embedded: they are of a model's outputs, so that a model must be there."""
    if isinstance(data, RankingData):
        rule = "foretell label init, label sample MODEL and label simulate make some in a store"
        raise BadUse(f"rankings of a model's outputs cannot be {EMBEDDED}; {rule}, then train with --labels labels.db")
