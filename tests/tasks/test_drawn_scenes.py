import io
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from foretell.corpus.pictures import open_pictures, prepare_images
from foretell.tasks.drawn_scenes import COLOURS, KINDS, NUMBERS, SHAPES, SIZE, drawn_questions, questions, side_of

N = 280


@pytest.fixture(scope="module")
def sides():
    pytest.importorskip("sklearn")
    return {side: questions(side, N, seed=3) for side in ("train", "valid")}


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def of_kind(sides, kind):
    return [row for side in sides.values() for row in side if row["kind"] == kind]


def things(scene):
    """cell, shape and colour of each thing of a scene's name."""
    found = []
    for word in scene.split():
        colour = next(name for name in COLOURS if word.endswith(name))
        found.append((word[0], word[1 : -len(colour)], colour))
    return found


def test_the_same_seed_draws_the_same_questions():
    assert questions("train", 30, seed=1) == questions("train", 30, seed=1)
    assert questions("train", 30, seed=1) != questions("train", 30, seed=2)


def test_no_scene_is_on_both_sides(sides):
    scenes = [{one for row in side for one in row["scene"].split("|")} for side in sides.values()]
    assert not scenes[0] & scenes[1]
    pictures = [{one for row in side for one in row["images"]} for side in sides.values()]
    assert not pictures[0] & pictures[1]


def test_every_kind_is_asked_equally_often(sides):
    assert Counter(row["kind"] for row in sides["valid"]) == dict.fromkeys(KINDS, N // len(KINDS))


def test_colours_and_shapes_are_those_of_the_scene(sides):
    for row in of_kind(sides, "colour"):
        asked = row["prompt"].split()[-1].strip("?")
        assert [c for _, s, c in things(row["scene"]) if s == asked] == [row["completion"]]
    for row in of_kind(sides, "shape"):
        asked = row["prompt"].split()[-1].strip("?")
        assert [s for _, s, c in things(row["scene"]) if c == asked] == [row["completion"]]


def test_what_is_counted_is_what_is_there(sides):
    for row in of_kind(sides, "count"):
        assert NUMBERS.index(row["completion"]) + 1 == len(things(row["scene"]))


def test_yes_is_said_of_what_is_there_and_of_nothing_else(sides):
    for row in of_kind(sides, "exists"):
        colour, shape = row["prompt"].strip("?").split()[-2:]
        there = any((s, c) == (shape, colour) for _, s, c in things(row["scene"]))
        assert row["completion"] == ("yes" if there else "no")


def test_the_tallest_bar_is_the_one_that_is_drawn_highest(sides):
    for row in of_kind(sides, "chart"):
        image = pixels(row["images"][0]).astype(int)
        tops = {name: np.argwhere((image == rgb).all(-1))[:, 0].min(initial=SIZE) for name, rgb in COLOURS.items()}
        assert min(tops, key=tops.get) == row["completion"]


def test_the_colours_of_a_scene_are_the_colours_that_are_drawn(sides):
    for row in of_kind(sides, "colour"):
        image = pixels(row["images"][0])
        assert image.shape == (SIZE, SIZE, 3)
        drawn = {name for name, rgb in COLOURS.items() if (image == rgb).all(-1).any()}
        assert drawn == {c for _, _, c in things(row["scene"])}


def test_shapes_of_one_size_cover_different_areas(sides):
    areas = {}
    for row in of_kind(sides, "same"):
        for scene, content in zip(row["scene"].split("|"), row["images"], strict=True):
            areas.setdefault(things(scene)[0][1], []).append((pixels(content) != 255).any(-1).sum())
    means = {shape: np.mean(some) for shape, some in areas.items()}
    assert set(means) == set(SHAPES)
    assert means["square"] > means["circle"] > means["triangle"]


def test_two_pictures_are_compared_as_they_are(sides):
    for row in of_kind(sides, "same"):
        (_, s1, c1), (_, s2, c2) = (things(scene)[0] for scene in row["scene"].split("|"))
        equal = c1 == c2 if "colour" in row["prompt"] else s1 == s2
        assert row["completion"] == ("yes" if equal else "no")
        assert row["prompt"].count("<image>") == len(row["images"]) == 2


def test_answers_do_not_follow_from_the_question(sides):
    for kind, most in {"exists": 0.62, "same": 0.62, "count": 0.4, "chart": 0.4, "digit": 0.25}.items():
        rows = of_kind(sides, kind)
        assert Counter(row["completion"] for row in rows).most_common(1)[0][1] / len(rows) < most


def test_a_scene_has_one_side():
    assert {side_of(str(i)) for i in range(100)} == {"train", "valid"}
    assert side_of("x") == side_of("x")


def test_the_folder_is_read_as_any_other(tmp_path):
    folder = drawn_questions(tmp_path / "drawn", amounts={"train": 14, "valid": 7})
    found = open_pictures(prepare_images(str(folder), SIZE, tmp_path / "corpora", quiet=True))
    assert (found.card["train"], found.card["valid"]) == (14, 7)
    assert {row["kind"] for row in found.rows} <= set(KINDS)
