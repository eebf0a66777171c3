"""Records of labels: what is read, what is refused, and rankings that contradict each other."""

import hashlib
import itertools
import json

import pytest

from foretell.align.record_files import as_line, parse, read_records, write_records
from foretell.align.records import (
    Candidates,
    Demonstration,
    Output,
    Prompt,
    Ranking,
    Turn,
    competition,
    content_id,
    is_competition,
    is_dense,
    prompt_id,
    record_id,
)
from foretell.errors import BadUse


def ranking(ranks=(1, 2), texts=("a", "b"), **more):
    told = {"prompt_id": "p", "group_id": "g", "split": "train", "prompt": "Say a letter.", "labeller": "kim"}
    return Ranking(outputs=tuple(Output(text=text) for text in texts), ranks=ranks, **{**told, **more})


FULL = Ranking(
    prompt_id="0123456789abcdef",
    group_id="org",
    split="valid",
    prompt=(Turn(role="system", content="Be brief."), Turn(role="user", content="Hallo, Welt \u00fc")),
    outputs=(
        Output(
            text="x",
            model="m",
            checkpoint="c",
            temperature=0.7,
            seed=2**40,
            likert=7,
            flags={"violent": False},
            order=1,
        ),
        Output(text="y", order=0),
    ),
    ranks=(1, 1),
    labeller="kim",
    labeller_group="a",
    instructions="v2",
    seconds=3.5,
)


def test_a_record_is_written_as_the_exchange_format_has_it():
    told = json.loads(as_line(FULL))
    assert list(told) == [
        *("prompt_id", "group_id", "split", "prompt", "outputs", "ranks", "labeller", "labeller_group"),
        *("instructions", "seconds"),
    ]
    assert list(told["outputs"][0]) == [
        *("text", "model", "checkpoint", "temperature", "seed", "likert", "flags", "order"),
    ]
    assert told["prompt"][1] == {"role": "user", "content": "Hallo, Welt \u00fc"}
    assert json.loads(as_line(ranking(extra={"confidence": 4})))["extra"] == {"confidence": 4}


@pytest.mark.parametrize(
    "record",
    [
        FULL,
        ranking(),
        Demonstration(prompt_id="p", group_id="g", split="train", prompt="Say.", completion=""),
        Prompt(text="Say.", tags={"ambiguous": True}),
        Candidates(prompt="Say.", outputs=(Output(text="a"),)),
    ],
)
def test_what_is_written_is_read_again(record, tmp_path):
    path = tmp_path / "records.jsonl"
    digest = write_records(path, [record, record])
    assert read_records(path, type(record)) == [record, record]
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (tmp_path / "records.jsonl.sha256").read_text() == f"{digest}  records.jsonl\n"


