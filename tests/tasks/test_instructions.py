"""Prompts and demonstrations from text: right by construction, no group on both sides, records that a store reads."""

import json
from dataclasses import replace
from pathlib import Path
from pydoc_data.topics import topics

import pytest

from foretell.align import record_files, records
from foretell.align.prompt_tags import USE_CASES
from foretell.corpus.documents import Document, text_folder
from foretell.corpus.jsonl import read_lines
from foretell.corpus.labels import label_rows
from foretell.errors import BadUse
from foretell.tasks.entries import Entry
from foretell.tasks.instruction_forms import (
    FORMS,
    Around,
    argument_names,
    asked_of,
    n_characters,
    signature_of,
    third_person,
)
from foretell.tasks.instructions import LONGEST, instructions, prompt_id, unambiguous
from foretell.text.chat import answer_ids, prompt_ids, turns_of
from foretell.text.train import train_tokenizer
from tests.prose import write_prose

THINGS = ("record", "table", "window", "signal", "packet", "colour", "thread", "buffer", "cursor", "module")
DEEDS = ("Open", "Copy", "Return", "Remove", "Parse", "Check", "Build", "Sort")


def made_documents(n=60):
    """Modules with functions of two packages, as the documentation of a machine is written."""
    found = []
    for i in range(n):
        name = f"pack{i % 2}.{THINGS[i % 10]}s{i}"
        parts = [
            name,
            f"Work with {THINGS[i % 10]}s.",
            f"class {name}.Kind(size, *more)",
            f"A kind of thing number {i}.",
        ]
        for deed in DEEDS:
            said = f"{deed} the {THINGS[i % 10]} of the {'great ' * (i // 10)}list which the caller has given."
            parts += [f"{name}.{deed.lower()}_it(one, two=(1, 2), *, key='a, b')", f"{said} Returns: the thing itself."]
        text = "\n\n".join(f"{a}\n{b}" for a, b in zip(parts[::2], parts[1::2], strict=True)) + "\n"
        found.append(Document(f"{name.replace('.', '/')}.py", text, f"pack{i % 2}"))
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return instructions(made_documents(), tmp_path_factory.mktemp("made") / "instructions")


def _entry(heading, said, group):
    return Entry(group=group, document="a.py", heading=heading, said=said, whole=" ".join(said))


def test_the_records_are_those_of_the_label_store(made):
    prompts = record_files.read_records(made / "prompts.jsonl", records.Prompt)
    answered = record_files.read_records(made / "demonstrations.jsonl", records.Demonstration)
    asked = {one.prompt_id: one for one in prompts}
    assert len(asked) == len(prompts) > len(answered) > 50
    for one in prompts:
        assert one.prompt_id == records.prompt_id(one.text)
    for one in answered:
        prompt = asked[one.prompt_id]
        assert (prompt.text, prompt.split, prompt.group_id) == (one.prompt, one.split, one.group_id)


def test_no_group_is_on_both_sides_and_both_have_some(made):
    rows = read_lines(made / "prompts.jsonl")
    sides = {side: {row["group_id"] for row in rows if row["split"] == side} for side in ("train", "valid")}
    assert not sides["train"] & sides["valid"]
    assert len(sides["train"]) > len(sides["valid"]) > 0
    assert [len(side) > 4 for side in label_rows(made, "demonstrations")] == [True, True]


def test_use_cases_are_those_of_table_1_and_most_are_there(made):
    assert tuple(FORMS) == USE_CASES
    assert sum(share for share, _ in FORMS.values()) == pytest.approx(99.9)
    found = {row["use_case"] for row in read_lines(made / "prompts.jsonl")}
    assert {"generation", "open qa", "brainstorming", "chat", "rewrite", "classification"} <= found <= set(USE_CASES)


