import pytest

from foretell.audit.asked import Asked, one_of
from foretell.errors import BadUse


def test_a_file_is_found_anywhere_in_the_folders_packed_or_not(tmp_path):
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "deep" / "pairs.jsonl.gz").touch()
    (tmp_path / "b" / "list.txt").touch()
    asked = Asked(model="m", out=tmp_path, data=(tmp_path / "a", tmp_path / "b"))
    assert asked.find("pairs.jsonl") == tmp_path / "a/deep/pairs.jsonl.gz"
    assert asked.find("absent", "list.txt") == tmp_path / "b/list.txt"
    assert asked.find("absent") is None


def test_a_folder_that_is_none_is_told(tmp_path):
    with pytest.raises(BadUse, match="is no folder"):
        Asked(model="m", out=tmp_path, data=(tmp_path / "absent",)).find("x")


def test_an_option_that_is_not_given_leaves_the_default(tmp_path):
    asked = Asked(model="m", out=tmp_path, options={"top": 3, "none": None})
    assert (asked.option("top", 5), asked.option("none", 5), asked.option("other", 5)) == (3, 5, 5)


def test_a_negative_count_is_refused(tmp_path):
    with pytest.raises(ValueError, match="limit=-1"):
        Asked(model="m", out=tmp_path, limit=-1)


def test_the_nearest_name_is_told():
    assert one_of("the lexicon", "vader", ["vader", "afinn"]) == "vader"
    with pytest.raises(BadUse, match="did you mean 'vader'"):
        one_of("the lexicon", "vadr", ["vader", "afinn"])
