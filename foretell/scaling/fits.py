"""The file of a fit: the ladder's points, which were dropped, the laws, and what a target must share with the ladder.

    fit.json   kind  made  measure  points  dropped  laws  shared  sha256

The laws are there to be read; a forecast is made again from the points, so that the file need not be believed.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from foretell.scaling.choose import Fitted, fit_all, without_plateau
from foretell.scaling.laws import as_written
from foretell.scaling.points import Point, read_config, read_points, shared_settings
from foretell.scaling.sealed import read_sealed, write_sealed
from foretell.train.folder import now
from foretell.version import VERSION

KIND = "fit of a scaling law"


def fit_runs(runs: Sequence[Path], measure: str) -> dict[str, Any]:
    """The content of a fit of finished runs; BadUse where they are too few, unfinished, or of different data."""
    content = fit_points(read_points(runs, measure), measure)
    return {**content, "shared": shared_settings(read_config(runs[0]))}


def fit_points(points: Sequence[Point], measure: str) -> dict[str, Any]:
    """The content of a fit of points, without what their runs share."""
    kept, dropped = without_plateau(points)
    return {
        "kind": KIND,
        "foretell": VERSION,
        "made": now(),
        "measure": measure,
        "points": [asdict(point) for point in kept],
        "dropped": [asdict(point) for point in dropped],
        "laws": [as_row(one) for one in fit_all(kept)],
        "shared": {},
    }


def as_row(one: Fitted) -> dict[str, Any]:
    """A fitted law as papers write it."""
    return {
        "law": one.law.name,
        "formula": one.law.formula,
        "parameters": as_written(one.law, one.theta, one.middle),
        "points": len(one.points),
        "left_out_error": one.left_out,
        "in_sample_error": one.in_sample,
    }


def points_of(content: dict[str, Any]) -> list[Point]:
    """The points of a fit."""
    return [Point(**row) for row in content["points"]]


def write_fit(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    """The fit with its seal, after it was written."""
    return write_sealed(path, content)


def read_fit(path: Path) -> dict[str, Any]:
    """The content of a fit's file; BadUse where it was edited."""
    return read_sealed(path, KIND)
