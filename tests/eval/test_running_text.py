import gzip

import pytest

from foretell.errors import BadUse
from foretell.eval.running_text import articles, texts_of

WIKI = " \n = First = \n \n One @-@ line article . \n \n = = Part = = \n More . \n = Second one = \n Text = here \n"


def test_articles_begin_at_their_titles_and_keep_the_published_words():
    first, second = articles(WIKI)
    assert first.text == "= First =\n\nOne-line article.\n\n== Part ==\nMore.\n"
    assert second.text == "= Second one =\nText = here\n"
    assert first.n_words + second.n_words == len(WIKI.split()) + WIKI.count("\n") - 1  # the line before the first title


def test_texts_are_found_by_name_packed_or_not(tmp_path):
    for folder in ("wikitext2", "tinyshakespeare"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    (tmp_path / "data" / "wikitext2" / "valid.txt.gz").write_bytes(gzip.compress(WIKI.encode()))
    (tmp_path / "data" / "tinyshakespeare" / "input.txt").write_text("word " * 100)
    found = texts_of([tmp_path])
    assert list(found) == ["wikitext-2", "shakespeare"]
    assert found["shakespeare"][0].text == "word " * 10
    assert found["shakespeare"][0].n_words == 10


def test_a_file_is_a_text_of_its_own_and_a_folder_without_known_ones_is_one_too(tmp_path):
    (tmp_path / "a.txt").write_text("one two")
    (tmp_path / "b.txt").write_text(WIKI)
    assert [passage.n_words for passage in texts_of([tmp_path / "a.txt"])["a.txt"]] == [2]
    assert len(texts_of([tmp_path / "b.txt"])["b.txt"]) == 2
    assert {len(texts_of([tmp_path])[tmp_path.name])} == {2}


def test_without_data_the_documentation_is_measured():
    found = texts_of([])
    assert list(found) == ["documentation"]
    assert len(found["documentation"]) > 10


def test_a_path_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadUse, match="does not exist"):
        texts_of([tmp_path / "none"])


def test_a_file_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "tinyshakespeare").mkdir()
    (tmp_path / "tinyshakespeare" / "input.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(BadUse, match="no UTF-8"):
        texts_of([tmp_path])


def test_the_published_count_of_words_is_met(shared_data):
    found = texts_of([shared_data])
    assert sum(passage.n_words for passage in found["wikitext-2"]) in (217_645, 217_646)
    assert len(found["wikitext-2"]) == 60
    assert len(found["novels"]) == 16
