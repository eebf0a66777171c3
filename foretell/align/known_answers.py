"""How each labeller does on prompts whose answer is known: in the screening test, and on gold prompts later."""

from typing import Any

from foretell.align.database import Store
from foretell.align.handing import RESEARCHERS, Purpose, prompts_for, settings
from foretell.align.records import as_json
from foretell.align.screening import CutOffs, screening
from foretell.align.stored import rankings

ROUNDS = 200  # of the bootstrap, as a page is waited for


def scores(store: Store, purpose: Purpose) -> dict[str, dict[str, Any]]:
    """By name: `rankings` and `flags`, each measured against the researchers' on prompts of a purpose, or None.

    Both have `value`, `low`, `high`, `n`, `cut_off` and `passes`.
    """
    ids, held = prompts_for(store, purpose), settings(store)
    cut_offs = CutOffs(flags=held.screen_flags, rankings=held.screen_rankings)
    given = [as_json(one) for one in rankings(store, as_added=True) if one.prompt_id in ids]
    return screening(given, researcher=RESEARCHERS, cut_offs=cut_offs, rounds=ROUNDS)


def passes(told: dict[str, Any] | None) -> bool:
    """Whether rankings were measured, and every figure that was reaches its cut-off.

    Demonstrations, the paper's third figure, are rated by researchers and not measured here.
    """
    if not told or not told["rankings"]:
        return False
    return all(told[name]["passes"] for name in ("rankings", "flags") if told[name])