def test_equal_text_gives_equal_files_in_any_order(made, tmp_path):
    again = instructions(made_documents()[::-1], tmp_path / "again")
    for name in ("prompts.jsonl", "demonstrations.jsonl"):
        assert sorted((again / name).read_text().split("\n")) == sorted((made / name).read_text().split("\n"))
    assert json.loads((made / "card.json").read_text())["n_prompts"]["train"] == len(label_rows(made, "prompts")[0])


def test_all_fit_a_context_of_128_with_a_vocabulary_of_4096(made):
    """As long as the paper's smallest text would allow: here the vocabulary is learnt from Python's own help."""
    tokenizer = train_tokenizer("bpe", list(topics.values()), 4096, quiet=True)
    for row in read_lines(made / "demonstrations.jsonl"):
        assert n_characters(row["prompt"], row["completion"]) <= LONGEST
        ids = prompt_ids(tokenizer, turns_of(row["prompt"])) + answer_ids(tokenizer, row["completion"])
        assert len(ids) - 1 <= 128


F = "os.path.join(a, *parts, sep=', ', key=(1, 2))"
RETURN = ("Return the joined name.", "It is new.")


@pytest.mark.parametrize(
    ("use_case", "heading", "said", "prompts"),
    [
        (
            "generation",
            F,
            RETURN,
            {
                "Write the signature of a function: Return the joined name.": "join(a, *parts, sep=', ', key=(1, 2))",
                f"Write the documentation of {F}": "Return the joined name.",
            },
        ),
        ("generation", "class a.B", RETURN, {"Write the documentation of class a.B": "Return the joined name."}),
        ("generation", "He went.", ("He came.",), {"Continue: He went.": "He came."}),
        ("open qa", F, RETURN, {"What does os.path.join do?": "Return the joined name."}),
        ("open qa", "class a.B", ("A thing.",), {"What is a.B?": "A thing."}),
        ("open qa", "He went.", ("He came.",), {"Which text says: He went.": "a.py"}),
        ("brainstorming", F, RETURN, {"List 3 names from os.path.": "join, split, walk"}),
        (
            "brainstorming",
            "Yesterday somebody went.",
            ("He came.",),
            {"List 2 long words of: Yesterday somebody went.": "Yesterday, somebody"},
        ),
        ("rewrite", F, RETURN, {"Rewrite as a full sentence: Return the joined name.": "It returns the joined name."}),
        ("rewrite", F, ("A name.",), {}),
        ("rewrite", "He went.", ("He came.",), {"Write in capitals: He went.": "HE WENT."}),
        (
            "summarization",
            F,
            RETURN,
            {"Summarize in one sentence: Return the joined name. It is new.": "Return the joined name."},
        ),
        ("summarization", F, RETURN[:1], {}),
        ("other", F, RETURN, {"Complete the sentence: Return the": "joined name."}),
        ("closed qa", F, RETURN, {"Return the joined name. It is new.\nWhat does it return?": "The joined name."}),
        (
            "closed qa",
            F,
            ("Joins.", "Returns: one name."),
            {"Joins. Returns: one name.\nWhat does it return?": "One name."},
        ),
        ("closed qa", F, ("A name.",), {}),
        ("closed qa", "One.", ("Two.", "Three."), {"One. Two. Three.\nWhat follows after: Two.": "Three."}),
        ("closed qa", "One.", ("Two.",), {}),
        ("extract", F, RETURN, {f"List the arguments: {F}": "a, parts, sep, key"}),
        ("extract", "class a.B", RETURN, {}),
        ("extract", "Then he went.", ("He came.",), {"What is the last word of: Then he went.": "went"}),
        ("classification", F, RETURN, {"Which package is this from, pack0 or pack1? Return the joined name.": "pack0"}),
    ],
)
def test_each_form_asks_and_answers(use_case, heading, said, prompts):
    around = Around(names=("join", "split", "walk"), other="pack1")
    found = [form(_entry(heading, said, "pack0"), signature_of(heading), around) for form in FORMS[use_case][1]]
    found = dict(one for one in found if one)
    turned = {prompt.replace("pack1 or pack0", "pack0 or pack1"): answer for prompt, answer in found.items()}
    assert turned == prompts


