"""A climb trains the model that sees on drawn pictures and writes what the report reads."""

from pydoc_data.topics import topics

import pytest
import torch

from foretell.recipes.lineage import images
from foretell.recipes.lineage.plan import Climb
from foretell.report import images as shown
from foretell.report.images_file import Images
from foretell.report.read import read_result
from foretell.tasks import drawn_scenes


@pytest.mark.slow
def test_a_climb_at_the_size_smoke(tmp_path, monkeypatch):
    monkeypatch.setattr(drawn_scenes, "AMOUNTS", {"train": 60, "valid": 14})
    text = tmp_path / "text"
    text.mkdir()
    for name, content in list(topics.items())[:20]:
        (text / f"{name}.txt").write_text(content)
    plan = Climb(out=tmp_path / "demo", text=str(text), scale="smoke", quiet=True)
    torch.set_num_threads(1)
    images.measure_images(plan)
    found = read_result(Images, tmp_path / "demo" / "results" / "images.json")
    assert found.rows[-1].kind == "all"
    assert found.rows[-1].n == 14
    assert {one.kind for one in found.samples} == {row.kind for row in found.rows} - {"all"}
    assert len(shown.images(found, "x")) == 3
    before = (tmp_path / "demo" / "results" / "images.json").stat().st_mtime_ns
    images.measure_images(plan)
    assert (tmp_path / "demo" / "results" / "images.json").stat().st_mtime_ns == before
