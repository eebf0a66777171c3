from dataclasses import replace

import pytest

from foretell.config import dump, load, override
from foretell.model.count import parameters
from foretell.recipes import gpt4, recipe
from foretell.train.config import RunConfig


@pytest.mark.parametrize("size", ["smoke", "nano", "mini"])
def test_a_recipe_is_written_and_read_back(size):
    cfg = gpt4.pretrain(size)
    assert load(RunConfig, dump(cfg)) == cfg
    assert recipe(f"gpt4.pretrain:{size}") == cfg
    assert parameters(cfg.model)["vision"] > 0
    assert cfg.model.vision.placeholder == cfg.model.n_vocab - 1


def test_parts_of_sight_are_set_from_the_command_line():
    cfg = override(gpt4.pretrain("nano"), ["--model.vision.n-layers", "1", "--data.blind"])
    assert cfg.model.vision.n_layers == 1
    assert cfg.data.blind


def test_images_need_a_model_that_sees_them_as_they_are():
    cfg = gpt4.pretrain("smoke")
    with pytest.raises(ValueError, match=r"model\.vision is None"):
        replace(cfg, model=replace(cfg.model, vision=None))
    with pytest.raises(ValueError, match=r"image_size=24, image_tokens=16, but the model's are 48 and 16"):
        replace(cfg, data=replace(cfg.data, image_size=24))