def test_a_conversation_asks_again():
    (form,) = FORMS["chat"][1]
    turns, answer = form(_entry(F, RETURN, ""), signature_of(F), Around(names=(), other=""))
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert turns[1]["content"] == RETURN[0]
    assert answer == "It takes a, parts, sep, key."
    none = form(_entry("a.b()", RETURN, ""), signature_of("a.b()"), Around(names=(), other=""))
    assert none[1] == "It takes none."


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("", ()),
        ("a, b=1", ("a", "b")),
        ("a, /, *, b", ("a", "b")),
        ("*args, **kwargs", ("args", "kwargs")),
        ("a=(1, 2), b=[x, {y: z, w: v}], c=', d='", ("a", "b", "c")),
        ("a=f(g(1, 2), 3), b", ("a", "b")),
    ],
)
def test_the_names_of_arguments_are_read_off_a_signature(given, names):
    assert argument_names(given) == names


@pytest.mark.parametrize(
    ("verb", "third"),
    [("return", "returns"), ("parse", "parses"), ("copy", "copies"), ("display", "displays"), ("process", "processes")],
)
def test_verbs_are_inflected(verb, third):
    assert third_person(verb) == third


def test_the_shares_of_use_cases_are_followed_where_all_fit():
    around = Around(names=("join", "split"), other="pack1")
    found = [
        asked_of(_entry(F, (f"Return the name of number {i}.", "It is new."), "pack0"), around, 1000)
        for i in range(3000)
    ]
    for use_case, (share, _) in FORMS.items():
        n = sum(one.use_case == use_case for one in found)
        assert n / 3000 == pytest.approx(share / 99.9, abs=0.03)
    assert asked_of(_entry(F, RETURN, ""), around, 10) is None


def test_a_prompt_with_two_answers_is_nobodys():
    around = Around(names=("a", "b"), other="")
    same = [
        (_entry(F, (said,), ""), asked_of(_entry(F, (said,), ""), around, 1000))
        for said in ("Return it.", "Return it.")
    ]
    assert len(unambiguous(same)) == 1
    two = [same[0], (same[0][0], replace(same[0][1], completion="another"))]
    assert unambiguous(two) == []


@pytest.mark.parametrize(
    "prompt",
    ["A question?", "\u2603 \u4e2d", [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]],
)
def test_ids_are_those_of_the_store(prompt):
    turns = prompt if isinstance(prompt, str) else tuple(records.Turn(**turn) for turn in prompt)
    assert prompt_id(prompt) == records.prompt_id(turns)


def test_any_text_with_sentences_will_do(tmp_path):
    folder = instructions(text_folder(write_prose(tmp_path / "text")), tmp_path / "made")
    rows = read_lines(folder / "prompts.jsonl")
    assert len({row["use_case"] for row in rows}) >= 5
    sides = [{row["group_id"] for row in rows if row["split"] == side} for side in ("train", "valid")]
    assert not sides[0] & sides[1]


def test_a_single_text_is_cut_into_stretches_and_not_asked_which_text_it_is(tmp_path):
    files = text_folder(write_prose(tmp_path / "text"))
    whole = Document("book.txt", "\n".join(one.text for one in files), "book")
    rows = read_lines(instructions([whole], tmp_path / "made") / "prompts.jsonl")
    assert len({row["group_id"] for row in rows}) > 20
    assert not {"open qa", "classification"} & {row["use_case"] for row in rows}
    assert {row["split"] for row in rows} == {"train", "valid"}


def test_too_little_text_is_told(tmp_path):
    with pytest.raises(BadUse, match=r"the text gives 0 prompts in train, at least 32 are needed: give 60 kB"):
        instructions([Document("a", "A short text. " * 3, "a")], tmp_path / "made")
    assert not Path(tmp_path / "made").exists()
