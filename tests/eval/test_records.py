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
