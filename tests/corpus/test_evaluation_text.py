"""Items of evaluation sets from every kind of file, packed or plain, and what is told where a file cannot be read."""

import csv
import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretell.corpus.evaluation_text import Item, read_sets, text_of
from foretell.errors import BadUse

ROW = {
    "question": "Who?",
    "n": 3,
    "choices": {"text": ["I", "you"], "label": [1, 2]},
    "deep": [[{"a": "b"}], None, True],
}
TEXT = "Who?\nI\nyou\nb"


def packed(content, pack):
    if pack == ".gz":
        return gzip.compress(content)
    if pack == ".zst":
        import zstandard

        return zstandard.ZstdCompressor().compress(content)
    return content


def write(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(packed(data, path.suffix))
    return path


def parquet(rows):
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def test_all_text_of_a_value_counts_in_order_and_nothing_else():
    assert text_of(ROW) == TEXT
    assert text_of("a") == "a"
    assert text_of([1, None, False, 2.5, b"bytes", "", " \n"]) == ""
    assert text_of({"a": "\ud800x", "b": "\ud83d\ude00"}) == "\ufffdx\n\U0001f600"


def test_text_as_deep_as_json_allows_is_found():
    value = "deep"
    for _ in range(5000):
        value = [value]
    assert text_of(value) == "deep"


@pytest.mark.parametrize("pack", ["", ".gz", ".zst"])
def test_lines_of_json_are_items_by_their_numbers(pack, tmp_path):
    lines = f'\ufeff{json.dumps(ROW)}\n\n"only a string"\r\n["a", "b"]\n{{"n": 1}}'
    path = write(tmp_path, f"quiz.dev.jsonl{pack}", lines)
    assert read_sets([path]) == [
        Item("quiz.dev", "1", TEXT),
        Item("quiz.dev", "3", "only a string"),
        Item("quiz.dev", "4", "a\nb"),
    ]


@pytest.mark.parametrize("pack", ["", ".gz", ".zst"])
def test_elements_of_a_json_file_are_items(pack, tmp_path):
    assert read_sets([write(tmp_path, f"a.json{pack}", json.dumps([ROW, "x"], indent=2))]) == [
        Item("a", "1", TEXT),
        Item("a", "2", "x"),
    ]


def test_lists_of_objects_within_a_json_object_are_items_too(tmp_path):
    squad = {"version": "v1", "data": [{"title": "T", "paragraphs": [{"context": "C", "qas": []}]}], "tags": ["t", "u"]}
    assert read_sets([write(tmp_path, "squad.json", json.dumps(squad))]) == [
        Item("squad", "data/1", "T\nC"),
        Item("squad", "rest", "v1\nt\nu"),
    ]


def test_a_json_file_may_hold_lines_or_one_value(tmp_path):
    lines = write(tmp_path, "lines.json", '{"a": "x"}\n{"a": "y"}\n')
    one = write(tmp_path, "one.json", '{\n"a": "z", "b": ["p", "q"]\n}')
    text = write(tmp_path, "text.json", '"w"')
    assert read_sets([lines, one, text]) == [
        Item("lines", "1", "x"),
        Item("lines", "2", "y"),
        Item("one", "rest", "z\np\nq"),
        Item("text", "value", "w"),
    ]


def test_rows_of_parquet_are_items(tmp_path):
    rows = [{**ROW, "deep": [[{"a": "b"}]], "image": b"\xff"}, {"question": None}, {"question": "Z"}]
    assert read_sets([write(tmp_path, "p.parquet", parquet(rows))]) == [Item("p", "1", TEXT), Item("p", "3", "Z")]


@pytest.mark.parametrize("pack", ["", ".gz", ".zst"])
def test_rows_of_tables_are_items(pack, tmp_path):
    quoted = 'question,answer\r\n"Who, then?\nYou ""there""",me\r\n,\r\n'
    assert read_sets([write(tmp_path, f"c.csv{pack}", quoted)]) == [
        Item("c", "1", "question\nanswer"),
        Item("c", "2", 'Who, then?\nYou "there"\nme'),
    ]
    tabs = 'one "quote\ttwo\nthree\tfour'
    assert read_sets([write(tmp_path, f"t.tsv{pack}", tabs)]) == [
        Item("t", "1", 'one "quote\ntwo'),
        Item("t", "2", "three\nfour"),
    ]


def test_a_field_of_any_length_is_read_and_the_limit_of_others_stays(tmp_path):
    limit = csv.field_size_limit()
    (item,) = read_sets([write(tmp_path, "long.csv", "x" * 300_000)])
    assert len(item.text) == 300_000
    assert csv.field_size_limit() == limit


def test_a_text_file_is_one_item(tmp_path):
    assert read_sets([write(tmp_path, "t.txt.gz", "\ufeffone\ntwo\n\nthree\n")]) == [
        Item("t", "text", "one\ntwo\n\nthree")
    ]


def test_a_folder_is_all_files_that_can_be_read(tmp_path):
    root = tmp_path / "sets"
    for name in ("b/z.jsonl", "a.JSONL", "b/c/y.txt.gz"):
        write(root, name, '"some text"')
    for name in ("README.md", ".hidden.jsonl", ".git/x.jsonl", "b/image.png"):
        write(root, name, "{")
    assert [item.set for item in read_sets([root])] == ["sets/a", "sets/b/c/y", "sets/b/z"]


def test_sets_of_one_name_are_told_apart(tmp_path):
    paths = [write(tmp_path, name, '"text"') for name in ("a/x.jsonl", "b/x.jsonl", "x.txt")]
    assert [item.set for item in read_sets(paths)] == ["x", "x#2", "x#3"]


def test_nothing_to_read_is_told_with_the_remedy(tmp_path):
    (tmp_path / "empty").mkdir()
    blank = write(tmp_path, "blank.jsonl", '\n{"n": 1}\n')
    for paths in ([], [tmp_path / "empty"], [blank]):
        with pytest.raises(BadUse, match=r"no text of an evaluation set .* give files or folders with"):
            read_sets(paths)
    with pytest.raises(BadUse, match=r"gone\.jsonl does not exist; give files or folders"):
        read_sets([tmp_path / "gone.jsonl"])
    with pytest.raises(BadUse, match=r"x\.png is no kind of file that is read; give \*\.jsonl"):
        read_sets([write(tmp_path, "x.png", "x")])


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.jsonl", b'{"a": "b"}\n{"a": \n', r"a\.jsonl, line 2: no JSON"),
        ("a.jsonl", b'"\xff"', r"a\.jsonl, line 1: no JSON"),
        ("a.json", b'{"a": ', r"a\.json: no JSON"),
        ("a.json", b'{"a": "b"}\n{"a": ', r"a\.json, line 2: no JSON"),
        ("a.json", b"[" * 100_000, r"a\.json: no JSON"),
        ("a.txt", b"caf\xe9", r"a\.txt is no UTF-8 text .*; convert it"),
        ("a.csv", b"caf\xe9", r"a\.csv is no UTF-8 text .*; convert it"),
        ("a.parquet", b"PAR1", r"a\.parquet, row 1: .*; mend the file"),
    ],
)
def test_what_cannot_be_read_ends_the_reading(name, content, told, tmp_path):
    with pytest.raises(BadUse, match=told):
        read_sets([write(tmp_path, name, content)])


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.txt.gz", "a.csv.gz"])
def test_a_packed_file_that_was_cut_off_ends_the_reading(name, tmp_path):
    path = write(tmp_path, name, "\n".join(f'"line {i}"' for i in range(1000)))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadUse, match=r"cut off; mend the file, or leave it out"):
        read_sets([path])


def test_published_sets_are_read_whole(shared_data):
    items = read_sets([shared_data / "zeroshot", shared_data / "qa", shared_data / "exams", shared_data / "gpt3-tasks"])
    sets = {item.set for item in items}
    assert {"qa/boolq", "qa/xquad_en_squad", "exams/mmlu_test", "zeroshot/lambada_openai"} <= sets
    for name in ("qa/boolq", "exams/mmlu_test"):
        with gzip.open(shared_data / f"{name}.jsonl.gz") as file:
            wanted = ["\n".join(plain_strings(json.loads(line))) for line in file]
        assert [item.text for item in items if item.set == name] == wanted


def plain_strings(value):
    if isinstance(value, str):
        return [value] if value.strip() else []
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in parts for text in plain_strings(part)]
