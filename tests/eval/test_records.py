import pytest

from foretell.errors import BadUse, Failed
from foretell.eval.records import append_records, digest, read_records


def test_what_is_written_is_read_back_the_last_of_each_key(tmp_path):
    path = tmp_path / "answers" / "a.jsonl"
    append_records(path, [{"key": "1", "value": 0}, {"key": "2", "value": 1}])
    append_records(path, [{"key": "1", "value": 5, "output": "zwölf"}])
    assert read_records(path) == {"1": {"key": "1", "value": 5, "output": "zwölf"}, "2": {"key": "2", "value": 1}}


def test_a_line_that_a_kill_cut_off_is_not_there_and_harms_none_after_it(tmp_path):
    path = tmp_path / "a.jsonl"
    append_records(path, [{"key": "1"}, {"key": "2"}])
    path.write_bytes(path.read_bytes()[:-5])
    assert list(read_records(path)) == ["1"]
    append_records(path, [{"key": "3"}])
    assert list(read_records(path)) == ["1", "3"]


def test_no_file_holds_no_records(tmp_path):
    assert read_records(tmp_path / "none.jsonl") == {}


def test_a_digest_knows_where_one_text_ends():
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("ab", "c") == digest("ab", "c")


def test_line_breaks_of_other_alphabets_within_an_answer_end_no_line(tmp_path):
    path = tmp_path / "a.jsonl"
    written = [{"key": str(i), "output": f"one{mark}two"} for i, mark in enumerate("\u2028\u2029\x85\x0b\x0c\x1c\r")]
    append_records(path, written)
    assert list(read_records(path).values()) == written


def test_a_kill_within_a_character_harms_no_line_but_its_own(tmp_path):
    path = tmp_path / "a.jsonl"
    append_records(path, [{"key": "1"}, {"key": "2", "output": "ö"}])
    path.write_bytes(path.read_bytes().split("ö".encode())[0] + "ö".encode()[:1])
    assert list(read_records(path)) == ["1"]


@pytest.mark.parametrize("line", ["5", "[1]", '{"id": "1"}'])
def test_a_file_of_something_else_is_named(tmp_path, line):
    (tmp_path / "a.jsonl").write_text(f"{line}\n")
    with pytest.raises(BadUse, match=r"a\.jsonl holds a line that is no answer"):
        read_records(tmp_path / "a.jsonl")


def test_a_folder_in_the_place_of_the_file_is_one_line(tmp_path):
    (tmp_path / "a.jsonl").mkdir()
    with pytest.raises(Failed, match="cannot read"):
        read_records(tmp_path / "a.jsonl")
