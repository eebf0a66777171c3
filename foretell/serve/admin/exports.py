"""Labels as the files that training reads; whose labels, and of which side, is chosen from lists, never a path."""

from collections.abc import Sequence
from typing import Literal

from foretell.align import stored
from foretell.align.contradictions import latest
from foretell.align.database import Store
from foretell.align.record_files import as_line
from foretell.align.records import Record

What = Literal["rankings", "demonstrations", "prompts"]
Side = Literal["train", "valid", "both"]
Held = Literal["no", "only", "all"]
HELD = {"no": False, "only": True, "all": None}


def exported(store: Store, what: What, side: Side, held_out: Held) -> str:
    """JSON lines of the labels, the same for equal stores; empty where there are none.

    Without those of labellers held out nothing of a screening test is in it: that is what feeds training. Of two
    rankings of one labeller that contradict each other the later one counts.
    """
    split, held = (None if side == "both" else side), HELD[held_out]
    found: Sequence[Record]
    if what == "rankings":
        found = latest(stored.rankings(store, split, held, as_added=True))
    elif what == "demonstrations":
        found = stored.demonstrations(store, split, held)
    else:
        found = stored.prompts(store, split)
    return "".join(line + "\n" for line in sorted(map(as_line, found)))
