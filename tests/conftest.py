"""One seed and one thread for every test, the optional real data, and the --shapes switch (see shapes.py)."""

import sys
from pathlib import Path

import pytest
import torch

from tests.shapes import Checker, claims

HERE = Path(__file__).parents[1]
ROOT = HERE / "foretell"


def pytest_addoption(parser):
    parser.addoption("--shapes", action="store_true", help="check every shape comment that the tests reach")


def pytest_configure(config):
    torch.set_num_threads(1)
    config.shapes = Checker(str(ROOT)) if config.getoption("--shapes") else None


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; the test is skipped where it is absent."""
    folder = HERE / "../shared/data"
    if not folder.is_dir():
        pytest.skip("the real data of ../shared/data is not here")
    return folder.resolve()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    shapes = item.config.shapes
    if shapes is None:
        yield
        return
    before, lies = sys.gettrace(), len(shapes.lies)
    sys.settrace(shapes)
    outcome = yield
    sys.settrace(before)
    if shapes.lies[lies:] and outcome.excinfo is None:  # the code has caught what the checker raised
        outcome.force_exception(AssertionError("\n".join(shapes.lies[lies:])))


def pytest_terminal_summary(terminalreporter, config):
    if config.shapes:
        every = {(str(path), line) for path in ROOT.rglob("*.py") for line in claims(str(path))}
        reached, lies = len(config.shapes.checked & every), len(config.shapes.lies)
        said = f"{lies} hold not" if lies else "all hold"
        terminalreporter.write_line(f"shape comments: {reached} of {len(every)} reached, {said}")
