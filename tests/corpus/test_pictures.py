import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from foretell.corpus.pictures import asked, open_pictures, prepare_images
from foretell.errors import BadUse
from foretell.text.specials import IMAGE_MARK


def png(value):
    content = io.BytesIO()
    Image.new("RGB", (6, 4), (value, 0, 0)).save(content, "PNG")
    return content.getvalue()


def folder_of(tmp_path, rows, n=3, name="pictures"):
    folder = tmp_path / name
    folder.mkdir()
    for i in range(n):
        (folder / f"{i}.png").write_bytes(png(i * 50 % 251))
    (folder / "images.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


ROWS = [
    {"prompt": "What is this?", "completion": "nought", "image": "0.png", "split": "train"},
    {"question": "<image> or <image>?", "answer": "both", "images": ["1.png", "0.png"], "split": "valid"},
    {"prompt": "Say hello", "completion": "hello", "split": "train"},
]


def prepared(source, tmp_path, size=4):
    return open_pictures(prepare_images(str(source), size, tmp_path / "corpora", quiet=True))


def test_rows_are_read_with_each_image_once(tmp_path):
    found = prepared(folder_of(tmp_path, ROWS), tmp_path)
    assert [row["prompt"] for row in found.rows] == [
        f"{IMAGE_MARK}What is this?",
        f"{IMAGE_MARK} or {IMAGE_MARK}?",
        "Say hello",
    ]
    assert [row["images"] for row in found.rows] == [[0], [1, 0], []]
    assert [row["split"] for row in found.rows] == ["train", "valid", "train"]
    assert found.pixels.shape == (2, 4, 4, 3)
    assert found.pixels[:, 0, 0, 0].tolist() == [0, 50]
    assert (found.card["n_images"], found.card["train"], found.card["valid"]) == (2, 2, 1)


def test_a_source_is_prepared_once_and_anew_when_it_changes(tmp_path):
    folder = folder_of(tmp_path, ROWS)
    first = prepare_images(str(folder), 4, tmp_path / "corpora", quiet=True)
    before = (first / "card.json").stat().st_mtime_ns
    assert prepare_images(str(folder), 4, tmp_path / "corpora", quiet=True) == first
    assert prepare_images(str(first), 4, tmp_path / "corpora", quiet=True) == first
    assert (first / "card.json").stat().st_mtime_ns == before
    (folder / "images.jsonl").write_text(json.dumps(ROWS[0]) + "\n")
    assert prepare_images(str(folder), 4, tmp_path / "corpora", quiet=True) != first
    with pytest.raises(BadUse, match="images of 4 pixels, the model sees 8"):
        prepare_images(str(first), 8, tmp_path / "corpora", quiet=True)


@pytest.mark.parametrize("as_struct", [False, True])
def test_parquet_holds_the_files_themselves(tmp_path, as_struct):
    rows = [
        {"sentence": "red", "label": True, "image": {"bytes": png(9), "path": None} if as_struct else png(9)},
        {"sentence": "blue", "label": False, "image": {"bytes": png(8), "path": None} if as_struct else png(8)},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "some.parquet")
    found = prepared(tmp_path / "some.parquet", tmp_path)
    assert [(row["prompt"], row["completion"]) for row in found.rows] == [
        (f"{IMAGE_MARK}red", "true"),
        (f"{IMAGE_MARK}blue", "false"),
    ]


def test_a_folder_for_each_class_is_a_question_of_what_it_is(tmp_path):
    for name, value in (("cat", 1), ("dog", 2)):
        (tmp_path / "classes" / name).mkdir(parents=True)
        (tmp_path / "classes" / name / "x.png").write_bytes(png(value))
    found = prepared(tmp_path / "classes", tmp_path)
    assert [(row["prompt"], row["completion"]) for row in found.rows] == [
        (f"{IMAGE_MARK}What is this?", "cat"),
        (f"{IMAGE_MARK}What is this?", "dog"),
    ]


def test_an_image_is_on_one_side_whatever_is_asked_of_it(tmp_path):
    rows = [{"prompt": f"question {i}?", "completion": "yes", "image": f"{i % 60}.png"} for i in range(180)]
    found = prepared(folder_of(tmp_path, rows, n=60), tmp_path)
    sides = {}
    for row in found.rows:
        sides.setdefault(row["images"][0], set()).add(row["split"])
    assert all(len(some) == 1 for some in sides.values())
    assert {side for some in sides.values() for side in some} == {"train", "valid"}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"prompt": "x", "image": "0.png"}, "row 1 has none of completion, answer"),
        ({"completion": "x", "prompt": "<image> <image>", "image": "0.png"}, "row 1: 2 places <image> for 1 images"),
        ({"completion": "x", "prompt": "<image>"}, "row 1 has a place <image> and no image"),
        ({"completion": "x", "image": "none.png"}, r"none\.png cannot be read"),
        ({"completion": "x", "image": "../secret.png"}, "lies outside"),
        ({"completion": "x", "image": "/etc/passwd"}, "lies outside"),
        ({"completion": "x", "image": 7}, "an image is a int"),
        ({"completion": "x", "image": "images.jsonl"}, "row 1 is no PNG"),
        ({"completion": "x", "images": ["0.png"] * 9}, "9 images; at most 8"),
        ({"completion": "x", "image": "0.png", "split": "test"}, "split is 'test'"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_left_behind(tmp_path, row, told):
    with pytest.raises(BadUse, match=told) as error:
        prepare_images(str(folder_of(tmp_path, [row])), 4, tmp_path / "corpora", quiet=True)
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "corpora").glob("*/card.json"))


def test_a_character_that_marks_images_is_no_image_when_a_row_writes_it():
    assert asked({"prompt": f"a{IMAGE_MARK}b", "completion": "x"}, "here")[0] == "a b"


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.write_text("{}"), lambda path: None])
def test_a_source_without_questions_is_refused(tmp_path, make):
    make(tmp_path / "x")
    with pytest.raises(BadUse):
        prepare_images(str(tmp_path / "x"), 4, tmp_path / "corpora", quiet=True)


def test_a_damaged_prepared_folder_is_refused(tmp_path):
    folder = prepare_images(str(folder_of(tmp_path, ROWS)), 4, tmp_path / "corpora", quiet=True)
    (folder / "rows.jsonl").write_text(json.dumps({**ROWS[0], "images": [2]}) + "\n")
    with pytest.raises(BadUse, match="names image 2 of 2"):
        open_pictures(folder)
    (folder / "pixels.npy").write_bytes((folder / "pixels.npy").read_bytes()[:-5])
    with pytest.raises(BadUse, match="cannot be read"):
        open_pictures(folder)
    np.save(folder / "pixels.npy", np.zeros(3))
    with pytest.raises(BadUse, match="not what card"):
        open_pictures(folder)
    (folder / "card.json").unlink()
    with pytest.raises(BadUse, match="no prepared images"):
        open_pictures(folder)


@pytest.mark.slow
def test_real_photographs_are_prepared(shared_data, tmp_path):
    found = prepared(shared_data / "cifar10" / "train3k.parquet", tmp_path, size=32)
    assert found.card["n_images"] == 3000
    assert 250 < found.card["valid"] < 350
    assert {row["completion"] for row in found.rows} >= {"cat", "ship"}


@pytest.mark.slow
def test_what_people_wrote_about_pictures_is_prepared(shared_data, tmp_path):
    found = prepared(shared_data / "nlvr" / "nlvr_hidden.parquet", tmp_path, size=48)
    assert {row["completion"] for row in found.rows} == {"true", "false"}
    assert len(found.rows) == 985
