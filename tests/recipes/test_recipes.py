"""Recipes are found by name, refused with the nearest name, and saved exactly."""

import pytest

from foretell import recipes
from foretell.config import dump, load
from foretell.errors import BadUse
from foretell.train.config import RunConfig


@pytest.mark.parametrize("name", recipes.every())
def test_every_recipe_survives_its_config_json(name):
    cfg = recipes.recipe(name)
    assert cfg.recipe == name
    assert load(RunConfig, dump(cfg)) == cfg


@pytest.mark.parametrize(
    ("wrong", "suggested"),
    [("gpt2.pretrian:nano", "gpt2.pretrain"), ("gtp1.finetune", "gpt1.finetune"), ("gpt2.pretrain:nanu", "nano")],
)
def test_a_wrong_name_suggests_the_right_one(wrong, suggested):
    with pytest.raises(BadUse, match=f"did you mean '{suggested}'"):
        recipes.recipe(wrong)


def test_a_name_without_a_size_is_the_papers():
    assert recipes.recipe("gpt1.pretrain").model.d_model == 768
