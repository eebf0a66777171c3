import json

import numpy as np
import pytest

from foretell.corpus.batches import IGNORED, open_batches
from foretell.corpus.config import ImageData
from foretell.corpus.pictures import prepare_images
from foretell.corpus.pixels import normalised
from foretell.corpus.questions import question_ids, widened
from foretell.errors import BadUse
from foretell.text.specials import BPE, IMAGE, IMAGE_MARK
from foretell.text.train import train_tokenizer
from tests.corpus.test_pictures import folder_of

ROWS = [
    {
        "prompt": f"What number is in the place {i}?" + " Look again." * 3 * (i == 0),
        "completion": f"it is {i}",
        "image": f"{i % 3}.png",
        "split": side,
    }
    for i, side in enumerate(["train"] * 6 + ["valid"] * 2)
] + [{"prompt": "<image> and then <image>", "completion": "two", "images": ["0.png", "2.png"], "split": "train"}]


@pytest.fixture(scope="module")
def tokenizer():
    texts = [" ".join(map(str, row.values())) for row in ROWS] * 3
    return train_tokenizer("bpe", texts, 256 + len(BPE) + 8, quiet=True).with_specials([IMAGE])


@pytest.fixture
def data(tmp_path, tokenizer):
    folder = prepare_images(str(folder_of(tmp_path, ROWS)), 4, tmp_path / "corpora", quiet=True)
    tokenizer.save(tmp_path, 100)
    return ImageData(folder=str(folder), tokens=str(tmp_path), length=100, image_size=4, image_tokens=4)


def changed(data, **changes):
    from dataclasses import replace

    return replace(data, **changes)


def test_an_image_is_as_many_placeholders_as_it_has_patches(tokenizer):
    ids = question_ids(tokenizer, f"{IMAGE_MARK} then {IMAGE_MARK}", 4)
    place = tokenizer.special(IMAGE)
    assert ids.count(place) == 8
    assert widened([1, place, 2], place, 3) == [1, place, place, place, 2]
    blind = question_ids(tokenizer, f"{IMAGE_MARK} then {IMAGE_MARK}", 0)
    assert blind == [tokenizer.special("<|user|>"), *tokenizer.encode(" then "), *blind[-2:]]


def test_no_text_can_pose_as_an_image(tokenizer):
    assert tokenizer.special(IMAGE) not in question_ids(tokenizer, f"see {IMAGE}", 4)


def test_only_answers_are_learnt_and_images_follow_their_placeholders(data, tokenizer):
    opened = open_batches(data, 0)
    batch = opened.batch(np.arange(opened.n_rows))
    place = tokenizer.special(IMAGE)
    assert (batch["inputs"] == place).sum() == 4 * len(batch["images"])
    learnt = batch["targets"][batch["targets"] != IGNORED]
    texts = tokenizer.decode(learnt).replace("<|end|>", "|").strip("|").split("|")
    assert sorted(texts) == sorted(row["completion"] for row in ROWS if row["split"] == "train")
    reds = {0: 0, 1: 50, 2: 100}
    for ends, targets, images in rows_with_images(batch, place):
        answer = tokenizer.decode(targets[targets != IGNORED])
        want = [0, 2] if "two" in answer else [int(answer.split()[-1].split("<")[0]) % 3]
        np.testing.assert_allclose(images[:, 0, 0, 0], [reds[i] / 127.5 - 1 for i in want], atol=1e-6)
        assert ends


def rows_with_images(batch, place):
    """Each example of a packed batch with its targets and its images."""
    n = 0
    for inputs, targets, ends in zip(batch["inputs"], batch["targets"], batch["ends"], strict=True):
        at = 0
        while at < len(inputs) and (targets[at : ends[at]] != IGNORED).any():
            own = slice(at, ends[at])
            k = int((inputs[own] == place).sum()) // 4
            yield True, targets[own], batch["images"][n : n + k]
            n, at = n + k, ends[at]
    assert n == len(batch["images"])


def test_a_batch_follows_from_seed_and_samples_alone(data):
    one, two = open_batches(data, 3), open_batches(data, 3)
    some = one.batch(np.array([5, 0]))
    for name, value in two.batch(np.array([5, 0])).items():
        assert np.array_equal(value, some[name])


def test_held_out_questions_come_one_a_row_with_their_answers_bytes(data):
    batches = list(open_batches(data, 0).evaluation(8, 0))
    assert sum(len(batch["inputs"]) for batch in batches) == 2
    assert batches[0]["n_bytes"].tolist() == [len("it is 6"), len("it is 7")]
    assert len(batches[0]["images"]) == 2


def test_blind_rows_have_neither_images_nor_places(data, tokenizer):
    opened = open_batches(changed(data, blind=True), 0)
    batch = opened.batch(np.arange(opened.n_rows))
    assert "images" not in batch
    assert tokenizer.special(IMAGE) not in batch["inputs"]


def test_questions_that_are_too_long_are_left_out_and_told(data, capsys):
    lengths = [len(one.inputs) for one in open_batches(data, 0).train]
    opened = open_batches(changed(data, length=sorted(lengths)[-1] - 1), 0)
    assert 0 < len(opened.train) < len(lengths)
    assert "tokens and are left out" in capsys.readouterr().err
    with pytest.raises(BadUse, match=r"has no question to train on; 9 of 9 are longer than data\.length=5"):
        open_batches(changed(data, length=5), 0)


def test_a_vocabulary_without_a_place_for_images_is_refused(data, tmp_path):
    plain = train_tokenizer("bpe", [json.dumps(ROWS)] * 3, 256 + len(BPE) + 4, quiet=True)
    plain.save(tmp_path / "plain", 100)
    with pytest.raises(BadUse, match=r"without <\|image\|>"):
        open_batches(changed(data, tokens=str(tmp_path / "plain")), 0)


def test_sizes_that_are_none_are_refused(data):
    for name in ("length", "image_size", "image_tokens"):
        with pytest.raises(ValueError, match=f"{name}=0"):
            changed(data, **{name: 0})


def test_pixels_are_the_prepared_ones(data):
    opened = open_batches(data, 0)
    found = opened.seen([opened.train[0]])["images"]
    assert np.array_equal(found, normalised(opened.pixels[list(opened.train[0].images)]))
