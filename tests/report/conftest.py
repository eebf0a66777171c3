"""The folder of a demo, made up once."""

import shutil
from pathlib import Path

import pytest

from tests.report.demo_folder import results, write_results, write_runs


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The folder with everything in it; not to be written to."""
    folder = tmp_path_factory.mktemp("whole") / "demo"
    write_runs(folder)
    write_results(folder, results())
    return folder


@pytest.fixture
def demo(whole, tmp_path) -> Path:
    """A copy of it that a test may damage."""
    return Path(shutil.copytree(whole, tmp_path / "demo"))
