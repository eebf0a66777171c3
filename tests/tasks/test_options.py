import pytest

from foretell.errors import BadUse
from foretell.tasks.options import choice, free, labelled_options, listed_options, meant, option, place, spaced


@pytest.mark.parametrize(
    ("text", "said"),
    [("word", " word"), (" word ", " word"), (".", "."), (", and", ", and"), ("'s", "'s"), ('"a"', ' "a"')],
)
def test_text_follows_a_context_with_a_space_unless_it_closes(text, said):
    assert spaced(text) == said


def test_an_option_has_one_space_before_it():
    assert [option(text) for text in ("a", " a", "a\n", ".5")] == [" a", " a", " a", " .5"]


def test_a_question_without_text_is_none():
    assert choice("q", "c", ["a", " "], 0) is None
    assert choice("q", " ", ["a", "b"], 0) is None
    assert free("q", "c", ["", " "]) is None
    assert free("q", "", ["a"]) is None


def test_a_question_ends_its_context_without_a_space():
    item = choice("q", "Answer: ", ["a", "b "], 1, "g")
    assert (item.context, item.options, item.gold, item.group) == ("Answer:", (" a", " b"), 1, "g")


def test_answers_are_told_once():
    assert free("q", "c", ["a", " a", "", "b"]).answers == (" a", " b")


def test_a_label_has_its_place():
    assert place("2", ("1", "2"), "row 1") == 1
    with pytest.raises(BadUse, match="row 1 has the label '3'; it must be one of '1', '2'"):
        place("3", ("1", "2"), "row 1")


@pytest.mark.parametrize(("label", "at"), [(0, 1), (1, 0), (False, 1), ("YES", 0), ("no", 1)])
def test_labels_of_files_and_hub_mean_the_same(label, at):
    assert meant({"label": label}, ((1, "yes"), (0, "no")), "row 1") == at


@pytest.mark.parametrize("label", [None, 2, "", -1])
def test_a_label_that_means_nothing_is_refused(label):
    with pytest.raises(BadUse, match="row 1 has the label"):
        meant({"label": label}, ((1, "yes"), (0, "no")), "row 1")


def test_labels_and_texts_of_the_hub_are_parallel():
    row = {"choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2"}
    assert labelled_options(row, "row") == (["x", "y"], 1)


def test_a_list_of_options_is_taken_out_of_a_query():
    assert listed_options("Q?\nChoices:\nA. one\nB. two\nAnswer: ", "row") == ("Q?\nAnswer:", ["one", "two"])
    assert listed_options("Q?\nA. one\nB. \nAnswer:", "row") == ("Q?\nAnswer:", ["one", ""])


@pytest.mark.parametrize("query", ["Q?\nAnswer:", "A. one\nand\nB. two"])
def test_a_query_without_one_list_is_refused(query):
    with pytest.raises(BadUse, match="row lists no options"):
        listed_options(query, "row")
