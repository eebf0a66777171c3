"""`foretell eval MODEL --suite images`: questions about images beside what can be answered without them."""

import argparse
from pathlib import Path
from typing import Any

from foretell.commands.tables import table
from foretell.corpus.pictures import open_pictures, prepare_images
from foretell.errors import BadUse
from foretell.eval.images import CONTROLS, images_suite
from foretell.eval.measured import Measured
from foretell.eval.results import opened, save_results
from foretell.generate.images import sight
from foretell.generate.model import Model, load
from foretell.recipes.sources import CORPORA, drawn_scenes

HEADS = {
    "seeing": "seeing % [95 %]",
    "shuffled": "other picture",
    "blind": "no picture",
    "trained_blind": "trained blind",
    "majority": "majority",
    "guess": "best guess",
}


def images(model: Model, given: argparse.Namespace) -> tuple[list[str], dict[str, Any]]:
    """The questions of --data, or about drawn pictures, with every control."""
    if len(given.data) > 1:
        raise BadUse(f"--data is given {len(given.data)} times; the suite images takes one folder or file")
    size = sight(model).image_size
    source = Path(given.data[0]) if given.data else drawn_scenes(CORPORA)
    pictures = open_pictures(prepare_images(str(source), size, CORPORA, quiet=given.quiet))
    blind = load(given.blind) if given.blind else None
    with opened(given.out, model, "images", {"seed": given.seed or 0}):
        found = images_suite(model, pictures, limit=given.limit, seed=given.seed or 0, blind=blind, quiet=given.quiet)
        save_results(given.out, found)
    return lines(found), found


def lines(found: dict[str, Any]) -> list[str]:
    """The table, and how far seeing is from the best of the controls."""
    there = [name for name in ("seeing", *CONTROLS) if name in found["rows"][-1]]
    heads = ["questions", "n", *(HEADS[name] for name in there), "clear by"]
    cells = [
        [row["kind"], str(row["n"]), *(percent(row[name], name == "seeing") for name in there), apart(row)]
        for row in found["rows"]
    ]
    said = "clear by: points above the best control, and in standard errors of the paired difference."
    return [*table(heads, cells), said, "best guess: the commonest answer of the training side to the very question."]


def percent(measured: Measured, whole: bool) -> str:
    """61.2, or 61.2 [58.0, 64.3]."""
    value = f"{100 * measured['value']:.1f}"
    return f"{value} [{100 * measured['low']:.1f}, {100 * measured['high']:.1f}]" if whole else value


def apart(row: dict[str, Any]) -> str:
    """27.1 (12.3 s.e.)."""
    return f"{100 * row['clear']['value']:.1f} ({row['clear']['errors']:.1f} s.e.)"
