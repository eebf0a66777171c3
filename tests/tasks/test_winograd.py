import pytest

from foretell.errors import BadUse
from foretell.tasks.item import shown
from tests.tasks.made_rows import check_real, from_hub, loaded

SWEATER = {
    "context_options": ["She thinks the sweater", "She thinks the jacket"],
    "continuation": "looks dowdy on her.",
    "gold": 0,
}


def test_what_follows_both_nouns_is_compared(tmp_path):
    (item,) = loaded(tmp_path, "winograd", winograd_wsc=[SWEATER]).items
    assert item.contexts == ("She thinks the sweater", "She thinks the jacket")
    assert (item.completion, item.gold) == (" looks dowdy on her.", 0)
    assert shown(item) == "She thinks the sweater looks dowdy on her."


@pytest.mark.parametrize(
    ("continuation", "completion"),
    [(".", "."), ("'s hat.", "'s hat."), ('"Dibs!" was slow.', ' "Dibs!" was slow.'), (" was slow.", " was slow.")],
)
def test_a_closing_sign_follows_without_a_space(tmp_path, continuation, completion):
    rows = [{**SWEATER, "continuation": continuation}]
    assert loaded(tmp_path, "winograd", winograd_wsc=rows).items[0].completion == completion


def test_winograd_draws_its_demonstrations_from_the_same_set(tmp_path):
    found = loaded(tmp_path, "winograd", winograd_wsc=[SWEATER] * 3)
    assert [item.id for item in found.items] == ["winograd-0", "winograd-1", "winograd-2"]
    assert not found.pool


@pytest.mark.parametrize(
    ("text", "pronoun", "options", "contexts", "completion"),
    [
        (
            "The trophy is too big for the case because it is small.",
            " it ",
            ["The trophy", "The case"],
            ("... because the trophy", "... because the case"),
            " is small.",
        ),
        ("Ann met Sue. She left.", "She", ["Ann", "Sue"], ("Ann met Sue. Ann", "Ann met Sue. Sue"), " left."),
        ("Bob saw Tom and took his hat.", "his", ["Bob", "Tom"], ("... took Bob's", "... took Tom's"), " hat."),
        (
            "It rained. They left.",
            "They",
            ["The men", "The boys"],
            ("It rained. The men", "It rained. The boys"),
            " left.",
        ),
    ],
)
def test_rows_of_the_hub_have_the_noun_in_the_pronouns_place(monkeypatch, text, pronoun, options, contexts, completion):
    at = text.index(pronoun) + pronoun.startswith(" ")
    row = {"text": text, "pronoun": pronoun.strip(), "pronoun_loc": at, "options": options, "label": 1}
    (item,) = from_hub(monkeypatch, "winograd", {("winograd_wsc", "wsc273", "test"): [row]}).items
    assert (item.completion, item.gold) == (completion, 1)
    for said, context in zip(item.contexts, contexts, strict=True):
        assert said.endswith(context.removeprefix("..."))
        assert said.startswith(text[:8])


def test_the_blank_of_winogrande_is_filled_with_both_nouns(monkeypatch):
    row = {
        "sentence": "Sarah is taller than Maria so _ is tall.",
        "option1": "Sarah",
        "option2": "Maria",
        "answer": "1",
    }
    train = [{**row, "sentence": "Sarah met Maria after _ left."}]
    hub = {
        ("allenai/winogrande", "winogrande_xl", split): rows
        for split, rows in (("validation", [row]), ("train", train))
    }
    found = from_hub(monkeypatch, "winogrande", hub)
    (item,) = found.items
    assert item.contexts == ("Sarah is taller than Maria so Sarah", "Sarah is taller than Maria so Maria")
    assert (item.completion, item.gold) == (" is tall.", 0)
    assert [one.contexts[1] for one in found.pool] == ["Sarah met Maria after Maria"]


@pytest.mark.parametrize(("task", "file"), [("winograd", "winograd_wsc"), ("winogrande", "winogrande")])
def test_both_versions_of_a_sentence_are_kin(tmp_path, task, file):
    rows = [{**SWEATER, "context_options": [f"{n} a long sentence said of A", f"{n} of B"]} for n in "1122334455"]
    items = loaded(tmp_path, task, **{file: rows}).items
    assert [one.contexts[0][0] == other.contexts[0][0] for one in items for other in items] == [
        one.kin == other.kin for one in items for other in items
    ]


def test_a_row_without_text_is_left_out_and_counted(tmp_path):
    rows = [SWEATER, {**SWEATER, "continuation": " "}, {**SWEATER, "context_options": ["", "x"]}]
    found = loaded(tmp_path, "winograd", winograd_wsc=rows)
    assert [item.id for item in found.items] == ["winograd-0"]
    assert found.origin == "winograd_wsc.jsonl, 2 rows without text left out"


def test_a_row_that_names_no_noun_is_refused(tmp_path):
    with pytest.raises(BadUse, match="winograd-0 says that option 2 is right"):
        loaded(tmp_path, "winograd", winograd_wsc=[{**SWEATER, "gold": 2}])
    row = {"sentence": "a _ b", "option1": "x", "option2": "y", "answer": ""}
    with pytest.raises(BadUse, match="winogrande-0 has the label ''; it must be one of '1', '2'"):
        loaded(tmp_path, "winogrande", winogrande=[row])


def test_the_real_files_are_read(shared_data):
    check_real("winograd", shared_data, 200)
    found = check_real("winogrande", shared_data, 894)
    assert {item.gold for item in found.items} == {0, 1}
    assert not [item for item in found.items if item.completion.startswith(" .")]
