"""The notebooks run as they are, at a scale of seconds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

STORY = Path(__file__).parents[1] / "examples" / "story.ipynb"


def code_of(path):
    """The code of a notebook's cells, one after another."""
    cells = json.loads(path.read_text())["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def test_a_notebook_is_kept_without_outputs_and_its_code_is_python():
    for cell in json.loads(STORY.read_text())["cells"]:
        assert cell["id"]
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    compile(code_of(STORY), str(STORY), "exec")


@pytest.mark.slow
def test_the_story_is_told_by_the_python_api(tmp_path):
    code = code_of(STORY)
    assert code.count('SCALE = "nano"') == 1
    (tmp_path / "story.py").write_text(code.replace('SCALE = "nano"', 'SCALE = "smoke"'))
    found = subprocess.run([sys.executable, "story.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-2000:]
    assert "(10) not measured" in found.stdout
    assert "nats over" in found.stdout
    assert (tmp_path / "runs" / "notebook-smoke" / "report.data" / "gpt2-loss.csv").exists()