def test_a_file_that_was_changed_is_refused(tmp_path):
    path = tmp_path / "rankings.jsonl"
    write_records(path, [ranking()])
    path.write_text(path.read_text().replace("[1, 2]", "[2, 1]"))
    with pytest.raises(BadUse, match=r"is not the file that rankings.jsonl.sha256 is of"):
        read_records(path, Ranking)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("[1, 2]", "[1, 1.5]", "ranks.1: Input should be a valid integer"),
        ("[1, 2]", "[1]", "ranks: 1 for 2 outputs; give one for each"),
        ("[1, 2]", "[0, 1]", "ranks: [0, 1] are none of 1 to 2 that start at 1"),
        ("[1, 2]", "[2, 2]", "ranks: [2, 2] are none of 1 to 2 that start at 1"),
        ("[1, 2]", "[true, 2]", "ranks.0: Input should be a valid integer, got true"),
        ('"likert": null', '"likert": 8', "outputs.0: likert: 8 is none of 1 to 7"),
        ('"likert": null', '"likert": "7"', "outputs.0.likert: Input should be a valid integer"),
        ('"flags": {}', '"flags": {"violent": 1}', "outputs.0.flags.violent: Input should be a valid boolean, got 1"),
        ('"order": null', '"order": -1', "outputs.0: order: -1 is no place"),
        ('"labeller"', '"labeler"', "labeler: no field is called so; did you mean 'labeller'?"),
        ('"split": "train"', '"split": "test"', "split: Input should be 'train', 'valid' or ''"),
        ('"prompt": "Say a letter."', '"prompt": []', "prompt: it is empty"),
        ('"prompt": "Say a letter."', '"prompt": [{"role": "bot", "content": "x"}]', "prompt.0.role: Input should be"),
        (
            '"prompt": "Say a letter."',
            '"prompt": [{"role": "assistant", "content": "x"}]',
            "its last turn is the assis",
        ),
        ('"seconds": null', '"seconds": -1', "seconds: -1.0 is no time"),
        ('"seconds": null', '"seconds": NaN', "seconds: nan is no time"),
        ('"group_id": "g", ', "", "group_id: "),
        ("{", "{{", "Invalid JSON"),
    ],
)
def test_a_wrong_field_is_named_with_its_line(old, new, why, tmp_path):
    good = as_line(ranking())
    assert old in good
    path = tmp_path / "r.jsonl"
    path.write_text(good + "\n\n" + good.replace(old, new, 1) + "\n")
    with pytest.raises(BadUse) as error:
        read_records(path, Ranking)
    assert str(error.value).startswith(f"{path}, line 3: ")
    assert why in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("n", [0, 1, 10])
def test_fewer_than_two_or_more_than_nine_outputs_are_refused(n):
    with pytest.raises(ValueError, match=f"outputs: {n} of them; 2 to 9 can be ranked"):
        ranking(tuple(range(1, n + 1)), [str(i) for i in range(n)])
    assert len(ranking(tuple(range(1, 10)), "abcdefghi").outputs) == 9


def test_a_file_that_is_none_is_told_in_one_line(tmp_path):
    for name, content, why in [("a", b"", "holds no ranking"), ("b", b"\xff", "UTF-8"), ("c.gz", b"x", "no whole .gz")]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadUse, match=why):
            read_records(tmp_path / name, Ranking)
    with pytest.raises(BadUse, match="does not exist"):
        read_records(tmp_path / "nothing", Ranking)


def test_ranks_may_be_counted_with_or_without_gaps_and_in_no_other_way():
    assert ranking((1, 2, 2, 4), "abcd")
    assert ranking((1, 2, 2, 3), "abcd")
    for ranks in itertools.product(range(1, 5), repeat=4):
        order = sorted(set(ranks))
        dense = tuple(order.index(rank) + 1 for rank in ranks)
        gaps = tuple(sorted(ranks).index(rank) + 1 for rank in ranks)
        assert (is_dense(ranks), is_competition(ranks)) == (ranks == dense, ranks == gaps)
        if ranks not in (dense, gaps):
            with pytest.raises(ValueError, match="ranks: "):
                ranking(ranks, "abcd")


def test_scores_become_ranks_with_ties():
    assert competition([1.5, 2.0, 0.0, 2.0]) == (3, 1, 4, 1)


def test_an_id_follows_from_what_is_said_alone():
    one_turn = (Turn(role="user", content="Say."),)
    assert prompt_id("Say.") == prompt_id(one_turn) == Prompt(text="Say.", user="kim").prompt_id
    assert prompt_id("Say.") == hashlib.sha256(b'[["user","Say."]]').hexdigest()[:16]
    assert prompt_id((Turn(role="system", content="Say."), *one_turn)) != prompt_id("Say.")
    assert Prompt(text="Say.", prompt_id="mine").prompt_id == "mine"
    assert record_id(ranking()) == record_id(ranking()) != record_id(ranking((1, 1)))
    assert content_id({"a": 1, "b": 2}) == content_id({"b": 2, "a": 1})


def test_reading_names_the_place():
    with pytest.raises(BadUse, match="here: txt: no field is called so; did you mean 'text'"):
        parse('{"txt": "Say."}', Prompt, "here")
