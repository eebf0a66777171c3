"""A fit's file holds the points, what was dropped and the laws as papers write them."""

import numpy as np
import pytest

from foretell.errors import BadUse
from foretell.scaling.fits import fit_points, fit_runs, points_of, read_fit, write_fit
from tests.scaling.made import joint, ladder, point
from tests.scaling.runs import ladder as run_folders

TRUTH = {"E": 1.8172, "A": 482.0, "alpha": 0.3478, "B": 2085.0, "beta": 0.3658}
POINTS = ladder(joint(*TRUTH.values()), np.random.default_rng(0), noise=0.0, shares=(0.25, 0.5, 1.0))


def test_the_laws_are_written_as_papers_write_them():
    found = fit_points(POINTS, "val_loss")
    laws = {law["law"]: law for law in found["laws"]}
    assert laws["joint"]["parameters"] == pytest.approx(TRUTH, rel=0.01)
    assert set(laws["offset"]["parameters"]) == {"a", "b", "c"}
    assert [law["left_out_error"] for law in found["laws"]] == sorted(law["left_out_error"] for law in found["laws"])


def test_a_fit_is_read_as_it_was_written(tmp_path):
    sealed = write_fit(tmp_path / "fit.json", fit_points(POINTS, "val_loss"))
    assert read_fit(tmp_path / "fit.json") == sealed
    assert points_of(sealed) == POINTS


def test_what_was_dropped_is_told():
    flat = [point(n, 20 * n, 4.0) for n in (10.0, 30.0, 100.0)]
    found = fit_points([*flat, *POINTS], "val_loss")
    assert [row["loss"] for row in found["dropped"]] == [4.0] * len(found["dropped"])
    assert len(found["dropped"]) >= 2


def test_what_the_runs_share_is_kept_for_the_target(tmp_path):
    found = fit_runs(run_folders(tmp_path), "val_bits_per_byte")
    assert found["shared"]["model.n_vocab"] == 16
    assert len(found["points"]) == 4


@pytest.mark.parametrize("content", ["[]", "{}", '{"kind": "fit of a scaling law"}'])
def test_what_is_no_fit_is_refused(tmp_path, content):
    (tmp_path / "fit.json").write_text(content)
    with pytest.raises(BadUse, match="is no fit of a scaling law"):
        read_fit(tmp_path / "fit.json")
