from math import sqrt

import numpy as np
import pytest

from foretell.corpus.pictures import Pictures
from foretell.errors import BadUse
from foretell.eval import images as suite
from foretell.eval.images import clear, guesses, images_suite, shuffled
from foretell.text.specials import IMAGE_MARK
from tests.generate.test_images import model_of

KIND = [{"kind": kind, "n": n} for kind in ("colour", "count") for n in range(8)]


def row(side, kind, number, completion, prompt="What is it?"):
    return {"prompt": IMAGE_MARK + prompt, "completion": completion, "images": [number], "split": side, "kind": kind}


def pictures():
    pixels = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3), dtype=np.uint8)
    rows = [row("train", "colour", i, "red" if i < 3 else "blue") for i in range(5)]
    rows += [row("valid", one["kind"], i, "red" if i % 4 == 0 else "blue") for i, one in enumerate(KIND)]
    return Pictures(pixels=pixels, rows=rows, card={"image_size": 8})


def test_every_way_to_answer_is_counted_by_kind(monkeypatch):
    found = pictures()
    held_out = [one for one in found.rows if one["split"] == "valid"]
    truth = {one["images"][0]: one["completion"] for one in held_out}
    by_pixels = {found.pixels[i].tobytes(): truth[i] for i in truth}

    class Said:
        def __init__(self, text):
            self.text = text

    def answers(model, questions, **_):
        """A model that knows every picture, and says blue of none."""
        return [Said(f" {by_pixels[images[0].tobytes()] if images else 'blue'}") for _, images in questions]

    monkeypatch.setattr(suite, "answers", answers)
    result = images_suite(model_of(), found, quiet=True)
    rows = {one["kind"]: one for one in result["rows"]}
    assert set(rows) == {"colour", "count", "all"}
    every = rows["all"]
    assert (every["n"], every["seeing"]["value"], every["blind"]["value"]) == (16, 1.0, 0.75)
    assert every["majority"]["value"] == every["guess"]["value"] == 0.25  # red is what training says most often
    assert every["best_control"] == "blind"
    assert every["shuffled"]["value"] < 1
    d = np.array([1.0] * 4 + [0.0] * 12)
    assert every["clear"]["errors"] == pytest.approx(d.mean() / (d.std(ddof=1) / sqrt(16)))
    assert result["answers"][0]["prompt"] == "<image>What is it?"
    assert "trained_blind" not in every
    assert "trained_blind" in images_suite(model_of(), found, blind=model_of(), quiet=True)["rows"][-1]


def test_a_real_model_answers_every_question_the_same_way_again():
    one, two = (images_suite(model_of(), pictures(), quiet=True, limit=6) for _ in range(2))
    assert one == two
    assert len(one["answers"]) == 6


def test_nobody_keeps_its_own_picture_and_kinds_stay_apart():
    rows = [{"kind": "a", "images": [i]} for i in range(7)] + [{"kind": "b", "images": [i, i]} for i in range(10, 13)]
    rows.append({"kind": "c", "images": [99]})
    found = shuffled(rows, 0)
    assert sorted(found[:7]) == [[i] for i in range(7)]
    assert sorted(found[7:10]) == [[i, i] for i in range(10, 13)]
    assert all(one != row["images"] for one, row in zip(found[:10], rows[:10], strict=True))
    assert found[10] == [99], "the only one of its kind has no other"


def test_guesses_know_the_question_alone():
    train = [row("train", "x", 0, a, q) for q, a in [("p", "1"), ("p", "1"), ("p", "2"), ("q", "3"), ("q", "3")]]
    held_out = [row("valid", "x", 0, "?", q) for q in ("p", "q", "new")]
    assert guesses(train, held_out) == {"majority": ["1", "1", "1"], "guess": ["1", "3", "1"]}


def test_a_paired_difference_is_that_of_the_questions():
    one, two = np.array([1, 1, 1, 0, 1, 0], bool), np.array([0, 1, 1, 0, 0, 1], bool)
    d = [1, 0, 0, 0, 1, -1]
    mean = sum(d) / 6
    se = sqrt(sum((x - mean) ** 2 for x in d) / 5 / 6)
    assert clear(one, two) == pytest.approx({"value": mean, "se": se, "errors": mean / se, "n": 6})
    assert clear(one, one)["errors"] == 0.0


def test_what_cannot_be_evaluated_is_refused():
    found = pictures()
    with pytest.raises(BadUse, match="prepared with 9 pixels, the model sees 8"):
        images_suite(model_of(), Pictures(pixels=found.pixels, rows=found.rows, card={"image_size": 9}))
    with pytest.raises(BadUse, match="no question about an image is held out"):
        images_suite(model_of(), Pictures(pixels=found.pixels, rows=found.rows[:5], card=found.card))
    with pytest.raises(BadUse, match="does not see"):
        images_suite(model_of(vision=False), found)
