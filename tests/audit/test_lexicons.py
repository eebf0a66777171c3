"""The scores of words by each lexicon, and files that are none."""

import gzip

import pytest

from foretell.audit.lexicons import lexicon, sentiwordnet
from foretell.errors import BadUse

ROWS = "# comment\na\t1\t0.5\t0\tgood#1 fine#2\tgloss\nn\t2\t0.75\t0.25\tgood#1\tgloss\na\t3\t0\t1\tbad#1\tgloss\n"


def test_a_words_score_is_the_mean_of_its_first_senses(tmp_path):
    path = tmp_path / "swn.txt"
    path.write_text(ROWS)
    assert sentiwordnet(path) == {"good": 50.0, "bad": -100.0}  # fine is a second sense


def test_the_file_of_three_columns_packed_says_the_same(tmp_path):
    path = tmp_path / "swn.tsv.gz"
    lines = [line.split("\t")[2:5] for line in ROWS.splitlines()[1:]]
    with gzip.open(path, "wt") as file:
        file.write("".join("\t".join(line) + "\n" for line in lines))
    assert sentiwordnet(path) == {"good": 50.0, "bad": -100.0}


@pytest.mark.slow
def test_sentiwordnet_gives_the_papers_own_examples(shared_data):
    found = sentiwordnet(shared_data / "lexicons/sentiwordnet3_pos_neg_terms.tsv.gz")
    words = {"wonderfulness": 100.0, "amicable": 87.5, "wretched": -87.5, "horrid": -87.5, "sloping": 0.0}
    assert {word: found[word] for word in words} == words


@pytest.mark.parametrize("name", ["pattern", "vader", "afinn"])
def test_an_installed_lexicon_knows_good_from_bad(name):
    pytest.importorskip({"pattern": "textblob", "vader": "vaderSentiment", "afinn": "afinn"}[name])
    found = lexicon(name)
    assert len(found) > 2000
    assert all(-100 <= score <= 100 for score in found.values())
    assert found["wonderful"] > 20
    assert found["horrible"] < -20


def test_what_cannot_be_is_told(tmp_path):
    with pytest.raises(BadUse, match="did you mean 'vader'"):
        lexicon("vadr")
    with pytest.raises(BadUse, match="needs its file"):
        lexicon("sentiwordnet")
    with pytest.raises(BadUse, match="cannot be read"):
        lexicon("sentiwordnet", tmp_path / "absent.txt")
    (tmp_path / "empty.txt").write_text("# nothing\n")
    with pytest.raises(BadUse, match="has no synsets"):
        lexicon("sentiwordnet", tmp_path / "empty.txt")
    (tmp_path / "other.txt").write_text("a\tb\tc\n")
    with pytest.raises(BadUse, match=r"line 1 of .* is no synset"):
        lexicon("sentiwordnet", tmp_path / "other.txt")
