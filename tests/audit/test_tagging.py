import pytest

from foretell.audit.tagging import descriptive, tagged, words

pytest.importorskip("textblob")


def test_words_are_in_lower_case_without_marks_and_numbers():
    assert words("He's 27, well-known -- and CAF\u00c9-born!") == ["he's", "well-known", "and", "caf\u00e9-born"]


def test_adjectives_and_adverbs_describe_and_words_of_grammar_do_not():
    said = ["She was very beautiful and not so slow; he quickly ran to the naughty house.", "", "12 --"]
    assert descriptive(said) == [{"beautiful", "slow", "quickly", "naughty"}, set(), set()]


def test_tags_are_of_the_penn_treebank():
    assert tagged(["He ran."])[0] == [("he", "PRP"), ("ran", "VBD")]
