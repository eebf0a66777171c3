import gzip
import json

import pytest

from foretell.errors import BadUse
from foretell.tasks.source import Hub, NoData, Source, field, rows, text, whole_number

ROWS = [{"q": "one"}, {"q": "two"}]


def written(folder, name, packed):
    text = "".join(json.dumps(row) + "\n" for row in ROWS)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if packed:
        with gzip.open(path, "wt", encoding="utf-8") as file:
            file.write(text)
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize(("name", "packed"), [("piqa.jsonl", False), ("zeroshot/piqa.jsonl.gz", True)])
def test_a_file_is_found_in_a_named_folder_and_below_it(tmp_path, name, packed):
    path = written(tmp_path, name, packed)
    assert rows(Source(folders=(tmp_path,)), "piqa") == (ROWS, path.name)


def test_a_plain_list_and_parquet_are_read(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as parquet

    (tmp_path / "one.json").write_text(json.dumps(ROWS))
    parquet.write_table(pa.Table.from_pylist(ROWS), tmp_path / "two.parquet")
    source = Source(folders=(tmp_path,))
    assert rows(source, "one")[0] == rows(source, "two")[0] == ROWS


def test_data_that_are_nowhere_are_named_with_the_ways_to_get_them(tmp_path):
    with pytest.raises(NoData, match=r"piqa.jsonl .* is not there .*--data FOLDER.*--online to take hf:ybisk/piqa"):
        rows(Source(folders=(tmp_path,)), "piqa", Hub(dataset="ybisk/piqa"))


def test_a_damaged_line_and_a_missing_field_are_named(tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"q": 1}\n{"q": \n')
    with pytest.raises(BadUse, match="line 2 is not JSON"):
        rows(Source(folders=(tmp_path,)), "bad")
    with pytest.raises(BadUse, match="row 3 has no field 'gold'; it has 'q'"):
        field({"q": 1}, "gold", "row 3")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bad.json", b'[{"q": 1}'),
        ("bad.jsonl", b'{"q": "\xff"}\n'),
        ("bad.jsonl.gz", b"no gzip"),
        ("bad.jsonl.gz", gzip.compress(b'{"q": 1}\n' * 99, mtime=0)[:-9]),
        ("bad.json.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff"),
        ("bad.parquet", b"no table"),
        ("bad.parquet", b""),
    ],
)
def test_a_file_that_is_not_what_its_ending_says_is_refused_in_one_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadUse, match=rf"{name} cannot be read \(.+\); mend or replace it$") as error:
        rows(Source(folders=(tmp_path,)), "bad")
    assert "\n" not in str(error.value)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadUse, match="no folder"):
        rows(Source(folders=(tmp_path / "none",)), "piqa")


def test_a_field_of_another_kind_is_named():
    assert (text({"q": "a"}, "q", "row 1"), whole_number({"q": "3"}, "q", "row 1")) == ("a", 3)
    with pytest.raises(BadUse, match="row 1: 'q' is None, it must be text"):
        text({"q": None}, "q", "row 1")
    for label in ("", -1, "one", 1.5):
        with pytest.raises(BadUse, match="must be a whole number"):
            whole_number({"q": label}, "q", "row 1")
