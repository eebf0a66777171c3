"""A change that should not move a number does not move one; other processors round differently in the fifth digit."""

import json

import pytest

from tests.recipes.golden import LOSSES, RECIPES, STARTS, losses


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("golden")


@pytest.mark.parametrize("name", RECIPES)
def test_the_first_losses_are_those_on_file(name, root):
    if name in STARTS:
        losses(STARTS[name], root)
    assert losses(name, root) == pytest.approx(json.loads(LOSSES.read_text())[name], rel=2e-4)
