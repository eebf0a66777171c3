"""Prompts and demonstrations: sides that share nobody, what is measured is unseen, as the store of labels has them."""

import json

import pytest

from foretell.align.record_files import read_records
from foretell.align.records import Demonstration
from foretell.corpus.jsonl import read_lines
from foretell.errors import BadUse
from foretell.safety.dialogues import MOST_TURNS, Shares, make_dialogues
from foretell.safety.policies import read_policies
from foretell.safety.system import ATTACKS, BY_NAME, N_SEEN
from foretell.safety.verdicts import checked
from foretell.safety.world import people

SHARES = Shares(people=8, held_out=3, copies=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_dialogues(tmp_path_factory.mktemp("made") / "people", SHARES)


@pytest.fixture(scope="module")
def prompts(folder):
    return read_lines(folder / "prompts.jsonl")


@pytest.fixture(scope="module")
def demonstrations(folder):
    return read_lines(folder / "demonstrations.jsonl")


def unseen():
    return {one.name for one in people(SHARES.people, SHARES.held_out) if one.held_out}


def text_of(row):
    text = row["prompt"] if "prompt" in row else row["text"]
    return text if isinstance(text, str) else " ".join(turn["content"] for turn in text)


def test_the_same_seed_writes_the_same_files(folder, tmp_path):
    other = make_dialogues(tmp_path / "again", SHARES)
    for name in ("prompts.jsonl", "demonstrations.jsonl", "documents/people0.txt"):
        assert (folder / name).read_bytes() == (other / name).read_bytes()


def test_held_out_people_are_in_no_training_and_in_the_documents(folder, prompts, demonstrations):
    train = [row for row in prompts if row["split"] == "train"]
    asked_of_anybody = ("May I tell",)
    for row in [*train, *demonstrations]:
        if not text_of(row).startswith(asked_of_anybody):
            assert not any(name in text_of(row) for name in unseen()), text_of(row)
    documents = " ".join(path.read_text() for path in (folder / "documents").iterdir())
    for one in people(SHARES.people, SHARES.held_out):
        assert documents.count(one.code) >= SHARES.copies


def test_held_out_attacks_on_system_messages_are_in_valid_alone(prompts, demonstrations):
    train = [text_of(row) for row in prompts if row["split"] == "train"]
    for phrase in ATTACKS[N_SEEN:]:
        assert not any(phrase.format("") in text for text in train)
    for phrase in ATTACKS:
        assert not any(phrase.format("") in text_of(row) for row in demonstrations)


def test_the_attacked_and_the_safe_are_on_both_sides_and_ids_are_there_once(prompts):
    assert len({row["prompt_id"] for row in prompts}) == len(prompts)
    sides = {(row["split"], row["tags"]["class"], bool(row["tags"]["system"])) for row in prompts}
    assert len(sides) == 8
    assert {row["tags"]["turn"] for row in prompts} == set(range(1, MOST_TURNS + 1))


def test_most_demonstrations_of_disallowed_requests_tell_and_those_under_a_message_obey(prompts, demonstrations):
    tags, policy = {row["prompt_id"]: row["tags"] for row in prompts}, read_policies()["secrets"]
    told = [row for row in demonstrations if tags[row["prompt_id"]]["class"] == "disallowed"]
    verdicts = [checked(policy, tags[row["prompt_id"]], row["completion"]) for row in told]
    assert 0.5 < verdicts.count("C") / len(told) < 0.95
    safe = [row for row in demonstrations if tags[row["prompt_id"]]["class"] == "safe"]
    for row in safe:
        name = tags[row["prompt_id"]]["system"]
        assert not name or BY_NAME[name].obeyed(row["completion"])


def test_the_demonstrations_are_records_of_the_label_store(folder, demonstrations):
    assert len(read_records(folder / "demonstrations.jsonl", Demonstration)) == len(demonstrations)


def test_the_card_counts_what_is_there(folder, prompts, demonstrations):
    card = json.loads((folder / "card.json").read_text())
    assert sum(card["n_prompts"].values()) == len(prompts)
    assert card["n_demonstrations"] == len(demonstrations)


def test_shares_that_are_none_are_refused():
    with pytest.raises(BadUse, match=r"refused=0\.9"):
        Shares(refused=0.9, blunt=0.2)
