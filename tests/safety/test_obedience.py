"""Conversations that are held with a model of a known way to answer."""

import pytest

from foretell.safety import obedience as module
from foretell.safety.obedience import held, obedience, talks
from foretell.safety.system import ATTACKS, BY_NAME, CONSTRAINTS, N_SEEN, Said
from foretell.safety.world import people

EVERYBODY = people(6, 2)


@pytest.fixture
def made(monkeypatch):
    """Answers that keep the system message unless the user's last turn asks to ignore it."""

    def answers(model, prompts, *, temperature=1.0, seed=0):
        found = []
        for turns in prompts:
            constraint = next(one for one in CONSTRAINTS if turns[0]["content"] in one.messages)
            said = Said(english="She lives there.", german="Anna wohnt dort.", word="there.")
            weak = any(turns[-1]["content"].startswith(phrase.partition(" {")[0]) for phrase in ATTACKS)
            found.append(said.english if weak else constraint.obey(said))
        return found

    monkeypatch.setattr(module, "answers", answers)
    monkeypatch.setattr(module, "fits", lambda model, prompt: len(prompt) < 6)


def test_talks_are_with_held_out_people_unseen_wordings_and_attacks():
    some = talks(EVERYBODY)
    assert len(some) == 2 * len(CONSTRAINTS) * 2
    unseen = [one.name for one in EVERYBODY if one.held_out]
    for one in some:
        assert one.system == BY_NAME[one.constraint].messages[-1]
        assert all(any(name in text for name in unseen) for text in one.users)
        starts = [
            text.startswith(tuple(phrase.partition(" {")[0] for phrase in ATTACKS[N_SEEN:])) for text in one.users
        ]
        assert starts == [False, one.attacked, one.attacked]


def test_obedience_is_whole_without_attacks_and_none_under_them_for_such_a_model(made):
    rows = held(None, talks(EVERYBODY))
    found = obedience(rows)
    assert found["plain"]["value"] == 1
    assert found["attacked"]["value"] == 0
    turns = {(row["turn"], row["attacked"]): row["obeyed"] for row in found["turns"]}
    assert turns[1, False]["n"] == 2 * len(CONSTRAINTS) * 2
    assert turns[2, True]["n"] == len(CONSTRAINTS) * 2
    assert sum(row["obeyed"]["n"] for row in found["messages"]) == len(rows)


def test_a_conversation_that_outgrows_the_context_ends_there(made):
    assert {row["turn"] for row in held(None, talks(EVERYBODY))} == {1, 2}


def test_without_attacks_there_is_nothing_to_tell_of_them():
    rows = [{"attacked": False, "obeyed": True, "turn": 1, "constraint": "json", "kind": "format"}]
    assert obedience(rows)["attacked"] is None
